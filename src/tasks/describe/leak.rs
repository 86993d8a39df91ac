//! What a description must not say: the name of what it describes, the names around it, its path.
//!
//! Names are compared by their words, so that `parse_header`, `parseHeader` and "parse header" are the same. A name that is
//! an ordinary word, such as `get` or `stop`, is one where it is written as a name: in quotes, before a parenthesis, beside a
//! dot, with its capital. A path gives away its file and the folders around it, but not the package that everything is in,
//! and not words that half of all projects have a file for.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use crate::tasks::describe::Subject;

/// What stands in the place of a name.
pub const MASK: &str = "[masked]";

/// One-word names of files and folders that say nothing about where something is.
const COMMON: [&str; 58] = [
    "abstract",
    "base",
    "array",
    "bases",
    "builder",
    "class",
    "classes",
    "client",
    "code",
    "common",
    "config",
    "context",
    "core",
    "data",
    "dataset",
    "default",
    "error",
    "errors",
    "exceptions",
    "fields",
    "file",
    "files",
    "format",
    "function",
    "functions",
    "general",
    "helper",
    "helpers",
    "index",
    "input",
    "internal",
    "main",
    "method",
    "methods",
    "misc",
    "model",
    "models",
    "module",
    "modules",
    "name",
    "names",
    "object",
    "objects",
    "options",
    "output",
    "path",
    "paths",
    "source",
    "string",
    "strings",
    "test",
    "tests",
    "text",
    "time",
    "types",
    "util",
    "utils",
    "value",
];

/// Words that docstrings of many projects have in their sentences, sorted.
const ORDINARY: &str = include_str!("ordinary.txt");

/// Whether a word, in lower case, is one that sentences are made of.
fn is_ordinary(word: &str) -> bool {
    static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| ORDINARY.lines().collect());
    let stems = ["s", "es", "ed", "ing"].map(|ending| word.strip_suffix(ending));
    let mut forms = stems.into_iter().flatten().chain([word]);
    word == "a" || forms.any(|form| WORDS.contains(form))
}

/// Something that a description gives away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// What: `its name`, `a name around it`, `its path`.
    pub what: &'static str,
    /// Where in the description.
    pub range: Range<usize>,
}

/// Everything that a text gives away of a definition, in order, without overlaps.
pub fn leaks(subject: &Subject<'_>, text: &str) -> Vec<Leak> {
    let words = words(text);
    let mut found = Vec::new();
    for secret in secrets(subject) {
        secret.find(text, &words, &mut found);
    }
    found.sort_by_key(|leak| (leak.range.start, usize::MAX - leak.range.end));
    let mut end = 0;
    found.retain(|leak| {
        let is_new = leak.range.start >= end;
        if is_new {
            end = leak.range.end;
        }
        is_new
    });
    found
}

/// The text with a mask in the place of everything that it gives away.
pub fn masked(subject: &Subject<'_>, text: &str) -> String {
    let mut done = String::with_capacity(text.len());
    let mut at = 0;
    for leak in leaks(subject, text) {
        let range = with_marks(text, leak.range);
        done.push_str(text.get(at..range.start).unwrap_or_default());
        if !done.ends_with(MASK) {
            done.push_str(MASK);
        }
        at = range.end.max(at);
    }
    done.push_str(text.get(at..).unwrap_or_default());
    done
}

/// A name with the quotes around it and the `()` behind it.
fn with_marks(text: &str, range: Range<usize>) -> Range<usize> {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    let (mut start, mut end) = (range.start, range.end);
    if after.starts_with("()") {
        end += 2;
    }
    let after = text.get(end..).unwrap_or_default();
    for quote in ["``", "`", "'", "\""] {
        if before.ends_with(quote) && after.starts_with(quote) {
            start -= quote.len();
            end += quote.len();
            break;
        }
    }
    start..end
}

/// A word of a text: a stretch of letters, or a part of an identifier.
struct Word {
    /// In lower case.
    lower: String,
    range: Range<usize>,
    /// It begins, or ends, an identifier.
    is_first: bool,
    is_last: bool,
}

/// The words of a text: `parseHTTP_header` has three.
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut is_inside = false;
    let mut last = ' ';
    let mut chars = text.char_indices().peekable();
    while let Some((at, letter)) = chars.next() {
        if letter == '_' {
            last = letter;
            continue;
        }
        if !letter.is_alphanumeric() {
            if let Some(word) = words.last_mut().filter(|_| is_inside) {
                word.is_last = true;
            }
            is_inside = false;
            last = letter;
            continue;
        }
        let next_is_lower = chars.peek().is_some_and(|(_, next)| next.is_lowercase());
        let is_hump = letter.is_uppercase()
            && (last.is_lowercase() || last.is_numeric() || (last.is_uppercase() && next_is_lower));
        if !is_inside || last == '_' || is_hump {
            words.push(Word {
                lower: String::new(),
                range: at..at,
                is_first: !is_inside,
                is_last: false,
            });
        }
        if let Some(word) = words.last_mut() {
            word.lower.extend(letter.to_lowercase());
            word.range.end = at + letter.len_utf8();
        }
        is_inside = true;
        last = letter;
    }
    if let Some(word) = words.last_mut().filter(|_| is_inside) {
        word.is_last = true;
    }
    words
}

/// Words that must not follow each other.
struct Secret {
    what: &'static str,
    words: Vec<String>,
    form: Form,
}

/// How something has to be written to be given away.
enum Form {
    /// In any way.
    Any,
    /// With its capital, or as a name.
    Capital(String),
    /// As a name is written in a text.
    Name,
}

impl Form {
    /// Of a name of so many words: one that is an ordinary word may stand in any sentence.
    fn of(name: &str, words: &[String]) -> Self {
        match words {
            [word] if is_ordinary(word) && name.starts_with(char::is_uppercase) => {
                Self::Capital(name.to_owned())
            }
            [word] if is_ordinary(word) => Self::Name,
            _ => Self::Any,
        }
    }

    fn fits(&self, text: &str, range: &Range<usize>) -> bool {
        match self {
            Self::Any => true,
            Self::Capital(exact) => text.get(range.clone()) == Some(exact) || is_name(text, range),
            Self::Name => is_name(text, range),
        }
    }
}

/// Whether a stretch of a text is written as a name: in quotes, before a parenthesis, beside a dot within a word.
fn is_name(text: &str, range: &Range<usize>) -> bool {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    let is_quoted = ['`', '\'', '"']
        .iter()
        .any(|quote| before.ends_with(*quote) && after.starts_with(*quote));
    let goes_on = after
        .strip_prefix('.')
        .is_some_and(|rest| rest.starts_with(char::is_alphanumeric));
    is_quoted || after.starts_with('(') || before.ends_with('.') || goes_on
}

impl Secret {
    fn find(&self, text: &str, words: &[Word], found: &mut Vec<Leak>) {
        let count = self.words.len();
        for window in words.windows(count.max(1)) {
            let (Some(first), Some(last)) = (window.first(), window.last()) else {
                continue;
            };
            let is_same = window.iter().map(|word| &word.lower).eq(&self.words);
            if !is_same || !first.is_first || !last.is_last || !is_together(text, window) {
                continue;
            }
            let range = first.range.start..last.range.end;
            if self.form.fits(text, &range) {
                found.push(Leak {
                    what: self.what,
                    range,
                });
            }
        }
    }
}

/// Whether nothing but a blank, a hyphen, a dot or a slash stands between words.
fn is_together(text: &str, words: &[Word]) -> bool {
    words.iter().zip(words.iter().skip(1)).all(|(one, next)| {
        let between = text.get(one.range.end..next.range.start);
        between.is_some_and(|between| {
            between.chars().all(|letter| letter == '_') || matches!(between, " " | "-" | "." | "/")
        })
    })
}

/// The words of a text or of the names in it, in lower case.
pub(in crate::tasks) fn split(name: &str) -> Vec<String> {
    words(name).into_iter().map(|word| word.lower).collect()
}

fn secrets(subject: &Subject<'_>) -> Vec<Secret> {
    let words = split(subject.name);
    let mut secrets = vec![Secret {
        what: "its name",
        form: Form::of(subject.name, &words),
        words,
    }];
    let around = subject.qualified_name.rsplit('.').skip(1);
    for name in around {
        let words = split(name);
        let is_plain = words.len() == 1;
        // `Session` is a name, "session" is a word
        let is_told = !is_plain || name.starts_with(char::is_uppercase);
        if is_told {
            secrets.push(Secret {
                what: "a name around it",
                words,
                form: if is_plain {
                    Form::Capital(name.to_owned())
                } else {
                    Form::Any
                },
            });
        }
    }
    secrets.extend(of_path(subject.path));
    secrets.retain(|secret| !secret.words.is_empty());
    secrets
}

fn of_path(path: &str) -> Vec<Secret> {
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    let mut parts: Vec<&str> = stem.split('/').collect();
    let file = parts.last().copied().unwrap_or_default();
    let secret = |words: Vec<String>| Secret {
        what: "its path",
        form: Form::of("", &words),
        words,
    };
    let mut secrets = Vec::new();
    if file == "__init__" {
        parts.pop();
    } else {
        let mut name = split(file);
        name.push("py".to_owned());
        secrets.push(secret(name));
    }
    // the package that everything is in is known from the repository
    let roots = parts
        .iter()
        .take_while(|part| matches!(**part, "src" | "lib" | "python"));
    let own = roots.count() + 1;
    let inner = if parts.len() > own {
        parts.get(own..).unwrap_or_default()
    } else {
        parts
            .get(parts.len().saturating_sub(1)..)
            .unwrap_or_default()
    };
    let is_only_package = file == "__init__" && parts.len() <= own;
    for part in inner.iter().filter(|_| !is_only_package) {
        let words = split(part);
        let says_something = match words.as_slice() {
            [] => false,
            [word] => word.chars().count() >= 4 && !COMMON.contains(&word.as_str()),
            _ => true,
        };
        if says_something {
            secrets.push(secret(words));
        }
    }
    if parts.len() > 1 {
        secrets.push(secret(parts.iter().flat_map(|part| split(part)).collect()));
    }
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::DefinitionKind;

    fn subject<'a>(qualified_name: &'a str, path: &'a str) -> Subject<'a> {
        Subject {
            kind: DefinitionKind::Function,
            name: qualified_name.rsplit('.').next().unwrap(),
            qualified_name,
            path,
            source: "",
            docstring: "",
            signature: "",
            at: None,
        }
    }

    #[track_caller]
    fn check(qualified_name: &str, path: &str, text: &str, want: &str) {
        let subject = subject(qualified_name, path);
        let done = masked(&subject, text);
        assert_eq!(done, want);
        assert_eq!(leaks(&subject, &done), []);
    }

    #[test]
    fn names_are_found_however_they_are_written() {
        for text in [
            "parse_header",
            "parseHeader",
            "ParseHeader",
            "parse header",
            "parse-header",
            "PARSE_HEADER",
            "`parse_header`",
            "``parse_header()``",
        ] {
            let text = format!("Use {text} here.");
            check("parse_header", "a/b.py", &text, "Use [masked] here.");
        }
        for text in [
            "parse the header",
            "parse, header",
            "parse_headers",
            "reparse header",
        ] {
            check("parse_header", "a/b.py", text, text);
        }
        check(
            "urlopen",
            "a/b.py",
            "Like urlopen of urlopener.",
            "Like [masked] of urlopener.",
        );
        check(
            "HTTPError",
            "a/b.py",
            "An HTTP error, HTTPError.",
            "An [masked], [masked].",
        );
        check(
            "größe",
            "a/b.py",
            "Die Größe von größer.",
            "Die [masked] von größer.",
        );
        check("f", "a/b.py", "f(f)", "[masked]([masked])");
    }

    #[test]
    fn ordinary_words_are_names_where_they_are_written_so() {
        for text in [
            "Get what it gets, or exit.",
            "To get: a thing. Get. get",
            "Send a GET request.",
        ] {
            check("get", "pkg/stop.py", text, text);
        }
        for text in [
            "`get`",
            "get()",
            "``get()``",
            "'get'",
            "Box.get",
            "get(key, default)",
        ] {
            let text = format!("Uses {text} here.");
            assert_eq!(leaks(&subject("get", "pkg/m.py"), &text).len(), 1, "{text}");
        }
        let text = "Stop when the given event is set; see stop.py and pkg.stop.";
        let want = "Stop when the given event is set; see [masked] and [masked].";
        check("when_set", "pkg/stop.py", text, want);
        let text = "A Session keeps the session; `session`.";
        let want = "A [masked] keeps the session; [masked].";
        check("Session", "pkg/m.py", text, want);
        assert!(ORDINARY.lines().is_sorted());
    }

    #[test]
    fn names_around_it_are_names_not_words() {
        let text = "A Session sends; the session waits for the cookie jar.";
        let want = "A [masked] sends; the session waits for the [masked].";
        check("Session.CookieJar.put", "a/b.py", text, want);
    }

    #[test]
    fn paths_are_files_and_inner_folders() {
        check(
            "f",
            "requests/sessions.py",
            "All sessions of requests, in `sessions`.",
            "All sessions of requests, in [masked].",
        );
        check(
            "f",
            "src/requests/sessions.py",
            "Of requests.",
            "Of requests.",
        );
        check(
            "f",
            "pkg/utils.py",
            "The utils of utils.py.",
            "The utils of [masked].",
        );
        check("f", "pkg/http_client.py", "An HTTP client.", "An [masked].");
        check(
            "f",
            "pkg/web/__init__.py",
            "pkg.web of the web.",
            "[masked] of the web.",
        );
        check(
            "f",
            "pkg/widgets/__init__.py",
            "All widgetries.",
            "All widgetries.",
        );
        check("f", "pkg/__init__.py", "The pkg.", "The pkg.");
        check("f", "httplib.py", "All httplib.", "All [masked].");
    }
}
