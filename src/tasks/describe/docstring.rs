//! What a docstring says.

use crate::python::Docstring;
use crate::python::literal_value;

/// The text of a docstring in the lines of its file: escapes resolved, indentation cut. `None` where something else
/// stands on its lines.
pub fn text_of(lines: &[&str], docstring: Docstring) -> Option<String> {
    let lines = lines.get(docstring.first.0..=docstring.last.0)?;
    let literal = lines.join("\n");
    let literal = literal.trim();
    let quoted = literal.trim_start_matches(['r', 'R', 'u', 'U']);
    let quotes = ["\"\"\"", "'''", "\"", "'"];
    let quote = quotes.into_iter().find(|quote| quoted.starts_with(quote))?;
    let inner = quoted.strip_prefix(quote)?.strip_suffix(quote)?;
    // another string, or code, behind the first
    if inner.contains(quote) && !inner.contains('\\') {
        return None;
    }
    Some(clean(&literal_value(literal)))
}

/// The text as `inspect.cleandoc` cuts it: without the indentation that all lines but the first share, without blank
/// lines around it.
fn clean(text: &str) -> String {
    let text = without_tabs(text);
    let mut lines = text.split('\n');
    let first = lines.next().unwrap_or_default().trim();
    let rest: Vec<&str> = lines.collect();
    let indent = |line: &&&str| line.len() - line.trim_start_matches(' ').len();
    let is_blank = |line: &str| line.trim().is_empty();
    let told = rest.iter().filter(|line| !is_blank(line));
    let margin = told.map(|line| indent(&line)).min().unwrap_or_default();
    let cut = |line: &&str| line.get(margin..).unwrap_or_default().trim_end().to_owned();
    let mut all: Vec<String> = vec![first.to_owned()];
    all.extend(rest.iter().map(cut));
    let from = all.iter().position(|line| !is_blank(line));
    let to = all.iter().rposition(|line| !is_blank(line));
    match from.zip(to) {
        Some((from, to)) => all.get(from..=to).unwrap_or_default().join("\n"),
        None => String::new(),
    }
}

/// Tabs as the blanks up to the next column that eight divides.
fn without_tabs(text: &str) -> String {
    let mut done = String::with_capacity(text.len());
    let mut column = 0;
    for letter in text.chars() {
        match letter {
            '\t' => {
                let blanks = 8 - column % 8;
                done.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
                continue;
            }
            '\n' => column = 0,
            _ => column += 1,
        }
        done.push(letter);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LineIx;

    #[track_caller]
    fn check(source: &str, want: Option<&str>) {
        let lines: Vec<&str> = source.split('\n').collect();
        let docstring = Docstring {
            first: LineIx(0),
            last: LineIx(lines.len() - 1),
            has_word: true,
        };
        assert_eq!(text_of(&lines, docstring).as_deref(), want);
    }

    #[test]
    fn docstrings_as_python_reads_them() {
        check("    \"\"\"One.\"\"\"", Some("One."));
        check(
            "  '''One.\n\n    Two.\n      Three.\n  '''",
            Some("One.\n\nTwo.\n  Three."),
        );
        check("  r'''a\\n'''", Some("a\\n"));
        check("  'a\\tb'", Some("a       b"));
        check("  \"\"\"\n\n  One.\n\n  \"\"\"", Some("One."));
        check("  'a' 'b'", None);
        check("  'a'; x = 1", None);
        check("  'a'  # why", None);
        check("  f'a'", None);
        check("  \"\"\"\"\"\"", Some(""));
    }
}
