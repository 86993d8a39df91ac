//! A shell script cut into simple commands: words, redirections, here-documents, and what joins them.
//!
//! Reads the plain part of the language only. Whatever could mean something else than it seems (substitutions, loops,
//! functions, subshells, jobs) makes [`split`] give up, so that callers never act on a misreading. [`split_loosely`] is
//! for those who only want to know what is run: it passes over all that and never gives up.

/// How a command follows the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// `;`, a line break, or the first command.
    Then,
    /// `&&`.
    And,
    /// `||`.
    Or,
    /// `|`: its input is the other's output.
    Pipe,
}

/// A word with its quotes taken off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// The word; variables and substitutions stand in it as they were written.
    pub text: String,
    /// It holds a variable or a pattern, so that its value is not known.
    pub is_open: bool,
}

/// Where a redirection leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// `>`, `>>` or `<`.
    pub mark: &'static str,
    /// The file, or the other descriptor.
    pub target: Word,
    /// The file descriptor was named and is not standard output (`2>`), or another descriptor is the target (`>&2`).
    pub is_aside: bool,
}

/// Input written in the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HereDoc {
    /// The text as the command reads it; `None` when the shell would still put values into it.
    pub body: Option<String>,
}

/// A simple command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// How it follows the one before it.
    pub join: Join,
    /// The program and its arguments, assignments before it included; may be empty (`> file`).
    pub words: Vec<Word>,
    /// Where its output goes and its input comes from.
    pub redirects: Vec<Redirect>,
    /// Input that stands in the script.
    pub heredoc: Option<HereDoc>,
}

impl Command {
    fn new(join: Join) -> Self {
        Self {
            join,
            words: Vec::new(),
            redirects: Vec::new(),
            heredoc: None,
        }
    }

    fn is_empty(&self) -> bool {
        self.words.is_empty() && self.redirects.is_empty() && self.heredoc.is_none()
    }

    /// The program's name; empty when its value is not known.
    pub fn program(&self) -> &str {
        self.words
            .first()
            .filter(|word| !word.is_open)
            .map_or("", |word| word.text.as_str())
    }
}

/// Cuts `script` into its commands, in order; `None` when it is more than plain commands.
pub(super) fn split(script: &str) -> Option<Vec<Command>> {
    let mut scanner = Scanner::new(script, false);
    scanner.run()?;
    Some(scanner.commands)
}

/// Cuts `script` into the simple commands that stand in it, in order, whatever loops, conditions, subshells and jobs
/// hold them. Substitutions stay unread inside their words; what has no end ends with the script. Here-documents
/// always have their body, as it was written where values would be put in. Linear in the script.
pub fn split_loosely(script: &str) -> Vec<Command> {
    let mut scanner = Scanner::new(script, true);
    // what is left of a script that breaks off is the last command
    if scanner.run().is_none() {
        let _broken_off = scanner.end_command(Join::Then);
        scanner.read_heredocs();
    }
    scanner.commands
}

/// A here-document whose body was not reached yet.
struct Pending {
    /// Which command it belongs to; the number of commands finished when it was met.
    command: usize,
    end: Word,
    is_quoted: bool,
    strips_tabs: bool,
}

struct Scanner<'a> {
    rest: &'a str,
    commands: Vec<Command>,
    current: Command,
    word: Option<Word>,
    pending: Vec<Pending>,
    /// Passes over what it does not read instead of giving up.
    is_loose: bool,
}

impl<'a> Scanner<'a> {
    fn new(script: &'a str, is_loose: bool) -> Self {
        Self {
            rest: script,
            commands: Vec::new(),
            current: Command::new(Join::Then),
            word: None,
            pending: Vec::new(),
            is_loose,
        }
    }

    /// Goes on behind what has no end: with nothing, or not at all.
    fn rest_of(&mut self, end: Option<usize>) -> Option<&'a str> {
        let rest = self.rest;
        match end {
            Some(end) => {
                self.rest = rest.get(end + 1..).unwrap_or_default();
                rest.get(..end)
            }
            None if self.is_loose => {
                self.rest = "";
                Some(rest)
            }
            None => None,
        }
    }

    /// Passes over a substitution whose opening parenthesis comes next, to its closing one; quotes are respected.
    fn substitution(&mut self, word: &mut Word) -> Option<()> {
        if !self.is_loose {
            return None;
        }
        let (mut depth, mut quote, mut is_escaped) = (0_usize, None, false);
        let end = self.rest.bytes().position(|byte| {
            match (byte, quote) {
                _ if is_escaped => {
                    is_escaped = false;
                    return false;
                }
                (b'\\', _) => is_escaped = quote != Some(b'\''),
                (b'\'' | b'"', None) => quote = Some(byte),
                (_, Some(open)) if open == byte => quote = None,
                (b'(', None) => depth += 1,
                (b')', None) => depth = depth.saturating_sub(1),
                _ => {}
            }
            byte == b')' && quote.is_none() && depth == 0
        });
        let inner = self.rest_of(end)?;
        word.is_open = true;
        word.text.push_str(inner);
        word.text.push(')');
        Some(())
    }

    /// Passes over a substitution in backticks, the first of which is taken.
    fn backticks(&mut self, word: &mut Word) -> Option<()> {
        if !self.is_loose {
            return None;
        }
        let end = memchr::memchr(b'`', self.rest.as_bytes());
        let inner = self.rest_of(end)?;
        word.is_open = true;
        word.text.extend(["`", inner, "`"]);
        Some(())
    }

    fn eat(&mut self, mark: &str) -> bool {
        match self.rest.strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
        Some(c)
    }

    /// Gives up at the end of a script that is not read loosely: something has no end.
    fn goes_on(&self) -> Option<()> {
        (self.is_loose || !self.rest.is_empty()).then_some(())
    }

    fn run(&mut self) -> Option<()> {
        while !self.rest.is_empty() {
            self.step()?;
        }
        self.end_command(Join::Then)?;
        self.read_heredocs();
        Some(())
    }

    fn step(&mut self) -> Option<()> {
        if self.eat("\\\n") || self.eat("\\\r\n") {
            return Some(());
        }
        if self.rest.starts_with(['<', '>']) {
            return self.redirect();
        }
        if self.eat("&&") {
            return self.end_command(Join::And);
        }
        if self.eat("||") {
            return self.end_command(Join::Or);
        }
        if self.eat("&>>") {
            return self.redirect_to(">>", false);
        }
        if self.eat("&>") {
            return self.redirect_to(">", false);
        }
        if self.eat("|&") || self.eat("|") {
            return self.end_command(Join::Pipe);
        }
        if self.rest.starts_with('#') && self.word.is_none() {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.rest = self.rest.get(end..).unwrap_or_default();
            return Some(());
        }
        let before = self.rest;
        match self.next()? {
            '\n' => {
                self.end_command(Join::Then)?;
                self.read_heredocs();
            }
            ';' => self.end_command(Join::Then)?,
            ' ' | '\t' | '\r' => self.end_word(),
            '(' if self.is_loose && self.word.is_some() => {
                let mut word = self.word.take().unwrap_or_default();
                self.rest = before;
                self.substitution(&mut word)?;
                self.word = Some(word);
            }
            '&' | '(' | ')' if self.is_loose => self.end_command(Join::Then)?,
            '&' | '(' | ')' => return None,
            c => self.word_char(c)?,
        }
        Some(())
    }

    /// A character of a word, quotes included.
    fn word_char(&mut self, c: char) -> Option<()> {
        let mut word = self.word.take().unwrap_or_default();
        match c {
            '\'' => {
                let end = memchr::memchr(b'\'', self.rest.as_bytes());
                word.text.push_str(self.rest_of(end)?);
            }
            '"' => self.double_quoted(&mut word)?,
            '\\' => {
                self.goes_on()?;
                word.text.extend(self.next());
            }
            '`' => self.backticks(&mut word)?,
            '$' if self.rest.starts_with('(') => {
                word.text.push('$');
                self.substitution(&mut word)?;
            }
            '$' => {
                if self.rest.starts_with(['\'', '"']) && !self.is_loose {
                    return None;
                }
                word.is_open = true;
                word.text.push('$');
            }
            '*' | '?' | '[' | '~' | '{' => {
                word.is_open = true;
                word.text.push(c);
            }
            c => word.text.push(c),
        }
        self.word = Some(word);
        Some(())
    }

    fn double_quoted(&mut self, word: &mut Word) -> Option<()> {
        loop {
            self.goes_on()?;
            let Some(c) = self.next() else {
                return Some(());
            };
            match c {
                '"' => return Some(()),
                '`' => self.backticks(word)?,
                '\\' => {
                    self.goes_on()?;
                    match self.next() {
                        Some('\n') | None => {}
                        Some(c @ ('"' | '\\' | '$' | '`')) => word.text.push(c),
                        Some(c) => word.text.extend(['\\', c]),
                    }
                }
                '$' if self.rest.starts_with('(') => {
                    word.text.push('$');
                    self.substitution(word)?;
                }
                '$' => {
                    let names = |c: char| {
                        c.is_alphanumeric() || matches!(c, '_' | '{' | '?' | '@' | '*' | '#' | '!')
                    };
                    word.is_open |= self.rest.starts_with(names);
                    word.text.push('$');
                }
                c => word.text.push(c),
            }
        }
    }

    fn redirect(&mut self) -> Option<()> {
        if self.eat("<<<") {
            // A string as input: read as a word that is nowhere.
            return self.target_word().map(|_| ());
        }
        if self.rest.starts_with("<(") || self.rest.starts_with(">(") {
            let mut word = self.word.take().unwrap_or_default();
            self.next();
            self.substitution(&mut word)?;
            self.word = Some(word);
            return Some(());
        }
        let strips_tabs = self.eat("<<-");
        if strips_tabs || self.eat("<<") {
            self.end_word();
            let start = self.rest.trim_start_matches([' ', '\t']);
            let is_quoted = start.starts_with(['\'', '"', '\\']);
            let end = self.target_word()?;
            self.pending.push(Pending {
                command: self.commands.len(),
                end,
                is_quoted,
                strips_tabs,
            });
            return Some(());
        }
        let fd = self
            .word
            .take_if(|word| !word.text.is_empty() && word.text.bytes().all(|b| b.is_ascii_digit()));
        let is_other_fd = fd.is_some_and(|fd| fd.text != "1");
        if self.eat(">&") || self.eat("<&") {
            return self.redirect_to(">", true);
        }
        let mark = if self.eat(">>") {
            ">>"
        } else if self.eat(">|") || self.eat(">") {
            ">"
        } else {
            self.eat("<");
            "<"
        };
        self.redirect_to(mark, is_other_fd)
    }

    fn redirect_to(&mut self, mark: &'static str, is_aside: bool) -> Option<()> {
        self.end_word();
        let target = self.target_word()?;
        self.current.redirects.push(Redirect {
            mark,
            target,
            is_aside,
        });
        Some(())
    }

    /// The word after a redirection.
    fn target_word(&mut self) -> Option<Word> {
        self.end_word();
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        while let Some(c) = self.rest.chars().next() {
            if c.is_whitespace() || matches!(c, ';' | '&' | '|' | '<' | '>') {
                break;
            }
            if matches!(c, '(' | ')') {
                if self.is_loose {
                    break;
                }
                return None;
            }
            self.next();
            self.word_char(c)?;
        }
        let word = self.word.take();
        word.or_else(|| self.is_loose.then(Word::default))
    }

    fn end_word(&mut self) {
        self.current.words.extend(self.word.take());
    }

    fn end_command(&mut self, join: Join) -> Option<()> {
        const KEYWORDS: [&str; 16] = [
            "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case",
            "esac", "function", "{", "}", "[[",
        ];
        self.end_word();
        let next = Command::new(join);
        if self.current.is_empty()
            && self
                .pending
                .last()
                .is_none_or(|last| last.command != self.commands.len())
        {
            // A line break after `&&` or `|` goes on with the command.
            if join != Join::Then || self.current.join == Join::Then {
                self.current.join = join;
            }
            return Some(());
        }
        let mut command = std::mem::replace(&mut self.current, next);
        if self.is_loose {
            Self::take_keywords(&mut command);
        } else if KEYWORDS.contains(&command.program()) {
            return None;
        }
        self.commands.push(command);
        Some(())
    }

    /// Takes off the words of the language before a command; those that hold no command are emptied.
    fn take_keywords(command: &mut Command) {
        let lead = command.words.iter().take_while(|word| {
            matches!(
                word.text.as_str(),
                "if" | "then"
                    | "else"
                    | "elif"
                    | "while"
                    | "until"
                    | "do"
                    | "{"
                    | "!"
                    | "}"
                    | "fi"
                    | "done"
                    | "esac"
            ) || word.text.ends_with("()")
        });
        let lead = lead.count();
        command.words.drain(..lead);
        let first = command.words.first().map(|word| word.text.as_str());
        if matches!(
            first,
            Some("for" | "case" | "select" | "function" | "[[" | "[" | "test")
        ) {
            command.words.clear();
        }
    }

    /// Takes the bodies that start on the line after the one that asked for them.
    fn read_heredocs(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            let mut body = String::new();
            while !self.rest.is_empty() {
                let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
                self.rest = rest;
                let line = line.strip_suffix('\r').unwrap_or(line);
                let line = if pending.strips_tabs {
                    line.trim_start_matches('\t')
                } else {
                    line
                };
                if line == pending.end.text {
                    break;
                }
                body.push_str(line);
                body.push('\n');
            }
            let body = if pending.is_quoted || self.is_loose {
                Some(body)
            } else {
                expanded(&body)
            };
            if let Some(command) = self.commands.get_mut(pending.command) {
                command.heredoc = Some(HereDoc { body });
            }
        }
    }
}

/// The text of an unquoted here-document, when nothing in it has to be looked up.
fn expanded(body: &str) -> Option<String> {
    let mut out = String::with_capacity(body.len());
    let mut chars = body.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.peek() {
                Some('$' | '`' | '\\') => out.extend(chars.next()),
                Some('\n') => {
                    chars.next();
                }
                _ => out.push('\\'),
            },
            '`' => return None,
            '$' => {
                let next = chars.peek();
                if next.is_some_and(|c| {
                    c.is_alphanumeric()
                        || matches!(c, '_' | '{' | '(' | '?' | '@' | '*' | '#' | '!' | '$')
                }) {
                    return None;
                }
                out.push('$');
            }
            c => out.push(c),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Commands as text: words in `[]`, open ones with a star, redirections, here-documents.
    fn outline(script: &str) -> String {
        let Some(commands) = split(script) else {
            return "?".to_owned();
        };
        let mut out = Vec::new();
        for command in commands {
            let join = match command.join {
                Join::Then => ";",
                Join::And => "&&",
                Join::Or => "||",
                Join::Pipe => "|",
            };
            let mut text = join.to_owned();
            let word =
                |word: &Word| format!("[{}{}]", word.text, if word.is_open { "*" } else { "" });
            text.extend(command.words.iter().map(word));
            for redirect in &command.redirects {
                text.push_str(if redirect.is_aside { "~" } else { "" });
                text.push_str(redirect.mark);
                text.push_str(&word(&redirect.target));
            }
            if let Some(heredoc) = &command.heredoc {
                text.extend(["<<".to_owned(), format!("{:?}", heredoc.body)]);
            }
            out.push(text);
        }
        out.join(" ")
    }

    #[track_caller]
    fn reads(script: &str, expected: &str) {
        assert_eq!(outline(script), expected, "{script}");
    }

    #[test]
    fn commands_and_words() {
        reads("cat  a.py", ";[cat][a.py]");
        reads(
            "cd x && ls -la | head; pwd || true",
            ";[cd][x] &&[ls][-la] |[head] ;[pwd] ||[true]",
        );
        reads(
            "a 'b c' \"d \\\"e\\\" $f\" g\\ h",
            ";[a][b c][d \"e\" $f*][g h]",
        );
        reads("a \\\n  b # note\nc", ";[a][b] ;[c]");
        reads("a &&\n b |\n c", ";[a] &&[b] |[c]");
        reads("ls *.py $HOME x{a,b}", ";[ls][*.py*][$HOME*][x{a,b}*]");
        reads("grep 'a$' \"b$\" f", ";[grep][a$][b$][f]");
        reads("", "");
        reads("\n\n# only\n", "");
    }

    #[test]
    fn redirections() {
        reads("a > b 2>&1", ";[a]>[b]~>[1]");
        reads("a 2>/dev/null >>log", ";[a]~>[/dev/null]>>[log]");
        reads("a &> b < c", ";[a]>[b]<[c]");
        reads("a <<< 'text'", ";[a]");
        reads("a1 2 >x", ";[a1][2]>[x]");
    }

    #[test]
    fn here_documents() {
        reads(
            "cat > f <<'EOF'\nx $y\nEOF\nls",
            ";[cat]>[f]<<Some(\"x $y\\n\") ;[ls]",
        );
        reads(
            "cat <<EOF > f && ls\na\\$b\nEOF\n",
            ";[cat]>[f]<<Some(\"a$b\\n\") &&[ls]",
        );
        reads("cat <<EOF\n$x\nEOF", ";[cat]<<None");
        reads("cat <<-EOF\n\ta\n\tEOF", ";[cat]<<Some(\"a\\n\")");
        reads(
            "cat <<EOF\nnever closed",
            ";[cat]<<Some(\"never closed\\n\")",
        );
    }

    #[test]
    fn anything_else_is_given_up() {
        for script in [
            "echo $(ls)",
            "echo `ls`",
            "(ls)",
            "for f in a; do ls; done",
            "if a; then b; fi",
            "f() { ls; }",
            "sleep 1 &",
            "diff <(a) <(b)",
            "echo \"$(ls)\"",
            "echo 'open",
            "echo \"open",
            "{ ls; }",
        ] {
            reads(script, "?");
        }
    }

    proptest! {
        #[test]
        fn any_script_is_scanned(script in "[a<>&|;'\"\\\\$(`#\n EOF{-]{0,40}") {
            outline(&script);
        }
    }
}
