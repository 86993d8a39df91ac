//! Tables, properties and the corpus.

mod corpus;
mod dialects;
mod editor;
mod programs;

use crate::workspace::FileState;
use crate::workspace::Row;

/// The known lines by their numbers, from 1.
fn numbered(state: &FileState) -> Vec<(usize, String)> {
    let line = |row: &Row| match row {
        Row::Line {
            number: Some(number),
            text,
            ..
        } => Some((*number, text.as_str().to_owned())),
        _ => None,
    };
    state.rows.iter().filter_map(line).collect()
}
