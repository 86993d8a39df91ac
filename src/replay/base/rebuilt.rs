//! Files as the trajectory itself shows them: what they held before the first step, as far as any step tells.
//!
//! A file that is known in part is written in part, since its known lines are the ones that were looked at and edited.
//! Lines that are not known are empty where it is known how many there are, so that the others keep their numbers.

use crate::cancel::Cancel;
use crate::model::Trajectory;
use crate::workspace::FileState;
use crate::workspace::History;
use crate::workspace::Row;

/// No file has more lines that nobody saw.
const MOST_BLANK: usize = 1 << 20;

/// What could be rebuilt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rebuilt {
    /// Files below the workspace's folder, by path.
    pub(super) files: Vec<(String, String)>,
    /// What is missing, in words.
    pub(super) notes: Vec<String>,
}

impl Rebuilt {
    /// Rebuilds the files of a trajectory.
    pub(super) fn of(trajectory: &Trajectory, cancel: &Cancel) -> Self {
        let history = History::of(trajectory, cancel);
        let mut rebuilt = Self::default();
        let (mut partial, mut unknown, mut outside) = (0, 0, 0);
        for file in history.files() {
            let Some(state) = history.file_at(&file.path, 0) else {
                continue;
            };
            if state.exists == Some(false) || state.counts().0 == 0 && state.whole().is_none() {
                continue;
            }
            if file.path.starts_with(['/', '~']) {
                outside += 1;
                continue;
            }
            let text = state.whole().unwrap_or_else(|| {
                partial += 1;
                let (text, missing) = in_part(&state);
                unknown += missing;
                text
            });
            rebuilt.files.push((file.path.clone(), text));
        }
        let count = rebuilt.files.len();
        if count > 0 {
            rebuilt.notes.push(format!(
                "the workspace is rebuilt from what the trajectory shows: {count} files, {partial} of them in part; at \
                 least {unknown} of their lines are not known and empty; all other files are missing"
            ));
        }
        if outside > 0 {
            rebuilt
                .notes
                .push(format!("{outside} files outside the workspace are missing"));
        }
        rebuilt
    }

    /// Names its content.
    pub(super) fn key(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for text in self.files.iter().flat_map(|(path, text)| [path, text]) {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        format!("rebuilt-{}", hasher.finalize().to_hex())
    }
}

/// The known lines at their numbers, and how many others there are at least.
fn in_part(state: &FileState) -> (String, usize) {
    let mut text = String::new();
    let mut missing = 0;
    for row in &state.rows {
        match row {
            Row::Line { text: line, .. } => {
                text.push_str(line.as_str());
                text.push('\n');
            }
            Row::Unknown { len, .. } => {
                let len = len.unwrap_or(0);
                let room = MOST_BLANK.saturating_sub(missing);
                text.extend(std::iter::repeat_n('\n', len.min(room)));
                missing = missing.saturating_add(len);
            }
        }
    }
    (text, missing)
}
