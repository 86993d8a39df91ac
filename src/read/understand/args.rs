//! Reading arguments as they are: strings that hold numbers, lists written as text, several names for one thing.

use crate::model::Value;

/// The text under the first of `keys` that holds one.
pub(super) fn first_str<'a>(args: &'a Value, keys: &[&str]) -> Option<&'a str> {
    keys.iter()
        .find_map(|key| args.get(key).and_then(Value::as_str))
}

/// The file that the arguments name; empty names are none.
pub(super) fn path_of(args: &Value) -> Option<String> {
    const KEYS: [&str; 12] = [
        "path",
        "file_path",
        "filename",
        "file_name",
        "notebook_path",
        "target_file",
        "absolute_path",
        "filePath",
        "dir_path",
        "directory",
        "AbsolutePath",
        "file",
    ];
    let path = unquoted(first_str(args, &KEYS)?);
    (!path.is_empty()).then(|| path.to_owned())
}

/// Takes off the quotes of a value that was written as a JSON or shell string (ADP writes `"\"a.py\""`).
pub(super) fn unquoted(text: &str) -> &str {
    let text = text.trim();
    ['"', '\'']
        .into_iter()
        .find_map(|quote| {
            text.strip_prefix(quote)?
                .strip_suffix(quote)
                .filter(|inner| !inner.contains(quote))
        })
        .unwrap_or(text)
}

/// The number under the first of `keys` that holds one, as a number or as text.
pub(super) fn first_usize(args: &Value, keys: &[&str]) -> Option<usize> {
    keys.iter().find_map(|key| usize_of(args.get(key)?))
}

fn usize_of(value: &Value) -> Option<usize> {
    match value {
        Value::Number(number) => usize::try_from(number.as_u64()?).ok(),
        Value::String(text) => unquoted(text).parse().ok(),
        _ => None,
    }
}

/// The number under `key`, as a number or as text.
pub(super) fn f64_of(args: &Value, key: &str) -> Option<f64> {
    let value = args.get(key)?;
    let number = match value {
        Value::String(text) => unquoted(text).parse().ok(),
        other => other.as_f64(),
    };
    number.filter(|number| number.is_finite() && *number >= 0.0)
}

/// Whether `key` holds true, as a boolean or as text.
pub(super) fn is_true(args: &Value, key: &str) -> bool {
    match args.get(key) {
        Some(Value::Bool(value)) => *value,
        Some(Value::String(text)) => unquoted(text).eq_ignore_ascii_case("true"),
        _ => false,
    }
}

/// The range of lines that a view asks for, 1-based; the end is `None` for "to the end" (`-1`) or where none is said.
/// Knows `view_range` as a list or as text (`[1, 20]`, `1 20`), `offset`/`limit`, `start_line`/`end_line`, `line_number`.
pub(super) fn line_range(args: &Value) -> Option<(usize, Option<usize>)> {
    if let Some(range) = args.get("view_range") {
        let ends: Vec<i64> = match range {
            Value::Array(items) => items.iter().filter_map(Value::as_i64).collect(),
            Value::String(text) => text
                .split(|c: char| !c.is_ascii_digit() && c != '-')
                .filter_map(|part| part.parse().ok())
                .collect(),
            _ => Vec::new(),
        };
        if let [start, end] = ends.as_slice() {
            let start = usize::try_from(*start).ok()?.max(1);
            return Some((start, usize::try_from(*end).ok()));
        }
        return None;
    }
    let start = first_usize(args, &["offset", "start_line", "line_number", "startLine"])?.max(1);
    let end = first_usize(args, &["end_line", "endLine"]);
    let limit = first_usize(args, &["limit"]);
    Some((
        start,
        end.or_else(|| limit.map(|limit| start.saturating_add(limit).saturating_sub(1))),
    ))
}
