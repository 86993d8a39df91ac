//! A tree to a query: every name is found, every value read as its field's type wants it. What passes here can be
//! evaluated without any error.

use std::ops::Range;

use regex::Regex;
use regex::RegexBuilder;

use crate::query::Cost;
use crate::query::Fact;
use crate::query::Kind;
use crate::query::Name;
use crate::query::QueryError;
use crate::query::Unit;
use crate::query::Words;
use crate::query::ast::Atom;
use crate::query::ast::Function;
use crate::query::ast::Node;
use crate::query::ast::NodeKind;
use crate::query::ast::Op;
use crate::query::ast::Term;
use crate::query::ast::TermKind;
use crate::query::error::nearest;
use crate::query::explain;
use crate::query::explain::Explained;
use crate::query::parse;
use crate::query::value;

/// The longest query, in bytes.
pub const MOST_BYTES: usize = 64 << 10;

/// The memory that a regular expression may take.
const REGEX_BYTES: usize = 1 << 20;

/// A query that was understood.
#[derive(Debug, Clone)]
pub struct Query {
    text: String,
    pub(super) rule: Rule,
    explained: Vec<Explained>,
    names: Vec<Name>,
    cost: Cost,
}

/// A condition whose names and types are known; of `And` and `Or` the cheapest come first.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) kind: RuleKind,
    pub(super) cost: Cost,
    pub(super) span: Range<usize>,
}

#[derive(Debug, Clone)]
pub(super) enum RuleKind {
    Or(Vec<Rule>),
    And(Vec<Rule>),
    Not(Box<Rule>),
    /// Known and neither empty, zero nor false.
    Truthy(Operand),
    Test(Operand, Test),
}

/// What is looked at.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    /// A field of the record, or of the step inside a function.
    Field(Name),
    /// Something about the steps.
    Steps(Function, Box<Rule>),
}

/// What it has to be.
#[derive(Debug, Clone)]
pub(super) enum Test {
    /// One of these.
    Is(Vec<Literal>),
    /// None of these; it has to be known.
    IsNot(Vec<Literal>),
    Order(Op, Literal),
    Matches(Regex),
    MatchesNot(Regex),
    /// Not known, or not there.
    Absent,
    /// Known.
    Present,
}

/// A value as its field's type reads it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Truth(bool),
    Number(f64),
    /// Milliseconds since 1970: the first that belong to it, and the first that do not.
    Date(f64, f64),
    Text(String),
    /// For what has no type: the text, and the number that it is.
    Any(String, Option<f64>),
    /// Another field of the same type.
    Field(Name),
}

impl Query {
    /// Reads a query. Relative dates are relative to `now_ms`, milliseconds since 1970.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str, now_ms: i64) -> Result<Self, QueryError> {
        if text.len() > MOST_BYTES {
            let what = format!("the query is longer than {MOST_BYTES} bytes");
            return Err(QueryError::new(0..0, what));
        }
        let node = parse(text)?;
        let mut checker = Checker {
            now_ms,
            is_inside: false,
            names: Vec::new(),
        };
        let mut rule = checker.rule(&node)?;
        let explained = explain::explain(&rule, text);
        rule.cheapest_first();
        Ok(Self {
            text: text.to_owned(),
            cost: rule.cost,
            rule,
            explained,
            names: checker.names,
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What has to be read at most to answer it.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Whether it asks for one of these facts.
    pub fn asks(&self, is_one: impl Fn(Fact) -> bool) -> bool {
        self.names.iter().any(|name| is_one(name.field.fact))
    }

    /// The fields that it asks for, each once, in the order in which they stand in it.
    pub fn names(&self) -> &[Name] {
        &self.names
    }

    /// How it was understood, line by line.
    pub fn explained(&self) -> &[Explained] {
        &self.explained
    }
}

impl Rule {
    fn cheapest_first(&mut self) {
        match &mut self.kind {
            RuleKind::Or(parts) | RuleKind::And(parts) => {
                parts.iter_mut().for_each(Self::cheapest_first);
                // stable: what costs the same stays as it was written
                parts.sort_by_key(|part| part.cost);
            }
            RuleKind::Not(inner) => inner.cheapest_first(),
            RuleKind::Truthy(operand) | RuleKind::Test(operand, _) => {
                if let Operand::Steps(_, inner) = operand {
                    inner.cheapest_first();
                }
            }
        }
    }
}

impl Operand {
    /// The type of its values; whether there may be several.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Field(name) if name.param.is_some() && name.field.fact == Fact::Column => {
                Kind::Any
            }
            Self::Field(name) => name.field.kind,
            Self::Steps(Function::Any | Function::All, _) => Kind::Truth,
            Self::Steps(..) => Kind::Number(Unit::Plain),
        }
    }

    pub(super) fn cost(&self) -> Cost {
        match self {
            Self::Field(name) => name.field.cost,
            Self::Steps(..) => Cost::Whole,
        }
    }
}

struct Checker {
    now_ms: i64,
    /// Inside a function: `step.*` means something, another function does not.
    is_inside: bool,
    names: Vec<Name>,
}

impl Checker {
    fn rule(&mut self, node: &Node) -> Result<Rule, QueryError> {
        let kind = match &node.kind {
            NodeKind::Or(parts) => RuleKind::Or(self.rules(parts)?),
            NodeKind::And(parts) => RuleKind::And(self.rules(parts)?),
            NodeKind::Not(inner) => RuleKind::Not(Box::new(self.rule(inner)?)),
            NodeKind::Bare(term) => RuleKind::Truthy(self.operand(term)?),
            NodeKind::Compare(term, op, atom) => {
                let operand = self.operand(term)?;
                let test = self.test(&operand, term, *op, atom)?;
                RuleKind::Test(operand, test)
            }
            NodeKind::In(term, is_negated, atoms) => {
                let operand = self.operand(term)?;
                let literals = atoms
                    .iter()
                    .map(|atom| self.literal(&operand, term, atom))
                    .collect::<Result<_, _>>()?;
                let test = if *is_negated {
                    Test::IsNot(literals)
                } else {
                    Test::Is(literals)
                };
                RuleKind::Test(operand, test)
            }
        };
        let cost = match &kind {
            RuleKind::Or(parts) | RuleKind::And(parts) => parts
                .iter()
                .map(|part| part.cost)
                .max()
                .unwrap_or(Cost::Summary),
            RuleKind::Not(inner) => inner.cost,
            RuleKind::Truthy(operand) => operand.cost(),
            RuleKind::Test(operand, test) => operand.cost().max(test.cost()),
        };
        Ok(Rule {
            kind,
            cost,
            span: node.span.clone(),
        })
    }

    fn rules(&mut self, nodes: &[Node]) -> Result<Vec<Rule>, QueryError> {
        nodes.iter().map(|node| self.rule(node)).collect()
    }

    fn operand(&mut self, term: &Term) -> Result<Operand, QueryError> {
        match &term.kind {
            TermKind::Field(text) => Ok(Operand::Field(self.name(text, &term.span)?)),
            TermKind::Call(function, inner) => {
                let name = function.name();
                if self.is_inside {
                    let what = format!("`{name}` stands inside another function");
                    return Err(QueryError::new(term.span.clone(), what)
                        .hint("a step has no steps; join two functions by `and`"));
                }
                self.is_inside = true;
                let inner = self.rule(inner);
                self.is_inside = false;
                Ok(Operand::Steps(*function, Box::new(inner?)))
            }
        }
    }

    fn name(&mut self, text: &str, span: &Range<usize>) -> Result<Name, QueryError> {
        if let Some(function) = Function::from_name(text) {
            let what = format!("`{text}` wants a condition about steps in brackets");
            let example = format!("for example `{}(step.error)`", function.name());
            return Err(QueryError::new(span.clone(), what).hint(example));
        }
        let name = Name::find(text, span)?;
        if name.field.is_of_step() && !self.is_inside {
            let what = format!("`{text}` is about one step");
            return Err(QueryError::new(span.clone(), what).hint(format!(
                "say which: `any({text} …)`, `all({text} …)`, `count({text} …) > 3`"
            )));
        }
        if !self.names.contains(&name) {
            self.names.push(name.clone());
        }
        Ok(name)
    }

    fn test(
        &mut self,
        operand: &Operand,
        term: &Term,
        op: Op,
        atom: &Atom,
    ) -> Result<Test, QueryError> {
        let kind = operand.kind();
        let span = term.span.start..atom.span.end;
        if matches!(op, Op::Match | Op::NoMatch) {
            if !matches!(kind, Kind::Text | Kind::Word(_) | Kind::Any) {
                let what = format!("`{term}` is {}; `{}` wants text", kind.noun(), op.sign());
                return Err(QueryError::new(span, what));
            }
            let regex = smart(atom)?;
            return Ok(if op == Op::Match {
                Test::Matches(regex)
            } else {
                Test::MatchesNot(regex)
            });
        }
        let is_none = atom.quote.is_none() && atom.text == "none";
        if is_none && !op.is_order() {
            return Ok(if op == Op::Equal {
                Test::Absent
            } else {
                Test::Present
            });
        }
        if op.is_order() {
            if !matches!(kind, Kind::Number(_) | Kind::Date | Kind::Any) {
                let noun = match kind {
                    Kind::Word(words) => format!("a {}", words.noun()),
                    kind => kind.noun().to_owned(),
                };
                let what = format!(
                    "`{term}` is {noun}; `{}` wants a number or a date",
                    op.sign()
                );
                return Err(QueryError::new(span, what));
            }
            let literal = self.literal(operand, term, atom)?;
            if matches!(literal, Literal::Any(_, None)) {
                let what = format!("`{}` wants a number, `{}` is none", op.sign(), atom.text);
                return Err(QueryError::new(atom.span.clone(), what));
            }
            return Ok(Test::Order(op, literal));
        }
        let literals = vec![self.literal(operand, term, atom)?];
        Ok(if op == Op::Equal {
            Test::Is(literals)
        } else {
            Test::IsNot(literals)
        })
    }

    fn literal(
        &mut self,
        operand: &Operand,
        term: &Term,
        atom: &Atom,
    ) -> Result<Literal, QueryError> {
        let kind = operand.kind();
        let text = atom.text.as_str();
        let bare = atom.quote.is_none().then_some(text);
        let found = match kind {
            Kind::Text => Some(Literal::Text(text.to_owned())),
            Kind::Any => {
                let number = bare.and_then(value::number).map(|(number, _)| number);
                Some(Literal::Any(text.to_owned(), number))
            }
            Kind::Truth => bare.and_then(value::truth).map(Literal::Truth),
            Kind::Date => bare
                .and_then(|text| value::date(text, self.now_ms))
                .map(|(from, to)| Literal::Date(from, to)),
            Kind::Number(unit) => match bare.and_then(value::number) {
                Some((number, of)) if of == unit || of == Unit::Plain => {
                    Some(Literal::Number(number))
                }
                Some((_, of)) => {
                    let what = format!(
                        "`{text}` is {}, `{term}` is {}",
                        Kind::Number(of).noun(),
                        kind.noun()
                    );
                    let hint = format!("for example `{}`", kind.example());
                    return Err(QueryError::new(atom.span.clone(), what).hint(hint));
                }
                None => None,
            },
            Kind::Word(words) => word(words, text).map(|word| Literal::Text(word.to_owned())),
        };
        match found {
            Some(literal) => Ok(literal),
            None => match self.other(kind, atom)? {
                Some(name) => Ok(Literal::Field(name)),
                None => Err(wrong_value(kind, term, atom)),
            },
        }
    }

    /// The field of the same type that a bare word names.
    fn other(&mut self, kind: Kind, atom: &Atom) -> Result<Option<Name>, QueryError> {
        if atom.quote.is_some() || Name::find(&atom.text, &atom.span).is_err() {
            return Ok(None);
        }
        let name = self.name(&atom.text, &atom.span)?;
        let is_same = match (kind, name.field.kind) {
            // a decision and a verdict are the same words
            (
                Kind::Word(Words::Verdicts | Words::Decisions),
                Kind::Word(Words::Verdicts | Words::Decisions),
            ) => true,
            (a, b) => a == b,
        };
        Ok((is_same && !name.field.is_many).then_some(name))
    }
}

impl Test {
    fn cost(&self) -> Cost {
        let of = |literal: &Literal| match literal {
            Literal::Field(name) => name.field.cost,
            _ => Cost::Summary,
        };
        match self {
            Self::Is(literals) | Self::IsNot(literals) => {
                literals.iter().map(of).max().unwrap_or(Cost::Summary)
            }
            Self::Order(_, literal) => of(literal),
            Self::Matches(_) | Self::MatchesNot(_) | Self::Absent | Self::Present => Cost::Summary,
        }
    }
}

/// The word as the field spells it.
fn word(words: Words, text: &str) -> Option<&'static str> {
    let mut all = words.all().into_iter();
    all.find(|word| word.eq_ignore_ascii_case(text))
}

fn wrong_value(kind: Kind, term: &Term, atom: &Atom) -> QueryError {
    let Kind::Word(words) = kind else {
        let what = format!("`{term}` is {}, `{}` is not", kind.noun(), atom.text);
        let hint = format!("for example `{}`", kind.example());
        return QueryError::new(atom.span.clone(), what).hint(hint);
    };
    let noun = words.noun();
    let error = QueryError::new(atom.span.clone(), format!("`{}` is no {noun}", atom.text));
    let all = words.all();
    match nearest(&atom.text, all.iter().copied()) {
        Some(word) => error.hint(format!("did you mean `{word}`?")),
        None => error.hint(format!("there are {}", all.join(", "))),
    }
}

/// A regular expression; upper case matters only where there is any.
fn smart(atom: &Atom) -> Result<Regex, QueryError> {
    let mut is_escaped = false;
    let has_upper = atom.text.chars().any(|c| {
        let is_upper = c.is_uppercase() && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_upper
    });
    let built = RegexBuilder::new(&atom.text)
        .case_insensitive(!has_upper)
        .size_limit(REGEX_BYTES)
        .dfa_size_limit(REGEX_BYTES)
        .nest_limit(64)
        .build();
    built.map_err(|err| {
        let words = err.to_string();
        let last = words.lines().last().unwrap_or_default();
        let why = last.strip_prefix("error: ").unwrap_or(last);
        let what = format!("`{}` is no regular expression: {why}", atom.text);
        QueryError::new(atom.span.clone(), what)
    })
}
