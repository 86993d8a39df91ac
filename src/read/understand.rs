//! What actions mean: class, command, edited file with its change, viewed file. The same for every format.

use crate::model::Text;
use crate::model::Trajectory;

/// Fills class, shell, edits and view of every action, as far as the reader left them open.
pub fn understand(_trajectory: &mut Trajectory) {}

/// The agent's last words: the message of its finish action, else its last message.
pub fn last_words(_trajectory: &Trajectory) -> Option<Text> {
    None
}

/// stub
pub fn meaning(a: &crate::model::Action) -> String { format!("{} {}", a.tool, a.args) }
/// stub
pub fn is_test_run(_a: &crate::model::Action) -> bool { false }

/// stub
pub fn edit_diff(e: &crate::model::Edit) -> Option<String> { e.diff.as_deref().map(str::to_owned) }
