use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use serde_json::json;

use super::*;
use crate::endpoint::OpenAi;
use crate::endpoint::Settings;
use crate::endpoint::testing::Reply;
use crate::endpoint::testing::Stub;
use crate::python::DefinitionKind;

const GOOD: &str = "Keeps a line open for as long as somebody on the other side wants it.";
const LEAKY: &str = "Is open_session again, for as long as anybody on the other side wants it.";

fn subject(name: &str) -> Subject<'_> {
    Subject {
        kind: DefinitionKind::Function,
        name,
        qualified_name: name,
        path: "pkg/sessions.py",
        source: "def open_session(): ...",
        docstring: "",
        signature: "",
        at: None,
    }
}

fn stub(replies: Vec<Reply>) -> Stub {
    Stub::start(move |_, call| replies[call.min(replies.len() - 1)].clone()).unwrap()
}

fn endpoint(stub: &Stub, options: Options) -> Endpoint {
    let mut settings = Settings::new(&stub.url(), "m-1").unwrap();
    settings.tries = 1;
    settings.prices = options.prices;
    let model = "m-1".to_owned();
    Endpoint::new(OpenAi::new(settings), Options { model, ..options }).unwrap()
}

fn kept(path: &Path) -> Options {
    Options {
        answers: Some(path.to_path_buf()),
        ..Options::default()
    }
}

fn describe(endpoint: &Endpoint, name: &str) -> Result<String, LeftOut> {
    endpoint.describe(&subject(name), &Cancel::new())
}

fn reason(told: Result<String, LeftOut>) -> &'static str {
    told.unwrap_err().reason
}

#[test]
fn a_leak_is_told_and_asked_about_again() {
    let stub = stub(vec![
        Reply::says(LEAKY),
        Reply::says("Too short."),
        Reply::says(GOOD),
    ]);
    let endpoint = endpoint(&stub, Options::default());
    assert_eq!(describe(&endpoint, "open_session").as_deref(), Ok(GOOD));
    let asked = stub.asked();
    assert_eq!(asked.len(), 3);
    let messages = |ix: usize| asked[ix].body["messages"].as_array().unwrap().clone();
    let prompt = messages(0)[0]["content"].as_str().unwrap().to_owned();
    assert!(
        prompt.contains("function `open_session` of the file `pkg/sessions.py`"),
        "{prompt}"
    );
    assert!(prompt.contains("def open_session(): ..."), "{prompt}");
    let complaint = messages(1)[2]["content"].as_str().unwrap().to_owned();
    assert!(complaint.contains("\"open_session\""), "{complaint}");
    assert_eq!(
        messages(1)[1],
        json!({"role": "assistant", "content": LEAKY})
    );
    assert!(
        messages(2)[4]["content"]
            .as_str()
            .unwrap()
            .contains("too little")
    );
    let report = endpoint.report();
    assert_eq!(
        (report.asked, report.known, report.spent.prompt_tokens),
        (3, 0, 30)
    );
}

#[test]
fn whoever_leaks_three_times_is_left_out() {
    let stub = stub(vec![Reply::says(LEAKY)]);
    let endpoint = endpoint(&stub, Options::default());
    assert_eq!(
        reason(describe(&endpoint, "open_session")),
        "the description gives the place away"
    );
    assert_eq!(stub.count(), 3);
    let long = self::stub(vec![Reply::says(&"Keeps many lines open. ".repeat(200))]);
    let endpoint = self::endpoint(&long, Options::default());
    assert_eq!(
        reason(describe(&endpoint, "open_session")),
        "the description is too long"
    );
}

#[test]
fn nothing_is_asked_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers.jsonl");
    // the first run is killed while it waits for its third answer
    let cancel = Cancel::new();
    let seen = cancel.clone();
    let first = Stub::start(move |_, call| match call {
        0 => Reply::says(LEAKY),
        1 => Reply::says(GOOD),
        _ => {
            seen.cancel();
            Reply::Hang
        }
    });
    let first = first.unwrap();
    {
        let endpoint = endpoint(&first, kept(&path));
        assert_eq!(
            endpoint
                .describe(&subject("open_session"), &cancel)
                .as_deref(),
            Ok(GOOD)
        );
        assert_eq!(
            reason(endpoint.describe(&subject("zebra"), &cancel)),
            "cancelled"
        );
        assert_eq!(first.count(), 3);
        let err = Endpoint::new(
            OpenAi::new(Settings::new(&first.url(), "m").unwrap()),
            kept(&path),
        );
        assert!(
            err.err()
                .unwrap()
                .to_string()
                .ends_with("is used by another hgview")
        );
    }
    // and something tore the last line, and another is none
    let mut text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 2);
    text.push_str("{\"v\":7}\n{\"v\":1,\"asked\":\"00");
    fs::write(&path, &text).unwrap();
    let second = stub(vec![Reply::says(GOOD)]);
    for (asked, known) in [(1, 2), (0, 3)] {
        let endpoint = endpoint(&second, kept(&path));
        assert_eq!(describe(&endpoint, "open_session").as_deref(), Ok(GOOD));
        assert_eq!(describe(&endpoint, "zebra").as_deref(), Ok(GOOD));
        let report = endpoint.report();
        assert_eq!((report.asked, report.known), (asked, known));
        assert_eq!(
            report.notes.len(),
            if asked == 1 { 2 } else { 1 },
            "{:?}",
            report.notes
        );
    }
    assert_eq!(second.count(), 1);
    let torn = fs::read_to_string(folder.path().join("answers.jsonl.torn")).unwrap();
    assert_eq!(torn, "{\"v\":1,\"asked\":\"00\n");
    // another model has answers of its own
    let mut other = self::endpoint(&second, kept(&path));
    "m-2".clone_into(&mut other.model);
    assert_eq!(describe(&other, "zebra").as_deref(), Ok(GOOD));
    assert_eq!(second.count(), 2);
}

#[test]
fn the_budget_is_kept() {
    let prices = Some(Prices {
        input: 1000.0,
        output: 2000.0,
    });
    let silent = json!({"choices": [{"message": {"content": GOOD}, "finish_reason": "stop"}]});
    for (reply, budget, prices, most) in [
        // an answer takes 15 tokens, and 2 cents
        (Reply::says(GOOD), Budget::new(Some(40), None), None, 3),
        (Reply::says(GOOD), Budget::new(None, Some(0.035)), prices, 2),
        // where nobody counts, it is guessed
        (
            Reply::Json(silent.clone()),
            Budget::new(Some(300), None),
            None,
            2,
        ),
        (Reply::Json(silent), Budget::new(None, Some(0.2)), prices, 1),
        (Reply::says(GOOD), Budget::new(Some(0), None), None, 0),
    ] {
        let stub = stub(vec![reply]);
        let options = Options {
            budget,
            prices,
            ..Options::default()
        };
        let endpoint = endpoint(&stub, options);
        let names = ["zebra", "gnu", "yak", "emu", "eland"].map(|name| describe(&endpoint, name));
        let described = names.iter().filter(|told| told.is_ok()).count();
        assert_eq!((described, stub.count()), (most, most));
        assert_eq!(
            names[4].as_ref().unwrap_err().reason,
            "nothing more is asked for"
        );
        assert!(endpoint.report().ended.unwrap().ends_with("spent"));
    }
}

#[test]
fn an_endpoint_that_fails_is_left_alone() {
    let stub = stub(vec![Reply::Status(
        401,
        Vec::new(),
        "who are you?".to_owned(),
    )]);
    let endpoint = endpoint(&stub, Options::default());
    for name in ["a", "b", "c"] {
        assert_eq!(
            reason(describe(&endpoint, name)),
            "the endpoint gave no answer"
        );
    }
    let told = describe(&endpoint, "d").unwrap_err();
    assert_eq!(told.reason, "nothing more is asked for");
    assert!(
        told.detail.ends_with("401 Unauthorized: who are you?"),
        "{}",
        told.detail
    );
    assert_eq!(stub.count(), 3);
}

#[test]
fn what_is_too_long_says_nothing_of_the_endpoint() {
    let stub = stub(vec![Reply::Status(
        400,
        Vec::new(),
        "maximum context length".to_owned(),
    )]);
    let endpoint = endpoint(&stub, Options::default());
    for name in ["a", "b", "c", "d"] {
        assert_eq!(
            reason(describe(&endpoint, name)),
            "the definition is too long for the model"
        );
    }
}

#[test]
fn many_are_described_at_once() {
    let stub = Stub::start(|request, _| {
        let prompt = request["messages"][0]["content"]
            .as_str()
            .unwrap_or_default();
        let name = prompt.split('`').nth(1).unwrap_or_default();
        let number = name.trim_start_matches("name");
        Reply::says(&format!(
            "Keeps line number {number} open for as long as somebody wants it."
        ))
    });
    let stub = stub.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let endpoint = Arc::new(endpoint(&stub, kept(&folder.path().join("answers.jsonl"))));
    thread::scope(|scope| {
        for part in 0..4 {
            let endpoint = Arc::clone(&endpoint);
            scope.spawn(move || {
                for ix in 0..8 {
                    let number = part * 8 + ix;
                    let told = describe(&endpoint, &format!("name{number}")).unwrap();
                    assert!(told.contains(&format!("number {number} ")), "{told}");
                }
            });
        }
    });
    assert_eq!((stub.count(), endpoint.report().asked), (32, 32));
}

#[test]
fn answers_become_plain() {
    for (answer, want) in [
        (
            "<think>hm, open\nit</think>\n\n Keeps it.\n Open. ",
            "Keeps it. Open.",
        ),
        ("```\nKeeps it.\n```", "Keeps it."),
        ("\"Keeps it.\"", "Keeps it."),
        ("\"Keeps\" and \"opens\"", "\"Keeps\" and \"opens\""),
        ("Keeps\u{1b} it\u{202e}.", "Keeps it."),
        ("\"", "\""),
        ("", ""),
    ] {
        assert_eq!(plain(answer), want);
    }
}

#[test]
fn templates_are_tried_before_they_are_used() {
    let stub = stub(vec![Reply::says(GOOD)]);
    let with = |template: &str| {
        let options = Options {
            template: Some(template.to_owned()),
            ..Options::default()
        };
        Endpoint::new(
            OpenAi::new(Settings::new(&stub.url(), "m").unwrap()),
            options,
        )
    };
    assert!(with("{{ name").is_err());
    assert!(
        with("{{ nme }}")
            .err()
            .unwrap()
            .to_string()
            .starts_with("the template of descriptions: ")
    );
    let endpoint = with("Say what {{ kind }} {{ name }} does.").unwrap();
    assert_eq!(describe(&endpoint, "open_session").as_deref(), Ok(GOOD));
    assert_eq!(
        stub.asked()[0].body["messages"][0]["content"],
        "Say what function open_session does."
    );
    let huge = format!("def f():\n{}", "    x = 1\n".repeat(100_000));
    let asked = Prompt::new(None)
        .unwrap()
        .of(&Subject {
            source: &huge,
            ..subject("f")
        })
        .unwrap();
    assert!(asked.len() < 30_000 && asked.ends_with("x = 1\n…\n```"));
}
