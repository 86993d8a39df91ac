//! The tree of a query as it was written: names and values are not looked at yet. Prints itself in one canonical form,
//! which parses to the same tree.

use std::fmt;
use std::ops::Range;

pub use crate::query::lex::Op;

/// A condition and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it says.
    pub kind: NodeKind,
    /// Where it stands in the query.
    pub span: Range<usize>,
}

/// What a condition says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKind {
    /// One of several holds; at least two.
    Or(Vec<Node>),
    /// All hold; at least two.
    And(Vec<Node>),
    /// It does not hold.
    Not(Box<Node>),
    /// A term by itself: it is known and neither empty, zero nor false.
    Bare(Term),
    /// A term beside a value.
    Compare(Term, Op, Atom),
    /// A term is one of these, or (`true`) none of them; at least one.
    In(Term, bool, Vec<Atom>),
}

/// What is compared: a field, or something about the steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Which.
    pub kind: TermKind,
    /// Where it stands.
    pub span: Range<usize>,
}

/// A kind of term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TermKind {
    /// A field by its name.
    Field(String),
    /// Something about the steps for which a condition holds.
    Call(Function, Box<Node>),
}

/// What may be asked about the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// Whether there is one.
    Any,
    /// Whether there is none for which it does not hold.
    All,
    /// How many there are.
    Count,
    /// The number of the first.
    First,
    /// The number of the last.
    Last,
}

impl Function {
    /// All of them with what they say, in the order of the documentation.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Any, "there is a step for which it holds"),
        (Self::All, "there is no step for which it does not hold"),
        (Self::Count, "how many steps there are for which it holds"),
        (
            Self::First,
            "the number of the first step for which it holds",
        ),
        (Self::Last, "the number of the last step for which it holds"),
    ];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::All => "all",
            Self::Count => "count",
            Self::First => "first",
            Self::Last => "last",
        }
    }

    /// The function with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter().map(|(function, _)| function);
        all.find(|function| function.name() == name)
    }
}

/// A value as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Atom {
    /// Its text, without quotes.
    pub text: String,
    /// Its quotes; `None` for a bare word.
    pub quote: Option<char>,
    /// Where it stands.
    pub span: Range<usize>,
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(quote) = self.quote else {
            return f.write_str(&self.text);
        };
        let text = self.text.replace(quote, &format!("\\{quote}"));
        write!(f, "{quote}{text}{quote}")
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            TermKind::Field(name) => f.write_str(name),
            TermKind::Call(function, inner) => write!(f, "{}({inner})", function.name()),
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            NodeKind::Or(parts) => joined(f, parts, " or ", |part| {
                matches!(part.kind, NodeKind::Or(_))
            }),
            NodeKind::And(parts) => joined(f, parts, " and ", |part| {
                matches!(part.kind, NodeKind::Or(_) | NodeKind::And(_))
            }),
            NodeKind::Not(inner) => {
                f.write_str("not ")?;
                let is_wrapped = matches!(inner.kind, NodeKind::Or(_) | NodeKind::And(_));
                wrapped(f, inner, is_wrapped)
            }
            NodeKind::Bare(term) => write!(f, "{term}"),
            NodeKind::Compare(term, op, value) => write!(f, "{term} {} {value}", op.sign()),
            NodeKind::In(term, is_negated, values) => {
                let not = if *is_negated { "not " } else { "" };
                write!(f, "{term} {not}in (")?;
                for (ix, value) in values.iter().enumerate() {
                    let comma = if ix > 0 { ", " } else { "" };
                    write!(f, "{comma}{value}")?;
                }
                f.write_str(")")
            }
        }
    }
}

fn wrapped(f: &mut fmt::Formatter<'_>, node: &Node, is_wrapped: bool) -> fmt::Result {
    if is_wrapped {
        write!(f, "({node})")
    } else {
        write!(f, "{node}")
    }
}

fn joined(
    f: &mut fmt::Formatter<'_>,
    parts: &[Node],
    between: &str,
    is_wrapped: impl Fn(&Node) -> bool,
) -> fmt::Result {
    for (ix, part) in parts.iter().enumerate() {
        if ix > 0 {
            f.write_str(between)?;
        }
        wrapped(f, part, is_wrapped(part))?;
    }
    Ok(())
}
