//! What may be typed next: candidates with the bytes that they take the place of.

use std::ops::Range;

use crate::query::FIELDS;
use crate::query::Kind;
use crate::query::Name;
use crate::query::Param;
use crate::query::STEP_FIELDS;
use crate::query::Unit;
use crate::query::ast::Function;
use crate::query::ast::Op;
use crate::query::lex::Lexeme;
use crate::query::lex::Token;
use crate::query::lex::is_word;
use crate::query::lex::lex;

/// Something that may be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What is put in.
    pub text: String,
    /// One line about it.
    pub doc: String,
}

/// What may be typed at a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completion {
    /// The bytes that a candidate takes the place of: the word under the cursor; empty between words.
    pub span: Range<usize>,
    /// What may stand there, the likeliest first.
    pub candidates: Vec<Candidate>,
}

/// What is wanted at a place.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Want {
    /// A field, a function, `not`.
    Term,
    /// An operator, or what joins conditions, behind a term of this type.
    Op(Option<Kind>),
    /// A value of this type.
    Value(Option<Kind>),
    /// The bracket behind `in`.
    InOpen(Option<Kind>),
    /// A value among several.
    InValue(Option<Kind>),
    /// A comma or the bracket's end.
    InNext(Option<Kind>),
    /// `and`, `or`, a bracket's end.
    Link,
}

/// What may be typed at the byte `cursor` of a query that need not be whole.
pub fn complete(query: &str, cursor: usize) -> Completion {
    let before = query.get(..cursor).unwrap_or(query);
    let Ok(mut tokens) = lex(before) else {
        return Completion::default();
    };
    // what ends the tokens says nothing
    tokens.pop();
    let is_partial = |token: &Token| token.word().is_some() && token.span.end == before.len();
    let partial = match tokens.last() {
        Some(token) if is_partial(token) => tokens.pop(),
        _ => None,
    };
    let start = partial
        .as_ref()
        .map_or(before.len(), |token| token.span.start);
    let rest = query.get(before.len()..).unwrap_or_default();
    let after = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
    let end = if partial.is_some() {
        before.len() + after
    } else {
        before.len()
    };
    let typed = before.get(start..).unwrap_or_default();
    let (want, open) = wanted(&tokens);
    Completion {
        span: start..end,
        candidates: fitting(offered(want, &open), typed),
    }
}

/// What stands after these tokens, and for each open bracket whether it is a function's.
fn wanted(tokens: &[Token]) -> (Want, Vec<bool>) {
    let mut want = Want::Term;
    let mut open: Vec<bool> = Vec::new();
    let mut last_call: Vec<Option<Function>> = Vec::new();
    let mut function = None;
    for token in tokens {
        let word = token.word();
        want = match (want, &token.lexeme) {
            (Want::Term, Lexeme::Open) => {
                open.push(false);
                last_call.push(None);
                Want::Term
            }
            (Want::Op(_), Lexeme::Open) if function.is_some() => {
                open.push(true);
                last_call.push(function);
                Want::Term
            }
            (Want::InOpen(kind), Lexeme::Open) | (Want::InNext(kind), Lexeme::Comma) => {
                Want::InValue(kind)
            }
            (Want::InNext(_), Lexeme::Close) | (Want::Value(_), Lexeme::Atom(..)) => Want::Link,
            (Want::Op(_) | Want::Link, Lexeme::Close) => {
                open.pop();
                match last_call.pop().flatten() {
                    Some(Function::Any | Function::All) => Want::Op(Some(Kind::Truth)),
                    Some(_) => Want::Op(Some(Kind::Number(Unit::Plain))),
                    None => Want::Link,
                }
            }
            (Want::Term, _) if word == Some("not") => Want::Term,
            (Want::Term, _) => Want::Op(word.and_then(kind_of)),
            (Want::Op(kind), Lexeme::Op(_)) => Want::Value(kind),
            (Want::Op(kind), _) if word == Some("in") => Want::InOpen(kind),
            (Want::Op(kind), _) if word == Some("not") => Want::Op(kind),
            (Want::Op(_) | Want::Link, _) if matches!(word, Some("and" | "or")) => Want::Term,
            (Want::InValue(kind), Lexeme::Atom(..)) => Want::InNext(kind),
            (want, _) => want,
        };
        function = word.and_then(Function::from_name);
    }
    (want, open)
}

fn kind_of(name: &str) -> Option<Kind> {
    let name = Name::find(name, &(0..0)).ok()?;
    Some(name.field.kind)
}

fn candidate(text: &str, doc: &str) -> Candidate {
    Candidate {
        text: text.to_owned(),
        doc: doc.to_owned(),
    }
}

fn offered(want: Want, open: &[bool]) -> Vec<Candidate> {
    match want {
        Want::Term => terms(open.contains(&true)),
        Want::Op(kind) => {
            let mut all = operators(kind);
            all.extend(links(open));
            all
        }
        Want::Value(kind) => {
            let mut all = values(kind);
            all.push(candidate("none", "it is not known, or not there"));
            all
        }
        Want::InOpen(_) => vec![candidate("(", "the values, separated by commas")],
        Want::InValue(kind) => values(kind),
        Want::InNext(_) => vec![
            candidate(",", "another value"),
            candidate(")", "that is all"),
        ],
        Want::Link => links(open),
    }
}

/// Fields, then functions; inside a function the fields of steps come first.
fn terms(is_inside: bool) -> Vec<Candidate> {
    let field = |field: &crate::query::Field| {
        let text = match field.param {
            Param::Column => format!("{}.", field.name),
            Param::No | Param::Reviewer => field.name.to_owned(),
        };
        Candidate {
            text,
            doc: format!("{}: {}", field.type_words(), field.doc),
        }
    };
    let mut all: Vec<Candidate> = Vec::new();
    if is_inside {
        all.extend(STEP_FIELDS.iter().map(field));
        all.push(candidate("not", "the condition does not hold"));
        all.extend(FIELDS.iter().map(field));
    } else {
        all.extend(FIELDS.iter().map(field));
        all.push(candidate("not", "the condition does not hold"));
        all.extend(
            Function::ALL
                .into_iter()
                .map(|(function, doc)| candidate(&format!("{}(", function.name()), doc)),
        );
    }
    all
}

fn operators(kind: Option<Kind>) -> Vec<Candidate> {
    let fits = |op: Op| match kind {
        None | Some(Kind::Any) => true,
        Some(Kind::Number(_) | Kind::Date) => !matches!(op, Op::Match | Op::NoMatch),
        Some(Kind::Text | Kind::Word(_)) => !op.is_order(),
        Some(Kind::Truth) => matches!(op, Op::Equal | Op::Unequal),
    };
    let mut all: Vec<Candidate> = Op::ALL
        .into_iter()
        .filter(|(op, _)| fits(*op))
        .map(|(op, doc)| candidate(op.sign(), doc))
        .collect();
    if kind != Some(Kind::Truth) {
        all.push(candidate("in", "is one of: (a, b)"));
        all.push(candidate("not in", "is none of: (a, b)"));
    }
    all
}

fn links(open: &[bool]) -> Vec<Candidate> {
    let mut all = vec![
        candidate("and", "both hold"),
        candidate("or", "one of both holds"),
    ];
    if !open.is_empty() {
        all.push(candidate(")", "close the bracket"));
    }
    all
}

fn values(kind: Option<Kind>) -> Vec<Candidate> {
    match kind {
        Some(Kind::Word(words)) => {
            let noun = words.noun();
            let all = words.all().into_iter();
            all.map(|word| candidate(word, noun)).collect()
        }
        Some(Kind::Truth) => vec![candidate("true", ""), candidate("false", "")],
        Some(Kind::Date) => vec![
            candidate("today", "since midnight, UTC"),
            candidate("yesterday", "the day before, UTC"),
            candidate("-7d", "a week ago; -2h, -30m"),
            candidate("2026-01-31", "a day"),
            candidate("2026-01-31T10:00", "a minute"),
        ],
        Some(Kind::Number(unit)) => {
            let examples = match unit {
                Unit::Plain => vec![("40", "a number"), ("40k", "40,000"), ("1.5M", "1,500,000")],
                Unit::Seconds => vec![("90s", "seconds"), ("5m", "minutes"), ("2h", "hours")],
                Unit::Bytes => vec![("200kb", "a size"), ("1MB", "a size")],
                Unit::Dollars => vec![("$0.50", "US dollars")],
                Unit::Share => vec![("40%", "a share"), ("0.4", "a share")],
            };
            examples
                .into_iter()
                .map(|(text, doc)| candidate(text, doc))
                .collect()
        }
        Some(Kind::Text | Kind::Any) | None => Vec::new(),
    }
}

/// Those that begin with what was typed, then those that hold it.
fn fitting(all: Vec<Candidate>, typed: &str) -> Vec<Candidate> {
    let typed = typed.to_lowercase();
    let begins = |candidate: &Candidate| candidate.text.to_lowercase().starts_with(&typed);
    let (mut fit, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(begins);
    if !typed.is_empty() {
        let holds = |candidate: &Candidate| candidate.text.to_lowercase().contains(&typed);
        fit.extend(rest.into_iter().filter(holds));
    }
    fit
}
