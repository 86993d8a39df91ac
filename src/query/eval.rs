//! Whether a record answers a query. Three answers: yes, no, and not known.
//!
//! A comparison with what is not known is not known, whichever the operator; so is its `not`. `and` and `or` are known
//! as soon as one side decides them. A field by itself is always known: it is there and neither empty, zero nor false,
//! or it is not, so that `not decision` holds where there is none. A record is taken when the answer is yes. Of fields
//! with several values `=`, `<`, `~` and `in` want one that fits, `!=`, `!~` and `not in` want none that does.
//!
//! Functions over steps are always known where the steps are: `any` wants a step for which the condition is yes, `all`
//! that there is none for which it is no. A step with several calls is looked at once for each of them, so that
//! `step.cmd ~ pytest and step.exit != 0` speaks of one call; `count` counts steps, not calls.

use std::borrow::Cow;
use std::ops::ControlFlow;

use regex::Regex;

use crate::query::Fact;
use crate::query::Name;
use crate::query::Query;
use crate::query::ast::Function;
use crate::query::ast::Op;
use crate::query::check::Literal;
use crate::query::check::Operand;
use crate::query::check::Rule;
use crate::query::check::RuleKind;
use crate::query::check::Test;

/// What a field holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Not known, or not there.
    Absent,
    /// True or false.
    Truth(bool),
    /// A number in its field's base unit (seconds, bytes, dollars, a share from 0 to 1); for dates milliseconds since
    /// 1970.
    Number(f64),
    /// A text or word.
    Text(Cow<'a, str>),
    /// Several of the others; may be none.
    Many(Vec<Self>),
}

impl<'a> Value<'a> {
    /// A text; absent where there is none.
    pub fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Absent, |text| Self::Text(Cow::Borrowed(text)))
    }

    /// A word.
    pub fn word(word: &'static str) -> Self {
        Self::Text(Cow::Borrowed(word))
    }

    /// A number; absent where there is none.
    pub fn number(number: Option<f64>) -> Self {
        number.map_or(Self::Absent, Self::Number)
    }

    /// A count; absent where there is none.
    #[expect(clippy::cast_precision_loss, reason = "counts fit a double")]
    pub fn count(count: Option<u64>) -> Self {
        count.map_or(Self::Absent, |count| Self::Number(count as f64))
    }

    /// Truth; absent where it is not known.
    pub fn truth(truth: Option<bool>) -> Self {
        truth.map_or(Self::Absent, Self::Truth)
    }

    fn is_truthy(&self) -> bool {
        match self {
            Self::Absent => false,
            Self::Truth(truth) => *truth,
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Text(text) => !text.is_empty(),
            Self::Many(values) => values.iter().any(Self::is_truthy),
        }
    }
}

/// A record as queries see it. Fields are asked for only when they decide something.
pub trait Record {
    /// What a field of the record holds; absent for what is about a step.
    fn field(&self, name: &Name) -> Value<'_>;

    /// Shows the calls of all steps in order, a step without calls once, each with the step's number, until the visitor
    /// breaks off. `false` where the steps are not known.
    fn each_call(&self, visit: &mut dyn FnMut(usize, &dyn Step) -> ControlFlow<()>) -> bool;
}

/// A call of a step, with what its step says.
pub trait Step {
    /// What a field holds.
    fn field(&self, fact: Fact) -> Value<'_>;
}

impl Query {
    /// Whether a record is taken.
    pub fn admits(&self, record: &dyn Record) -> bool {
        self.rule.holds(record, None) == Some(true)
    }
}

impl Rule {
    /// `None`: not known.
    fn holds(&self, record: &dyn Record, step: Option<&dyn Step>) -> Option<bool> {
        match &self.kind {
            RuleKind::Or(parts) => decided(parts, true, record, step),
            RuleKind::And(parts) => decided(parts, false, record, step),
            RuleKind::Not(inner) => inner.holds(record, step).map(|held| !held),
            RuleKind::Truthy(operand) => match operand {
                // the steps of a record that cannot be read are not known
                Operand::Steps(function, inner) => over_steps(*function, inner, record)
                    .map(|value| value.is_truthy() || is_first_step(*function, &value)),
                Operand::Field(name) => Some(value_of(name, record, step).is_truthy()),
            },
            RuleKind::Test(operand, test) => match operand {
                Operand::Steps(function, inner) => {
                    let value = over_steps(*function, inner, record)?;
                    test.holds(&value, record, step)
                }
                Operand::Field(name) => test.holds(&value_of(name, record, step), record, step),
            },
        }
    }
}

/// Step 0 is a step: there is a first or last one.
fn is_first_step(function: Function, value: &Value<'_>) -> bool {
    matches!(function, Function::First | Function::Last) && *value != Value::Absent
}

/// `or` (`is_or`) and `and` of Kleene's logic.
fn decided(
    parts: &[Rule],
    is_or: bool,
    record: &dyn Record,
    step: Option<&dyn Step>,
) -> Option<bool> {
    let mut is_known = true;
    for part in parts {
        match part.holds(record, step) {
            Some(held) if held == is_or => return Some(is_or),
            Some(_) => {}
            None => is_known = false,
        }
    }
    is_known.then_some(!is_or)
}

fn value_of<'r>(name: &Name, record: &'r dyn Record, step: Option<&'r dyn Step>) -> Value<'r> {
    match step {
        Some(step) if name.field.is_of_step() => step.field(name.field.fact),
        _ => record.field(name),
    }
}

/// What a function over the steps says; `None` where the steps are not known.
fn over_steps(function: Function, inner: &Rule, record: &dyn Record) -> Option<Value<'static>> {
    let (mut count, mut first, mut last) = (0_u64, None, None);
    let is_known = record.each_call(&mut |number, step| {
        let held = inner.holds(record, Some(step));
        let is_hit = if function == Function::All {
            held == Some(false)
        } else {
            held == Some(true)
        };
        if is_hit {
            count += u64::from(last != Some(number));
            first = first.or(Some(number));
            last = Some(number);
            if matches!(function, Function::Any | Function::All | Function::First) {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    });
    is_known.then(|| match function {
        Function::Any => Value::Truth(first.is_some()),
        Function::All => Value::Truth(first.is_none()),
        Function::Count => Value::count(Some(count)),
        Function::First => Value::count(first.map(|number| number as u64)),
        Function::Last => Value::count(last.map(|number| number as u64)),
    })
}

impl Test {
    fn holds(
        &self,
        value: &Value<'_>,
        record: &dyn Record,
        step: Option<&dyn Step>,
    ) -> Option<bool> {
        let is_one = |literals: &[Literal]| {
            let all = literals.iter();
            let mut is_known = true;
            for literal in all {
                match equals(value, literal, record, step) {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => is_known = false,
                }
            }
            is_known.then_some(false)
        };
        match self {
            Self::Is(literals) => is_one(literals),
            Self::IsNot(literals) => is_one(literals).map(|held| !held),
            Self::Order(op, literal) => {
                any(value, &|value| ordered(value, *op, literal, record, step))
            }
            Self::Matches(regex) => any(value, &|value| matched(value, regex)),
            Self::MatchesNot(regex) => any(value, &|value| matched(value, regex)).map(|held| !held),
            Self::Absent => Some(*value == Value::Absent),
            Self::Present => Some(*value != Value::Absent),
        }
    }
}

/// Whether it holds for one of the values; not known for none that is not known.
fn any(value: &Value<'_>, holds: &dyn Fn(&Value<'_>) -> Option<bool>) -> Option<bool> {
    match value {
        Value::Absent => None,
        Value::Many(values) => Some(values.iter().any(|value| holds(value) == Some(true))),
        value => holds(value),
    }
}

fn equals(
    value: &Value<'_>,
    literal: &Literal,
    record: &dyn Record,
    step: Option<&dyn Step>,
) -> Option<bool> {
    if let Literal::Field(name) = literal {
        let other = value_of(name, record, step);
        if *value == Value::Absent || other == Value::Absent {
            return None;
        }
        return Some(*value == other);
    }
    any(value, &|value| match (value, literal) {
        (Value::Truth(truth), Literal::Truth(wanted)) => Some(truth == wanted),
        (Value::Number(number), Literal::Number(wanted) | Literal::Any(_, Some(wanted))) => {
            is_same(*number, *wanted)
        }
        (Value::Number(ms), Literal::Date(from, to)) => Some(from <= ms && ms < to),
        (Value::Text(text), Literal::Text(wanted) | Literal::Any(wanted, _)) => {
            Some(text == wanted)
        }
        (Value::Truth(truth), Literal::Any(wanted, _)) => {
            Some(wanted == if *truth { "true" } else { "false" })
        }
        _ => Some(false),
    })
}

/// Numbers that were made by division are the same when nobody can tell them apart.
fn is_same(a: f64, b: f64) -> Option<bool> {
    if a.is_nan() {
        return None;
    }
    Some((a - b).abs() <= 1e-9 * b.abs().max(1.0))
}

fn ordered(
    value: &Value<'_>,
    op: Op,
    literal: &Literal,
    record: &dyn Record,
    step: Option<&dyn Step>,
) -> Option<bool> {
    let Value::Number(number) = value else {
        return None;
    };
    let (from, to) = match literal {
        Literal::Number(wanted) | Literal::Any(_, Some(wanted)) => (*wanted, *wanted),
        Literal::Date(from, to) => {
            return Some(match op {
                Op::Below => number < from,
                Op::AtMost => number < to,
                Op::AtLeast => number >= from,
                _ => number >= to,
            });
        }
        Literal::Field(name) => match value_of(name, record, step) {
            Value::Number(other) => (other, other),
            _ => return None,
        },
        Literal::Truth(_) | Literal::Text(_) | Literal::Any(_, None) => return None,
    };
    if number.is_nan() || from.is_nan() {
        return None;
    }
    Some(match op {
        Op::Below => *number < from,
        Op::AtMost => *number <= to,
        Op::AtLeast => *number >= from,
        _ => *number > to,
    })
}

fn matched(value: &Value<'_>, regex: &Regex) -> Option<bool> {
    match value {
        Value::Text(text) => Some(regex.is_match(text)),
        Value::Number(number) => Some(regex.is_match(&number.to_string())),
        Value::Truth(truth) => Some(regex.is_match(if *truth { "true" } else { "false" })),
        Value::Absent | Value::Many(_) => None,
    }
}
