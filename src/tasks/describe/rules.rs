//! Descriptions by rules: what the docstring says first, without names and places.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Captures;
use regex::Regex;

use crate::cancel::Cancel;
use crate::python::DefinitionKind;
use crate::tasks::LeftOut;
use crate::tasks::describe::Describe;
use crate::tasks::describe::Subject;
use crate::tasks::describe::leak::MASK;
use crate::tasks::describe::leak::leaks;
use crate::tasks::describe::leak::masked;

/// A description has at least as many words that are not masked…
const LEAST_WORDS: usize = 6;
/// … of which so many differ, …
const LEAST_DISTINCT: usize = 5;
/// … and is cut at the end of a sentence before it has more than these.
const MOST_WORDS: usize = 120;

/// Roles and marks of reStructuredText around a name: what is marked is in the groups.
#[expect(clippy::expect_used, reason = "the pattern is a literal")]
static ROLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r":[a-z][a-z:+-]*:`{1,2}[~!]?(?:[^`<]*<)?([^`<>]+)>?`{1,2}")
        .expect("the pattern is one")
});

/// Takes the first paragraph of the docstring, and the next one where that says little.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules;

impl Describe for Rules {
    fn describe(&self, subject: &Subject<'_>, _cancel: &Cancel) -> Result<String, LeftOut> {
        let told = prose(subject);
        let first = leaks(subject, &told).into_iter().next();
        let first = first.filter(|leak| leak.range.start == 0);
        let loses_verb = subject.kind == DefinitionKind::Function
            && first.is_some_and(|leak| told.get(leak.range).unwrap_or_default().contains(' '));
        if loses_verb {
            return Err(LeftOut {
                reason: "its docstring begins with its name in words",
                detail: told,
            });
        }
        checked(subject, shortened(&masked(subject, &told)))
    }

    fn repeats_docstrings(&self) -> bool {
        true
    }
}

/// What the rules say of a definition, enough or not.
pub(super) fn told(subject: &Subject<'_>) -> String {
    shortened(&masked(subject, &prose(subject)))
}

/// The paragraphs from which a description is made.
fn prose(subject: &Subject<'_>) -> String {
    let mut told = String::new();
    for paragraph in paragraphs(subject) {
        if !told.is_empty() {
            told.push(' ');
        }
        told.push_str(&paragraph);
        if says_enough(&masked(subject, &told)) {
            break;
        }
    }
    told
}

/// A description that says enough and gives nothing away, whoever wrote it.
///
/// # Errors
/// Why it is none.
pub fn checked(subject: &Subject<'_>, description: String) -> Result<String, LeftOut> {
    let left_out = |reason, detail| LeftOut { reason, detail };
    if let Some(leak) = leaks(subject, &description).into_iter().next() {
        let told = description.get(leak.range).unwrap_or_default();
        let detail = format!("{}: {told}", leak.what);
        return Err(left_out("the description gives the place away", detail));
    }
    if !says_enough(&description) {
        return Err(left_out("the description says too little", description));
    }
    Ok(description)
}

fn says_enough(text: &str) -> bool {
    let text = text.replace(MASK, " ");
    let words = text
        .split(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '_' | '\''))
        .filter(|word| word.chars().any(char::is_alphabetic));
    let words: Vec<String> = words.map(str::to_lowercase).collect();
    let distinct: HashSet<&String> = words.iter().collect();
    words.len() >= LEAST_WORDS && distinct.len() >= LEAST_DISTINCT
}

/// The paragraphs of prose at the beginning of a docstring, each on one line.
pub(in crate::tasks) fn paragraphs(subject: &Subject<'_>) -> Vec<String> {
    const MOST: usize = 2;
    let mut found: Vec<Vec<&str>> = vec![Vec::new()];
    for line in subject.docstring.lines() {
        if begins_section(line) {
            // a line below which others are drawn is the heading of what follows
            if is_rule(line)
                && let Some(open) = found.last_mut()
            {
                open.pop();
            }
            break;
        }
        match found.last_mut() {
            Some(open) if !line.trim().is_empty() => open.push(line.trim()),
            _ => found.push(Vec::new()),
        }
    }
    let signature = format!("{}(", subject.name);
    let prose = found.into_iter().filter(|lines| {
        let first = lines.first().copied().unwrap_or_default();
        !first.is_empty() && !first.starts_with(&signature)
    });
    prose
        .take(MOST)
        .map(|lines| plain(&lines.join(" ")))
        .collect()
}

/// Whether a line begins something that is no prose: fields, sections, examples, directives.
fn begins_section(line: &str) -> bool {
    let line = line.trim();
    let is_heading = line.strip_suffix(':').is_some_and(|word| {
        word.split_whitespace().count() <= 2 && word.starts_with(char::is_uppercase)
    });
    is_heading
        || is_rule(line)
        || [">>>", ".. ", "@param", "@return", "```"]
            .iter()
            .any(|mark| line.starts_with(mark))
        || is_field(line)
}

/// Whether a line begins a field (`:param x:`), not a role.
fn is_field(line: &str) -> bool {
    let field = line.strip_prefix(':').and_then(|line| line.split_once(':'));
    field.is_some_and(|(_, rest)| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 3
        && line
            .chars()
            .all(|letter| matches!(letter, '-' | '=' | '~' | '^'))
}

/// Text without marks of roles, of what they name the last name, with single blanks.
fn plain(text: &str) -> String {
    let text = ROLE.replace_all(text, |found: &Captures<'_>| {
        let named = found.get(1).map_or("", |named| named.as_str());
        format!("`{}`", named.rsplit('.').next().unwrap_or(named))
    });
    // what keeps marks and letters apart from what they would mean
    let text = text.replace("\\*", "*").replace("`\\", "`");
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// Cut behind the last sentence that still fits.
fn shortened(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let Some(head) = words.get(..MOST_WORDS) else {
        return text.to_owned();
    };
    let end = head
        .iter()
        .rposition(|word| word.ends_with(['.', '!', '?']));
    let head = end.and_then(|end| head.get(..=end)).unwrap_or(head);
    head.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(name: &str, docstring: &str) -> Result<String, LeftOut> {
        let subject = Subject {
            kind: DefinitionKind::Function,
            name,
            qualified_name: name,
            path: "pkg/sessions.py",
            source: "",
            docstring,
            signature: "",
            at: None,
        };
        Rules.describe(&subject, &Cancel::new())
    }

    #[track_caller]
    fn check(name: &str, docstring: &str, want: &str) {
        assert_eq!(describe(name, docstring).as_deref(), Ok(want));
    }

    #[track_caller]
    fn refused(name: &str, docstring: &str, want: &str) {
        assert_eq!(
            describe(name, docstring).map_err(|why| why.reason),
            Err(want)
        );
    }

    #[test]
    fn the_first_paragraph_is_taken() {
        check(
            "f",
            "Joins all the words\nof a line with blanks.\n\nNever fails.\n\nArgs:\n    x: y",
            "Joins all the words of a line with blanks.",
        );
        check(
            "f",
            "Joins words.\n\nEach word stands apart from the others.\n\nNo more.",
            "Joins words. Each word stands apart from the others.",
        );
        for section in [
            "Args:",
            ":param x: y",
            ">>> f()",
            "Parameters\n----------",
            ".. note::",
        ] {
            let docstring = format!("Joins all the words of a line.\n{section}\nmore");
            check("f", &docstring, "Joins all the words of a line.");
        }
    }

    #[test]
    fn names_and_places_are_masked() {
        check(
            "send_all",
            "send_all(x) -> y\n\nUses :func:`~pkg.sessions.send_all` and :class:`Other` for all sessions there are.",
            "Uses [masked] and `Other` for all sessions there are.",
        );
    }

    #[test]
    fn sentences_stay_sentences() {
        check(
            "delete",
            "Sends a delete request to whoever listens.\n:param url: the `URL` of it\n:return: nothing",
            "Sends a delete request to whoever listens.",
        );
        check(
            "f",
            "Reads ``\\*args`` of all `Token`\\s, by :meth:``pkg.read`` of the stream.",
            "Reads ``*args`` of all `Token`s, by `read` of the stream.",
        );
        refused(
            "add_token",
            "Add token after token until there are enough of them.",
            "its docstring begins with its name in words",
        );
    }

    #[test]
    fn what_says_too_little_is_left_out() {
        refused("f", "", "the description says too little");
        refused("f", "Joins the words.", "the description says too little");
        refused("f", "f f f f f f f f f", "the description says too little");
        refused(
            "f",
            "Args:\n  one two three four five six seven",
            "the description says too little",
        );
        refused("f", "a a a a a a a a", "the description says too little");
    }

    #[test]
    fn long_ones_end_with_a_sentence() {
        let docstring = "One two three four five six seven eight nine ten. ".repeat(30);
        let description = describe("f", &docstring).unwrap();
        assert_eq!(description.split(' ').count(), 120);
        let endless = "word other ".repeat(100_000) + "third fourth fifth";
        assert!(describe("f", &endless).is_err());
    }

    #[test]
    fn descriptions_of_others_are_checked() {
        let subject = Subject {
            kind: DefinitionKind::Class,
            name: "Session",
            qualified_name: "Session",
            path: "pkg/m.py",
            source: "",
            docstring: "",
            signature: "",
            at: None,
        };
        let told = "Keeps a Session open for as long as somebody wants it.";
        let why = checked(&subject, told.to_owned()).unwrap_err();
        assert_eq!(why.detail, "its name: Session");
        let told = "Keeps a session open for as long as somebody wants it.";
        assert_eq!(checked(&subject, told.to_owned()).as_deref(), Ok(told));
    }
}
