//! Tokens to a tree, by recursive descent. Brackets and `not` nest to a bound, so that no query overflows the stack.

use std::ops::Range;

use crate::query::QueryError;
use crate::query::ast::Atom;
use crate::query::ast::Function;
use crate::query::ast::Node;
use crate::query::ast::NodeKind;
use crate::query::ast::Term;
use crate::query::ast::TermKind;
use crate::query::lex::Lexeme;
use crate::query::lex::Token;
use crate::query::lex::lex;

/// How deep brackets and `not` may nest.
pub(super) const MOST_DEEP: usize = 64;

/// Words that stand for themselves only in quotes.
pub(super) const KEYWORDS: [&str; 4] = ["and", "or", "not", "in"];

/// Parses a query; names and values are not looked at.
///
/// # Errors
/// Where the grammar is left.
pub fn parse(query: &str) -> Result<Node, QueryError> {
    let mut parser = Parser {
        tokens: lex(query)?,
        at: 0,
        depth: 0,
    };
    let node = parser.or()?;
    match parser.peek().lexeme {
        Lexeme::End => Ok(node),
        Lexeme::Close => Err(parser.wrong("this bracket closes nothing")),
        _ => Err(parser
            .wrong("`and` or `or` is missing before this")
            .hint("a value of several words stands in quotes")),
    }
}

struct Parser {
    /// Ends with [`Lexeme::End`].
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        let last = self.tokens.len().saturating_sub(1);
        &self.tokens[self.at.min(last)]
    }

    fn ahead(&self, by: usize) -> Option<&Token> {
        self.tokens.get(self.at + by)
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn wrong(&self, what: &str) -> QueryError {
        QueryError::new(self.peek().span.clone(), what)
    }

    fn is_keyword(&self, word: &str) -> bool {
        self.peek().word() == Some(word)
    }

    /// Takes the keyword if it is next.
    fn eat(&mut self, word: &str) -> bool {
        let is_next = self.is_keyword(word);
        self.at += usize::from(is_next);
        is_next
    }

    /// Parses what nests one deeper.
    fn deeper<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        if self.depth == MOST_DEEP {
            let what = format!("brackets and `not` nest more than {MOST_DEEP} deep");
            return Err(self.wrong(&what));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn or(&mut self) -> Result<Node, QueryError> {
        self.chain("or", Self::and, NodeKind::Or)
    }

    fn and(&mut self) -> Result<Node, QueryError> {
        self.chain("and", Self::unary, NodeKind::And)
    }

    fn chain(
        &mut self,
        word: &str,
        part: impl Fn(&mut Self) -> Result<Node, QueryError>,
        kind: impl Fn(Vec<Node>) -> NodeKind,
    ) -> Result<Node, QueryError> {
        let first = part(self)?;
        if !self.is_keyword(word) {
            return Ok(first);
        }
        let start = first.span.start;
        let mut parts = vec![first];
        while self.eat(word) {
            parts.push(part(self)?);
        }
        let end = parts.last().map_or(start, |last| last.span.end);
        Ok(Node {
            kind: kind(parts),
            span: start..end,
        })
    }

    fn unary(&mut self) -> Result<Node, QueryError> {
        let start = self.peek().span.start;
        if self.eat("not") {
            let inner = self.deeper(Self::unary)?;
            let span = start..inner.span.end;
            return Ok(Node {
                kind: NodeKind::Not(Box::new(inner)),
                span,
            });
        }
        if self.peek().lexeme == Lexeme::Open {
            let (inner, _) = self.bracket()?;
            return Ok(inner);
        }
        self.condition()
    }

    /// `( condition )`, with the end of the bracket. The node keeps its own span.
    fn bracket(&mut self) -> Result<(Node, usize), QueryError> {
        let open = self.take().span;
        if self.peek().lexeme == Lexeme::Close {
            return Err(self.wrong("there is nothing between these brackets"));
        }
        let inner = self.deeper(Self::or)?;
        match self.peek().lexeme {
            Lexeme::Close => Ok((inner, self.take().span.end)),
            Lexeme::End => Err(QueryError::new(open, "this bracket is not closed")),
            _ => Err(self.wrong("`and`, `or` or `)` is missing before this")),
        }
    }

    fn condition(&mut self) -> Result<Node, QueryError> {
        let term = self.term()?;
        let start = term.span.start;
        if let Lexeme::Op(op) = self.peek().lexeme {
            self.at += 1;
            let value = self.value(op.sign())?;
            let span = start..value.span.end;
            return Ok(Node {
                kind: NodeKind::Compare(term, op, value),
                span,
            });
        }
        let is_negated =
            self.is_keyword("not") && self.ahead(1).and_then(Token::word) == Some("in");
        if is_negated || self.is_keyword("in") {
            self.at += 1 + usize::from(is_negated);
            let (values, end) = self.values()?;
            return Ok(Node {
                kind: NodeKind::In(term, is_negated, values),
                span: start..end,
            });
        }
        let span = term.span.clone();
        Ok(Node {
            kind: NodeKind::Bare(term),
            span,
        })
    }

    fn term(&mut self) -> Result<Term, QueryError> {
        let token = self.peek().clone();
        let missing = |what: &str| QueryError::new(token.span.clone(), what);
        let name = match &token.lexeme {
            Lexeme::Atom(_, Some(_)) => {
                return Err(missing("a field is missing before this text")
                    .hint("the field comes first and has no quotes: `model = \"…\"`"));
            }
            Lexeme::Atom(name, None) if !KEYWORDS.contains(&name.as_str()) => name.clone(),
            Lexeme::Atom(word, None) => {
                return Err(missing(&format!("a condition is missing before `{word}`")));
            }
            Lexeme::End if self.at == 0 => {
                return Err(missing("there is no condition")
                    .hint("for example `steps > 40 and not decision`"));
            }
            Lexeme::End => return Err(missing("a condition is missing at the end")),
            Lexeme::Op(op) => {
                let sign = op.sign();
                return Err(missing(&format!("a field is missing before `{sign}`")));
            }
            Lexeme::Close | Lexeme::Comma | Lexeme::Open => {
                return Err(missing("a condition is missing here"));
            }
        };
        self.at += 1;
        if self.peek().lexeme != Lexeme::Open {
            return Ok(Term {
                kind: TermKind::Field(name),
                span: token.span,
            });
        }
        let Some(function) = Function::from_name(&name) else {
            let names: Vec<&str> = Function::ALL.iter().map(|(one, _)| one.name()).collect();
            return Err(missing(&format!("there is no function `{name}`"))
                .hint(format!("there are {}", names.join(", "))));
        };
        let (inner, end) = self.bracket()?;
        Ok(Term {
            kind: TermKind::Call(function, Box::new(inner)),
            span: token.span.start..end,
        })
    }

    fn value(&mut self, before: &str) -> Result<Atom, QueryError> {
        let token = self.peek().clone();
        match token.lexeme {
            Lexeme::Atom(text, None) if KEYWORDS.contains(&text.as_str()) => Err(self
                .wrong(&format!(
                    "a value is missing between `{before}` and `{text}`"
                ))
                .hint(format!("for the word itself write \"{text}\""))),
            Lexeme::Atom(text, quote) => {
                self.at += 1;
                Ok(Atom {
                    text,
                    quote,
                    span: token.span,
                })
            }
            _ => Err(self.wrong(&format!("a value is missing behind `{before}`"))),
        }
    }

    /// `( value, … )`, with the end of the bracket.
    fn values(&mut self) -> Result<(Vec<Atom>, usize), QueryError> {
        if self.peek().lexeme != Lexeme::Open {
            return Err(self
                .wrong("`in` wants values in brackets")
                .hint("for example `task in (dep_search, func_gen)`"));
        }
        let open: Range<usize> = self.take().span;
        let mut values = vec![self.value("(")?];
        loop {
            match self.peek().lexeme {
                Lexeme::Comma => {
                    self.at += 1;
                    values.push(self.value(",")?);
                }
                Lexeme::Close => return Ok((values, self.take().span.end)),
                Lexeme::End => return Err(QueryError::new(open, "this bracket is not closed")),
                _ => return Err(self.wrong("`,` or `)` is missing before this")),
            }
        }
    }
}
