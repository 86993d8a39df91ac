//! A workspace made of a repository, in a real sandbox: prepared, worked in, its patch, and the task's check on what was
//! left.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hgview::cancel::Cancel;
use hgview::model::Task;
use hgview::model::Trajectory;
use hgview::model::Verdict;
use hgview::replay::BaseSources;
use hgview::replay::Ground as _;
use hgview::replay::Preparations;
use hgview::replay::Same;
use hgview::replay::Workspace;
use hgview::replay::run_command;
use hgview::sandbox::Backend as _;
use hgview::sandbox::Launch;
use hgview::sandbox::Limits;
use hgview::sandbox::Namespace;
use hgview::sandbox::Streams;
use hgview::verify::replayed;
use hgview::workspace::repositories::Repositories;
use serde_json::json;

use crate::program::git;

#[test]
fn a_repository_is_replayed_in_namespaces() {
    let backend = Namespace::with_program(env!("CARGO_BIN_EXE_hgview"));
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path().join("repo");
    std::fs::create_dir_all(repo.join("pkg")).unwrap();
    std::fs::write(
        repo.join("pkg/m.py"),
        "def f():\n    '''Doc.'''\n    return 1\n",
    )
    .unwrap();
    // what git would run on the host if it ran there
    std::fs::write(repo.join(".gitattributes"), "*.py filter=evil diff=evil\n").unwrap();
    git(&repo, &["init", "-q", "."]);
    git(&repo, &["add", "-A"]);
    git(&repo, &["commit", "-q", "-m", "c"]);
    let commit = git(&repo, &["rev-parse", "HEAD"]);
    let instance = json!({"instance_id": "i", "repo": "o/r", "base_commit": commit.trim(),
        "module_name": "f", "module_type": "function", "file_path": "pkg/m.py",
        "function_description": "d", "docstring_line_start": 1, "docstring_line_end": 1});
    let sources = BaseSources {
        repositories: Repositories::new(Some(repo), None),
        cache: folder.path().join("cache"),
        ..BaseSources::default()
    };
    let preparations: Arc<Preparations> = Arc::default();
    let cancel = Cancel::new();
    let mut recorded: Option<String> = None;
    // the second time from what was kept of the first
    for _ in 0..2 {
        let trajectory = Trajectory {
            task: Some(Task::from_instance(instance.clone())),
            final_patch: recorded.as_deref().map(Into::into),
            ..Trajectory::default()
        };
        let kept = Arc::clone(&preparations);
        let trajectory = Arc::new(trajectory);
        let mut workspace =
            Workspace::new(trajectory, &sources, kept, Limits::default(), &cancel).unwrap();
        let root = format!("/workspace/o__r__{}", commit.get(..8).unwrap());
        assert_eq!(workspace.root(), root);
        let mut sandbox = backend.start(workspace.spec(), &cancel).unwrap();
        let notes = workspace.prepare(sandbox.as_mut(), &cancel).unwrap();
        assert_eq!(notes, Vec::<String>::new());
        let script = "git status --short; git log --format=%s; cat pkg/m.py; printf 'x\\n' > new; \
                      sed -i \"1a\\    'New.'\" pkg/m.py; \
                      git config filter.evil.clean 'touch /tmp/evil; cat'; chmod +x new";
        let launch = Launch {
            argv: ["sh", "-ec", script].map(str::to_owned).to_vec(),
            cwd: root.clone(),
            env: Vec::new(),
            streams: Streams::Pipe,
        };
        let bounds = (Duration::from_mins(1), 1 << 20);
        let ran = run_command(sandbox.as_mut(), &launch, bounds, &cancel).unwrap();
        assert_eq!(ran.text(), "Initial commit\ndef f():\n    return 1\n");
        let patch = workspace.patch(sandbox.as_mut(), &cancel).unwrap().unwrap();
        assert!(!Path::new("/tmp/evil").exists());
        if recorded.is_some() {
            assert_eq!(patch.text, Some(Same::Exact));
            let files = patch.files.iter();
            let files: Vec<_> = files.map(|file| (file.path.as_str(), file.same)).collect();
            assert_eq!(files, [("new", Some(true)), ("pkg/m.py", Some(true))]);
        }
        recorded = Some(patch.patch.to_string());
        let finished = workspace.finished().lock().unwrap().clone().unwrap();
        for (line, want) in [
            ("test -x new && grep New pkg/m.py", Verdict::Accept),
            ("false", Verdict::Reject),
        ] {
            let command = replayed::Command::new(line);
            let bounds = (2, Duration::from_mins(1));
            let said = replayed::by_command(&command, &finished, &backend, &root, bounds, &cancel);
            let said = said.unwrap();
            assert_eq!((said.verdict, said.runs), (want, 2), "{said:?}");
        }
    }
}
