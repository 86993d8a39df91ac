//! Bash text as the `bashlex` library reads it, with its gaps: how OpenHands tells one command from several, and which
//! characters it escapes before typing a command.
//!
//! What `bashlex` cannot read (`case`, `[[`, arithmetic, arrays, a quoted heredoc delimiter, anything unfinished) counts
//! as one command and is typed as it stands.

#[cfg(test)]
mod tests;

/// How deep substitutions and compound commands may nest; deeper text counts as unreadable.
const DEEPEST: usize = 100;

/// Why a text has no reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// `bashlex` gives up on it.
    Unreadable,
    /// It holds no command at all, only comments: `bashlex` itself fails.
    Empty,
}

/// A place in the text: bytes from the first to behind the last.
type Span = (usize, usize);

/// What of the text the escaping looks at.
#[derive(Debug, Clone, Copy)]
enum Leaf {
    /// A word of a command that is in no loop, branch, group or function.
    Word(Span),
    /// A redirection from a heredoc, and its body with the line that ends it.
    Heredoc(Span, Span),
}

/// The commands of `text`, one piece of text each; one piece when it is a single command or cannot be read.
pub(super) fn split(text: &str) -> Vec<String> {
    let Ok(reading) = Reader::read(text) else {
        return vec![text.to_owned()];
    };
    let mut starts: Vec<usize> = reading.commands;
    // what stands before the first command is a piece of its own, if it is anything
    let first = starts.first().copied().unwrap_or(0);
    if text
        .get(..first)
        .is_some_and(|before| !before.trim().is_empty())
    {
        starts.insert(0, 0);
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let pieces = starts.iter().zip(ends);
    pieces
        .map(|(start, end)| {
            text.get(*start..end)
                .unwrap_or_default()
                .trim_end()
                .to_owned()
        })
        .collect()
}

/// Whether `text` has several lines and cannot be read: it may be several commands.
pub(super) fn is_unclear(text: &str) -> bool {
    text.contains('\n') && Reader::read(text).is_err()
}

/// `text` as OpenHands types it: escaped operators outside of quotes get a second backslash, and some heredocs are
/// repeated.
///
/// # Errors
/// [`Flaw::Empty`] where OpenHands fails.
pub(super) fn escape(text: &str) -> Result<String, Flaw> {
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    let reading = match Reader::read(text) {
        Ok(reading) => reading,
        Err(Flaw::Unreadable) => return Ok(text.to_owned()),
        Err(Flaw::Empty) => return Err(Flaw::Empty),
    };
    let slice = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let mut out = String::new();
    let mut last = 0;
    for leaf in reading.leaves {
        match leaf {
            Leaf::Word((start, end)) => {
                out.push_str(&doubled(slice(last, start)));
                let word = slice(start, end);
                let stays = [("\"", "\""), ("'", "'"), ("$(", ")"), ("`", "`")];
                if stays
                    .iter()
                    .any(|(open, close)| word.starts_with(open) && word.ends_with(close))
                {
                    out.push_str(word);
                } else {
                    out.push_str(&doubled(word));
                }
                last = end;
            }
            Leaf::Heredoc((start, end), (body, body_end)) => {
                out.push_str(slice(last, start));
                out.push_str(slice(start, body_end));
                // a body that does not follow at once is typed a second time with the rest of the line
                last = if end + 1 == body { body_end } else { end };
            }
        }
    }
    out.push_str(slice(last, text.len()));
    Ok(out)
}

/// `text` with a second backslash before each escaped operator.
fn doubled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        if c == '\\'
            && let Some(operator) = chars.next_if(|next| ";&|><".contains(*next))
        {
            out.push('\\');
            out.push(operator);
        }
    }
    out
}

/// A heredoc whose body comes with the next line.
struct Pending {
    delimiter: Span,
    strips_tabs: bool,
    /// Where the leaf belongs in the order of leaves.
    leaf: Option<usize>,
}

#[derive(Default)]
struct Reading {
    commands: Vec<usize>,
    leaves: Vec<Leaf>,
}

/// Reads by descent; positions are bytes.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
    pending: Vec<Pending>,
    reading: Reading,
}

type Read<T = ()> = Result<T, Flaw>;

const GIVE_UP: Flaw = Flaw::Unreadable;

impl<'a> Reader<'a> {
    fn read(text: &'a str) -> Read<Reading> {
        let mut reader = Self {
            text: text.as_bytes(),
            at: 0,
            depth: 0,
            pending: Vec::new(),
            reading: Reading::default(),
        };
        loop {
            reader.skip_lines()?;
            if reader.peek().is_none() || text == "\\" {
                break;
            }
            let start = reader.at;
            reader.reading.commands.push(start);
            reader.commands(false)?;
            match reader.peek() {
                Some(b'\n') => reader.newline()?,
                Some(_) => return Err(GIVE_UP),
                None if !reader.pending.is_empty() => return Err(GIVE_UP),
                None => {}
            }
        }
        if reader.reading.commands.is_empty() {
            Err(Flaw::Empty)
        } else {
            Ok(reader.reading)
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, what: &str) -> bool {
        let is_next = self.rest().starts_with(what.as_bytes());
        if is_next {
            self.at += what.len();
        }
        is_next
    }

    /// Blanks, continued lines and a comment.
    fn skip_blanks(&mut self) {
        loop {
            match self.rest() {
                [b' ' | b'\t', ..] => self.at += 1,
                [b'\\', b'\n', ..] => self.at += 2,
                [b'#', ..] => {
                    let end = memchr::memchr(b'\n', self.rest());
                    self.at += end.unwrap_or(self.rest().len());
                }
                _ => return,
            }
        }
    }

    /// Blanks, comments and line ends; heredocs that wait are read.
    fn skip_lines(&mut self) -> Read {
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'\n') {
                return Ok(());
            }
            self.newline()?;
        }
    }

    /// The end of a line, and the bodies of the heredocs that it began.
    fn newline(&mut self) -> Read {
        self.at += 1;
        for wanted in std::mem::take(&mut self.pending) {
            let body = self.heredoc(&wanted)?;
            if let Some(Leaf::Heredoc(_, place)) = wanted
                .leaf
                .and_then(|leaf| self.reading.leaves.get_mut(leaf))
            {
                *place = body;
            }
        }
        Ok(())
    }

    /// Reads lines up to the delimiter, which is compared with its quotes; leaves the line's end to be read on.
    fn heredoc(&mut self, wanted: &Pending) -> Read<Span> {
        let start = self.at;
        let (from, to) = wanted.delimiter;
        let delimiter = self.text.get(from..to).unwrap_or_default();
        while self.at < self.text.len() {
            let rest = self.rest();
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..end).unwrap_or_default();
            let tabs = line
                .iter()
                .take_while(|byte| wanted.strips_tabs && **byte == b'\t')
                .count();
            let begin = self.at;
            self.at = (begin + end + 1).min(self.text.len());
            if line.get(tabs..) == Some(delimiter) {
                return Ok((start, begin + end));
            }
        }
        Err(GIVE_UP)
    }

    /// A list of commands: up to the end of the line, or inside of something up to what closes it.
    fn commands(&mut self, is_inside: bool) -> Read {
        self.deeper(|reader| {
            let mut any = false;
            loop {
                if is_inside {
                    reader.skip_lines()?;
                } else {
                    reader.skip_blanks();
                }
                let is_over = match reader.peek() {
                    None | Some(b')') => true,
                    Some(b'\n') => !is_inside,
                    Some(_) => reader.closes(),
                };
                if is_over {
                    return if any { Ok(()) } else { Err(GIVE_UP) };
                }
                reader.chain()?;
                any = true;
                reader.skip_blanks();
                let is_joined = !reader.rest().starts_with(b";;")
                    && !reader.rest().starts_with(b"&&")
                    && (reader.eat(";") || reader.eat("&"));
                if !is_joined && !matches!(reader.peek(), None | Some(b'\n' | b')')) {
                    return Err(GIVE_UP);
                }
            }
        })
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth >= DEEPEST {
            return Err(GIVE_UP);
        }
        self.depth += 1;
        let done = inner(self);
        self.depth -= 1;
        done
    }

    /// Whether a word follows that ends a list of commands.
    fn closes(&self) -> bool {
        const CLOSERS: [&str; 7] = ["then", "do", "done", "fi", "else", "elif", "}"];
        CLOSERS.contains(&self.bare_word())
    }

    /// The plain word that follows, empty if it is anything else.
    fn bare_word(&self) -> &'a str {
        let ends = |byte: &u8| b" \t\n;&|()<>".contains(byte);
        let rest = self.rest();
        let end = rest.iter().position(ends).unwrap_or(rest.len());
        std::str::from_utf8(rest.get(..end).unwrap_or_default()).unwrap_or_default()
    }

    fn keyword(&mut self, word: &str) -> Read {
        self.skip_lines()?;
        if self.bare_word() == word && self.eat(word) {
            Ok(())
        } else {
            Err(GIVE_UP)
        }
    }

    /// Pipelines joined by `&&` and `||`.
    fn chain(&mut self) -> Read {
        self.pipeline()?;
        loop {
            self.skip_blanks();
            if !(self.eat("&&") || self.eat("||")) {
                return Ok(());
            }
            self.skip_lines()?;
            self.pipeline()?;
        }
    }

    fn pipeline(&mut self) -> Read {
        self.skip_blanks();
        while self.bare_word() == "!" {
            self.at += 1;
            self.skip_blanks();
        }
        self.command()?;
        loop {
            self.skip_blanks();
            let is_pipe = self.peek() == Some(b'|') && !self.rest().starts_with(b"||");
            if !is_pipe {
                return Ok(());
            }
            self.at += 1;
            self.eat("&");
            self.skip_lines()?;
            self.command()?;
        }
    }

    fn command(&mut self) -> Read {
        if self.peek() == Some(b'(') {
            self.at += 1;
            self.inside(|reader| {
                reader.commands(true)?;
                reader.close_paren()
            })?;
            return self.redirections();
        }
        match self.bare_word() {
            "case" | "select" | "coproc" | "time" | "[[" | "in" | "esac" | "then" | "do"
            | "done" | "fi" | "else" | "elif" | "}" => Err(GIVE_UP),
            "{" | "if" | "while" | "until" | "for" => {
                self.inside(Self::compound)?;
                self.redirections()
            }
            "function" => {
                self.eat("function");
                self.skip_blanks();
                let name = self.word()?;
                self.leaf(Leaf::Word(name));
                self.skip_blanks();
                if self.eat("(") {
                    self.skip_blanks();
                    self.close_paren()?;
                }
                self.body()
            }
            _ => self.simple(),
        }
    }

    /// Runs a part whose words the escaping does not look at.
    fn inside(&mut self, part: impl FnOnce(&mut Self) -> Read) -> Read {
        let leaves = self.reading.leaves.len();
        self.deeper(part)?;
        self.reading.leaves.truncate(leaves);
        for waiting in &mut self.pending {
            waiting.leaf = waiting.leaf.filter(|leaf| *leaf < leaves);
        }
        Ok(())
    }

    fn close_paren(&mut self) -> Read {
        self.skip_lines()?;
        if self.eat(")") { Ok(()) } else { Err(GIVE_UP) }
    }

    fn compound(&mut self) -> Read {
        if self.eat("{") {
            self.commands(true)?;
            return self.keyword("}");
        }
        if self.eat("if") {
            self.commands(true)?;
            self.keyword("then")?;
            self.commands(true)?;
            while self.bare_word() == "elif" {
                self.eat("elif");
                self.commands(true)?;
                self.keyword("then")?;
                self.commands(true)?;
            }
            if self.bare_word() == "else" {
                self.eat("else");
                self.commands(true)?;
            }
            return self.keyword("fi");
        }
        if self.eat("while") || self.eat("until") {
            self.commands(true)?;
        } else if self.eat("for") {
            self.names()?;
        } else {
            return Err(GIVE_UP);
        }
        self.keyword("do")?;
        self.commands(true)?;
        self.keyword("done")
    }

    /// `NAME in WORDS` of a `for`, up to its `do`.
    fn names(&mut self) -> Read {
        self.skip_blanks();
        if self.peek() == Some(b'(') {
            return Err(GIVE_UP);
        }
        self.word()?;
        self.skip_lines()?;
        if self.bare_word() == "in" {
            self.eat("in");
            loop {
                self.skip_blanks();
                match self.peek() {
                    Some(b';' | b'\n') => break,
                    _ => drop(self.word()?),
                }
            }
        }
        self.skip_blanks();
        self.eat(";");
        Ok(())
    }

    /// The body of a function: a compound command.
    fn body(&mut self) -> Read {
        self.skip_lines()?;
        let is_compound = self.peek() == Some(b'(')
            || ["{", "if", "while", "until", "for"].contains(&self.bare_word());
        if is_compound {
            self.command()
        } else {
            Err(GIVE_UP)
        }
    }

    fn redirections(&mut self) -> Read {
        loop {
            self.skip_blanks();
            if !self.redirection()? {
                return Ok(());
            }
        }
    }

    fn simple(&mut self) -> Read {
        let mut parts = 0;
        let mut has_name = false;
        loop {
            self.skip_blanks();
            match self.peek() {
                None | Some(b'\n' | b';' | b'|' | b')') => break,
                Some(b'&') if !self.rest().starts_with(b"&>") => break,
                Some(b'(') if parts == 1 && has_name => return self.function(),
                Some(b'(') => return Err(GIVE_UP),
                _ => {}
            }
            parts += 1;
            if self.redirection()? {
                continue;
            }
            let span = self.word()?;
            let is_assignment =
                !has_name && is_assignment(self.text.get(span.0..span.1).unwrap_or_default());
            if !is_assignment {
                has_name = true;
                self.leaf(Leaf::Word(span));
            }
        }
        if parts == 0 { Err(GIVE_UP) } else { Ok(()) }
    }

    fn function(&mut self) -> Read {
        self.at += 1;
        self.skip_blanks();
        self.close_paren()?;
        self.body()
    }

    fn leaf(&mut self, leaf: Leaf) -> usize {
        self.reading.leaves.push(leaf);
        self.reading.leaves.len() - 1
    }

    /// Reads a redirection, if one follows.
    fn redirection(&mut self) -> Read<bool> {
        const OPERATORS: [&str; 12] = [
            "<<<", "<<-", "<<", "<>", "<&", "<", "&>>", "&>", ">>", ">&", ">|", ">",
        ];
        let start = self.at;
        let digits = self
            .rest()
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let named = match self.rest() {
            [b'{', rest @ ..] => memchr::memchr(b'}', rest).map_or(0, |end| end + 2),
            _ => 0,
        };
        let operator = self.text.get(start + digits.max(named)).copied();
        let is_redirection = match operator {
            Some(b'<' | b'>') => {
                let follows = self.text.get(start + digits.max(named) + 1);
                digits.max(named) > 0 || follows != Some(&b'(')
            }
            Some(b'&') => digits == 0 && named == 0 && self.rest().starts_with(b"&>"),
            _ => false,
        };
        if !is_redirection {
            return Ok(false);
        }
        self.at += digits.max(named);
        let Some(operator) = OPERATORS.into_iter().find(|operator| self.eat(operator)) else {
            return Err(GIVE_UP);
        };
        self.skip_blanks();
        let delimiter = self.word()?;
        if operator == "<<" || operator == "<<-" {
            let redirection = (start, self.at);
            let leaf = self.leaf(Leaf::Heredoc(redirection, (0, 0)));
            self.pending.push(Pending {
                delimiter,
                strips_tabs: operator == "<<-",
                leaf: Some(leaf),
            });
        }
        Ok(true)
    }

    /// Reads a word.
    fn word(&mut self) -> Read<Span> {
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b'<' | b'>' if self.text.get(self.at + 1) == Some(&b'(') => {
                    self.at += 2;
                    self.substitution()?;
                }
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>' => break,
                b'\\' => self.at += 2,
                b'\'' => self.quoted(b'\'', false)?,
                b'"' => self.double_quoted()?,
                b'`' => self.quoted(b'`', true)?,
                b'$' => self.dollar(false)?,
                _ => self.at += 1,
            }
        }
        self.at = self.at.min(self.text.len());
        if self.at == start {
            Err(GIVE_UP)
        } else {
            Ok((start, self.at))
        }
    }

    /// Skips up to the closing quote.
    fn quoted(&mut self, quote: u8, has_escapes: bool) -> Read {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += 1;
            if byte == b'\\' && has_escapes {
                self.at += 1;
            } else if byte == quote {
                return Ok(());
            }
        }
        Err(GIVE_UP)
    }

    fn double_quoted(&mut self) -> Read {
        self.at += 1;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.at += 2,
                b'`' => self.quoted(b'`', true)?,
                b'$' => self.dollar(true)?,
                _ => self.at += 1,
            }
        }
        Err(GIVE_UP)
    }

    /// What begins with a dollar sign.
    fn dollar(&mut self, is_quoted: bool) -> Read {
        match self.rest() {
            [b'$', b'(', b'(', ..] | [b'$', b'[', ..] => Err(GIVE_UP),
            [b'$', b'(', ..] => {
                self.at += 2;
                self.substitution()
            }
            [b'$', b'{', ..] => {
                self.at += 1;
                self.braces()
            }
            [b'$', b'\'', ..] if !is_quoted => {
                self.at += 1;
                self.quoted(b'\'', true)
            }
            _ => {
                self.at += 1;
                Ok(())
            }
        }
    }

    /// The commands of a substitution, up to its closing parenthesis.
    fn substitution(&mut self) -> Read {
        let outer = std::mem::take(&mut self.pending);
        let read = self.inside(|reader| {
            reader.skip_lines()?;
            if reader.peek() != Some(b')') {
                reader.commands(true)?;
            }
            reader.close_paren()
        });
        self.pending = outer;
        read
    }

    /// `{…}` of a parameter, with what is nested in it.
    fn braces(&mut self) -> Read {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' => self.at += 1,
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
        Err(GIVE_UP)
    }
}

/// Whether a word in front of a command sets a variable.
fn is_assignment(word: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'=', word) else {
        return false;
    };
    let name = word.get(..at).unwrap_or_default();
    let name = name.strip_suffix(b"+").unwrap_or(name);
    let is_start = name
        .first()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
    is_start
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}
