//! Where endpoints are, and what they may take.

use crate::endpoint::Budget;
use crate::endpoint::Settings;
use crate::endpoint::Usage;

#[test]
fn urls() {
    for (given, asked) in [
        (
            "http://localhost:8000/v1",
            "http://localhost:8000/v1/chat/completions",
        ),
        (
            " https://api.example.com/v1/ ",
            "https://api.example.com/v1/chat/completions",
        ),
        (
            "https://a.b/x/chat/completions?api-version=1",
            "https://a.b/x/chat/completions?api-version=1",
        ),
        (
            "http://[::1]:80/v1?a=b",
            "http://[::1]:80/v1/chat/completions?a=b",
        ),
    ] {
        assert_eq!(Settings::new(given, "m").unwrap().url.to_string(), asked);
    }
    for wrong in [
        "",
        "localhost:8000",
        "ftp://a/v1",
        "http://",
        "http:///v1",
        "https://me:pass@a/v1",
        "http://a b/",
    ] {
        let err = Settings::new(wrong, "m").unwrap_err();
        assert!(
            err.to_string().starts_with("--endpoint ") && !err.to_string().contains("me:pass"),
            "{wrong}: {err}"
        );
    }
    for (url, is_local) in [
        ("http://127.0.0.2/", true),
        ("http://[::1]/", true),
        ("http://LOCALHOST:1/", true),
        ("http://localhost.example.com/", false),
    ] {
        assert_eq!(
            Settings::new(url, "m").unwrap().is_local(),
            is_local,
            "{url}"
        );
    }
    let mut settings = Settings::new("http://a/", "m").unwrap();
    for wrong in ["x", "a b: c", "Host: x", "content-length: 3", "a: b\nc"] {
        assert!(settings.add_header(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_budget_has_two_bounds() {
    let usage = Usage {
        prompt_tokens: 700,
        completion_tokens: 300,
        cached_tokens: 0,
        cost: Some(0.4),
    };
    let tokens = Budget::new(Some(1500), None);
    let money = Budget::new(None, Some(0.75));
    for budget in [&tokens, &money] {
        budget.spend(&usage);
        assert_eq!(budget.exhausted(), None);
        budget.spend(&usage);
    }
    assert_eq!(
        tokens.exhausted().as_deref(),
        Some("2.0k tokens were spent")
    );
    assert_eq!(money.exhausted().as_deref(), Some("$0.80 were spent"));
    assert_eq!(Budget::default().exhausted(), None);
}

#[test]
fn authorities_are_certificates() {
    let mut settings = Settings::new("https://a/", "m").unwrap();
    for wrong in [
        "",
        "hello",
        "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
    ] {
        assert!(
            settings.set_authorities(wrong.as_bytes()).is_err(),
            "{wrong}"
        );
    }
    let pem = "-----BEGIN CERTIFICATE-----\nMAAwAA==\n-----END CERTIFICATE-----\n";
    settings.set_authorities(pem.repeat(2).as_bytes()).unwrap();
    assert_eq!(settings.authorities.unwrap().len(), 2);
}
