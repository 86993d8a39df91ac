//! What a piece of Python (or another script language) that an agent runs is for, told by its words.

use std::sync::LazyLock;

use regex::Regex;

/// How much of a piece is read.
const MOST_BYTES: usize = 64 << 10;

/// What a piece of code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::behave) enum Purpose {
    /// Reads files or definitions and prints them.
    Looks,
    /// Writes this file; empty where the name is not written out.
    Writes,
    /// Parses, compiles or imports, calls nothing.
    IsEmptyCheck,
    /// Says something only.
    Says,
    /// Runs something.
    Runs,
}

static WRITES: LazyLock<Regex> = LazyLock::new(|| {
    fixed(concat!(
        r#"\.write_text\s*\(|\.write_bytes\s*\(|open\s*\([^()\n]*(?:\([^()\n]*\)[^()\n]*)?,\s*(?:mode\s*=\s*)?["'][wax]b?\+?["']"#,
        r#"|inplace\s*=\s*(?:True|1)|writeFileSync\s*\(|\b(?:edit_file\w*|create_file|append_file|insert_content_\w+)\s*\(|File\.write\s*\(|os\.(?:rename|remove|unlink)\s*\("#,
    ))
});
static WRITTEN: LazyLock<Regex> = LazyLock::new(|| {
    fixed(concat!(
        r#"(?:open|Path|writeFileSync|edit_file\w*|create_file|append_file|insert_content_\w+)\s*\(\s*[rf]?["']([^"'\n]+)["']"#,
        r#"|(?m)^\s*(?:\w*(?:path|file|fname|filename)\w*|p|f)\s*=\s*(?:\w+\.)?(?:Path\()?["']([^"'\n]+)["']"#,
    ))
});
static LOOKS: LazyLock<Regex> = LazyLock::new(|| {
    fixed(concat!(
        r"(?i)\.read\s*\(|\.read_text\s*\(|readlines?\s*\(|inspect\.get(?:source|file|members|doc)|\bhelp\s*\(|\bdir\s*\(|__file__|__version__|__doc__",
        r"|signature\s*\(|os\.(?:listdir|walk|getcwd)|glob\.|sys\.(?:path|version)|pkg_resources|importlib\.metadata|__mro__|__code__|platform\.|\b(?:wikipedia|web|google)_?search\s*\(",
    ))
});
static SYNTAX: LazyLock<Regex> =
    LazyLock::new(|| fixed(r"ast\.parse\s*\(|py_compile|compileall|\bcompile\s*\("));

/// A regular expression that is part of the program.
#[expect(
    clippy::expect_used,
    reason = "each pattern is a constant that a test runs"
)]
pub(in crate::behave) fn fixed(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is fixed and valid")
}

/// Finds any of the words, in one pass over a text.
pub(in crate::behave) fn any_of<'a>(words: impl IntoIterator<Item = &'a str>) -> Regex {
    let words: Vec<String> = words.into_iter().map(regex::escape).collect();
    fixed(&words.join("|"))
}

/// A pattern with edges of words (`\b`) for texts that seldom match. Behind a letter beyond ASCII such a pattern is
/// searched for a character at a time: without the edges, which a match cannot lack, it is looked for first.
pub(in crate::behave) struct Edged {
    loose: Regex,
    exact: Regex,
}

impl Edged {
    /// A pattern that is part of the program.
    pub(in crate::behave) fn new(pattern: &str) -> Self {
        Self {
            loose: fixed(&pattern.replace(r"\b", "")),
            exact: fixed(pattern),
        }
    }

    /// The pattern, where it may match the text.
    pub(in crate::behave) fn near(&self, text: &str) -> Option<&Regex> {
        self.loose.is_match(text).then_some(&self.exact)
    }
}

/// Tells what the code is for, and the file it writes where it names one.
pub(in crate::behave) fn purpose(code: &str) -> (Purpose, Option<&str>) {
    let code = code
        .get(..code.floor_char_boundary(MOST_BYTES))
        .unwrap_or_default();
    let starts_programs = ["subprocess.", "pytest.main", "os.system"];
    if starts_programs.iter().any(|word| code.contains(word)) {
        return (Purpose::Runs, None);
    }
    if WRITES.is_match(code) {
        let groups = WRITTEN.captures(code);
        let path = groups.and_then(|groups| groups.iter().skip(1).flatten().next());
        return (Purpose::Writes, path.map(|path| path.as_str()));
    }
    if SYNTAX.is_match(code) && !runs_more(code) {
        return (Purpose::IsEmptyCheck, None);
    }
    let mut has_import = false;
    let mut is_said_only = true;
    for line in statements(code) {
        if line.starts_with("import ") || line.starts_with("from ") {
            has_import = true;
        } else if !is_saying(line) {
            is_said_only = false;
        }
    }
    let purpose = match (has_import, is_said_only) {
        (true, true) => Purpose::IsEmptyCheck,
        (false, true) => Purpose::Says,
        _ if LOOKS.is_match(code) && !runs_more(code) => Purpose::Looks,
        _ => Purpose::Runs,
    };
    (purpose, None)
}

/// The lines that say something, one-liners cut at `;`.
fn statements(code: &str) -> impl Iterator<Item = &str> {
    code.lines()
        .flat_map(|line| line.split(';'))
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with('%'))
}

/// Whether the statement only prints a text of its own.
fn is_saying(line: &str) -> bool {
    let said = line
        .strip_prefix("print(")
        .and_then(|rest| rest.strip_suffix(')'));
    let Some(said) = said.map(str::trim) else {
        return matches!(line, "try:" | "pass" | "else:") || line.starts_with("except");
    };
    let quote = said.chars().next();
    said.is_empty()
        || (matches!(quote, Some('"' | '\''))
            && said.ends_with(quote.unwrap_or('"'))
            && said.matches(quote.unwrap_or('"')).count() == 2)
}

/// Whether the code looks as though it called what it is about: asserts, raises, test cases.
fn runs_more(code: &str) -> bool {
    [
        "assert ",
        "assert(",
        "subprocess",
        "unittest.main",
        "pytest.main",
        "os.system",
    ]
    .iter()
    .any(|word| code.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, want: Purpose, path: Option<&str>) {
        assert_eq!(purpose(code), (want, path), "{code}");
    }

    #[test]
    fn code_has_a_purpose() {
        check("import a; print(a.f(1))", Purpose::Runs, None);
        check("import a\nprint('ok')", Purpose::IsEmptyCheck, None);
        check(
            "import ast; ast.parse(open('a.py').read())",
            Purpose::IsEmptyCheck,
            None,
        );
        check("print('All tests passed')", Purpose::Says, None);
        check("print(open('a.py').read())", Purpose::Looks, None);
        check("import a; print(a.__file__)", Purpose::Looks, None);
        check(
            "open('src/a.py', 'w').write(s)",
            Purpose::Writes,
            Some("src/a.py"),
        );
        check(
            "from pathlib import Path\np = Path('a.py')\np.write_text(p.read_text().replace('a', 'b'))",
            Purpose::Writes,
            Some("a.py"),
        );
        check(
            "file_path = '/w/a.py'\nwith open(file_path, 'w') as f:\n    f.write(x)",
            Purpose::Writes,
            Some("/w/a.py"),
        );
        check("assert open('a').read() == 'b'", Purpose::Runs, None);
        check("", Purpose::Says, None);
    }
}
