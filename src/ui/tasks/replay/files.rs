//! Files of the workspace where a replay stands, as far as a screen can show them.

use std::collections::BTreeMap;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::Text;
use crate::replay::Staged;
use crate::sandbox::FileKind;
use crate::text::human;
use crate::ui::event::FolderFound;

/// Bytes of a file that are shown.
const MOST_FILE: u64 = 4 << 20;
/// Entries of a folder that are shown.
const MOST_ENTRIES: usize = 20_000;

/// What lies in a folder of the workspace; with the workspace itself, what the calls changed in it.
pub(super) fn folder(staged: &mut Staged, path: &str, cancel: &Cancel) -> Result<FolderFound> {
    let session = &mut staged.session;
    let found = session.list(path, MOST_ENTRIES, cancel)?;
    let mut entries: Vec<(String, bool)> = found
        .into_iter()
        .map(|found| (found.path, found.kind == FileKind::Dir))
        .collect();
    entries.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let changed = if path.is_empty() {
        let below = format!("{}/", staged.root.trim_end_matches('/'));
        let changed = session.changed(cancel)?.into_iter();
        changed
            .filter_map(|one| Some((one.path.strip_prefix(&below)?.to_owned(), one.what)))
            .collect()
    } else {
        BTreeMap::new()
    };
    Ok(FolderFound { entries, changed })
}

/// The text of a file of the workspace.
pub(super) fn text(staged: &mut Staged, path: &str, cancel: &Cancel) -> Result<Text> {
    let bytes = staged.session.file(path, MOST_FILE, cancel)?;
    if bytes.contains(&0) {
        let size = human::bytes(bytes.len() as u64);
        return Err(Error::input(format!(
            "{path} is no text: {size} with zero bytes among them"
        )));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned().into())
}
