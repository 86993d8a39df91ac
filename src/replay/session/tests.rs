//! Sessions over a sandbox whose files are a map and a tool that writes into it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use super::*;
use crate::model::ContentHash;
use crate::model::Observation;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Value;
use crate::sandbox::Content;
use crate::sandbox::Entry;
use crate::sandbox::FileError;
use crate::sandbox::FileKind;
use crate::sandbox::Files;
use crate::sandbox::Found;
use crate::sandbox::Launch;
use crate::sandbox::Layer;
use crate::sandbox::Meta;
use crate::sandbox::Process;
use crate::sandbox::Tree;

const ENOENT: i32 = 2;

/// Files in memory; nothing runs in it.
#[derive(Default)]
struct Memory {
    files: BTreeMap<String, Vec<u8>>,
    is_dead: bool,
}

impl Files for Memory {
    fn meta(&mut self, path: &str) -> Result<Option<Meta>, FileError> {
        Ok(self.files.get(path).map(|bytes| Meta {
            kind: FileKind::File,
            len: bytes.len() as u64,
            mode: 0o644,
        }))
    }

    fn read(&mut self, path: &str, _most: u64) -> Result<Vec<u8>, FileError> {
        let found = self.files.get(path).cloned();
        found.ok_or_else(|| FileError::of_errno(ENOENT))
    }

    fn write(&mut self, path: &str, bytes: &[u8], _mode: Option<u32>) -> Result<(), FileError> {
        self.files.insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn set_mode(&mut self, _path: &str, _mode: u32) -> Result<(), FileError> {
        Ok(())
    }

    fn make_dirs(&mut self, _path: &str) -> Result<(), FileError> {
        Ok(())
    }

    fn remove(&mut self, path: &str) -> Result<(), FileError> {
        self.files.remove(path);
        Ok(())
    }

    fn rename(&mut self, _from: &str, _to: &str) -> Result<(), FileError> {
        Err(FileError::other("not here"))
    }

    fn list(&mut self, _path: &str, _depth: usize, _most: usize) -> Result<Vec<Found>, FileError> {
        Ok(Vec::new())
    }
}

impl Sandbox for Memory {
    fn tier(&self) -> Tier {
        Tier::Namespace
    }

    fn proofs(&self) -> &[Proof] {
        &[]
    }

    fn spawn(&mut self, _launch: &Launch) -> Result<Box<dyn Process>> {
        Err(Error::limit("no processes here"))
    }

    fn files(&mut self) -> &mut dyn Files {
        self
    }

    fn layer(&mut self, _known: Option<&Layer>) -> Result<Layer> {
        if self.is_dead {
            return Err(Error::limit("it is dead"));
        }
        let entries = self.files.iter().map(|(path, bytes)| {
            let content = Content::new(bytes.as_slice());
            let entry = Entry::File {
                mode: 0o644,
                content,
            };
            (path.as_bytes().to_vec(), entry)
        });
        Ok(Layer {
            entries: entries.collect(),
        })
    }

    fn kill(&mut self) {
        self.is_dead = true;
    }
}

#[derive(Default)]
struct MemoryBackend {
    started: AtomicUsize,
    is_refused: bool,
}

impl Backend for MemoryBackend {
    fn tier(&self) -> Tier {
        Tier::Namespace
    }

    fn start(&self, spec: &Spec, _cancel: &Cancel) -> Result<Box<dyn Sandbox>> {
        if self.is_refused {
            return Err(Error::limit("no namespaces"));
        }
        self.started.fetch_add(1, Ordering::Relaxed);
        let mut sandbox = Memory::default();
        for (path, entry) in spec.layer.iter().flat_map(|layer| &layer.entries) {
            if let Entry::File { content, .. } = entry {
                let path = String::from_utf8(path.clone()).unwrap();
                sandbox.files.insert(path, content.bytes.to_vec());
            }
        }
        Ok(Box::new(sandbox))
    }
}

struct Plain {
    spec: Spec,
}

impl Plain {
    fn boxed() -> Box<Self> {
        let tree = Tree {
            at: "/w".to_owned(),
            lower: None,
        };
        Box::new(Self {
            spec: Spec {
                trees: vec![tree],
                ..Spec::default()
            },
        })
    }
}

impl Ground for Plain {
    fn kind(&self) -> BaseKind {
        BaseKind::Empty
    }

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn root(&self) -> &'static str {
        "/w"
    }

    fn prepare(&mut self, sandbox: &mut dyn Sandbox, _cancel: &Cancel) -> Result<Vec<String>> {
        sandbox.files().write("/w/base", b"base", None).unwrap();
        Ok(vec!["no base".to_owned()])
    }

    fn patch(
        &mut self,
        sandbox: &mut dyn Sandbox,
        _cancel: &Cancel,
    ) -> Result<Option<PatchReplay>> {
        let text = sandbox.files().read("/w/log", 100).unwrap_or_default();
        sandbox.files().write("/w/staged", b"x", None).unwrap();
        Ok(Some(PatchReplay {
            patch: String::from_utf8(text).unwrap().into(),
            text: None,
            files: Vec::new(),
        }))
    }
}

/// Appends the name of each call to `/w/log` and shows the file, and how many calls it has run. `think` does nothing,
/// `browse` cannot be run, `die` kills the sandbox, `touch` shows nothing.
struct Appends {
    count: usize,
    ran: Arc<Mutex<Vec<String>>>,
}

impl Tool for Appends {
    fn run(
        &mut self,
        call: &Call<'_>,
        sandbox: &mut dyn Sandbox,
        live: &mut dyn FnMut(&[u8]),
        cancel: &Cancel,
    ) -> Result<Reply> {
        let name = call.action.tool.as_str();
        self.ran.lock().unwrap().push(name.to_owned());
        match name {
            "think" => return Ok(Reply::nothing()),
            "browse" => return Ok(Reply::not_replayable("a browser")),
            "die" => return Err(Error::limit("the sandbox died")),
            "stop" => cancel.cancel(),
            _ => {}
        }
        self.count += 1;
        let files = sandbox.files();
        let mut log = files.read("/w/log", 1000).unwrap_or_default();
        log.extend_from_slice(name.as_bytes());
        files.write("/w/log", &log, None).unwrap();
        live(name.as_bytes());
        Ok(Reply::text(format!(
            "{}{}",
            String::from_utf8(log).unwrap(),
            self.count
        )))
    }

    fn save(&mut self, _sandbox: &mut dyn Sandbox) -> Result<Saved> {
        Ok(Saved {
            state: self.count.to_string().into_bytes(),
            lost: Vec::new(),
        })
    }

    fn restore(&mut self, saved: &Saved, _sandbox: &mut dyn Sandbox) -> Result<()> {
        let count = String::from_utf8(saved.state.clone()).unwrap();
        self.count = count.parse().unwrap_or(0);
        Ok(())
    }
}

/// One step a call, with what it shows when all goes as recorded.
fn trajectory(calls: &[&str]) -> Trajectory {
    let mut log = String::new();
    let mut count = 0;
    let steps = calls.iter().map(|name| {
        let mut action = Action::new(None, *name, Value::Null);
        if !["think", "browse", "stop"].contains(name) {
            log.push_str(name.trim_end_matches('!'));
            count += 1;
        }
        let told = if name.ends_with('!') {
            "other".to_owned()
        } else {
            format!("{log}{count}")
        };
        action.observation = Some(Observation::text(told));
        action.tool = name.trim_end_matches('!').to_owned();
        Step {
            actions: vec![action],
            ..Step::new(StepKind::Agent)
        }
    });
    Trajectory {
        steps: steps.collect(),
        ..Trajectory::default()
    }
}

struct Run {
    session: Session,
    backend: Arc<MemoryBackend>,
    ran: Arc<Mutex<Vec<String>>>,
}

fn record() -> RecordRef {
    RecordRef {
        sha256: ContentHash::of(b"x"),
        id: "x".into(),
        path: "x.jsonl".into(),
        nth: 1,
    }
}

fn session(calls: &[&str], keep_bytes: u64) -> Run {
    session_of(trajectory(calls), keep_bytes)
}

fn session_of(trajectory: Trajectory, keep_bytes: u64) -> Run {
    let backend = Arc::new(MemoryBackend::default());
    let ran = Arc::new(Mutex::new(Vec::new()));
    let tool = Appends {
        count: 0,
        ran: Arc::clone(&ran),
    };
    let options = Options {
        keep_bytes,
        ..Options::default()
    };
    let session = Session::new(
        record(),
        Arc::new(trajectory),
        Plain::boxed(),
        Box::new(tool),
        Arc::clone(&backend) as Arc<dyn Backend>,
        options,
    );
    Run {
        session: session.unwrap(),
        backend,
        ran,
    }
}

impl Run {
    fn all(&mut self, until: Until) -> Stopped {
        self.session.run(until, &mut |_| {}, &Cancel::new())
    }

    fn verdicts(&self) -> Vec<&'static str> {
        let done = self.session.done();
        done.iter().map(|call| call.verdict.name()).collect()
    }

    fn log(&mut self) -> String {
        let log = self.session.file("log", 1000, &Cancel::new()).unwrap();
        String::from_utf8(log).unwrap()
    }
}

#[test]
fn all_calls_in_order() {
    let mut run = session(&["a", "think", "b", "c"], 1 << 20);
    assert_eq!(
        run.backend.started.load(Ordering::Relaxed),
        0,
        "nothing before it is asked for"
    );
    assert_eq!(run.all(Until::End), Stopped::AtEnd);
    assert_eq!(run.verdicts(), ["match", "no-op", "match", "match"]);
    let told = run.session.result(&Cancel::new());
    assert!(told.is_reproduced());
    assert_eq!(told.error, None);
    assert_eq!(told.notes, ["no base"]);
    assert_eq!(&*told.patch.unwrap().patch, "abc");
    assert!(told.calls.iter().all(|call| call.observation.is_none()));
}

#[test]
fn behind_a_divergence_calls_are_marked() {
    let mut run = session(&["a", "b!", "c", "browse", "d"], 1 << 20);
    assert_eq!(run.all(Until::Divergence), Stopped::There);
    assert_eq!(run.session.position(), 2);
    assert_eq!(run.session.first_divergence(), Some(1));
    assert_eq!(run.all(Until::Divergence), Stopped::There, "the next one");
    assert_eq!(run.all(Until::End), Stopped::AtEnd);
    assert_eq!(
        run.verdicts(),
        ["match", "drift", "match", "not-replayable", "match"]
    );
    let marked: Vec<bool> = run
        .session
        .done()
        .iter()
        .map(|call| call.after_divergence)
        .collect();
    assert_eq!(marked, [false, false, true, true, true]);
    let told = run.session.result(&Cancel::new());
    assert_eq!(told.first_divergence, Some(1));
    assert!(!told.is_reproduced());
    assert_eq!(told.calls[1].observation.as_deref(), Some("ab2"));
    assert_eq!(
        told.calls[1].why.as_deref(),
        Some("line 1: `ab2`, recorded `other`")
    );
}

#[test]
fn to_a_step_and_back() {
    for keep_bytes in [1 << 20, 0] {
        let mut run = session(&["a", "b", "c", "d"], keep_bytes);
        assert_eq!(run.all(Until::Step(2)), Stopped::There);
        assert_eq!(run.session.position(), 2);
        assert_eq!(run.log(), "ab");
        assert_eq!(run.all(Until::End), Stopped::AtEnd);
        assert!(run.session.back() && run.session.back() && run.session.back());
        assert_eq!(run.session.position(), 1);
        assert_eq!(run.log(), "a");
        assert_eq!(run.all(Until::End), Stopped::AtEnd);
        assert_eq!(run.verdicts(), ["match"; 4], "{keep_bytes}");
        let ran = run.ran.lock().unwrap().concat();
        let expected = if keep_bytes > 0 {
            "abcdbcd"
        } else {
            "abcdabcd"
        };
        assert_eq!(ran, expected);
    }
    let mut run = session(&["a"], 1 << 20);
    assert!(!run.session.back());
}

#[test]
fn making_the_patch_changes_nothing_for_later_calls() {
    let mut run = session(&["a", "b"], 1 << 20);
    assert_eq!(run.all(Until::Step(1)), Stopped::There);
    let cancel = Cancel::new();
    let patch = run.session.patch(&cancel).unwrap().unwrap();
    assert_eq!(&*patch.patch, "a");
    assert!(run.session.file("/w/staged", 10, &cancel).is_err());
    assert_eq!(run.all(Until::End), Stopped::AtEnd);
    assert_eq!(run.verdicts(), ["match"; 2]);
}

#[test]
fn what_changed_since_the_first_call() {
    let mut run = session(&["a", "b"], 1 << 20);
    assert_eq!(run.session.changed(&Cancel::new()).unwrap(), []);
    run.all(Until::End);
    let changed = run.session.changed(&Cancel::new()).unwrap();
    let written = Changed {
        path: "/w/log".to_owned(),
        what: What::Written,
    };
    assert_eq!(changed, [written]);
}

#[test]
fn stopped_in_the_midst_it_goes_on_before_it() {
    let mut run = session(&["a", "stop", "b"], 1 << 20);
    let cancel = Cancel::new();
    assert_eq!(
        run.session.run(Until::End, &mut |_| {}, &cancel),
        Stopped::Cancelled
    );
    assert_eq!(run.session.position(), 1);
    assert_eq!(run.log(), "a", "what the stopped call did is gone");
    let told = run.session.result(&cancel);
    assert_eq!(told.calls.len(), 1);
    assert_eq!(told.error.as_deref(), Some("stopped after 1 of 3 calls"));
    assert_eq!(told.patch, None);
    assert!(!told.is_reproduced());
}

#[test]
fn a_dead_sandbox_ends_it() {
    let mut run = session(&["a", "die", "b"], 1 << 20);
    assert_eq!(run.all(Until::End), Stopped::Failed);
    assert_eq!(run.session.error(), Some("the sandbox died"));
    assert!(run.session.next(&mut |_| {}, &Cancel::new()).is_none());
    assert!(run.session.back());
    assert_eq!(run.session.error(), None);
    assert_eq!(run.all(Until::End), Stopped::Failed);
    let told = run.session.result(&Cancel::new());
    assert_eq!(told.calls.len(), 1);
    assert_eq!(told.error.as_deref(), Some("the sandbox died"));
}

#[test]
fn events_in_order() {
    let mut run = session(&["a", "b"], 1 << 20);
    let mut told = Vec::new();
    let mut live = |event: Event<'_>| {
        told.push(match event {
            Event::Starts => "starts".to_owned(),
            Event::Begins(call) => format!("begins {}.{}", call.step, call.call),
            Event::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            Event::Ended(call) => call.verdict.name().to_owned(),
        });
    };
    run.session.run(Until::End, &mut live, &Cancel::new());
    let expected = [
        "starts",
        "begins 0.0",
        "a",
        "match",
        "begins 1.0",
        "b",
        "match",
    ];
    assert_eq!(told, expected);
}

#[test]
fn calls_of_other_agents_are_not_run() {
    let mut trajectory = trajectory(&["a", "b"]);
    trajectory.steps[0].actions[0].child = Some(0);
    let mut run = session_of(trajectory, 1 << 20);
    run.all(Until::End);
    assert_eq!(run.verdicts(), ["not-replayable", "drift"]);
    assert_eq!(*run.ran.lock().unwrap(), ["b"]);
}

#[track_caller]
fn check_refused(trajectory: Trajectory, trees: &[&str], why: &str) {
    let mut ground = Plain::boxed();
    ground.spec.trees = trees
        .iter()
        .map(|at| Tree {
            at: (*at).to_owned(),
            lower: None,
        })
        .collect();
    let backend = Arc::new(MemoryBackend::default());
    let tool = Appends {
        count: 0,
        ran: Arc::default(),
    };
    let made = Session::new(
        record(),
        Arc::new(trajectory),
        ground,
        Box::new(tool),
        backend,
        Options::default(),
    );
    assert_eq!(
        made.err().map(|error| error.to_string()).as_deref(),
        Some(why)
    );
}

#[test]
fn what_is_no_replay_is_told_before_anything_starts() {
    check_refused(Trajectory::default(), &["/w"], "it has no calls to run");
    check_refused(trajectory(&["a"]), &["w"], "w is no place for a workspace");
    check_refused(
        trajectory(&["a"]),
        &["/w/../x"],
        "/w/../x is no place for a workspace",
    );
    check_refused(trajectory(&["a"]), &["/"], "/ is no place for a workspace");
    check_refused(trajectory(&["a"]), &["/w", "/w/x"], "/w/x lies inside /w");
}

#[test]
fn a_machine_without_sandboxes() {
    let backend = Arc::new(MemoryBackend {
        is_refused: true,
        ..MemoryBackend::default()
    });
    let tool = Appends {
        count: 0,
        ran: Arc::default(),
    };
    let mut session = Session::new(
        record(),
        Arc::new(trajectory(&["a"])),
        Plain::boxed(),
        Box::new(tool),
        backend,
        Options::default(),
    )
    .unwrap();
    let stopped = session.run(Until::End, &mut |_| {}, &Cancel::new());
    assert_eq!(stopped, Stopped::Failed);
    let told = session.result(&Cancel::new());
    assert_eq!(told.error.as_deref(), Some("no namespaces"));
    assert!(told.calls.is_empty());
}

#[test]
fn long_texts_are_kept_in_part() {
    let text = format!("{}{}", "ä".repeat(MOST_TEXT), "z");
    let kept = kept(&text);
    assert!(kept.len() < MOST_TEXT + 100);
    assert!(kept.starts_with('ä') && kept.ends_with('z') && kept.contains("bytes left out"));
    assert_eq!(&*super::kept("short"), "short");
}
