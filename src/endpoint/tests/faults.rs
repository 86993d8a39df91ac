//! What endpoints do wrong.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::cancel::Cancel;
use crate::endpoint::Chat as _;
use crate::endpoint::NoAnswer;
use crate::endpoint::OpenAi;
use crate::endpoint::Pause as _;
use crate::endpoint::Settings;
use crate::endpoint::pause;
use crate::endpoint::testing::Reply;
use crate::endpoint::testing::Stub;
use crate::endpoint::tests::Noted;
use crate::endpoint::tests::ask;
use crate::endpoint::tests::ask_with;
use crate::endpoint::tests::content;
use crate::endpoint::tests::events;
use crate::endpoint::tests::request;
use crate::endpoint::tests::said;
use crate::endpoint::tests::settings;
use crate::endpoint::tests::stub;
use crate::endpoint::tests::unavailable;

/// A model calls what has no name, and would again if it was asked again.
#[test]
fn a_call_without_a_name_is_an_answer() {
    for function in [json!({"name": ""}), json!({}), json!({"name": null})] {
        let calls = json!({"choices": [{"message": {"tool_calls": [{"function": function}]}}]});
        let seen = ask(vec![Reply::Json(calls), Reply::says("at last")]);
        let message = seen.0.as_ref().unwrap().message.clone();
        assert_eq!(
            message["tool_calls"][0]["function"]["name"], "",
            "{message}"
        );
        assert_eq!(seen.1, 1);
    }
}

#[test]
fn what_may_pass_is_asked_again() {
    let passing = [408, 409, 425, 429, 500, 502, 503, 504, 529].map(Reply::status);
    let broken = [
        Reply::Close,
        Reply::Garbage(b"\x00\x01\x02".to_vec()),
        Reply::Garbage(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()),
        Reply::Json(json!({"choices": []})),
        Reply::Json(json!({"choices": [{"index": 0}]})),
        Reply::Json(json!({"choices": "none"})),
        Reply::Json(json!([])),
        Reply::Json(json!({"choices": [{"message": {"content": 7}}]})),
        Reply::Json(json!({"choices": [{"message": {"tool_calls": {}}}]})),
        Reply::Json(json!({"choices": [{"message": {"tool_calls": [{"function": "ls"}]}}]})),
        Reply::Json(json!({"error": {"message": "overloaded", "code": 503}})),
        Reply::Status(200, Vec::new(), "<!DOCTYPE html><p>Welcome".to_owned()),
        Reply::Status(200, Vec::new(), " \n ".to_owned()),
        Reply::Status(
            200,
            Vec::new(),
            format!("{}1{}", "[".repeat(5000), "]".repeat(5000)),
        ),
        Reply::BreakOff(Box::new(Reply::says("hello")), 40),
        Reply::BreakOff(Box::new(Reply::Stream(said("hello"))), 150),
        Reply::Events(events(&said("hello")[..2])),
        Reply::Status(200, Vec::new(), "internal error: data lost".to_owned()),
        Reply::Status(200, Vec::new(), "dat".to_owned()),
        Reply::Events("data: [DONE]\n\n".to_owned()),
        Reply::Events("data: {\"choices\n\n".to_owned()),
        Reply::Events(format!(
            "{}error: {{\"message\":\"slot lost\"}}\n\n",
            events(&said("h")[..2])
        )),
        Reply::Events(format!(
            "{}data: {{\"error\":{{\"message\":\"lost\"}}}}\n\n",
            events(&said("h")[..2])
        )),
    ];
    for reply in passing.into_iter().chain(broken) {
        let seen = ask(vec![reply.clone(), Reply::says("at last")]);
        assert!(seen.0.is_ok(), "{reply:?}: {:?}", seen.0);
        assert_eq!(content(&seen), "at last");
        assert_eq!((seen.1, seen.2.as_slice()), (2, &[500][..]), "{reply:?}");
    }
}

#[test]
fn in_the_end_what_was_seen_is_told() {
    let seen = ask(vec![Reply::Status(
        503,
        Vec::new(),
        "<b>\x1b[31mbusy</b>\u{202e}".to_owned(),
    )]);
    let what = unavailable(&seen);
    assert!(what.starts_with("127.0.0.1:"), "{what}");
    assert!(
        what.ends_with(": 503 Service Unavailable: <b>busy</b><U+202E> (3 tries)"),
        "{what}"
    );
    assert_eq!((seen.1, seen.2), (3, vec![500, 1000]));
    let seen = ask(vec![Reply::Status(502, Vec::new(), "x".repeat(1 << 20))]);
    assert!(unavailable(&seen).len() < 400);
    let seen = ask_with(vec![Reply::Json(json!({"choices": []}))], |settings| {
        settings.tries = 1;
    });
    assert!(unavailable(&seen).ends_with("an answer with empty `choices`: {\"choices\":[]}"));
}

#[test]
fn nobody_is_there() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let mut settings = Settings::new(&url, "m").unwrap();
    settings.tries = 2;
    let waits = Noted::default();
    let mut told = Vec::new();
    let model = OpenAi::with_pause(settings, waits.clone());
    let answer = model.ask(&request(), &mut |again| told.push(again), &Cancel::new());
    let what = format!("{answer:?}");
    assert!(
        what.contains("Unavailable") && what.contains("no connection"),
        "{what}"
    );
    assert_eq!(waits.millis(), [500]);
    let told: Vec<(u32, u32, bool)> = told
        .iter()
        .map(|again| (again.nth, again.of, again.why.contains("no connection")))
        .collect();
    assert_eq!(told, [(2, 2, true)]);
}

#[test]
fn what_will_not_pass_is_asked_once() {
    for status in [400, 401, 402, 403, 404, 405, 413, 422, 301, 308] {
        let body = json!({"error": {"message": "no such thing", "code": "x"}}).to_string();
        let (answer, count, waits) = ask(vec![Reply::Status(status, Vec::new(), body)]);
        let Err(NoAnswer::Refused(what)) = answer else {
            panic!("{status}: {answer:?}");
        };
        assert!(what.ends_with(": no such thing"), "{what}");
        assert_eq!((count, waits.len()), (1, 0));
    }
    let spent = json!({"error": {"message": "pay", "code": "insufficient_quota"}}).to_string();
    assert!(matches!(
        ask(vec![Reply::Status(429, Vec::new(), spent)]).0,
        Err(NoAnswer::Refused(_))
    ));
    let refused =
        OpenAi::new(settings(&stub(vec![Reply::Hang]))).complete(&json!([]), &Cancel::new());
    assert!(matches!(refused, Err(NoAnswer::Refused(_))));
}

#[test]
fn a_conversation_may_be_too_long() {
    let error = |text: &str| json!({"error": {"message": text}}).to_string();
    let coded = json!({"error": {"code": "context_length_exceeded", "message": "sorry"}});
    for (status, body) in [
        (400, coded.to_string()),
        (400, json!({"object": "error", "message": "This model's maximum context length is 8192 tokens."}).to_string()),
        (413, error("Please reduce the length of the messages")),
        (422, error("`inputs` tokens + `max_new_tokens` must be <= 4096")),
        (500, error("the request exceeds the available context size")),
        (400, "prompt is too long: 210000 tokens > 200000 maximum".to_owned()),
        (200, json!({"error": coded["error"]}).to_string()),
    ] {
        let (answer, count, _) = ask(vec![Reply::Status(status, Vec::new(), body.clone())]);
        assert!(matches!(answer, Err(NoAnswer::TooLong(_))), "{body}: {answer:?}");
        assert_eq!(count, 1);
    }
    let busy = Reply::Status(
        429,
        Vec::new(),
        error("tokens per minute: reduce the length"),
    );
    assert!(ask(vec![busy, Reply::says("hello")]).0.is_ok());
}

#[test]
fn the_endpoint_says_how_long_to_wait() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (headers, wait) in [
        (vec![("Retry-After", "7")], 7000),
        (vec![("Retry-After", "0")], 500),
        (vec![("Retry-After", "-3")], 500),
        (vec![("Retry-After", "soon")], 500),
        (vec![("Retry-After", "NaN")], 500),
        (vec![("Retry-After", "2"), ("retry-after-ms", "1250")], 1250),
        (
            vec![
                ("Date", date),
                ("Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT"),
            ],
            30_000,
        ),
        (vec![("Retry-After", date)], 500),
    ] {
        let headers: Vec<_> = headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let (answer, _, waits) = ask(vec![
            Reply::Status(429, headers.clone(), String::new()),
            Reply::says("hello"),
        ]);
        assert!(answer.is_ok());
        assert_eq!(waits, [wait], "{headers:?}");
    }
    let later = vec![("Retry-After".to_owned(), "3600".to_owned())];
    let seen = ask(vec![Reply::Status(503, later, String::new())]);
    assert!(
        unavailable(&seen).ends_with("(try again in 1h00m)"),
        "{seen:?}"
    );
    assert_eq!((seen.1, seen.2.len()), (1, 0));
}

#[test]
fn waits_grow_and_have_an_end() {
    let waits: Vec<u128> = (1..10)
        .map(|tries| pause::back_off(tries, 0.5).as_millis())
        .collect();
    assert_eq!(
        waits,
        [
            750, 1500, 3000, 6000, 12_000, 24_000, 45_000, 45_000, 45_000
        ]
    );
    assert_eq!(pause::back_off(u32::MAX, 0.0).as_secs(), 30);
    let chance = pause::Real.chance();
    assert!((0.0..1.0).contains(&chance));
}

#[test]
fn what_hangs_is_given_up() {
    let short = Duration::from_millis(30);
    let seen = ask_with(vec![Reply::Hang], |settings| settings.times.whole = short);
    assert!(
        unavailable(&seen).contains("no whole answer within 0.0s"),
        "{seen:?}"
    );
    assert_eq!(seen.1, 3);
    let stuck = || Reply::HangAfter(Box::new(Reply::Stream(said("hello"))), 150);
    let seen = ask_with(vec![stuck()], |settings| settings.times.idle = short);
    assert!(
        unavailable(&seen).contains("the stream stood still for 0.0s"),
        "{seen:?}"
    );
    let seen = ask_with(vec![stuck(), Reply::says("hello")], |settings| {
        settings.times.whole = Duration::from_secs(2);
    });
    assert_eq!(content(&seen), "hello");
    // all of it came; that the connection stays open does no harm
    let whole = events(&said("hello")) + "data: [DONE]\n\n";
    let reply = Reply::HangAfter(Box::new(Reply::Events(whole.clone())), whole.len());
    assert_eq!(content(&ask(vec![reply])), "hello");
}

/// Nothing here would end by itself within the time that a test has.
#[test]
fn it_can_be_cancelled_at_any_time() {
    for reply in [
        Reply::Hang,
        Reply::HangAfter(Box::new(Reply::says("hello")), 20),
        Reply::HangAfter(Box::new(Reply::Stream(said("hello"))), 150),
        Reply::Status(
            503,
            vec![("Retry-After".to_owned(), "299".to_owned())],
            String::new(),
        ),
    ] {
        let cancel = Cancel::new();
        let seen = cancel.clone();
        let stub = Stub::start(move |_, _| {
            seen.cancel();
            reply.clone()
        });
        let stub = stub.unwrap();
        let answer = OpenAi::new(settings(&stub)).complete(&request(), &cancel);
        assert_eq!(answer, Err(NoAnswer::Cancelled));
        assert_eq!(stub.count(), 1);
    }
}

#[test]
fn one_that_is_cancelled_disturbs_no_other() {
    let cancel = Cancel::new();
    let seen = cancel.clone();
    let stub = Stub::start(move |request, _| {
        if request["stop"] == true {
            seen.cancel();
            return Reply::Hang;
        }
        Reply::says(&request["messages"].to_string())
    });
    let stub = stub.unwrap();
    let model = OpenAi::new(settings(&stub));
    let never = Cancel::new();
    thread::scope(|scope| {
        let stopped = scope.spawn(|| model.complete(&json!({"stop": true}), &cancel));
        let others: Vec<_> = (0..4)
            .map(|number| {
                let (model, never) = (&model, &never);
                scope.spawn(move || {
                    for turn in 0..5 {
                        let messages = format!("{number}.{turn}");
                        let answer = model
                            .complete(&json!({"messages": messages}), never)
                            .unwrap();
                        assert_eq!(answer.message["content"], json!(messages).to_string());
                    }
                })
            })
            .collect();
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(stopped.join().unwrap(), Err(NoAnswer::Cancelled));
    });
    assert_eq!(stub.count(), 21);
}
