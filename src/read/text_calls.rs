//! Calls written as text inside a model's message: `<function=…>` tags, fenced commands, `<execute…>` blocks.
//!
//! Values of tagged calls are code, so tags inside them are normal. What counts as a tag of the call itself is told by
//! structure (a closing tag follows a closing tag) and by balance (an outer call still needs its close), never by the
//! first match. Linear in the text. Only ever give it what a model said: prompts hold examples in the same spelling.

use serde_json::Map;

use crate::model::Value;

const FUNCTION: &str = "<function=";
const FUNCTION_END: &str = "</function>";
const PARAMETER: &str = "<parameter=";
const PARAMETER_END: &str = "</parameter>";
/// Longest name of a function or parameter in bytes; what is longer is prose.
const NAME_BYTES: usize = 128;

/// Splits a model's message into the text outside its calls (trimmed where a call was cut out) and the calls: tool and
/// arguments, an object of strings. One line break after an opening and before a closing tag belongs to the tag. Tags
/// that are missing at the end are taken as there.
pub fn split_calls(text: &str) -> (String, Vec<(String, Value)>) {
    let marks = Marks::of(text);
    let mut calls = Vec::new();
    let mut outside: Vec<&str> = Vec::new();
    let mut at = 0;
    for mark in &marks.all {
        if !mark.is_open || mark.start < at {
            continue;
        }
        outside.push(text.get(at..mark.start).unwrap_or_default());
        let (args, end) = read_call(text, &marks, mark.end);
        calls.push((mark.name.to_owned(), Value::Object(args)));
        at = end;
    }
    if calls.is_empty() {
        return (text.to_owned(), calls);
    }
    outside.push(text.get(at..).unwrap_or_default());
    (join_trimmed(&outside), calls)
}

/// Joins the pieces around cut-out calls, without the white space at the seams.
fn join_trimmed(pieces: &[&str]) -> String {
    let last = pieces.len().saturating_sub(1);
    let mut joined = String::new();
    for (ix, piece) in pieces.iter().enumerate() {
        let mut piece = *piece;
        if ix > 0 {
            piece = piece.trim_start();
        }
        if ix < last {
            piece = piece.trim_end();
        }
        if !joined.is_empty() && !piece.is_empty() {
            joined.push('\n');
        }
        joined.push_str(piece);
    }
    joined
}

/// An opening tag of a call that goes on like a call, or a closing tag that ends one.
struct Mark<'a> {
    start: usize,
    end: usize,
    is_open: bool,
    name: &'a str,
}

/// All structural function tags of a text.
struct Marks<'a> {
    all: Vec<Mark<'a>>,
    /// For each mark and one past the last: the lowest balance of opens and closes from there on; below 0 when a call
    /// that began before still needs a close.
    low: Vec<i64>,
    /// For each opening mark the place of the close that balances it.
    mate: Vec<Option<usize>>,
}

impl<'a> Marks<'a> {
    fn of(text: &'a str) -> Self {
        let mut all: Vec<Mark<'a>> = Vec::new();
        for at in memchr::memchr_iter(b'<', text.as_bytes()) {
            let rest = text.get(at..).unwrap_or_default();
            if let Some((name, len)) = tag(rest, FUNCTION) {
                let after = rest.get(len..).unwrap_or_default().trim_start();
                let is_call = after.is_empty()
                    || after.starts_with(PARAMETER)
                    || after.starts_with(FUNCTION_END);
                if is_call {
                    all.push(Mark {
                        start: at,
                        end: at + len,
                        is_open: true,
                        name,
                    });
                }
            } else if rest.starts_with(FUNCTION_END) {
                let before = text.get(..at).unwrap_or_default().trim_end();
                let is_empty_call = all
                    .last()
                    .is_some_and(|mark| mark.is_open && mark.end == before.len());
                if is_empty_call || before.ends_with(PARAMETER_END) {
                    all.push(Mark {
                        start: at,
                        end: at + FUNCTION_END.len(),
                        is_open: false,
                        name: "",
                    });
                }
            }
        }
        let mut low = vec![0];
        let mut next = 0;
        for mark in all.iter().rev() {
            next = i64::min(0, next) + if mark.is_open { 1 } else { -1 };
            low.push(next);
        }
        low.reverse();
        let mut mate = vec![None; all.len()];
        let mut stack = Vec::new();
        for (ix, mark) in all.iter().enumerate() {
            if mark.is_open {
                stack.push(ix);
            } else if let Some(slot) = stack.pop().and_then(|open: usize| mate.get_mut(open)) {
                *slot = Some(ix);
            }
        }
        Self { all, low, mate }
    }

    fn at(&self, start: usize) -> Option<usize> {
        self.all
            .binary_search_by_key(&start, |mark| mark.start)
            .ok()
    }

    /// Whether a call that began before mark `ix` still needs a close after it.
    fn is_inside_after(&self, ix: usize) -> bool {
        self.low.get(ix + 1).is_some_and(|low| *low < 0)
    }

    /// One past the close of the whole call that opens at mark `ix`, when that call stands inside another.
    fn nested_end(&self, ix: usize) -> Option<usize> {
        let mate = (*self.mate.get(ix)?)?;
        self.is_inside_after(mate)
            .then(|| self.all.get(mate).map(|mark| mark.end))?
    }
}

/// The name and length of a tag such as `<function=NAME>` at the start of `rest`.
fn tag<'a>(rest: &'a str, open: &str) -> Option<(&'a str, usize)> {
    let body = rest.strip_prefix(open)?;
    let window = body.as_bytes().get(..NAME_BYTES).unwrap_or(body.as_bytes());
    let len = memchr::memchr(b'>', window)?;
    let name = body.get(..len)?;
    let is_name = !name.trim().is_empty() && !name.contains(['<', '\n', '\r']);
    is_name.then(|| (name.trim(), open.len() + len + 1))
}

/// Reads the parameters after an opening tag that ends at `at`; gives them with the end of the call.
fn read_call(text: &str, marks: &Marks<'_>, mut at: usize) -> (Map<String, Value>, usize) {
    let mut args = Map::new();
    loop {
        let next = skip_white(text, at);
        let rest = text.get(next..).unwrap_or_default();
        if rest.starts_with(FUNCTION_END) {
            return (args, next + FUNCTION_END.len());
        }
        let Some((key, len)) = tag(rest, PARAMETER) else {
            return (args, at);
        };
        let body = next + len;
        let (value_end, after) = find_value_end(text, marks, body);
        let value = text.get(body..value_end).unwrap_or_default();
        args.insert(
            key.to_owned(),
            Value::String(strip_breaks(value).to_owned()),
        );
        at = after;
    }
}

/// Where the value that starts at `body` ends, and where reading goes on after its closing tag.
fn find_value_end(text: &str, marks: &Marks<'_>, body: usize) -> (usize, usize) {
    let mut last_close = None;
    let mut at = body;
    while let Some(offset) = memchr::memchr(b'<', text.as_bytes().get(at..).unwrap_or_default()) {
        let here = at + offset;
        let rest = text.get(here..).unwrap_or_default();
        at = here + 1;
        if rest.starts_with(PARAMETER_END) {
            let end = here + PARAMETER_END.len();
            if ends_value(text, marks, end) {
                return (here, end);
            }
            last_close = Some((here, end));
        } else if rest.starts_with(FUNCTION) {
            // a whole call inside the value is an example in somebody's file
            if let Some(end) = marks.at(here).and_then(|ix| marks.nested_end(ix)) {
                at = end;
            }
        }
    }
    last_close.unwrap_or_else(|| {
        let value = text.get(body..).unwrap_or_default().trim_end();
        let cut = value
            .strip_suffix(FUNCTION_END)
            .map_or(0, |_| FUNCTION_END.len());
        if cut == 0 {
            (text.len(), text.len())
        } else {
            (body + value.len() - cut, body + value.len() - cut)
        }
    })
}

/// Whether a `</parameter>` that ends at `end` closes a parameter of this call rather than being part of its value.
fn ends_value(text: &str, marks: &Marks<'_>, end: usize) -> bool {
    let next = skip_white(text, end);
    let rest = text.get(next..).unwrap_or_default();
    if rest.is_empty() || tag(rest, PARAMETER).is_some() {
        return true;
    }
    let Some(ix) = marks.at(next) else {
        return false;
    };
    if rest.starts_with(FUNCTION_END) {
        !marks.is_inside_after(ix)
    } else {
        marks.nested_end(ix).is_none()
    }
}

fn skip_white(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + (rest.len() - rest.trim_start().len())
}

/// Takes one line break off each end.
fn strip_breaks(value: &str) -> &str {
    let value = value
        .strip_prefix("\r\n")
        .or_else(|| value.strip_prefix('\n'))
        .unwrap_or(value);
    value
        .strip_suffix("\r\n")
        .or_else(|| value.strip_suffix('\n'))
        .unwrap_or(value)
}

/// A command that a model wrote into its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FencedCommand {
    /// The word after the fence, may be empty; for `<execute_bash>` and its kin the name of the tag.
    pub(super) lang: String,
    /// The command, without the line break before the closing fence.
    pub(super) command: String,
    /// What the model said before it, trimmed at the seam.
    pub(super) before: String,
    /// What it said after it, trimmed at the seam.
    pub(super) after: String,
}

impl FencedCommand {
    /// What the model said around the command.
    pub(super) fn around(&self) -> String {
        join_trimmed(&[&self.before, &self.after])
    }

    fn cut(text: &str, lang: &str, outer: (usize, usize), inner: (usize, usize)) -> Self {
        let piece = |start: usize, end: usize| text.get(start..end).unwrap_or_default();
        Self {
            lang: lang.to_owned(),
            command: strip_breaks_end(piece(inner.0, inner.1)).to_owned(),
            before: piece(0, outer.0).trim_end().to_owned(),
            after: piece(outer.1, text.len()).trim_start().to_owned(),
        }
    }
}

fn strip_breaks_end(value: &str) -> &str {
    value
        .strip_suffix("\r\n")
        .or_else(|| value.strip_suffix('\n'))
        .unwrap_or(value)
}

/// The command of a message that gives it as a block: the first `<execute…>` block, else the last fenced block of a
/// shell or of no language, else the last fenced block. A fence inside a fenced block (a document in a heredoc) is part
/// of the command, as SWE-agent's own parser has it.
pub(super) fn fenced_command(text: &str) -> Option<FencedCommand> {
    execute_block(text).or_else(|| {
        let blocks = fences(text);
        let is_shell =
            |lang: &str| lang.is_empty() || lang == "mswea_bash_command" || is_shell_lang(lang);
        let block = blocks
            .iter()
            .rev()
            .find(|block| is_shell(block.lang))
            .or_else(|| blocks.last())?;
        Some(FencedCommand::cut(
            text,
            block.lang,
            block.outer,
            block.inner,
        ))
    })
}

/// Whether the word after a fence names a shell.
pub(super) fn is_shell_lang(lang: &str) -> bool {
    matches!(
        lang,
        "bash" | "sh" | "shell" | "zsh" | "mswea_bash_command" | "execute_bash"
    )
}

struct Fence<'a> {
    lang: &'a str,
    outer: (usize, usize),
    inner: (usize, usize),
}

/// The outermost fenced blocks that are closed.
fn fences(text: &str) -> Vec<Fence<'_>> {
    let mut found = Vec::new();
    let mut stack: Vec<(usize, usize, &str)> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        if let Some(lang) = line.strip_prefix("```").map(str::trim_end) {
            let is_fence = !lang.contains(|c: char| c.is_whitespace() || c == '`');
            if is_fence && lang.is_empty() && !stack.is_empty() {
                let open = stack.pop();
                if let Some((open_start, open_end, lang)) = open.filter(|_| stack.is_empty()) {
                    found.push(Fence {
                        lang,
                        outer: (open_start, end),
                        inner: (open_end, start),
                    });
                }
            } else if is_fence {
                stack.push((start, end, lang));
            }
        }
        start = end;
    }
    found
}

/// The blocks of `CodeAct`; the close may be missing at the end.
fn execute_block(text: &str) -> Option<FencedCommand> {
    const NAMES: [&str; 4] = [
        "execute_bash",
        "execute_ipython",
        "execute_browse",
        "execute",
    ];
    for start in memchr::memmem::find_iter(text.as_bytes(), b"<execute") {
        let rest = text.get(start + 1..).unwrap_or_default();
        let name = NAMES.into_iter().find(|name| {
            rest.strip_prefix(name)
                .is_some_and(|after| after.starts_with('>'))
        });
        let Some(name) = name else { continue };
        let inner_start = start + name.len() + 2;
        let inner = text.get(inner_start..).unwrap_or_default();
        let close = format!("</{name}>");
        let (inner_end, end) = inner.find(&close).map_or((text.len(), text.len()), |at| {
            (inner_start + at, inner_start + at + close.len())
        });
        let mut command = FencedCommand::cut(text, name, (start, end), (inner_start, inner_end));
        command.command = strip_breaks(&command.command).trim_matches(' ').to_owned();
        return Some(command);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::fenced_command;
    use super::split_calls;

    #[track_caller]
    fn check(text: &str, outside: &str, want: &str) {
        let (got_outside, calls) = split_calls(text);
        let got: Vec<String> = calls
            .iter()
            .map(|(tool, args)| format!("{tool} {args}"))
            .collect();
        assert_eq!(got.join("; "), want, "{text}");
        assert_eq!(got_outside, outside, "{text}");
    }

    #[test]
    fn tagged_calls() {
        let ls = r#"bash {"command":"ls"}"#;
        check("plain <b> text", "plain <b> text", "");
        check(
            "I look.\n\n<function=bash>\n<parameter=command>ls</parameter>\n</function>",
            "I look.",
            ls,
        );
        check(
            "<function=bash>\n<parameter=command>\nls\n</parameter>\n</function>\nDone.",
            "Done.",
            ls,
        );
        check(
            "<function=bash>\r\n<parameter=command>\r\nls\r\n</parameter>\r\n</function>",
            "",
            ls,
        );
        check("<function=bash><parameter=command>ls</parameter>", "", ls);
        check("<function=bash><parameter=command>ls", "", ls);
        check("<function=bash><parameter=command>ls</function>", "", ls);
        check("<function=finish>\n</function>", "", "finish {}");
        check("x\n<function=finish>", "x", "finish {}");
        check(
            "use <function=finish> to end",
            "use <function=finish> to end",
            "",
        );
        check("see </function> there", "see </function> there", "");
        check(
            "<function=e><parameter=old></parameter><parameter=new>\n\n\n</parameter></function>",
            "",
            r#"e {"old":"","new":"\n"}"#,
        );
        check(
            "a\n<function=bash><parameter=command>ls</parameter></function>\nb\n<function=finish></function> c",
            "a\nb\nc",
            r#"bash {"command":"ls"}; finish {}"#,
        );
        check(
            "<function=bash><parameter=command>ls</parameter>\n<function=finish></function>",
            "",
            r#"bash {"command":"ls"}; finish {}"#,
        );
    }

    #[test]
    fn tags_inside_values() {
        check(
            "<function=w><parameter=file_text>if a < b: print('</function>', '</parameter>')</parameter></function>",
            "",
            r#"w {"file_text":"if a < b: print('</function>', '</parameter>')"}"#,
        );
        let example =
            "<function=a>\n<parameter=x>1</parameter>\n<parameter=y>2</parameter>\n</function>\n";
        let two = format!("{example}and\n{example}");
        check(
            &format!(
                "<function=w>\n<parameter=path>p</parameter>\n<parameter=file_text>\n{two}</parameter>\n</function>"
            ),
            "",
            &format!(
                "w {}",
                serde_json::json!({"path": "p", "file_text": two.trim_end_matches('\n')})
            ),
        );
        check(
            "<function=w><parameter=t>END = '</parameter>\n</function>'\nx = 1</parameter></function>",
            "",
            r#"w {"t":"END = '</parameter>\n</function>'\nx = 1"}"#,
        );
    }

    #[test]
    fn hostile_tags_take_linear_time() {
        for unit in [
            "<function=a><parameter=b>",
            "<function=a><parameter=b></parameter>x",
            "<function=a>",
            "</parameter></function>",
            "</parameter>   ",
            "<execute",
            "```\n",
            "```a\n",
        ] {
            let text = unit.repeat(40_000);
            let start = std::time::Instant::now();
            split_calls(&text);
            fenced_command(&text);
            assert!(start.elapsed().as_secs() < 5, "{unit}");
        }
    }

    #[track_caller]
    fn check_fence(text: &str, want: Option<(&str, &str, &str)>) {
        let got = fenced_command(text);
        let got = got
            .as_ref()
            .map(|f| (f.lang.as_str(), f.command.as_str(), f.around()));
        let want = want.map(|(lang, command, around)| (lang, command, around.to_owned()));
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn fenced_commands() {
        check_fence("no fence", None);
        check_fence("```\nopen", None);
        check_fence("T\n```\nls\n```", Some(("", "ls", "T")));
        check_fence(
            "T\n\n```bash\nls\nls\n```\nend",
            Some(("bash", "ls\nls", "T\nend")),
        );
        check_fence(
            "```\na\n```\nx\n```\nb\n```",
            Some(("", "b", "```\na\n```\nx")),
        );
        check_fence(
            "```bash\na\n```\n```python\nb\n```",
            Some(("bash", "a", "```python\nb\n```")),
        );
        check_fence("```python\nb\n```", Some(("python", "b", "")));
        check_fence(
            "```bash\ncat <<E\n```py\nx\n```\nE\n```",
            Some(("bash", "cat <<E\n```py\nx\n```\nE", "")),
        );
        check_fence("```bash\r\nls\r\n```\r\n", Some(("bash", "ls", "")));
        check_fence(
            "``` not a fence\n```bash\nls\n```",
            Some(("bash", "ls", "``` not a fence")),
        );
        check_fence(
            "a <execute>\nx = 1\n</execute> b",
            Some(("execute", "x = 1", "a\nb")),
        );
        check_fence("<execute_bash> ls", Some(("execute_bash", "ls", "")));
        check_fence("<executes> ls", None);
    }
}
