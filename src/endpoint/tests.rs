mod faults;
mod settings;

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;

use crate::cancel::Cancel;
use crate::endpoint::Chat as _;
use crate::endpoint::Completion;
use crate::endpoint::Key;
use crate::endpoint::NoAnswer;
use crate::endpoint::OpenAi;
use crate::endpoint::Pause;
use crate::endpoint::Prices;
use crate::endpoint::Settings;
use crate::endpoint::Usage;
use crate::endpoint::answer::Answer;
use crate::endpoint::testing::Reply;
use crate::endpoint::testing::Stub;
use crate::model::Value;

const SECRET: &str = "sk-very/secret+key=0123456789";

/// Waits for nothing, and notes for how long it was to wait.
#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Vec<Duration>>>);

impl Noted {
    fn millis(&self) -> Vec<u128> {
        let waits = self.0.lock().unwrap();
        waits.iter().map(Duration::as_millis).collect()
    }
}

impl Pause for Noted {
    fn pause(&self, time: Duration, _cancel: &Cancel) {
        self.0.lock().unwrap().push(time);
    }

    fn chance(&self) -> f64 {
        0.0
    }
}

/// Answers with these one after the other, and with the last one from then on.
fn stub(replies: Vec<Reply>) -> Stub {
    Stub::start(move |_, call| replies[call.min(replies.len() - 1)].clone()).unwrap()
}

fn settings(stub: &Stub) -> Settings {
    let mut settings = Settings::new(&stub.url(), "m-1").unwrap();
    settings.tries = 3;
    settings.key = Key::new(SECRET);
    settings
}

fn request() -> Value {
    json!({"messages": [{"role": "user", "content": "hi"}], "temperature": 0.5})
}

/// What is answered, how often it was asked, and how long was waited between in milliseconds.
type Seen = (Result<Completion, NoAnswer>, usize, Vec<u128>);

fn ask_with(replies: Vec<Reply>, change: impl FnOnce(&mut Settings)) -> Seen {
    let stub = stub(replies);
    let mut settings = settings(&stub);
    change(&mut settings);
    let waits = Noted::default();
    let model = OpenAi::with_pause(settings, waits.clone());
    let answer = model.complete(&request(), &Cancel::new());
    (answer, stub.count(), waits.millis())
}

fn ask(replies: Vec<Reply>) -> Seen {
    ask_with(replies, |_| {})
}

fn chunk(delta: &Value) -> Value {
    json!({"id": "c-1", "model": "m-1-0613", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn end(reason: &str) -> Value {
    json!({"id": "c-1", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn said(text: &str) -> Vec<Value> {
    vec![
        chunk(&json!({"role": "assistant", "content": ""})),
        chunk(&json!({"content": text})),
        end("stop"),
    ]
}

fn events(chunks: &[Value]) -> String {
    let events = chunks.iter().map(|chunk| format!("data: {chunk}\n\n"));
    events.collect::<Vec<_>>().concat()
}

fn content(seen: &Seen) -> &str {
    seen.0.as_ref().unwrap().message["content"]
        .as_str()
        .unwrap()
}

#[track_caller]
fn unavailable(seen: &Seen) -> &str {
    match &seen.0 {
        Err(NoAnswer::Unavailable(what)) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_in_one_piece() {
    let stub = stub(vec![Reply::says("hello")]);
    let mut settings = settings(&stub);
    settings.is_streamed = false;
    settings.prices = Some(Prices {
        input: 3.0,
        output: 15.0,
    });
    settings.add_header("X-Title: hgview test").unwrap();
    let answer = OpenAi::new(settings)
        .complete(&request(), &Cancel::new())
        .unwrap();
    assert_eq!(
        answer.message,
        json!({"role": "assistant", "content": "hello"})
    );
    assert_eq!(answer.finish_reason, "stop");
    assert_eq!(
        (answer.usage.prompt_tokens, answer.usage.completion_tokens),
        (10, 5)
    );
    assert!((answer.usage.cost.unwrap() - 105e-6).abs() < 1e-12);
    assert_eq!(
        (answer.id.as_str(), answer.model.as_str()),
        ("chatcmpl-stub", "stub")
    );
    let asked = &stub.asked()[0];
    assert_eq!(asked.line, "POST /v1/chat/completions HTTP/1.1");
    assert_eq!(
        asked.header("authorization"),
        Some(format!("Bearer {SECRET}").as_str())
    );
    assert_eq!(asked.header("x-title"), Some("hgview test"));
    let body = json!({
        "messages": [{"role": "user", "content": "hi"}], "temperature": 0.5, "model": "m-1", "stream": false,
    });
    assert_eq!(asked.body, body);
}

#[test]
fn a_stream_is_put_together() {
    let call = |index: u64, rest: Value| {
        let mut call = rest;
        call["index"] = index.into();
        chunk(&json!({"tool_calls": [call]}))
    };
    let stub = stub(vec![Reply::Stream(vec![
        chunk(&json!({"role": "assistant", "content": "Let ", "reasoning_content": "th"})),
        chunk(&json!({"content": "me\u{e9}", "reasoning_content": "ink"})),
        call(
            0,
            json!({"id": "a", "type": "function", "function": {"name": "bash", "arguments": ""}}),
        ),
        call(0, json!({"function": {"arguments": "{\"command\":"}})),
        call(
            1,
            json!({"id": "b", "function": {"name": "finish", "arguments": "{}"}}),
        ),
        call(0, json!({"function": {"arguments": " \"ls\"}"}})),
        end("tool_calls"),
        json!({"choices": [], "usage": {
            "prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 64}, "cost": 0.25,
        }}),
    ])]);
    let answer = OpenAi::new(settings(&stub))
        .complete(&request(), &Cancel::new())
        .unwrap();
    let expected = json!({"role": "assistant", "content": "Let me\u{e9}", "reasoning_content": "think", "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "bash", "arguments": "{\"command\": \"ls\"}"}},
        {"id": "b", "type": "function", "function": {"name": "finish", "arguments": "{}"}},
    ]});
    assert_eq!(answer.message, expected);
    assert_eq!(answer.finish_reason, "tool_calls");
    let usage = Usage {
        prompt_tokens: 100,
        cached_tokens: 64,
        completion_tokens: 7,
        cost: Some(0.25),
    };
    assert_eq!(answer.usage, usage);
    assert_eq!(
        (answer.id.as_str(), answer.model.as_str()),
        ("c-1", "m-1-0613")
    );
    let body = &stub.asked()[0].body;
    assert_eq!(
        (&body["stream"], &body["stream_options"]["include_usage"]),
        (&json!(true), &json!(true))
    );
}

/// Tool calls of servers that number them in their own ways.
#[test]
fn calls_are_told_apart_without_their_numbers() {
    let named = |id: &str, name: &str| json!({"id": id, "index": 0, "function": {"name": name, "arguments": "{}"}});
    let unnumbered = |id: &str, arguments: &str| json!({"id": id, "function": {"name": "f", "arguments": arguments}});
    let cases = [
        (
            vec![named("a", "f"), named("b", "g")],
            vec![("a", "f", "{}"), ("b", "g", "{}")],
        ),
        (
            vec![unnumbered("a", "{\"x\""), unnumbered("a", ":1}")],
            vec![("a", "f", "{\"x\":1}")],
        ),
        (vec![unnumbered("", "{}")], vec![("call_0", "f", "{}")]),
        (
            vec![json!({"index": u64::MAX, "function": {"name": "f", "arguments": {"x": 1}}})],
            vec![("call_0", "f", "{\"x\":1}")],
        ),
    ];
    for (deltas, expected) in cases {
        let mut chunks: Vec<Value> = deltas
            .iter()
            .map(|call| chunk(&json!({"tool_calls": [call]})))
            .collect();
        chunks.push(end("tool_calls"));
        let message = ask(vec![Reply::Stream(chunks)]).0.unwrap().message;
        let calls = message["tool_calls"].as_array().unwrap();
        let field = |call: &Value, name: &str| call["function"][name].as_str().unwrap().to_owned();
        let calls: Vec<_> = calls
            .iter()
            .map(|call| {
                (
                    call["id"].as_str().unwrap().to_owned(),
                    field(call, "name"),
                    field(call, "arguments"),
                )
            })
            .collect();
        let calls: Vec<_> = calls
            .iter()
            .map(|(id, name, args)| (id.as_str(), name.as_str(), args.as_str()))
            .collect();
        assert_eq!(calls, expected);
    }
}

#[test]
fn streams_of_many_servers() {
    let whole = events(&said("hello"));
    for stream in [
        // without [DONE], with it, with the ends of lines of Windows, with comments and names, without empty lines
        whole.clone(),
        format!("{whole}data: [DONE]\n\n"),
        format!("\u{feff}\n{whole}"),
        whole.replace('\n', "\r\n"),
        format!(": keep-alive\n\nevent: message\nid: 7\n{whole}"),
        whole.replace("\n\n", "\n"),
        whole.replace("data: ", "data:"),
        whole.trim_end().to_owned(),
        // an event over two lines
        whole.replacen(",\"choices\"", "\ndata: ,\"choices\"", 1),
    ] {
        assert_eq!(content(&ask(vec![Reply::Events(stream)])), "hello");
    }
    // one piece where a stream was asked for, and the other way round
    assert_eq!(content(&ask(vec![Reply::says("hello")])), "hello");
    let seen = ask_with(vec![Reply::Stream(said("hello"))], |settings| {
        settings.is_streamed = false;
    });
    assert_eq!(content(&seen), "hello");
}

#[test]
fn an_answer_may_not_be_endless() {
    for reply in [
        Reply::says(&"x".repeat(4096)),
        Reply::Stream(said(&"x".repeat(4096))),
    ] {
        let seen = ask_with(vec![reply], |settings| settings.max_bytes = 1024);
        assert!(
            unavailable(&seen).contains("an answer of more than 1.0K"),
            "{seen:?}"
        );
    }
}

#[test]
fn the_key_is_never_shown() {
    let told =
        json!({"error": {"message": format!("bad key {SECRET}, title hunter2-title")}}).to_string();
    let replies = [
        Reply::Status(401, Vec::new(), told.clone()),
        Reply::Status(500, Vec::new(), told.clone()),
        Reply::Status(
            307,
            vec![("Location".to_owned(), format!("http://x/{SECRET}"))],
            String::new(),
        ),
        Reply::Status(200, Vec::new(), format!("<p>{SECRET}")),
        Reply::Status(200, Vec::new(), told),
        Reply::says(&format!("your key is {SECRET}")),
        Reply::Stream(said(&format!("your key is {SECRET}"))),
        Reply::calls(&[("f", json!({"x": SECRET}))]),
        Reply::Garbage(format!("HTTP/1.1 {SECRET}\r\n\r\n").into_bytes()),
    ];
    for reply in replies {
        let seen = ask_with(vec![reply], |settings| {
            settings.add_header("X-Title: hunter2-title").unwrap();
        });
        let shown = format!("{seen:?}");
        assert!(!shown.contains(SECRET), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let settings = settings(&stub(vec![Reply::Hang]));
    assert!(!format!("{settings:?} {:?}", settings.key).contains(SECRET));
    assert_eq!(
        Key::from_variable("HGVIEW_NO_SUCH_KEY")
            .unwrap_err()
            .to_string(),
        "the variable HGVIEW_NO_SUCH_KEY is not set"
    );
    assert_eq!(
        (Key::new(""), Key::new("a b"), Key::new("a\r\nb")),
        (None, None, None)
    );
}

#[test]
fn nothing_goes_where_a_redirect_points() {
    let other = stub(vec![Reply::says("mine now")]);
    for status in [301, 302, 303, 307, 308] {
        let place = vec![(
            "Location".to_owned(),
            format!("{}/chat/completions", other.url()),
        )];
        let (answer, count, _) = ask(vec![Reply::Status(status, place, String::new())]);
        assert!(
            matches!(&answer, Err(NoAnswer::Refused(what)) if what.contains("is not followed")),
            "{answer:?}"
        );
        assert_eq!((count, other.count()), (1, 0));
    }
}

#[test]
fn where_a_stream_is_cut_into_pieces_does_not_matter() {
    let bytes = format!("\u{feff}: hi\r\n\r\n{}", events(&said("h\u{e9}llo")));
    let mut answer = Answer::default();
    for byte in bytes.as_bytes() {
        answer.push(&[*byte]).unwrap();
    }
    assert!(answer.is_whole());
    assert_eq!(
        answer.finish(None).unwrap().message["content"],
        "h\u{e9}llo"
    );
    let mut answer = Answer::default();
    for byte in b" {\"choices\": []}" {
        answer.push(&[*byte]).unwrap();
    }
    assert!(answer.finish(None).is_err());
}
