//! The shells beside the recordings of the real ones: `tests/data/shell-openhands.jsonl` and `shell-terminal.jsonl`.
//!
//! The commands run on this machine (nothing is walled off): they are our own, and stay in a temporary folder.

use std::collections::BTreeMap;
use std::time::Duration;
use std::time::Instant;

use regex::Regex;
use serde::Deserialize;
use sha2::Digest as _;

use super::*;
use crate::cancel::Cancel;
use crate::model::Action;
use crate::model::Observation;
use crate::replay::StepVerdict;
use crate::replay::judge;
use crate::replay::tool::Call;
use crate::replay::tool::Did;
use crate::replay::tool::Reply;
use crate::replay::tool::Tool;
use crate::sandbox::Backend as _;
use crate::sandbox::Sandbox;
use crate::sandbox::Spec;
use crate::sandbox::testing::terminal::Machine;

/// A step of a recording. Long texts are kept as a hash of their ends ([`hash_of`]), and in `agent` as
/// their first and last characters.
#[derive(Debug, Deserialize)]
struct Recorded {
    command: String,
    #[serde(default)]
    is_input: bool,
    #[serde(default)]
    reset: bool,
    timeout: Option<f64>,
    agent: Option<String>,
    hash: Option<String>,
    exit_code: Option<i64>,
    raised: Option<String>,
}

struct Place {
    dir: tempfile::TempDir,
    sandbox: Box<dyn Sandbox>,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["w", "home"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let home = dir.path().join("home").display().to_string();
        let env = [
            (
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ),
            ("HOME", &home),
            ("USER", "root"),
            ("SHELL", "/bin/bash"),
            ("LANG", "C.UTF-8"),
            ("TZ", "UTC"),
        ];
        let spec = Spec {
            env: env
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            ..Spec::default()
        };
        Self {
            sandbox: Machine.start(&spec, &Cancel::new()).unwrap(),
            dir,
        }
    }

    fn cwd(&self) -> String {
        self.dir.path().join("w").display().to_string()
    }

    fn run(&mut self, tool: &mut dyn Tool, action: &Action) -> Reply {
        self.run_for(tool, action, Duration::from_mins(1))
    }

    fn run_for(&mut self, tool: &mut dyn Tool, action: &Action, patience: Duration) -> Reply {
        let call = Call {
            action,
            step: 0,
            patience,
        };
        let sandbox = self.sandbox.as_mut();
        tool.run(&call, sandbox, &mut |_| {}, &Cancel::new())
            .unwrap()
    }

    fn shell(&mut self, tool: &mut dyn Tool, command: &str) -> Reply {
        let mut action = action(&serde_json::json!({"command": command}));
        action.observation = Some(Observation::text(""));
        self.run(tool, &action)
    }
}

fn action(args: &serde_json::Value) -> Action {
    Action::new(None, "execute_bash", args.clone())
}

/// `text` without what no two runs share: process numbers.
fn normalised(text: &str) -> String {
    let pid = Regex::new(r"(?m)^(\[\d+\]) \d+$|\[\d+\] (stopped)").unwrap();
    pid.replace_all(text, "$1 PID").into_owned()
}

/// Of the ends of a long text: where its middle is cut depends on how long the folder's name is.
fn hash_of(text: &str) -> String {
    let len = text.chars().count();
    let head: String = text.chars().take(14_900).collect();
    let tail: String = text.chars().skip(len.saturating_sub(14_000)).collect();
    let hash = sha2::Sha256::digest(head + &tail);
    let bytes: Vec<String> = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.concat()
}

/// Replays a recording; the commands of the steps that differ must be those of `known`, each with its reason. What only a
/// loaded machine brings (a poll that finds a half-written line, and moves the steps behind it) is in another step each
/// time: a step is wrong when it was so in every try.
fn replay(recording: &str, make: impl Fn(&str) -> Box<dyn Tool>, known: &[(&str, &str)]) {
    let all = recording.lines().count() - 1;
    let mut differ: Option<BTreeMap<usize, String>> = None;
    for _ in 0..TRIES {
        let mut now = replay_once(recording, &make);
        if let Some(before) = &differ {
            now.retain(|ix, _| before.contains_key(ix));
        }
        let unexplained: Vec<_> = now
            .iter()
            .filter(|(_, step)| !known.iter().any(|(start, _)| step.starts_with(start)))
            .collect();
        eprintln!(
            "{} of {all} steps differed so far: {unexplained:#?}",
            now.len()
        );
        if unexplained.is_empty() && now.len() * 20 <= all {
            return;
        }
        differ = Some(now);
    }
    panic!("these steps differ every time");
}

/// The steps that differ: what was run, and what it showed here and there.
fn replay_once(recording: &str, make: &impl Fn(&str) -> Box<dyn Tool>) -> BTreeMap<usize, String> {
    let mut place = Place::new();
    let cwd = place.cwd();
    let mut tool = make(&cwd);
    let mut differ = BTreeMap::new();
    for (ix, line) in recording.lines().skip(1).enumerate() {
        let step: Recorded = serde_json::from_str(line).unwrap();
        if step.raised.is_some() {
            continue;
        }
        // whether its lines are typed at one prompt or at several is chance, and the steps behind it move with them
        if step.command.starts_with("cat <<A <<B") {
            continue;
        }
        let agent = step.agent.as_deref().unwrap().replace("{cwd}", &cwd);
        let mut args = serde_json::json!({"command": step.command, "is_input": step.is_input, "reset": step.reset});
        if let Some(timeout) = step.timeout {
            args["timeout"] = timeout.into();
        }
        let mut action = action(&args);
        action.observation = Some(Observation {
            exit_code: step.exit_code,
            ..Observation::text(agent.as_str())
        });
        let reply = place.run(tool.as_mut(), &action);
        let is_same = match &step.hash {
            Some(hash) => hash_of(&reply.text.replace(&cwd, "{cwd}")) == *hash,
            None => normalised(&reply.text) == normalised(&agent),
        };
        if !is_same || reply.exit_code != step.exit_code {
            let head: String = reply.text.chars().take(600).collect();
            let Recorded { command, .. } = step;
            differ.insert(
                ix,
                format!("{command}\nours:   {head:?}\ntheirs: {agent:?}"),
            );
        }
    }
    differ
}

/// How often a recording is replayed before a step that differed each time is wrong.
const TRIES: usize = 5;

/// Steps of the recording that come out otherwise, and why.
const OPENHANDS: &[(&str, &str)] = &[
    (
        "cat <<A <<B",
        "several commands were typed, and the original looked at the screen between two of them",
    ),
    (
        "Enter",
        "two lines were typed, and the original looked at the screen while it was cleared between them",
    ),
    (
        "wait",
        "the original came half a second later, when the job before had ended and been told",
    ),
    (
        "echo bg > bg.txt &",
        "whether a job ends before the prompt is chance",
    ),
    (
        "echo \\> \\< \\&",
        "whether a job ends before the prompt is chance",
    ),
    (
        "grep one\\|two",
        "two programs write their errors at the same time",
    ),
    (
        "printf \"\\033[6n\"",
        "when the shell reads the terminal's answer is chance",
    ),
];

/// The same.
const TERMINAL: &[(&str, &str)] = &[(
    "grep one\\|two",
    "two programs write their errors at the same time",
)];

#[test]
fn openhands_shows_what_the_real_one_showed() {
    let recording = include_str!("../../../tests/data/shell-openhands.jsonl");
    replay(
        recording,
        |cwd| Box::new(OpenHands::new(cwd, Form::Message)),
        OPENHANDS,
    );
}

#[test]
fn the_terminal_shows_what_the_real_one_showed() {
    let recording = include_str!("../../../tests/data/shell-terminal.jsonl");
    let edition = Edition {
        is_pooled: true,
        ..Edition::WIDE
    };
    replay(
        recording,
        |cwd| Box::new(Terminal::new(cwd, Form::Message, edition)),
        TERMINAL,
    );
}

#[test]
fn trivial_commands_take_no_time() {
    let mut place = Place::new();
    let mut tool = OpenHands::new(place.cwd(), Form::Content);
    place.shell(&mut tool, "true");
    let started = Instant::now();
    for ix in 0..50 {
        assert_eq!(
            place.shell(&mut tool, &format!("echo {ix}")).text,
            ix.to_string()
        );
    }
    eprintln!("{:?} a command", started.elapsed() / 50);
}

#[test]
fn a_command_that_never_ends_is_given_up() {
    let mut place = Place::new();
    let mut tool = OpenHands::new(place.cwd(), Form::Content);
    place.shell(&mut tool, "X=kept");
    let mut action = action(&serde_json::json!({"command": "echo begun; sleep 600"}));
    action.observation = Some(Observation {
        exit_code: Some(0),
        ..Observation::text("begun")
    });
    let reply = place.run_for(&mut tool, &action, Duration::from_millis(300));
    assert_eq!((reply.did, reply.text.as_str()), (Did::TimedOut, "begun"));
    assert_eq!(place.shell(&mut tool, "echo $X").text, "kept");
    action.args = serde_json::json!({"command": "trap '' INT; sleep 600"});
    let reply = place.run_for(&mut tool, &action, Duration::from_millis(300));
    assert_eq!(reply.did, Did::TimedOut);
    assert_eq!(place.shell(&mut tool, "echo \"[$X]\"").text, "[]");
}

#[test]
fn a_command_that_was_given_up_is_given_up_again() {
    let mut place = Place::new();
    let cwd = place.cwd();
    let mut tool = OpenHands::new(&cwd, Form::Content);
    let mut action = action(&serde_json::json!({"command": "echo begun; sleep 600"}));
    let reply = place.run_for(&mut tool, &action, Duration::from_millis(900));
    let told = "begun\n[The command was still running after 1 seconds and was ended.]";
    assert_eq!((reply.did, reply.text.as_str()), (Did::TimedOut, told));
    action.observation = Some(Observation {
        exit_code: Some(-1),
        ..Observation::text(told)
    });
    // a replay has the same patience, however much more it is given
    let mut again = OpenHands::new(&cwd, Form::Content);
    let reply = place.run(&mut again, &action);
    assert_eq!((&reply.did, reply.text.as_str()), (&Did::TimedOut, told));
    assert_eq!(judge(&action, &reply, &[]).verdict, StepVerdict::Match);
    assert_eq!(place.shell(&mut again, "echo on").text, "on");
}

#[test]
fn shells_go_on_from_a_saved_state() {
    let mut place = Place::new();
    let mut tool = OpenHands::new(place.cwd(), Form::Content);
    for command in [
        "mkdir -p 'a b'; cd 'a b'",
        "X='1 2'; export Y=3; arr=(x y); f() { echo in f $1; }; alias hi='echo hi there'; shopt -s nullglob; set -o pipefail",
        "(exit 5)",
    ] {
        place.shell(&mut tool, command);
    }
    let saved = tool.save(place.sandbox.as_mut()).unwrap();
    assert_eq!(saved.lost, Vec::<String>::new());
    let mut other = OpenHands::new(place.cwd(), Form::Content);
    other.restore(&saved, place.sandbox.as_mut()).unwrap();
    for tool in [&mut tool, &mut other] {
        let seen = place.shell(tool, "echo $? $X $Y ${arr[1]}; f z; hi; basename \"$PWD\"; shopt nullglob; bash -c 'echo $Y'");
        assert_eq!(
            seen.text,
            "5 1 2 3 y\nin f z\nhi there\na b\nnullglob        on\n3"
        );
        assert_eq!(place.shell(tool, "false | true").exit_code, Some(1));
    }
    place.shell(&mut tool, "sleep 600 &");
    assert_eq!(
        tool.save(place.sandbox.as_mut()).unwrap().lost,
        ["a job in the background"]
    );
}

#[test]
fn new_shells_keep_what_their_producers_keep() {
    let mut place = Place::new();
    let run = |place: &mut Place, tool: &mut Plain, command: &str| {
        let reply = place.shell(tool, command);
        (reply.text, reply.exit_code)
    };
    let cases = [
        (Scaffold::MiniSweAgent, "w", ""),
        (Scaffold::ClaudeCode, "sub", ""),
        (Scaffold::SweAgent, "sub", "kept"),
        (Scaffold::Other, "sub", "kept"),
    ];
    for (scaffold, dir, kept) in cases {
        let mut tool = Plain::new(scaffold, place.cwd());
        run(&mut place, &mut tool, "mkdir -p sub; cd sub; X=kept");
        assert_eq!(
            run(&mut place, &mut tool, "basename $PWD; echo $X").0,
            format!("{dir}\n{kept}").trim()
        );
        let (text, code) = run(&mut place, &mut tool, "echo out; echo err >&2; exit 3");
        assert_eq!((text.as_str(), code), ("out\nerr", Some(3)), "{scaffold:?}");
        assert_eq!(
            run(&mut place, &mut tool, "basename $PWD").0,
            dir,
            "{scaffold:?} after exit"
        );
    }
}

#[test]
fn a_shell_that_ends_gives_way_to_another_where_no_record_tells_otherwise() {
    let mut place = Place::new();
    let cwd = place.cwd();
    let mut tool = OpenHands::new(&cwd, Form::Content);
    let unknown = |command: &str| action(&serde_json::json!({"command": command}));
    let inner = format!("{cwd}/in");
    place.run(&mut tool, &unknown("mkdir in && cd in"));
    for (command, code, why) in [
        ("exit 3", 3, "it exited with status 3"),
        ("exec true", 0, "it exited with status 0"),
    ] {
        let reply = place.run(&mut tool, &unknown(command));
        let told = format!("[The shell ended: {why}. A new one is started in {inner}: ");
        assert!(reply.text.starts_with(&told), "{}", reply.text);
        assert_eq!(reply.exit_code, Some(code));
        let reply = place.run(&mut tool, &unknown("pwd"));
        assert_eq!(
            (reply.text.trim(), reply.exit_code),
            (inner.as_str(), Some(0))
        );
        // a replay of it does the same
        let mut again = unknown(command);
        again.observation = Some(Observation::text(told.as_str()));
        let reply = place.run(&mut tool, &again);
        assert!(reply.text.starts_with(&told), "{}", reply.text);
    }
    // the shell of OpenHands itself stays dead
    let reply = place.shell(&mut tool, "exit 3");
    assert!(!reply.text.contains("The shell ended"), "{}", reply.text);
}
