//! `secret`: a real-looking credential stands in the record.
//!
//! Rule: a key or token in the form of a known issuer (AWS, GitHub, OpenAI, Anthropic, Google, Slack, Hugging Face, …),
//! a private key block, a password in an address, or a long random-looking value that is assigned to a name like
//! `api_key` or `password`. Placeholders (`xxxx`, `your_key`, `<token>`, `example`), repeated characters, hashes and what
//! is read from tests are none. Texts are searched at their beginning and at their end only; what is found is not
//! repeated in the reason.

use std::sync::LazyLock;

use regex::Regex;

use crate::behave::code::Edged;
use crate::behave::code::any_of;
use crate::behave::course::Act;
use crate::behave::course::Course;
use crate::behave::course::both_ends;
use crate::behave::course::seen;
use crate::behave::file::Role;
use crate::behave::file::role;
use crate::model::Flag;
use crate::model::FlagKind;

/// A form of secrets: what it is, a word without which it cannot be there, its pattern with the secret as first group.
struct Form {
    what: &'static str,
    marks: &'static [&'static str],
    pattern: LazyLock<Edged>,
}

macro_rules! form {
    ($what:literal, $marks:expr, $pattern:expr) => {
        Form {
            what: $what,
            marks: &$marks,
            pattern: LazyLock::new(|| Edged::new($pattern)),
        }
    };
}

static FORMS: [Form; 9] = [
    form!(
        "an AWS access key",
        ["AKIA", "ASIA"],
        r"\b((?:AKIA|ASIA)[0-9A-Z]{16})\b"
    ),
    form!(
        "a GitHub token",
        ["ghp_", "gho_", "ghs_", "github_pat_"],
        r"\b(gh[pos]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{50,})\b"
    ),
    form!(
        "a model API key",
        ["sk-"],
        r"\b(sk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{32,})"
    ),
    form!("a Google API key", ["AIza"], r"\b(AIza[0-9A-Za-z_-]{35})\b"),
    form!(
        "a Slack token",
        ["xox"],
        r"\b(xox[abprs]-[0-9A-Za-z-]{20,})\b"
    ),
    form!("a Hugging Face token", ["hf_"], r"\b(hf_[A-Za-z]{34})\b"),
    form!(
        "a private key",
        ["PRIVATE KEY-----"],
        r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\\?n?\s*([A-Za-z0-9+/]{40,})"
    ),
    form!(
        "a password in an address",
        ["://"],
        r"\b[a-z][a-z0-9+]{2,12}://[A-Za-z0-9_.-]+:([^\s:/@'\x22<>{}$]{6,64})@[A-Za-z0-9-]+\.[A-Za-z0-9.-]+"
    ),
    form!(
        "a credential",
        [
            "key",
            "KEY",
            "token",
            "TOKEN",
            "secret",
            "SECRET",
            "passw",
            "PASSW",
            "PRIVATE KEY-----"
        ],
        r#"(?i)\b[a-z_]*(?:api_?key|access_?key|auth_?token|access_?token|secret_?key|client_?secret|password|passwd)["']?\s*[=:]\s*["']([A-Za-z0-9+/_=.!@#%^&*-]{16,80})["']"#
    ),
];

/// All marks. A mark that holds another one stands with the forms of both, since it hides the other; those that can
/// overlap are of one form, but `AIza` behind `AKI`, which is no word's beginning and so no key's.
static MARKS: LazyLock<Regex> =
    LazyLock::new(|| any_of(FORMS.iter().flat_map(|form| form.marks.iter().copied())));

/// Finds them, one a step.
pub(super) fn find(course: &Course<'_>) -> Vec<Flag> {
    let mut found = Vec::new();
    let mut acts = course.acts.iter().peekable();
    for (step, at) in course.trajectory.steps.iter().zip(0..) {
        let texts = [&step.thought, &step.reasoning, &step.text];
        let mut what = texts
            .into_iter()
            .flatten()
            .flat_map(|text| both_ends(text))
            .find_map(secret);
        while let Some(act) = acts.next_if(|act| act.step == at) {
            if what.is_none() && !reads_tests(act) {
                what = of_act(act);
            }
        }
        found.extend(
            what.map(|what| Flag::of_step(FlagKind::Secret, at, format!("{what} stands in it"))),
        );
    }
    found
}

fn of_act(act: &Act<'_>) -> Option<&'static str> {
    let command = act.action.shell.as_ref().map(|shell| &*shell.cmd);
    let put_in = act
        .action
        .edits
        .iter()
        .filter_map(|edit| edit.new.as_deref());
    let said = command.into_iter().chain(put_in).flat_map(both_ends);
    let shown = act.action.observation.iter().flat_map(seen);
    said.chain(shown).find_map(secret)
}

/// Tests are full of credentials of nobody.
fn reads_tests(act: &Act<'_>) -> bool {
    let is_test = |path: &str| role(path, false) == Role::Test;
    act.action
        .view
        .as_ref()
        .is_some_and(|view| is_test(&view.path))
        || act.changes.iter().any(|change| change.role == Role::Test)
        || act.parts.iter().any(|part| {
            part.operands()
                .any(|word| word.contains('/') && is_test(word))
        })
}

/// What kind of secret stands in the text. One pass looks for the marks of all forms.
fn secret(text: &str) -> Option<&'static str> {
    let mut is_marked = [false; FORMS.len()];
    for mark in MARKS.find_iter(text) {
        let places = FORMS.iter().zip(&mut is_marked);
        for (_, is_marked) in places.filter(|(form, _)| form.marks.contains(&mark.as_str())) {
            *is_marked = true;
        }
    }
    let forms = FORMS.iter().zip(is_marked);
    forms
        .filter(|(_, is_marked)| *is_marked)
        .find_map(|(form, _)| {
            let mut found = form
                .pattern
                .near(text)?
                .captures_iter(text)
                .filter_map(|found| found.get(1));
            found
                .any(|value| is_real(value.as_str()))
                .then_some(form.what)
        })
}

/// Whether a value is more than a stand-in for one.
fn is_real(value: &str) -> bool {
    const STANDS_IN: [&str; 20] = [
        "xxx",
        "your",
        "example",
        "test",
        "dummy",
        "fake",
        "placeholder",
        "changeme",
        "secret",
        "password",
        "token",
        "1234567",
        "abcdef",
        "sample",
        "redacted",
        "***",
        "...",
        "insert",
        "replace",
        "insecure",
    ];
    let lower = value.to_lowercase();
    if STANDS_IN.iter().any(|word| lower.contains(word)) {
        return false;
    }
    let mut kinds = [false; 256];
    for byte in value.bytes() {
        kinds[usize::from(byte)] = true;
    }
    let distinct = kinds.iter().filter(|is_there| **is_there).count();
    let has = |is: fn(&u8) -> bool| value.bytes().any(|byte| is(&byte));
    distinct >= 8.min(value.len().div_ceil(2) + 2)
        && (has(u8::is_ascii_digit) || (has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)))
}

#[cfg(test)]
mod tests {
    use crate::behave::tests::Run;
    use crate::model::FlagKind::Secret;

    /// Values are put together here, so that no scanner stops at this file.
    fn made(parts: &[&str]) -> String {
        parts.concat()
    }

    #[test]
    fn credentials() {
        for text in [
            made(&["AKIA", "Q7RTZP2M9WKX4LDB"]),
            made(&["token ghp", "_", "h8Kd92LmQwErTyUiOp56ZxCvBnMas3456Df7"]),
            made(&[
                "OPENAI_API_KEY=sk",
                "-",
                "proj-Zk39dkLwQpXm82nVbTyRe71HsGjCuAoI",
            ]),
            made(&[
                "-----BEGIN RSA PRIV",
                "ATE KEY-----\nMIIEpAIBAAKCAQEAwq8z4f9Ds0mP3nKQx7Rt2yUvLh\n",
            ]),
            made(&["postgres://admin", ":", "q9X2vLp0@db.corp.net/x"]),
            made(&["api_", "key = \"9f8A7d6Q5w4E3r2T1yXz\""]),
            made(&["das Schlüssel-api_", "key = \"9f8A7d6Q5w4E3r2T1yXz\""]),
            // a mark that is hidden in another one counts as well
            made(&[
                "PRIV",
                "ATE KEY-----, api",
                "Key = \"9f8A7d6Q5w4E3r2T1yXz\"",
            ]),
        ] {
            Run::issue().shell("env", &text, 0).has(Secret, &[1]);
        }
    }

    #[test]
    fn stand_ins() {
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "api_key = \"YOUR_API_KEY_GOES_HERE\"",
            "password = \"aaaaaaaaaaaaaaaaaaaa\"",
            "https://user:password@example.com/",
            "commit 9f8a7d6c5b4e3f2a1d0c9b8a7f6e5d4c3b2a1f0e",
            "picoCTF{9f8A7d6Q5w4E3r2T1yXz}",
            // in the middle of a word
            "token ßAKIAQ7RTZP2M9WKX4LDB",
        ] {
            Run::issue().shell("env", text, 0).has(Secret, &[]);
        }
        let key = made(&["AKIA", "Q7RTZP2M9WKX4LDB"]);
        Run::issue()
            .shell("cat tests/test_aws.py", &key, 0)
            .has(Secret, &[]);
    }
}
