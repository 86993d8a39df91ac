//! The file skills of old `OpenHands`: Python code that does nothing but call `edit_file_by_replace('a.py', …)` and its
//! kin with literal arguments.
//!
//! Reads literals only (texts of every Python form but f-strings and bytes, whole numbers); code that holds anything
//! else is not understood at all rather than in part.

use crate::model::Action;
use crate::model::ActionClass;
use crate::model::Edit;
use crate::model::EditOp;
use crate::model::Value;
use crate::model::View;
use crate::read::understand::args::first_str;
use crate::read::understand::window;
use crate::read::understand::window::Windows;

/// A call that stands in the code.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) name: String,
    args: Vec<(Option<String>, Literal)>,
}

#[derive(Debug, PartialEq, Eq)]
enum Literal {
    Text(String),
    Number(i64),
    Other,
}

impl Call {
    /// The text at the place or under one of the names.
    fn text(&self, place: usize, names: &[&str]) -> Option<&str> {
        match self.arg(place, names)? {
            Literal::Text(text) => Some(text),
            Literal::Number(_) | Literal::Other => None,
        }
    }

    fn line(&self, place: usize, names: &[&str]) -> Option<usize> {
        match self.arg(place, names)? {
            Literal::Number(number) => usize::try_from(*number).ok(),
            Literal::Text(_) | Literal::Other => None,
        }
    }

    fn arg(&self, place: usize, names: &[&str]) -> Option<&Literal> {
        let by_name = self.args.iter().find_map(|(key, value)| {
            let is_it = key.as_deref().is_some_and(|key| names.contains(&key));
            is_it.then_some(value)
        });
        by_name.or_else(|| {
            let (name, value) = self.args.get(place)?;
            name.is_none().then_some(value)
        })
    }

    /// What the skill is for; `None` for functions that are none.
    pub(super) fn class(&self) -> Option<ActionClass> {
        class_of(&self.name)
    }

    /// `search "term" in place`: what a searching skill looks for, and where.
    pub(super) fn search(&self) -> Option<(&str, Option<&str>)> {
        if self.class()? != ActionClass::Search {
            return None;
        }
        let what = self.text(0, &["search_term", "file_name"])?;
        Some((what, self.text(1, &["dir_path", "file_path", "dir"])))
    }

    fn path(&self) -> Option<&str> {
        self.text(0, &["file_name", "path", "filename", "file_path", "file"])
            .filter(|path| !path.is_empty())
    }

    fn edit(&self, windows: &Windows) -> Option<Edit> {
        let path = self.path()?.to_owned();
        let text = |place, name: &[&str]| self.text(place, name);
        match self.name.as_str() {
            "create_file" => {
                let mut edit = Edit::new(path, EditOp::Create);
                edit.new = Some(text(1, &["content"]).unwrap_or_default().into());
                edit.line = Some(1);
                Some(edit)
            }
            "append_file" => Some(put_in(path, text(1, &["content"])?, None)),
            "insert_content_at_line" | "insert_content_before_line" => {
                let line = self.line(1, &["line_number"]);
                Some(put_in(path, text(2, &["content"])?, line))
            }
            "insert_content_after_line" => {
                let line = self.line(1, &["line_number"]);
                Some(put_in(
                    path,
                    text(2, &["content"])?,
                    line.map(|line| line.saturating_add(1)),
                ))
            }
            _ => {
                if let (Some(old), Some(new)) = (
                    text(1, &["to_replace"]),
                    text(2, &["new_content", "content"]),
                ) {
                    let mut edit = Edit::new(path, EditOp::StrReplace);
                    edit.old = Some(old.into());
                    edit.new = Some(new.into());
                    return Some(edit);
                }
                let start = self.line(1, &["start", "start_line"])?;
                let end = self.line(2, &["end", "end_line"])?;
                let new = text(3, &["new_content", "content"])?;
                Some(window::ranged(path, start, end, new, windows))
            }
        }
    }
}

fn put_in(path: String, content: &str, line: Option<usize>) -> Edit {
    let mut edit = Edit::new(path, EditOp::Insert);
    edit.new = Some(content.into());
    edit.line = line;
    edit
}

fn class_of(name: &str) -> Option<ActionClass> {
    match name {
        "edit_file_by_replace"
        | "edit_file_by_line"
        | "edit_file"
        | "insert_content_at_line"
        | "append_file"
        | "create_file"
        | "insert_content_before_line"
        | "insert_content_after_line" => Some(ActionClass::Edit),
        "open_file" | "goto_line" | "scroll_up" | "scroll_down" => Some(ActionClass::View),
        "search_dir" | "search_file" | "find_file" => Some(ActionClass::Search),
        _ => None,
    }
}

fn code_of(args: &Value) -> &str {
    args.as_str()
        .or_else(|| first_str(args, &["code", "command"]))
        .unwrap_or_default()
}

/// The class of code: that of the skill it begins with, else a command's.
pub(super) fn python_class(args: &Value) -> ActionClass {
    let mut scanner = Scanner {
        rest: code_of(args),
    };
    scanner.skip_blank();
    scanner.eat(">>>");
    let call = scanner
        .rest
        .trim_start()
        .split('(')
        .next()
        .unwrap_or_default();
    class_of(call.trim_start_matches("print(").trim()).unwrap_or(ActionClass::Shell)
}

/// The skills that the code of the action calls; empty when it does anything else.
pub(super) fn calls_of(action: &Action) -> Vec<Call> {
    let code = code_of(&action.args);
    // The name tells at once for almost all code.
    if python_class(&action.args) == ActionClass::Shell {
        return Vec::new();
    }
    Scanner { rest: code }.calls().unwrap_or_default()
}

/// The changes and the view of code that calls file skills only.
pub(super) fn understand(action: &Action, windows: &mut Windows) -> (Vec<Edit>, Option<View>) {
    let calls = calls_of(action);
    let mut edits: Vec<Edit> = calls
        .iter()
        .filter(|call| call.class() == Some(ActionClass::Edit))
        .filter_map(|call| call.edit(windows))
        .collect();
    let is_view = calls
        .iter()
        .any(|call| call.class() == Some(ActionClass::View));
    let asked = calls
        .iter()
        .filter(|call| call.name == "open_file")
        .find_map(Call::path);
    let failed = action.has_error();
    let shown = action
        .observation
        .as_ref()
        .filter(|_| !failed && !calls.is_empty())
        .and_then(window::shown);
    if let [edit] = edits.as_mut_slice()
        && let Some(shown) = &shown
        && edit.line.is_none()
    {
        edit.line = edit.new.as_deref().and_then(|new| shown.line_of(new));
    }
    if !failed {
        for edit in &edits {
            windows.forget(edit);
        }
    }
    let view = is_view.then(|| {
        let path = shown.as_ref().map(|shown| shown.path().to_owned());
        let path = path.or_else(|| asked.map(str::to_owned))?;
        let mut view = View {
            path,
            ..View::default()
        };
        if let Some(shown) = &shown {
            shown.fill(&mut view);
        }
        Some(view)
    });
    if let Some(shown) = shown {
        windows.remember(shown);
    }
    (edits, view.flatten())
}

/// Reads calls from the start of `rest` on.
struct Scanner<'a> {
    rest: &'a str,
}

impl Scanner<'_> {
    /// All calls, one a line or parted by `;`; `None` when there is anything else.
    fn calls(mut self) -> Option<Vec<Call>> {
        let mut calls = Vec::new();
        loop {
            self.skip_blank();
            while self.eat(">>>") || self.eat(";") {
                self.skip_blank();
            }
            if self.rest.is_empty() {
                return Some(calls);
            }
            let is_printed = self.eat("print(");
            let call = self.call()?;
            if is_printed {
                self.skip_blank();
                self.eat(")").then_some(())?;
            }
            call.class()?;
            calls.push(call);
        }
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

    /// Blanks, line breaks and comments.
    fn skip_blank(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            if !self.rest.starts_with('#') {
                return;
            }
            self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
        }
    }

    fn name(&mut self) -> Option<String> {
        let end = self
            .rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()))
            .then(|| name.to_owned())
    }

    fn call(&mut self) -> Option<Call> {
        let name = self.name()?;
        self.skip_blank();
        self.eat("(").then_some(())?;
        let mut args = Vec::new();
        loop {
            self.skip_blank();
            if self.eat(")") {
                return Some(Call { name, args });
            }
            args.push(self.argument()?);
            self.skip_blank();
            if !self.eat(",") && !self.rest.starts_with(')') {
                return None;
            }
        }
    }

    fn argument(&mut self) -> Option<(Option<String>, Literal)> {
        if let Some(literal) = self.literal() {
            return Some((None, literal));
        }
        let name = self.name()?;
        self.skip_blank();
        if matches!(name.as_str(), "None" | "True" | "False") {
            return Some((None, Literal::Other));
        }
        self.eat("=").then_some(())?;
        self.skip_blank();
        if let Some(literal) = self.literal() {
            return Some((Some(name), literal));
        }
        let word = self.name()?;
        matches!(word.as_str(), "None" | "True" | "False").then_some((Some(name), Literal::Other))
    }

    /// A number, or texts one after the other, which Python joins.
    fn literal(&mut self) -> Option<Literal> {
        let sign = usize::from(self.rest.starts_with('-'));
        let digits = self
            .rest
            .bytes()
            .skip(sign)
            .take_while(u8::is_ascii_digit)
            .count();
        if digits > 0 {
            let (number, rest) = self.rest.split_at_checked(sign + digits)?;
            self.rest = rest;
            return number.parse().ok().map(Literal::Number);
        }
        let mut text = self.text()?;
        loop {
            let before = self.rest;
            self.skip_blank();
            let Some(more) = self.text() else {
                self.rest = before;
                return Some(Literal::Text(text));
            };
            text.push_str(&more);
        }
    }

    /// One quoted text; `None`, with nothing taken, when there is none or it has no end.
    fn text(&mut self) -> Option<String> {
        let bare = self.rest.strip_prefix(['r', 'R']);
        let is_raw = bare.is_some();
        let body = match bare {
            Some(bare) => bare,
            None => self.rest.strip_prefix(['u', 'U']).unwrap_or(self.rest),
        };
        let quote = ["\"\"\"", "'''", "\"", "'"]
            .into_iter()
            .find(|quote| body.starts_with(quote))?;
        let body = body.strip_prefix(quote)?;
        let mut out = String::new();
        let mut rest = body;
        loop {
            if let Some(after) = rest.strip_prefix(quote) {
                self.rest = after;
                return Some(out);
            }
            let c = rest.chars().next()?;
            rest = rest.get(c.len_utf8()..)?;
            match c {
                '\n' if quote.len() == 1 => return None,
                '\\' if is_raw => {
                    // Even there a quote after it does not end the text.
                    let next = rest.chars().next()?;
                    rest = rest.get(next.len_utf8()..)?;
                    out.extend(['\\', next]);
                }
                '\\' => rest = unescape(rest, &mut out)?,
                c => out.push(c),
            }
        }
    }
}

/// Reads what follows a backslash, and gives back the text after it.
fn unescape<'a>(text: &'a str, out: &mut String) -> Option<&'a str> {
    let c = text.chars().next()?;
    let rest = text.get(c.len_utf8()..)?;
    let simple = match c {
        '\n' => return Some(rest),
        '\\' | '\'' | '"' => c,
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'v' => '\x0b',
        'x' => return coded(rest, 2, 16, out),
        'u' => return coded(rest, 4, 16, out),
        'U' => return coded(rest, 8, 16, out),
        '0'..='7' => {
            let digits = text
                .bytes()
                .take(3)
                .take_while(|b| (b'0'..=b'7').contains(b))
                .count();
            return coded(text, digits, 8, out);
        }
        'N' => return None,
        // Python keeps the backslash of what it does not know.
        other => {
            out.extend(['\\', other]);
            return Some(rest);
        }
    };
    out.push(simple);
    Some(rest)
}

fn coded<'a>(text: &'a str, digits: usize, radix: u32, out: &mut String) -> Option<&'a str> {
    let (code, rest) = text.split_at_checked(digits)?;
    out.push(char::from_u32(u32::from_str_radix(code, radix).ok()?)?);
    Some(rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Observation;

    fn action(code: &str, seen: &str) -> Action {
        let mut action = Action::new(None, "run_ipython", json!({ "code": code }));
        action.observation = Some(Observation::text(seen));
        action
    }

    type Told<'a> = (
        &'a str,
        EditOp,
        Option<&'a str>,
        Option<&'a str>,
        Option<usize>,
    );

    #[track_caller]
    fn edits(code: &str, seen: &str, want: &[Told<'_>]) {
        let (edits, _) = understand(&action(code, seen), &mut Windows::default());
        let got: Vec<Told<'_>> = edits
            .iter()
            .map(|e| (&*e.path, e.op, e.old.as_deref(), e.new.as_deref(), e.line))
            .collect();
        assert_eq!(got, want, "{code}");
    }

    #[test]
    fn skills_become_edits() {
        use EditOp::Create;
        use EditOp::Insert;
        use EditOp::StrReplace;
        edits(
            "edit_file_by_replace(\n'/w/a.py',\nto_replace=\"\"\"x 'y'\n\"\"\",\nnew_content='''z\\n'''\n)",
            "",
            &[("/w/a.py", StrReplace, Some("x 'y'\n"), Some("z\n"), None)],
        );
        edits(
            ">>> edit_file_by_replace(\"a\", \"b\", \"q\")",
            "[File: /w/a (3 lines total after edit)]\n(this is the beginning of the file)\n1|p\n2|q\n3|r\n(this is the end of the file)",
            &[("a", StrReplace, Some("b"), Some("q"), Some(2))],
        );
        edits(
            "# why\ncreate_file('n.py')\ninsert_content_at_line('n.py', 4, r'a\\n' 'b\\t\\x41\\101\\q')\nprint(append_file(file_name='n.py', content='end'))",
            "",
            &[
                ("n.py", Create, None, Some(""), Some(1)),
                ("n.py", Insert, None, Some("a\\nb\tAA\\q"), Some(4)),
                ("n.py", Insert, None, Some("end"), None),
            ],
        );
        edits(
            "edit_file('a', start=2, end=3, content='x')",
            "",
            &[("a", StrReplace, None, Some("x"), Some(2))],
        );
    }

    #[test]
    fn other_code_is_left_alone() {
        for code in [
            "edit_file_by_replace('a', f'{x}', 'c')",
            "edit_file_by_replace('a', b'x', 'c')",
            "edit_file_by_replace(path, 'b', 'c')",
            "append_file('a', 'b' + c)",
            "append_file('a', 'no end",
            "append_file('a', '\\N{DASH}')",
            "append_file('a', 'b'); os.remove('a')",
            "print(1)",
            "append_file(",
            "",
        ] {
            edits(code, "", &[]);
        }
    }

    #[test]
    fn views_and_searches() {
        let seen = "[File: /w/a.py (42 lines total)]\n(1 more lines above)\n2|x\n3|y\n(39 more lines below)";
        let (_, view) = understand(
            &action("open_file('/w/a.py', 2)", seen),
            &mut Windows::default(),
        );
        let view = view.expect("open_file shows a file");
        assert_eq!(
            (
                &*view.path,
                view.first_line,
                view.text.as_deref(),
                view.total_lines
            ),
            ("/w/a.py", Some(2), Some("x\ny"), Some(42))
        );
        let (_, view) = understand(&action("scroll_down()", seen), &mut Windows::default());
        assert_eq!(view.map(|view| view.path).as_deref(), Some("/w/a.py"));
        let calls = calls_of(&action("search_dir('def f', dir_path='/w')", ""));
        assert_eq!(calls[0].search(), Some(("def f", Some("/w"))));
    }
}
