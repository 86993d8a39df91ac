//! How the editor shows texts: numbered like `cat -n`, cut where they are too long.

use std::fmt::Write as _;

use crate::replay::edit::engine::Flavour;
use crate::replay::edit::pythonic::head;
use crate::replay::edit::pythonic::longer_than;
use crate::replay::edit::pythonic::tail;

/// How many characters are shown.
const MOST_CHARS: usize = 16_000;

const FILE_NOTICE: &str = "<response clipped><NOTE>Due to the max output limit, only part of this file has been shown to you. You should retry this tool after you have searched inside the file with `grep -n` in order to find the line numbers of what you are looking for.</NOTE>";

/// What stands where a folder's listing was cut.
pub(super) const FOLDER_NOTICE: &str = "<response clipped><NOTE>Due to the max output limit, only part of this directory has been shown to you. You should use `ls -la` instead to view large directories incrementally.</NOTE>";

/// A text with its line numbers, from `first` on, below the heading that says of what.
pub(super) fn numbered(flavour: Flavour, text: &str, what: &str, first: usize) -> String {
    let text = cut(flavour, text, FILE_NOTICE);
    let mut shown = format!("Here's the result of running `cat -n` on {what}:\n");
    let text = match flavour {
        Flavour::SdkLate if text.is_empty() => return shown,
        Flavour::SdkLate => text.strip_suffix('\n').unwrap_or(&text),
        _ => &text,
    };
    for (ix, line) in text.split('\n').enumerate() {
        // Writing to a text cannot fail.
        let _written = writeln!(shown, "{:6}\t{line}", ix + first);
    }
    shown
}

/// A text that is no longer than what is shown: cut at its end, or in its middle by the SDK.
pub(super) fn cut(flavour: Flavour, text: &str, notice: &str) -> String {
    if !longer_than(text, MOST_CHARS) {
        return text.to_owned();
    }
    if flavour == Flavour::Aci {
        return format!("{}{notice}", head(text, MOST_CHARS));
    }
    let room = MOST_CHARS - notice.len();
    format!(
        "{}{notice}{}",
        head(text, room.div_ceil(2)),
        tail(text, room / 2)
    )
}
