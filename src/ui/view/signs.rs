//! What the views say of the verdicts in a few cells. Signs of steps are in `theme::signs`.

use crate::model::Verdict;
use crate::theme::Role;
use crate::ui::data::Marks;
use crate::ui::page::verdict_sign;

/// Both verdicts in a few words, fewer on a narrow screen; nothing while they are not known or nothing is judged.
pub fn verdict_words(marks: Option<Marks>, cells: u16) -> Vec<(String, Role)> {
    const WIDE: u16 = 120;
    let Some(marks) = marks else {
        return Vec::new();
    };
    let both = [marks.published, marks.strict];
    if both.iter().all(|verdict| *verdict == Verdict::Unjudged) {
        return Vec::new();
    }
    let names = if cells >= WIDE {
        ["published ", "strict "]
    } else {
        ["pub ", "str "]
    };
    let mut pieces = Vec::new();
    for (name, verdict) in names.into_iter().zip(both) {
        let (sign, role) = verdict_sign(verdict);
        if !pieces.is_empty() {
            pieces.push(("  ".to_owned(), Role::Dim));
        }
        pieces.push((name.to_owned(), Role::Dim));
        let text = if cells >= WIDE {
            format!("{sign} {}", verdict.name())
        } else {
            sign.to_owned()
        };
        pieces.push((text, role));
    }
    if marks.disagree() {
        pieces.push((" ≠".to_owned(), Role::Warning));
    }
    pieces
}
