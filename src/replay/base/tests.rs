//! Base states from every source, prepared, and the patch at the end, in what stands for a sandbox.

use std::process::Command;
use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::model::Action;
use crate::model::Step;
use crate::model::Task;
use crate::model::View;
use crate::replay::Ground as _;
use crate::replay::PatchReplay;
use crate::replay::Same;
use crate::sandbox::Backend as _;
use crate::sandbox::Limits;
use crate::sandbox::testing::plain::Plain;

const SOURCE: &str = "import os\n\ndef f(x):\n    \"\"\"Doc.\n    More.\"\"\"\n    return x\n\ndef g():\n    return 1\n";

/// A folder with a repository, a cache, and the place where the workspace lay.
struct Fixture {
    folder: tempfile::TempDir,
    commit: String,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut fixture = Self {
            folder,
            commit: String::new(),
        };
        let repo = fixture.repo();
        std::fs::create_dir_all(repo.join("pkg/deep")).unwrap();
        std::fs::write(repo.join("pkg/m.py"), SOURCE).unwrap();
        std::fs::write(repo.join("pkg/deep/data"), b"\xff\x00").unwrap();
        std::fs::write(repo.join(".gitignore"), "*.log\nignored\n").unwrap();
        std::fs::write(repo.join("ignored"), "tracked\n").unwrap();
        std::os::unix::fs::symlink("pkg/m.py", repo.join("link")).unwrap();
        fixture.git(&["init", "-q", "."]);
        fixture.git(&["add", "-A", "-f"]);
        fixture.git(&["commit", "-q", "-m", "c"]);
        fixture.commit = fixture.git(&["rev-parse", "HEAD"]).trim().to_owned();
        // what is not committed is not the base
        std::fs::write(repo.join("pkg/m.py"), "uncommitted").unwrap();
        fixture
    }

    fn repo(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    fn git(&self, args: &[&str]) -> String {
        std::fs::create_dir_all(self.repo()).unwrap();
        let run = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@b"])
            .args(args)
            .current_dir(self.repo())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(run.status.success(), "{run:?}");
        String::from_utf8(run.stdout).unwrap()
    }

    fn root(&self) -> String {
        self.folder.path().join("work/o__r").display().to_string()
    }

    fn sources(&self) -> BaseSources {
        BaseSources {
            repositories: Repositories::new(Some(self.repo()), None),
            cache: self.folder.path().join("cache"),
            ..BaseSources::default()
        }
    }

    /// A trajectory of a task; what `instance` does not say is filled in.
    fn trajectory(&self, mut instance: Value, patch: Option<&str>) -> Trajectory {
        let fields = instance.as_object_mut().unwrap();
        fields.insert("base_commit".to_owned(), json!(self.commit));
        fields.insert("repo".to_owned(), json!("o/r"));
        Trajectory {
            instruction: Some(
                format!("<uploaded_files>\n{}\n</uploaded_files>", self.root()).into(),
            ),
            task: Some(Task::from_instance(instance)),
            final_patch: patch.map(Into::into),
            ..Trajectory::default()
        }
    }

    /// Prepares a workspace, lets `sh` do something in it, and makes its patch.
    fn replay(
        &self,
        trajectory: Trajectory,
        sources: &BaseSources,
        preparations: &Arc<Preparations>,
        commands: &str,
    ) -> Replayed {
        let cancel = Cancel::new();
        let preparations = Arc::clone(preparations);
        let limits = Limits::default();
        let made = Workspace::new(Arc::new(trajectory), sources, preparations, limits, &cancel);
        let mut workspace = made.unwrap();
        let mut sandbox = Plain.start(workspace.spec(), &cancel).unwrap();
        let notes = workspace.prepare(sandbox.as_mut(), &cancel).unwrap();
        let ran = run_ours(
            &self.root(),
            &["sh", "-ec", commands],
            sandbox.as_mut(),
            &cancel,
        );
        let ran = ran.unwrap().unwrap();
        assert!(ran.is_ok(), "{}", ran.text());
        let said = ran.text();
        let patch = workspace.patch(sandbox.as_mut(), &cancel).unwrap().unwrap();
        let finished = workspace.finished().lock().unwrap().clone().unwrap();
        Replayed {
            kind: workspace.kind(),
            notes,
            said,
            patch,
            finished,
        }
    }
}

#[derive(Debug)]
struct Replayed {
    kind: BaseKind,
    notes: Vec<String>,
    said: String,
    patch: PatchReplay,
    finished: Finished,
}

impl Replayed {
    fn files(&self) -> Vec<(&str, Option<bool>)> {
        let files = self.patch.files.iter();
        files.map(|file| (file.path.as_str(), file.same)).collect()
    }
}

const ISSUE: fn() -> Value = || json!({"problem_statement": "p", "FAIL_TO_PASS": "[]"});

#[test]
fn a_commit_is_written_out_once_and_shared() {
    let fixture = Fixture::new();
    let trajectory = fixture.trajectory(ISSUE(), None);
    let base = fixture.sources().base(&trajectory, &Cancel::new()).unwrap();
    assert_eq!(
        (base.kind, base.tree.at.as_str()),
        (BaseKind::Repository, fixture.root().as_str())
    );
    let lower = base.tree.lower.clone().unwrap();
    assert_eq!(
        std::fs::read_to_string(lower.join("pkg/m.py")).unwrap(),
        SOURCE
    );
    assert_eq!(
        std::fs::read(lower.join("pkg/deep/data")).unwrap(),
        b"\xff\x00"
    );
    assert_eq!(
        lower.join("link").read_link().unwrap(),
        Path::new("pkg/m.py")
    );
    assert!(!lower.join(".git").exists());
    assert_eq!(base.notes, Vec::<String>::new());
    let again = fixture.sources().base(&trajectory, &Cancel::new()).unwrap();
    assert_eq!(again.tree.lower, Some(lower));
}

#[test]
fn a_replay_that_does_the_same_has_the_same_patch() {
    let fixture = Fixture::new();
    let preparations = Arc::default();
    let edit =
        "printf 'import sys\\n' >> pkg/m.py; echo new > new.txt; echo no > a.log; chmod +x new.txt";
    let first = fixture.replay(
        fixture.trajectory(ISSUE(), None),
        &fixture.sources(),
        &preparations,
        &format!("git log --oneline | wc -l; git status --short; {edit}"),
    );
    // one commit, and nothing is changed before the first call, not even what git ignores
    assert_eq!(first.said.trim(), "1");
    assert_eq!((first.kind, first.notes.len()), (BaseKind::Repository, 0));
    assert_eq!((first.patch.text, first.files()), (None, vec![]));
    let patch = first.patch.patch.to_string();
    assert!(
        patch.contains("+import sys\n") && patch.contains("b/new.txt") && !patch.contains("a.log")
    );
    let again = |recorded: &str, more: &str| {
        let trajectory = fixture.trajectory(ISSUE(), Some(recorded));
        let commands = format!("{edit}; {more}");
        fixture.replay(trajectory, &fixture.sources(), &preparations, &commands)
    };
    let same = again(patch.trim_end(), "");
    assert_eq!(same.patch.text, Some(Same::Exact));
    assert_eq!(
        same.files(),
        [("new.txt", Some(true)), ("pkg/m.py", Some(true))]
    );
    let moved = patch
        .replace("index ", "index f")
        .replace("@@ -", "@@ -1")
        .replace("100755", "100644");
    assert_eq!(again(&moved, "").patch.text, Some(Same::Normalised));
    let other = again(
        &patch,
        "echo more >> new.txt; rm pkg/deep/data; git rm -q link",
    );
    assert_eq!(other.patch.text, Some(Same::Differs));
    assert_eq!(
        other.files(),
        [
            ("link", Some(false)),
            ("new.txt", Some(false)),
            ("pkg/m.py", Some(true))
        ]
    );
    let torn = again(
        &patch
            .replace(" def g():", " def h():")
            .replace(" return 1", " return 2"),
        "",
    );
    assert_eq!(torn.files(), [("new.txt", Some(true)), ("pkg/m.py", None)]);
}

#[test]
fn the_tasks_own_edits_come_before_the_commit() {
    let fixture = Fixture::new();
    let localize = json!({"module_name": "f", "module_type": "function", "file_path": "pkg/m.py",
        "function_description": "d", "docstring_line_start": 3, "docstring_line_end": 4});
    let preparations = Arc::default();
    for _ in 0..2 {
        let replayed = fixture.replay(
            fixture.trajectory(localize.clone(), None),
            &fixture.sources(),
            &preparations,
            "cat pkg/m.py; git log --format=%s; git status --short; git ls-files; sed -i '4i\\    \"New.\"' pkg/m.py",
        );
        let masked = SOURCE.replace("    \"\"\"Doc.\n    More.\"\"\"\n", "");
        // what is ignored is not committed by the harness either
        let files = ".gitignore\nlink\npkg/deep/data\npkg/m.py\n";
        assert_eq!(replayed.said, format!("{masked}Initial commit\n{files}"));
        assert_eq!(replayed.notes, Vec::<String>::new());
        assert!(
            replayed.patch.patch.contains("@@ -1,6 +1,7 @@"),
            "{}",
            replayed.patch.patch
        );
    }
    let generate = json!({"func_name": "f", "file_path": "pkg/m.py", "eval_script": "x"});
    let replayed = fixture.replay(
        fixture.trajectory(generate, None),
        &fixture.sources(),
        &preparations,
        "git log --format=%s; grep -n TODO pkg/m.py; sed -i 's/pass.*/return 7/' pkg/m.py",
    );
    let want = "Initial commit with masked function\n6:    pass  # TODO: Implement this function\n";
    assert_eq!(replayed.said, want);
    let answer = replayed.finished.answer.as_deref();
    assert_eq!(
        answer,
        Some("def f(x):\n    \"\"\"Doc.\n    More.\"\"\"\n    return 7")
    );
}

/// The harness does not commit what is ignored; a task whose answer lies there could not be solved.
#[test]
fn ignored_files_of_a_task_are_committed_for_it_alone() {
    let fixture = Fixture::new();
    let search = |file: &str| {
        json!({"target_function_name": "f", "target_function_file": "pkg/m.py",
        "target_function_line_start": 2, "dependencies": [{"name": "t", "file_path": file}]})
    };
    let preparations = Arc::default();
    let listed = |file: &str| {
        let replayed = fixture.replay(
            fixture.trajectory(search(file), None),
            &fixture.sources(),
            &preparations,
            "git ls-files; git log --format=%s; git status --short; echo new > ignored",
        );
        assert_eq!(replayed.notes, Vec::<String>::new());
        (replayed.said, replayed.patch.patch.contains("+new"))
    };
    let files = ".gitignore\nlink\npkg/deep/data\npkg/m.py\nInitial commit\n";
    let with_own = files.replace("link", "ignored\nlink");
    // what is prepared for one is begun with by the next
    for _ in 0..2 {
        assert_eq!(listed("pkg/m.py"), (files.to_owned(), false));
        assert_eq!(listed("./ignored"), (with_own.clone(), true));
    }
}

#[test]
fn what_does_not_fit_is_told() {
    let fixture = Fixture::new();
    for (instance, says) in [
        (
            json!({"func_name": "none", "file_path": "pkg/m.py", "eval_script": "x"}),
            "not found",
        ),
        (
            json!({"func_name": "f", "file_path": "../m.py", "eval_script": "x"}),
            "outside",
        ),
        (
            json!({"func_name": "f", "file_path": "pkg/n.py", "eval_script": "x"}),
            "No such file",
        ),
    ] {
        let trajectory = fixture.trajectory(instance, None);
        let replayed = fixture.replay(trajectory, &fixture.sources(), &Arc::default(), ":");
        assert_eq!(replayed.notes.len(), 1);
        assert!(replayed.notes[0].contains(says), "{:?}", replayed.notes);
    }
    let mut trajectory = fixture.trajectory(ISSUE(), None);
    trajectory.task.as_mut().unwrap().base_commit = Some("7".repeat(40));
    let base = fixture.sources().base(&trajectory, &Cancel::new()).unwrap();
    assert_eq!(base.kind, BaseKind::Empty);
    assert!(base.notes[0].contains("has no commit"), "{:?}", base.notes);
}

#[test]
fn without_git_the_files_make_the_patch() {
    let fixture = Fixture::new();
    let preparations: Arc<Preparations> = Arc::default();
    let done = "printf 'x\\n' > new; printf 'no end' > \"sp ace\"; rm pkg/deep/data; rm -r link; sed -i 's/return 1/return 2/' pkg/m.py; chmod +x ignored; mkdir empty";
    let trajectory = fixture.trajectory(ISSUE(), None);
    let by_git = fixture.replay(trajectory, &fixture.sources(), &preparations, done);
    let trajectory = fixture.trajectory(ISSUE(), Some(&by_git.patch.patch));
    // the agent did away with it
    let done = format!("{done}; rm -rf .git");
    let by_files = fixture.replay(trajectory, &fixture.sources(), &preparations, &done);
    assert_eq!(
        by_files.patch.text,
        Some(Same::Normalised),
        "{}\n{}",
        by_git.patch.patch,
        by_files.patch.patch
    );
    assert!(
        by_files
            .patch
            .files
            .iter()
            .all(|file| file.same == Some(true))
    );
    assert_eq!(by_files.patch.files.len(), 5);
}

#[test]
fn archives_are_bases() {
    let fixture = Fixture::new();
    let archive = fixture.folder.path().join("a.tar.gz");
    fixture.git(&[
        "archive",
        "--prefix=r-1/",
        "-o",
        archive.to_str().unwrap(),
        "HEAD",
    ]);
    let sources = BaseSources {
        repositories: Repositories::default(),
        archive: Some(archive.clone()),
        ..fixture.sources()
    };
    sources.check().unwrap();
    let trajectory = fixture.trajectory(ISSUE(), None);
    let replayed = fixture.replay(
        trajectory,
        &sources,
        &Arc::default(),
        "cat pkg/m.py; echo x > ignored",
    );
    assert_eq!(
        (replayed.kind, replayed.said.as_str()),
        (BaseKind::Archive, SOURCE)
    );
    assert!(
        replayed.patch.patch.contains("-tracked\n+x\n"),
        "{}",
        replayed.patch.patch
    );
    let missing = BaseSources {
        archive: Some(fixture.folder.path().join("none")),
        ..BaseSources::default()
    };
    assert!(missing.check().is_err());
    let no_rootfs = BaseSources {
        rootfs: Some(fixture.repo()),
        ..BaseSources::default()
    };
    assert!(no_rootfs.check().is_err());
}

#[test]
fn images_are_bases() {
    let fixture = Fixture::new();
    let rootfs = fixture.folder.path().join("rootfs");
    let inside = rootfs.join(fixture.root().trim_start_matches('/'));
    std::fs::create_dir_all(&inside).unwrap();
    std::fs::create_dir_all(rootfs.join("usr")).unwrap();
    let sources = BaseSources {
        rootfs: Some(rootfs.clone()),
        ..BaseSources::default()
    };
    let cancel = Cancel::new();
    let base = sources
        .base(&fixture.trajectory(ISSUE(), None), &cancel)
        .unwrap();
    assert_eq!(
        (base.kind, base.system),
        (BaseKind::Image, System::Rootfs(rootfs))
    );
    assert_eq!(base.tree.lower, Some(inside));
    let named = |image: &str| {
        let instance = json!({"problem_statement": "p", "FAIL_TO_PASS": "[]", "image_name": image});
        let trajectory = fixture.trajectory(instance, None);
        let sources = BaseSources {
            use_images: true,
            cache: fixture.folder.path().join("cache"),
            ..BaseSources::default()
        };
        sources.base(&trajectory, &cancel).unwrap()
    };
    let base = named("ghcr.io/o/r:1");
    assert_eq!(
        (base.kind, base.system),
        (BaseKind::Image, System::Image("ghcr.io/o/r:1".to_owned()))
    );
    for hostile in ["--privileged", "a b", "", "a;b"] {
        assert_eq!(named(hostile).kind, BaseKind::Empty, "{hostile}");
    }
}

#[test]
fn trajectories_are_bases() {
    let fixture = Fixture::new();
    let view = |path: &str, first, text: &str, total| Action {
        view: Some(View {
            path: path.to_owned(),
            first_line: Some(first),
            text: Some(text.into()),
            total_lines: Some(total),
        }),
        ..Action::default()
    };
    let path = |name: &str| format!("{}/{name}", fixture.root());
    let step = Step {
        actions: vec![
            view(&path("whole.py"), 1, "a\nb", 2),
            view(&path("part.py"), 3, "c\nd", 6),
            view("/etc/passwd", 1, "root", 1),
        ],
        ..Step::default()
    };
    let trajectory = Trajectory {
        steps: vec![step],
        final_patch: Some("--- a/whole.py\n+++ b/whole.py\n@@ -1,2 +1,2 @@\n-a\n+A\n b\n".into()),
        ..fixture.trajectory(ISSUE(), None)
    };
    let sources = BaseSources {
        cache: fixture.folder.path().join("cache"),
        ..BaseSources::default()
    };
    let commands = "cat whole.py; grep -n . part.py; sed -i s/a/A/ whole.py";
    let replayed = fixture.replay(trajectory, &sources, &Arc::default(), commands);
    assert_eq!(replayed.kind, BaseKind::Rebuilt);
    assert_eq!(replayed.said, "a\nb\n3:c\n4:d\n");
    assert_eq!(replayed.files(), [("whole.py", Some(true))]);
    let notes = replayed.notes.join("; ");
    assert!(
        notes.contains("2 files, 1 of them in part; at least 4 of their lines"),
        "{notes}"
    );
    assert!(notes.contains("1 files outside"), "{notes}");
}
