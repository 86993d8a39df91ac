//! Whether a piece of a file reads as code or as prose: a hunk does not say whether it begins inside a string.

use crate::python::lex::Token;
use crate::python::lex::TokenKind;
use crate::python::logical::Logical;
use crate::python::logical::Source;

const KEYWORDS: [&str; 37] = [
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif",
    "else", "except", "exec", "finally", "for", "from", "global", "if", "import", "in", "is",
    "lambda", "nonlocal", "not", "or", "pass", "print", "raise", "return", "try", "while", "with",
    "yield", "match", "case", "type",
];

/// Keywords after which a line may end in a colon.
const COMPOUND: [&str; 14] = [
    "if", "elif", "else", "for", "while", "try", "except", "finally", "with", "def", "class",
    "async", "match", "case",
];

/// Keywords with which a statement begins, and no line of a text that passes for code.
const STATEMENTS: [&str; 24] = [
    "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else",
    "except", "exec", "finally", "for", "from", "global", "if", "import", "nonlocal", "pass",
    "raise", "return", "try", "while",
];

/// Whether nothing in the text speaks against its being code: no two words side by side, no sentence that ends in a
/// full stop or colon, no sign that Python does not know. Blank text is code.
pub fn reads_as_code(source: &Source<'_>) -> bool {
    source.lines.iter().all(|line| is_code(source, line))
}

/// Whether anything in the text speaks for its being code: a keyword, a sign that prose does not have, a string. Names
/// alone, lists of names and comments are found in texts too.
pub fn shows_code(source: &Source<'_>) -> bool {
    source.tokens.iter().any(|token| {
        let word = source.slice(token);
        match token.kind {
            TokenKind::Name => KEYWORDS.contains(&word),
            TokenKind::Str | TokenKind::OtherStr => true,
            _ => word.len() > 1 || matches!(word, "=" | "(" | ")" | "[" | "]" | "{" | "}" | "@"),
        }
    })
}

/// Whether a line of the text says that it is code and nothing else: a string, a statement that begins with its keyword, or an
/// expression of more than three words and signs. What is shorter is found in texts too: names, lists of names,
/// `timeout = 30` of a settings file, `(optional)`, `f()` in an index; so are `and` and `or` between two words.
pub fn is_surely_code(source: &Source<'_>) -> bool {
    source.lines.iter().any(|line| is_telling(source, line))
}

fn is_telling(source: &Source<'_>, line: &Logical) -> bool {
    /// Words and signs of a line that says nothing without a keyword.
    const SHORT: usize = 3;
    let tokens = source.tokens.get(line.tokens.clone()).unwrap_or_default();
    let is_string = |token: &Token| matches!(token.kind, TokenKind::Str | TokenKind::OtherStr);
    if tokens.iter().any(is_string) {
        return true;
    }
    let first = tokens.first().map_or("", |first| source.slice(first));
    if matches!(first, "class" | "def") {
        // `class {name}:` is a template's
        return tokens
            .get(1)
            .is_some_and(|next| next.kind == TokenKind::Name);
    }
    if STATEMENTS.contains(&first) {
        return true;
    }
    let is_sign = |token: &Token| {
        let word = source.slice(token);
        !matches!(token.kind, TokenKind::Name | TokenKind::Number)
            && (word.len() > 1 || matches!(word, "=" | "(" | ")" | "[" | "]" | "{" | "}" | "@"))
    };
    tokens.len() > SHORT && tokens.iter().any(is_sign)
}

fn is_code(source: &Source<'_>, line: &Logical) -> bool {
    let tokens = source.tokens.get(line.tokens.clone()).unwrap_or_default();
    let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else {
        return true;
    };
    let word = |token: &Token| source.slice(token);
    let is_operand_name =
        |token: &Token| token.kind == TokenKind::Name && !KEYWORDS.contains(&word(token));
    if tokens.iter().any(|token| {
        (token.kind == TokenKind::Unknown && !is_open_string(source, token)) || word(token) == "`"
    }) {
        return false;
    }
    if word(last) == "." || (!line.is_cut && matches!(word(first), ">>" | ":" | "->")) {
        return false;
    }
    let is_headless = !COMPOUND.contains(&word(first)) && !line.is_cut;
    if word(last) == ":" && is_headless && first.kind == TokenKind::Name {
        return false;
    }
    tokens.windows(2).all(|pair| {
        let [before, after] = pair else {
            return true;
        };
        let ends_operand = match before.kind {
            TokenKind::Number => true,
            // the end of a string that began before the text stands for whatever it is
            TokenKind::Str | TokenKind::OtherStr => before.start > 0,
            TokenKind::Name => is_operand_name(before),
            _ => matches!(word(before), ")" | "]" | "}"),
        };
        let starts_operand = match after.kind {
            TokenKind::Number => true,
            TokenKind::Name => is_operand_name(after),
            TokenKind::Str | TokenKind::OtherStr => {
                !matches!(before.kind, TokenKind::Str | TokenKind::OtherStr)
            }
            _ => false,
        };
        !(ends_operand && starts_operand)
    })
}

/// An f-string that the text cuts off.
fn is_open_string(source: &Source<'_>, token: &Token) -> bool {
    token.end == source.text.len() && source.end() != crate::python::lex::End::Code
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::logical::Place;

    #[track_caller]
    fn check(text: &str, expected: bool) {
        let source = Source::new(text, Place::default());
        assert_eq!(reads_as_code(&source), expected, "{text}");
    }

    #[track_caller]
    fn shows(text: &str, expected: bool) {
        let source = Source::new(text, Place::default());
        assert_eq!(shows_code(&source), expected, "{text}");
    }

    #[test]
    fn names_and_comments_alone_show_no_code() {
        shows("# Title\n\n# Another\n", false);
        shows("alpha\nbeta\n", false);
        shows("alpha, beta, 3\n", false);
        shows("x = 1\n", true);
        shows("return\n", true);
        shows("'a',\n", true);
        shows("f()\n", true);
    }

    #[track_caller]
    fn surely(text: &str, expected: bool) {
        let source = Source::new(text, Place::default());
        assert_eq!(is_surely_code(&source), expected, "{text}");
    }

    #[test]
    fn short_lines_are_not_surely_code() {
        surely("timeout = 30\nretries = 5\n", false);
        surely("(optional)\n[12]\nf()\n", false);
        surely("alpha and beta\nor\n", false);
        surely("x = f(1)\n", true);
        surely("f(x)\n", true);
        surely("x = a.b\n", true);
        surely("return\n", true);
        surely("'a',\n", true);
        surely("x = ''\n", true);
        surely("class A:\n", true);
        surely("class {name}:\n", false);
    }

    #[test]
    fn code_and_prose() {
        check("", true);
        check("x = 1\nif a:\n    return b\n", true);
        check("'a',\n'b',\n", true);
        check("b=2):\n    return x\n", true);
        check("match x:\n    case [1]:\n        pass\n", true);
        check("x = 'a' 'b'\n", true);
        check("return the value\n", false);
        check("Args:\n", false);
        check("returned.\n", false);
        check("it doesn't\n", false);
        check(">>> f()\n", false);
        check(":param: x\n", false);
        check("a — b\n", false);
        check("x 'y'\n", false);
        check("``x``\n", false);
        check("print 'x'\n", true);
        check("def f():\n    \"\"\"open\n", true);
    }
}
