//! The loop with a scripted model and scripted tools: no sandbox, no endpoint.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::cancel::Cancel;
use crate::endpoint::Again;
use crate::endpoint::Budget;
use crate::endpoint::Chat;
use crate::endpoint::Completion;
use crate::endpoint::NoAnswer;
use crate::endpoint::Prices;
use crate::endpoint::Usage;
use crate::error::Error;
use crate::error::Result;
use crate::model::Ended;
use crate::model::StepKind;
use crate::model::Trajectory;
use crate::read::understand::was_refused;
use crate::rollout::Agent;
use crate::rollout::CallForm;
use crate::rollout::Limits;
use crate::rollout::course::Brief;
use crate::rollout::course::Course;
use crate::rollout::course::NoCourse;
use crate::rollout::course::play;
use crate::rollout::course::within;
use crate::rollout::hands::Hands;
use crate::rollout::hands::Seen;
use crate::rollout::row::Left;
use crate::rollout::row::Row;
use crate::rollout::row::parsed;
use crate::rollout::said::Asked;
use crate::rollout::settings::Settings;

/// Says what it was told to say, then the last of it again and again; keeps what it was asked.
struct Script {
    answers: Vec<Result<Value, NoAnswer>>,
    asked: Mutex<Vec<Value>>,
}

impl Script {
    fn new(answers: impl IntoIterator<Item = Result<Value, NoAnswer>>) -> Self {
        Self {
            answers: answers.into_iter().collect(),
            asked: Mutex::default(),
        }
    }
}

impl Chat for Script {
    fn ask(
        &self,
        request: &Value,
        _: &mut dyn FnMut(Again),
        _: &Cancel,
    ) -> std::result::Result<Completion, NoAnswer> {
        let mut asked = self.asked.lock().unwrap();
        let at = asked.len().min(self.answers.len() - 1);
        asked.push(request.clone());
        self.answers[at].clone().map(|message| Completion {
            message,
            finish_reason: "stop".to_owned(),
            usage: Usage {
                prompt_tokens: 100,
                cached_tokens: 60,
                completion_tokens: 10,
                cost: Some(0.25),
            },
            id: format!("r{}", asked.len()),
            model: "served".to_owned(),
        })
    }
}

/// Answers every call with its command.
struct Echo {
    dies: bool,
}

impl Hands for Echo {
    fn run(&mut self, asked: &Asked, _: Duration, _: &Cancel) -> Result<Seen> {
        if self.dies {
            return Err(Error::limit("the sandbox is dead"));
        }
        let args = match &asked.args {
            Ok(args) => args,
            Err(why) => return Ok(Seen::error(why.as_str())),
        };
        let said = args["command"].as_str().unwrap().to_owned();
        Ok(Seen {
            kind: "run",
            message: format!("{said}\n[Command finished with exit code 0]"),
            extras: json!({"command": said, "metadata": {"exit_code": 0, "working_dir": "/w"}}),
            content: said,
            success: Some(true),
        })
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what a script is made of")]
fn says(text: &str, calls: &[(&str, Value)]) -> Result<Value, NoAnswer> {
    let calls: Vec<Value> = calls
        .iter()
        .enumerate()
        .map(|(nth, (name, args))| {
            json!({"id": format!("c{nth}"), "type": "function",
                "function": {"name": name, "arguments": args.to_string()}})
        })
        .collect();
    Ok(json!({"role": "assistant", "content": text, "tool_calls": calls}))
}

fn run(command: &str) -> (&'static str, Value) {
    ("execute_bash", json!({"command": command}))
}

fn finish() -> (&'static str, Value) {
    ("finish", json!({"message": "Done."}))
}

const LIMITS: Limits = Limits {
    steps: 5,
    tokens: None,
    cost: None,
    time: Duration::from_hours(1),
    call: Duration::from_mins(1),
};

fn agent(script: &Script, form: CallForm, limits: Limits) -> Agent<'_> {
    let mut sampling = Map::new();
    sampling.insert("temperature".to_owned(), json!(0.5));
    Agent {
        chat: script,
        model: "asked".to_owned(),
        form,
        sampling,
        limits,
        budget: Budget::new(Some(2000), None),
        prices: None,
    }
}

fn brief() -> Brief {
    Brief {
        system: "You work.".to_owned(),
        task: "Do it.".to_owned(),
        root: "/workspace/r".to_owned(),
    }
}

#[track_caller]
fn played(script: &Script, form: CallForm, limits: Limits) -> Course {
    let agent = agent(script, form, limits);
    play(
        &agent,
        &brief(),
        &mut Echo { dies: false },
        &mut |_| {},
        &Cancel::new(),
    )
    .unwrap()
}

/// The row of a course, read back.
#[track_caller]
fn read_back(script: &Script, course: Course, form: CallForm) -> (Trajectory, Value) {
    let instance = json!({"instance_id": "o__r-1", "repo": "o/r", "base_commit": "c", "problem_statement": "p",
        "patch": "gold"});
    let task = Trajectory {
        id: "o__r-1".to_owned(),
        task: Some(crate::model::Task::from_instance(instance)),
        ..Trajectory::default()
    };
    let row = Row {
        agent: &agent(script, form, LIMITS),
        settings: &Settings::default(),
        task: &task,
        number: 2,
        brief: &brief(),
        began: "2026-01-01T00:00:00",
        took: Duration::from_secs(3),
        course,
        left: Left {
            patch: "diff --git a/a b/a\n".into(),
            answer: Some("def f(): pass".into()),
        },
        details: json!({}),
    };
    let (line, _) = row.into_line().unwrap();
    assert!(!line.contains(&b'\n'));
    let read = parsed(&line).unwrap();
    (
        Trajectory::clone(&read),
        serde_json::from_slice(&line).unwrap(),
    )
}

#[test]
#[expect(clippy::too_many_lines, reason = "one row, looked at from all sides")]
fn a_row_is_read_as_it_was_played() {
    let script = Script::new([
        says("I look.", &[run("ls"), run("pwd")]),
        says("", &[("think", json!({"thought": "hm"}))]),
        says("Hm.", &[]),
        says("That is all.", &[finish()]),
    ]);
    let course = played(&script, CallForm::Native, LIMITS);
    assert_eq!(
        (course.ended, &course.error, course.steps),
        (Ended::Finish, &None, 4)
    );
    let (read, row) = read_back(&script, course, CallForm::Native);
    assert_eq!(read.source.variant.as_deref(), Some("output"));
    assert_eq!(
        (read.id.as_str(), read.run_id.as_deref()),
        ("o__r-1", Some("2"))
    );
    assert_eq!(read.model.as_deref(), Some("asked"));
    assert_eq!(read.instruction.as_deref(), Some("Do it."));
    assert_eq!(read.final_patch.as_deref(), Some("diff --git a/a b/a\n"));
    assert_eq!(read.answer.as_deref(), Some("def f(): pass"));
    assert_eq!(read.finish.as_deref(), Some("Done."));
    assert_eq!(read.outcome.error, None);
    assert_eq!(read.totals.cost, Some(1.0));
    assert_eq!(read.totals.tokens.input, Some(400));
    assert_eq!(read.totals.tokens.cache_read, Some(240));
    assert_eq!(read.agent_steps(), 4);
    let steps: Vec<_> = read
        .steps
        .iter()
        .filter(|step| step.kind == StepKind::Agent)
        .collect();
    let tools =
        |at: usize| -> Vec<&str> { steps[at].actions.iter().map(|a| a.tool.as_str()).collect() };
    assert_eq!(tools(0), ["execute_bash", "execute_bash"]);
    assert_eq!(steps[0].thought.as_deref(), Some("I look."));
    assert_eq!(steps[0].actions[1].first_text().unwrap().as_ref(), "pwd");
    assert_eq!(
        steps[0].actions[1].observation.as_ref().unwrap().exit_code,
        Some(0)
    );
    let cwd = |call: usize| {
        steps[0].actions[call]
            .shell
            .as_ref()
            .unwrap()
            .cwd
            .as_deref()
    };
    assert_eq!([cwd(0), cwd(1)], [Some("/workspace/r"), Some("/w")]);
    assert_eq!(tools(1), ["think"]);
    let told = steps[1].actions[0].observation.as_ref().unwrap();
    assert_eq!(told.is_error, Some(true));
    assert!(
        told.first_text()
            .unwrap()
            .contains("There is no tool \"think\"")
    );
    assert!(steps[2].actions.is_empty());
    for step in steps {
        assert_eq!(step.cost, Some(0.25), "{step:?}");
        assert_eq!(
            step.tokens.and_then(|tokens| tokens.output),
            Some(10),
            "{step:?}"
        );
    }
    assert_eq!(
        row["history_length"],
        json!(row["history"].as_array().unwrap().len())
    );
    let raw: Vec<&str> = row["raw_completions"]["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["role"].as_str().unwrap())
        .collect();
    let want = "system user assistant tool tool assistant tool assistant user assistant";
    assert_eq!(raw.join(" "), want);
    let asked = script.asked.lock().unwrap();
    assert_eq!(asked[0]["temperature"], 0.5);
    assert_eq!(asked[0]["tools"].as_array().unwrap().len(), 3);
    assert_eq!(asked[1]["messages"].as_array().unwrap().len(), 5);
}

#[test]
fn calls_in_text_are_played_the_same() {
    let form = || CallForm::Text("\nWrite calls.".to_owned());
    let ls = "I look.\n<function=execute_bash>\n<parameter=command>ls</parameter>\n";
    let script = Script::new([
        says(ls, &[]),
        says(
            "<function=finish><parameter=message>Done.</parameter></function>",
            &[],
        ),
    ]);
    let course = played(&script, form(), LIMITS);
    assert_eq!(course.ended, Ended::Finish);
    let (read, row) = read_back(&script, course, form());
    assert_eq!(read.agent_steps(), 2);
    assert_eq!(read.finish.as_deref(), Some("Done."));
    let asked = script.asked.lock().unwrap();
    assert_eq!(asked[0].get("tools"), None);
    assert_eq!(asked[0]["stop"], json!(["</function"]));
    let sent = asked[1]["messages"].as_array().unwrap();
    assert_eq!(sent[0]["content"], "You work.\nWrite calls.");
    assert!(
        sent[2]["content"]
            .as_str()
            .unwrap()
            .ends_with("</function>")
    );
    let result = "EXECUTION RESULT of [execute_bash]:\nls\n[Command finished with exit code 0]";
    assert_eq!(sent[3], json!({"role": "user", "content": result}));
    let messages = &row["raw_completions"]["messages"];
    assert_eq!(messages[0]["content"], "You work.");
    assert_eq!(
        messages[2]["tool_calls"][0]["function"]["arguments"],
        "{\"command\":\"ls\"}"
    );
    assert_eq!(
        row["raw_completions"]["raw_messages"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
}

#[test]
fn refused_calls_stay_as_the_model_wrote_them() {
    const TORN: &str = "{\"command\": \"ls";
    const ODD: &str = "{\"cmd\":  7}";
    let call = |id: &str, name: &str, args: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": args}});
    let calls = [
        call("a", "execute_bash", TORN),
        call("b", "execute_bash", ODD),
        call("c", "my.tool", "{\"x\": 1}"),
        call("d", "execute_bash", "{\"command\":  \"pwd\"}"),
    ];
    let script = Script::new([
        Ok(json!({"role": "assistant", "content": "", "tool_calls": calls})),
        says("", &[finish()]),
    ]);
    let course = played(&script, CallForm::Native, LIMITS);
    let (read, row) = read_back(&script, course, CallForm::Native);
    let step = read
        .steps
        .iter()
        .find(|step| !step.actions.is_empty())
        .unwrap();
    let args: Vec<&Value> = step.actions.iter().map(|action| &action.args).collect();
    assert_eq!(
        args,
        [
            &json!(TORN),
            &json!({"cmd": 7}),
            &json!({"x": 1}),
            &json!({"command": "pwd"})
        ]
    );
    let refused: Vec<bool> = step
        .actions
        .iter()
        .map(|action| was_refused(action.observation.as_ref().unwrap()))
        .collect();
    assert_eq!(
        refused,
        [true, true, true, false],
        "a replay runs none of them"
    );
    let written = |message: &Value| -> Vec<(String, String)> {
        let calls = message["tool_calls"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        calls
            .map(|call| &call["function"])
            .map(|function| (text(&function["name"]), text(&function["arguments"])))
            .collect()
    };
    let pair = |name: &str, args: &str| (name.to_owned(), args.to_owned());
    let want = [
        pair("execute_bash", TORN),
        pair("execute_bash", ODD),
        pair("my.tool", "{\"x\": 1}"),
        pair("execute_bash", "{\"command\":  \"pwd\"}"),
    ];
    assert_eq!(written(&row["raw_completions"]["messages"][2]), want);
    let event = &row["history"][2]["tool_call_metadata"]["model_response"];
    assert_eq!(written(&event["choices"][0]["message"]), want);
    let asked = script.asked.lock().unwrap();
    let sent = written(&asked[1]["messages"][2]);
    assert_eq!(sent[0], pair("execute_bash", "{}"), "no endpoint takes it");
    assert_eq!(sent[1], want[1]);
    assert_eq!(sent[2], pair("my_tool", "{\"x\": 1}"));
    assert_eq!(sent[3], want[3]);
    let told = asked[1]["messages"][3]["content"].as_str().unwrap();
    assert!(told.contains(TORN), "{told}");
}

#[test]
fn what_panics_while_time_is_kept_does_not_wait_for_its_end() {
    let cancel = Cancel::new();
    let work = || within(Duration::MAX, &cancel, |_| panic!("as work may"));
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    assert!(ended.is_err());
}

#[track_caller]
fn ends(
    answers: Vec<Result<Value, NoAnswer>>,
    limits: Limits,
    ended: Ended,
    steps: usize,
    error: &str,
) {
    let script = Script::new(answers);
    let course = played(&script, CallForm::Native, limits);
    assert_eq!((course.ended, course.steps), (ended, steps));
    let told = course.error.clone().unwrap();
    assert!(told.contains(error), "{told}");
    let (read, _) = read_back(&script, course, CallForm::Native);
    assert_eq!(read.outcome.error, Some(told));
    assert_eq!(read.agent_steps(), steps);
}

#[test]
fn every_limit_is_told() {
    let looper = || vec![says("", &[run("ls")])];
    ends(
        looper(),
        LIMITS,
        Ended::MaxSteps,
        5,
        "maximum iteration in headless mode. Current iteration: 5",
    );
    let limits = |tokens, cost, time| Limits {
        tokens,
        cost,
        time,
        ..LIMITS
    };
    let hour = Duration::from_hours(1);
    ends(
        looper(),
        limits(Some(220), None, hour),
        Ended::MaxTokens,
        2,
        "Current tokens: 220",
    );
    ends(
        looper(),
        limits(None, Some(0.7), hour),
        Ended::MaxCost,
        3,
        "Current budget: 0.75",
    );
    ends(
        looper(),
        limits(None, None, Duration::ZERO),
        Ended::MaxTime,
        0,
        "TimeoutError",
    );
    ends(
        vec![says("Words.", &[])],
        LIMITS,
        Ended::NoCall,
        4,
        "no tool in 4 turns",
    );
    let gone = || Err(NoAnswer::Unavailable("503".to_owned()));
    ends(vec![gone()], LIMITS, Ended::Unavailable, 0, "503");
    ends(
        vec![says("", &[run("ls")]), gone()],
        LIMITS,
        Ended::Unavailable,
        1,
        "503",
    );
    let long = Err(NoAnswer::TooLong("8192 tokens".to_owned()));
    ends(
        vec![says("", &[run("ls")]), long],
        LIMITS,
        Ended::TooLong,
        1,
        "8192",
    );
}

#[test]
fn words_between_calls_are_no_silence() {
    let script = Script::new([
        says("a", &[]),
        says("b", &[]),
        says("c", &[]),
        says("", &[run("ls")]),
        says("d", &[]),
        says("", &[finish()]),
    ]);
    let limits = Limits { steps: 9, ..LIMITS };
    assert_eq!(
        played(&script, CallForm::Native, limits).ended,
        Ended::Finish
    );
}

#[test]
fn what_is_stopped_is_no_attempt() {
    let refused = Script::new([Err(NoAnswer::Refused("no such model".to_owned()))]);
    let no = |script: &Script, cancel: &Cancel| {
        let agent = agent(script, CallForm::Native, LIMITS);
        play(
            &agent,
            &brief(),
            &mut Echo { dies: false },
            &mut |_| {},
            cancel,
        )
        .err()
    };
    let why = NoCourse::Refused("no such model".to_owned());
    assert_eq!(no(&refused, &Cancel::new()), Some(why));
    let looper = Script::new([says("", &[run("ls")])]);
    let spent = agent(
        &looper,
        CallForm::Native,
        Limits {
            steps: 99,
            ..LIMITS
        },
    );
    let under_way = play(
        &spent,
        &brief(),
        &mut Echo { dies: false },
        &mut |_| {},
        &Cancel::new(),
    )
    .unwrap();
    assert_eq!((under_way.ended, under_way.steps), (Ended::Budget, 19));
    let error = under_way.error.unwrap();
    assert!(error.contains("2.1k tokens were spent"), "{error}");
    let why = play(
        &spent,
        &brief(),
        &mut Echo { dies: false },
        &mut |_| {},
        &Cancel::new(),
    )
    .err();
    assert_eq!(
        why,
        Some(NoCourse::Spent("2.1k tokens were spent".to_owned()))
    );
    assert_eq!(looper.asked.lock().unwrap().len(), 19);
    let cancel = Cancel::new();
    cancel.cancel();
    let looper = Script::new([says("", &[run("ls")])]);
    assert_eq!(no(&looper, &cancel), Some(NoCourse::Cancelled));
    let agent = agent(&looper, CallForm::Native, LIMITS);
    let dead = play(
        &agent,
        &brief(),
        &mut Echo { dies: true },
        &mut |_| {},
        &Cancel::new(),
    )
    .unwrap();
    assert_eq!(dead.ended, Ended::Sandbox);
    assert!(dead.error.unwrap().contains("the sandbox is dead"));
}

/// An endpoint that does not say what its answers take.
struct Mute;

impl Chat for Mute {
    fn ask(
        &self,
        _: &Value,
        _: &mut dyn FnMut(Again),
        _: &Cancel,
    ) -> std::result::Result<Completion, NoAnswer> {
        let function = json!({"name": "execute_bash", "arguments": "{\"command\": \"ls\"}"});
        Ok(Completion {
            message: json!({"role": "assistant", "content": null, "tool_calls": [
                {"id": "c", "type": "function", "function": function}]}),
            finish_reason: "stop".to_owned(),
            usage: Usage::default(),
            id: String::new(),
            model: "served".to_owned(),
        })
    }
}

#[test]
fn bounds_hold_where_the_endpoint_does_not_count() {
    let script = Script::new([says("", &[])]);
    let play_with = |limits: Limits, budget: Budget| {
        let agent = Agent {
            chat: &Mute,
            prices: Some(Prices {
                input: 1000.0,
                output: 1000.0,
            }),
            budget,
            ..agent(&script, CallForm::Native, limits)
        };
        let mut hands = Echo { dies: false };
        play(&agent, &brief(), &mut hands, &mut |_| {}, &Cancel::new()).unwrap()
    };
    let unbound = || Budget::new(None, None);
    let tokens = Limits {
        tokens: Some(10),
        ..LIMITS
    };
    let course = play_with(tokens, unbound());
    assert_eq!((course.ended, course.steps), (Ended::MaxTokens, 1));
    // what is guessed is not told as if it was known
    assert_eq!(course.metrics.sum(), Usage::default());
    let cost = Limits {
        cost: Some(0.01),
        ..LIMITS
    };
    assert_eq!(play_with(cost, unbound()).ended, Ended::MaxCost);
    let course = play_with(LIMITS, Budget::new(Some(10), None));
    assert_eq!(course.ended, Ended::Budget);
    assert_eq!(play_with(LIMITS, unbound()).ended, Ended::MaxSteps);
}
