//! Text to tokens. What a bare word means is told by where it stands: the lexer knows no types.

use std::ops::Range;

use crate::query::QueryError;

/// An operator between a field and a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `~`
    Match,
    /// `!~`
    NoMatch,
}

impl Op {
    /// All of them with what they mean, in the order of the documentation.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Equal, "is"),
        (Self::Unequal, "is another"),
        (Self::Below, "is less, or earlier"),
        (Self::AtMost, "is at most"),
        (Self::Above, "is more, or later"),
        (Self::AtLeast, "is at least"),
        (Self::Match, "matches the regular expression"),
        (Self::NoMatch, "does not match"),
    ];

    /// As it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Unequal => "!=",
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Match => "~",
            Self::NoMatch => "!~",
        }
    }

    /// Whether it wants something that has an order.
    pub fn is_order(self) -> bool {
        matches!(
            self,
            Self::Below | Self::AtMost | Self::Above | Self::AtLeast
        )
    }
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lexeme {
    /// A bare word, or a text in this kind of quotes.
    Atom(String, Option<char>),
    Op(Op),
    Open,
    Close,
    Comma,
    /// Behind the last token; its span is empty.
    End,
}

/// A token and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) lexeme: Lexeme,
    pub(super) span: Range<usize>,
}

impl Token {
    /// The bare word it is.
    pub(super) fn word(&self) -> Option<&str> {
        match &self.lexeme {
            Lexeme::Atom(text, None) => Some(text),
            _ => None,
        }
    }
}

/// Whether a bare word may hold it.
pub(super) fn is_word(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !"()=<>!~,\"'".contains(c)
}

/// Splits a query. The last token is [`Lexeme::End`].
///
/// # Errors
/// Where a quote does not end, or a sign means nothing.
pub(super) fn lex(query: &str) -> Result<Vec<Token>, QueryError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = query.get(at..).and_then(|rest| rest.chars().next()) {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let token = one(query, at, c)?;
        at = token.span.end;
        tokens.push(token);
    }
    tokens.push(Token {
        lexeme: Lexeme::End,
        span: query.len()..query.len(),
    });
    Ok(tokens)
}

fn one(query: &str, at: usize, c: char) -> Result<Token, QueryError> {
    let rest = query.get(at..).unwrap_or_default();
    let token = |lexeme, len: usize| Token {
        lexeme,
        span: at..at + len,
    };
    let is = |sign: &str| rest.starts_with(sign);
    Ok(match c {
        '(' => token(Lexeme::Open, 1),
        ')' => token(Lexeme::Close, 1),
        ',' => token(Lexeme::Comma, 1),
        '=' if is("==") => token(Lexeme::Op(Op::Equal), 2),
        '=' => token(Lexeme::Op(Op::Equal), 1),
        '~' => token(Lexeme::Op(Op::Match), 1),
        '!' if is("!=") => token(Lexeme::Op(Op::Unequal), 2),
        '!' if is("!~") => token(Lexeme::Op(Op::NoMatch), 2),
        '!' => return Err(QueryError::new(at..at + 1, "`!` means nothing").hint("write `not`")),
        '<' if is("<=") => token(Lexeme::Op(Op::AtMost), 2),
        '<' => token(Lexeme::Op(Op::Below), 1),
        '>' if is(">=") => token(Lexeme::Op(Op::AtLeast), 2),
        '>' => token(Lexeme::Op(Op::Above), 1),
        '"' | '\'' => quoted(rest, at, c)?,
        c if is_word(c) => {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let word = rest.get(..end).unwrap_or_default();
            let meant = match word {
                "&&" | "&" => "and",
                "||" | "|" => "or",
                _ => "",
            };
            if !meant.is_empty() {
                let error = QueryError::new(at..at + end, format!("`{word}` means nothing"));
                return Err(error.hint(format!("write `{meant}`")));
            }
            token(Lexeme::Atom(word.to_owned(), None), end)
        }
        c => {
            let what = format!("a control character (U+{:04X})", u32::from(c));
            return Err(QueryError::new(at..at + c.len_utf8(), what));
        }
    })
}

/// A text in quotes. A backslash keeps the quote behind it; before anything else it stays, for regular expressions.
fn quoted(rest: &str, at: usize, quote: char) -> Result<Token, QueryError> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((offset, c)) = chars.next() {
        if c == quote {
            return Ok(Token {
                lexeme: Lexeme::Atom(text, Some(quote)),
                span: at..at + offset + 1,
            });
        }
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some((_, next)) if next == quote => text.push(quote),
            Some((_, next)) => text.extend([c, next]),
            None => break,
        }
    }
    let error = QueryError::new(at..at + rest.len(), "this quote does not end");
    Err(error.hint(format!(
        "{quote} ends it; \\{quote} stands for the quote itself"
    )))
}
