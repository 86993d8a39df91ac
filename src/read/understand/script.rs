//! A shell script cut into simple commands: words, redirections, here-documents, and what joins them.
//!
//! Reads the plain part of the language only. Whatever could mean something else than it seems (substitutions, loops,
//! functions, subshells, jobs) makes [`split`] give up, so that callers never act on a misreading.

/// How a command follows the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
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
pub(super) struct Word {
    pub(super) text: String,
    /// It holds a variable or a pattern, so that its value is not known.
    pub(super) is_open: bool,
}

/// Where a redirection leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redirect {
    /// `>`, `>>` or `<`.
    pub(super) mark: &'static str,
    pub(super) target: Word,
    /// The file descriptor was named and is not standard output (`2>`), or another descriptor is the target (`>&2`).
    pub(super) is_aside: bool,
}

/// Input written in the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HereDoc {
    /// The text as the command reads it; `None` when the shell would still put values into it.
    pub(super) body: Option<String>,
}

/// A simple command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) join: Join,
    pub(super) words: Vec<Word>,
    pub(super) redirects: Vec<Redirect>,
    pub(super) heredoc: Option<HereDoc>,
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
    pub(super) fn program(&self) -> &str {
        self.words
            .first()
            .filter(|word| !word.is_open)
            .map_or("", |word| word.text.as_str())
    }
}

/// Cuts `script` into its commands, in order; `None` when it is more than plain commands.
pub(super) fn split(script: &str) -> Option<Vec<Command>> {
    let mut scanner = Scanner {
        rest: script,
        commands: Vec::new(),
        current: Command::new(Join::Then),
        word: None,
        pending: Vec::new(),
    };
    scanner.run()?;
    Some(scanner.commands)
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
}

impl Scanner<'_> {
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
        match self.next()? {
            '\n' => {
                self.end_command(Join::Then)?;
                self.read_heredocs();
            }
            ';' => self.end_command(Join::Then)?,
            ' ' | '\t' | '\r' => self.end_word(),
            '&' | '(' | ')' | '`' => return None,
            c => self.word_char(c)?,
        }
        Some(())
    }

    /// A character of a word, quotes included.
    fn word_char(&mut self, c: char) -> Option<()> {
        let mut word = self.word.take().unwrap_or_default();
        match c {
            '\'' => {
                let end = self.rest.find('\'')?;
                word.text.push_str(self.rest.get(..end)?);
                self.rest = self.rest.get(end + 1..)?;
            }
            '"' => self.double_quoted(&mut word)?,
            '\\' => word.text.push(self.next()?),
            '$' => {
                if self.rest.starts_with(['(', '\'', '"']) {
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
            match self.next()? {
                '"' => return Some(()),
                '`' => return None,
                '\\' => match self.next()? {
                    '\n' => {}
                    c @ ('"' | '\\' | '$' | '`') => word.text.push(c),
                    c => word.text.extend(['\\', c]),
                },
                '$' => {
                    if self.rest.starts_with('(') {
                        return None;
                    }
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
            return None;
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
            if matches!(c, '(' | ')' | '`') {
                return None;
            }
            self.next();
            self.word_char(c)?;
        }
        self.word.take()
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
        let command = std::mem::replace(&mut self.current, next);
        if KEYWORDS.contains(&command.program()) {
            return None;
        }
        self.commands.push(command);
        Some(())
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
            let body = if pending.is_quoted {
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
