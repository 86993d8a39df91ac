//! How a query was understood, line by line: the conditions, the types they were read as, what must be read for them.

use schemars::JsonSchema;
use serde::Serialize;

use crate::query::Cost;
use crate::query::Kind;
use crate::query::Unit;
use crate::query::ast::Function;
use crate::query::ast::Op;
use crate::query::check::Literal;
use crate::query::check::Operand;
use crate::query::check::Rule;
use crate::query::check::RuleKind;
use crate::query::check::Test;

/// A line of an explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Explained {
    /// How deep it stands, from 0: what belongs to a line follows it, one deeper.
    pub depth: usize,
    /// As it was written; `and`, `or`, `not` where others follow.
    pub text: String,
    /// What it asks, in words.
    pub meaning: String,
    /// What has to be read for it.
    pub cost: Cost,
}

/// Explains a rule whose parts are as they were written.
pub(super) fn explain(rule: &Rule, query: &str) -> Vec<Explained> {
    let mut lines = Vec::new();
    add(rule, query, 0, &mut lines);
    lines
}

fn add(rule: &Rule, query: &str, depth: usize, lines: &mut Vec<Explained>) {
    let mut line = |text: &str, meaning: String| {
        lines.push(Explained {
            depth,
            text: text.to_owned(),
            meaning,
            cost: rule.cost,
        });
    };
    let own = query.get(rule.span.clone()).unwrap_or_default();
    match &rule.kind {
        RuleKind::Or(parts) => {
            line("or", "one of these holds".to_owned());
            for part in parts {
                add(part, query, depth + 1, lines);
            }
        }
        RuleKind::And(parts) => {
            line("and", "all of these hold".to_owned());
            for part in parts {
                add(part, query, depth + 1, lines);
            }
        }
        RuleKind::Not(inner) => {
            line("not", "this is known and does not hold".to_owned());
            add(inner, query, depth + 1, lines);
        }
        RuleKind::Truthy(operand) => {
            let meaning = match (operand, operand.kind()) {
                (Operand::Steps(Function::Count, _), _) => "is not 0".to_owned(),
                (Operand::Steps(Function::First | Function::Last, _), _) => {
                    "there is one".to_owned()
                }
                (_, Kind::Truth) => "is true".to_owned(),
                (_, Kind::Number(_)) => "is known and not 0".to_owned(),
                _ => "is known and not empty".to_owned(),
            };
            line(own, told(operand, &meaning));
            inner(operand, query, depth, lines);
        }
        RuleKind::Test(operand, test) => {
            line(own, told(operand, &test_words(test, operand.kind())));
            inner(operand, query, depth, lines);
        }
    }
}

fn inner(operand: &Operand, query: &str, depth: usize, lines: &mut Vec<Explained>) {
    if let Operand::Steps(_, rule) = operand {
        add(rule, query, depth + 1, lines);
    }
}

/// `steps (number: model responses) is more than 40`.
fn told(operand: &Operand, what: &str) -> String {
    match operand {
        Operand::Field(name) => {
            let several = if name.field.is_many {
                "one of the values "
            } else {
                ""
            };
            let (kind, doc) = (name.field.type_words(), name.field.doc);
            format!("{name} ({kind}: {doc}) {several}{what}")
        }
        Operand::Steps(function, _) => {
            let mut all = Function::ALL.into_iter();
            let doc = all
                .find(|(one, _)| one == function)
                .map_or("", |(_, doc)| doc);
            format!("{} ({doc}) {what}", function.name())
        }
    }
}

fn test_words(test: &Test, kind: Kind) -> String {
    let list = |literals: &[Literal]| {
        let words: Vec<String> = literals
            .iter()
            .map(|literal| literal_words(literal, kind))
            .collect();
        words.join(" or ")
    };
    match test {
        Test::Is(literals) => format!("is {}", list(literals)),
        Test::IsNot(literals) => format!("is known and not {}", list(literals)),
        Test::Order(op, literal) => {
            let mut all = Op::ALL.into_iter();
            let words = match (op, kind) {
                (Op::Below, Kind::Date) => "is before",
                (Op::AtMost, Kind::Date) => "is not after",
                (Op::Above, Kind::Date) => "is after",
                (Op::AtLeast, Kind::Date) => "is not before",
                (Op::Below, _) => "is less than",
                (Op::Above, _) => "is more than",
                (op, _) => all.find(|(one, _)| one == op).map_or("", |(_, doc)| doc),
            };
            format!("{words} {}", literal_words(literal, kind))
        }
        Test::Matches(regex) => format!("matches /{regex}/{}", case(regex)),
        Test::MatchesNot(regex) => format!("is known and does not match /{regex}/{}", case(regex)),
        Test::Absent => "is not known or not there".to_owned(),
        Test::Present => "is known".to_owned(),
    }
}

fn case(regex: &regex::Regex) -> &'static str {
    if regex.as_str().chars().any(char::is_uppercase) {
        ""
    } else {
        ", in any case"
    }
}

fn literal_words(literal: &Literal, kind: Kind) -> String {
    match literal {
        Literal::Truth(truth) => truth.to_string(),
        Literal::Number(number) => match kind {
            Kind::Number(Unit::Seconds) => format!("{number} seconds"),
            Kind::Number(Unit::Bytes) => format!("{number} bytes"),
            Kind::Number(Unit::Dollars) => format!("{number} dollars"),
            Kind::Number(Unit::Share) => format!("{} %", number * 100.0),
            _ => number.to_string(),
        },
        Literal::Date(from, to) => {
            let begin = moment(*from);
            if *to > from + 1.0 {
                format!("{begin} to {}", moment(*to))
            } else {
                begin
            }
        }
        Literal::Text(text) | Literal::Any(text, None) => format!("“{text}”"),
        Literal::Any(text, Some(number)) => format!("“{text}” or the number {number}"),
        Literal::Field(name) => format!("what {name} is"),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "milliseconds of the years that can be written"
)]
fn moment(ms: f64) -> String {
    let stamp = jiff::Timestamp::from_millisecond(ms as i64);
    stamp.map_or_else(|_| "?".to_owned(), |stamp| format!("{stamp:.0}"))
}
