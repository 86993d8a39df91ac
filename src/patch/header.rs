//! File names and hunk headers of unified diffs: git's quoting, prefixes, time stamps, ranges.

/// The range of one side in a hunk header: start and length.
pub(super) type Range = (usize, usize);

/// Reads `@@ -1,2 +3 @@ heading`; the ranges are `None` for a bare `@@` (whatever follows is its anchor), the whole is
/// `None` when the line is no hunk header.
pub(super) fn hunk_header(line: &str) -> Option<(Option<(Range, Range)>, &str)> {
    let rest = line.strip_prefix("@@")?;
    if rest.starts_with('@') {
        return None;
    }
    if let Some((ranges, heading)) = numbered(rest) {
        return Some((Some(ranges), heading));
    }
    let anchor = rest.strip_prefix(' ').unwrap_or(rest);
    Some((None, anchor.strip_suffix("@@").unwrap_or(anchor).trim_end()))
}

fn numbered(rest: &str) -> Option<((Range, Range), &str)> {
    let rest = rest.trim_start().strip_prefix('-')?;
    let (old, rest) = rest.split_once(' ')?;
    let rest = rest.trim_start().strip_prefix('+')?;
    let (new, heading) = rest.split_once("@@")?;
    let heading = heading.strip_prefix(' ').unwrap_or(heading);
    Some(((range(old)?, range(new.trim())?), heading))
}

/// Numbers beyond 32 bits are no line numbers, and would overflow what is counted from them.
fn range(text: &str) -> Option<Range> {
    let number = |text: &str| usize::try_from(text.parse::<u32>().ok()?).ok();
    match text.split_once(',') {
        Some((start, len)) => Some((number(start)?, number(len)?)),
        None => Some((number(text)?, 1)),
    }
}

/// The file name of a `---` or `+++` line, verbatim but for quoting and a time stamp; `None` for `/dev/null`.
pub(super) fn file_name(rest: &str) -> Option<String> {
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    if rest.starts_with('"') {
        return unquote(rest).map(|(name, _)| name);
    }
    let name = rest.split('\t').next().unwrap_or(rest).trim_end();
    (name != "/dev/null" && !name.is_empty()).then(|| name.to_owned())
}

/// The two names of a `diff --git` line, with their prefixes. Unquoted names with blanks are told apart because both
/// names are the same after the prefix, which holds for all but renames (those have lines of their own).
pub(super) fn git_names(rest: &str) -> Option<(String, String)> {
    let rest = rest.trim();
    if rest.starts_with('"') {
        let (old, rest) = unquote(rest)?;
        let rest = rest.trim_start();
        let new = if rest.starts_with('"') {
            unquote(rest)?.0
        } else {
            rest.to_owned()
        };
        return Some((old, new));
    }
    if let Some((old, new)) = rest.split_once(" \"") {
        let (new, _) = unquote(&format!("\"{new}"))?;
        return Some((old.to_owned(), new));
    }
    let half = rest.len() / 2;
    if rest.len() % 2 == 1
        && let (Some(old), Some(new)) = (rest.get(..half), rest.get(half + 1..))
        && rest.as_bytes().get(half) == Some(&b' ')
        && old.split_once('/').map(|(_, name)| name) == new.split_once('/').map(|(_, name)| name)
    {
        return Some((old.to_owned(), new.to_owned()));
    }
    let (old, new) = rest.split_once(" b/").map_or_else(
        || rest.split_once(' ').map(|(old, new)| (old, new.to_owned())),
        |(old, new)| Some((old, format!("b/{new}"))),
    )?;
    Some((old.to_owned(), new))
}

/// Takes a C-quoted name off the front: `"a\303\244\t"`, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let body = text.strip_prefix('"')?;
    let mut bytes = Vec::new();
    let mut rest = body.bytes().enumerate();
    while let Some((at, byte)) = rest.next() {
        match byte {
            b'"' => {
                let name = String::from_utf8_lossy(&bytes).into_owned();
                return Some((name, body.get(at + 1..)?));
            }
            b'\\' => {
                let (_, escaped) = rest.next()?;
                bytes.push(match escaped {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'a' => 0x07,
                    b'b' => 0x08,
                    b'f' => 0x0c,
                    b'v' => 0x0b,
                    b'0'..=b'7' => {
                        let mut code = u32::from(escaped - b'0');
                        for _ in 0..2 {
                            let (_, digit) = rest.next()?;
                            code = code * 8 + u32::from(digit.checked_sub(b'0')?);
                        }
                        u8::try_from(code & 0xff).ok()?
                    }
                    other => other,
                });
            }
            other => bytes.push(other),
        }
    }
    None
}

/// Takes git's prefix off both names when both have it.
pub(super) fn without_prefixes(old: &mut Option<String>, new: &mut Option<String>) {
    const PREFIXES: [(&str, &str); 5] = [
        ("a/", "b/"),
        ("i/", "w/"),
        ("c/", "i/"),
        ("c/", "w/"),
        ("o/", "w/"),
    ];
    let has = |name: &Option<String>, prefix: &str| {
        name.as_ref().is_none_or(|name| name.starts_with(prefix))
    };
    let fits = PREFIXES.iter().find(|(a, b)| has(old, a) && has(new, b));
    let Some((a, b)) = fits else {
        return;
    };
    for (name, prefix) in [(old, a), (new, b)] {
        if let Some(bare) = name.as_ref().and_then(|name| name.strip_prefix(prefix)) {
            *name = Some(bare.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hunk_headers() {
        let cases = [
            (
                "@@ -1,2 +3,4 @@ def f():",
                Some((Some(((1, 2), (3, 4))), "def f():")),
            ),
            ("@@ -1 +0,0 @@", Some((Some(((1, 1), (0, 0))), ""))),
            ("@@", Some((None, ""))),
            ("@@ class A:", Some((None, "class A:"))),
            ("@@ ... @@", Some((None, "..."))),
            ("@@ -x +y @@", Some((None, "-x +y"))),
            ("@@@ -1 -1 +1 @@@", None),
            ("context", None),
        ];
        for (line, expected) in cases {
            assert_eq!(hunk_header(line), expected, "{line}");
        }
    }

    #[track_caller]
    fn names(rest: &str, old: &str, new: &str) {
        assert_eq!(
            git_names(rest),
            Some((old.to_owned(), new.to_owned())),
            "{rest}"
        );
    }

    #[test]
    fn names_of_git_lines() {
        names("a/x.py b/x.py", "a/x.py", "b/x.py");
        names("a/with blank b/with blank", "a/with blank", "b/with blank");
        names("a/b b/c b/d", "a/b", "b/c b/d");
        names("\"a/\\303\\244\\t\" \"b/\\303\\244\\t\"", "a/ä\t", "b/ä\t");
        names("a/plain \"b/q\\\"\"", "a/plain", "b/q\"");
        names("old.py new.py", "old.py", "new.py");
        assert_eq!(git_names("\"never closed"), None);
    }

    #[test]
    fn names_of_files() {
        assert_eq!(
            file_name(" a/x\t2020-01-01 00:00:00"),
            Some("a/x".to_owned())
        );
        assert_eq!(file_name(" /dev/null"), None);
        assert_eq!(file_name(" \"a/\\\"\""), Some("a/\"".to_owned()));
        assert_eq!(file_name("  "), None);
    }
}
