//! The files of the workspace as rows: folders above what is in them.

use crate::ui::action::Motion;
use crate::ui::layout;
use crate::ui::page::ListedFile;
use crate::ui::view::Cx;
use crate::ui::view::file::FileView;

/// A row of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TreeRow {
    /// A folder: its whole name.
    Folder(String),
    /// A file, by its place among all files, with its name inside the folder.
    File(usize, String),
}

/// Makes the rows of files that are sorted by name.
pub(super) fn rows(files: &[ListedFile]) -> Vec<TreeRow> {
    let mut order: Vec<(&str, &str, usize)> = files
        .iter()
        .enumerate()
        .map(|(ix, file)| {
            let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
            (folder, name, ix)
        })
        .collect();
    order.sort_unstable();
    let mut rows = Vec::new();
    let mut last = "";
    for (folder, name, ix) in order {
        if folder != last {
            rows.push(TreeRow::Folder(format!("{folder}/")));
            last = folder;
        }
        rows.push(TreeRow::File(ix, name.to_owned()));
    }
    rows
}

/// The row of a file.
pub(super) fn row_of(rows: &[TreeRow], file: Option<usize>) -> Option<usize> {
    rows.iter()
        .position(|row| matches!(row, TreeRow::File(ix, _) if Some(*ix) == file))
}

impl FileView {
    pub(super) fn file_count(&self) -> usize {
        self.held().map_or(0, |held| held.tree.len())
    }

    pub(super) fn files_height(&self, cx: &Cx<'_>) -> usize {
        usize::from(
            layout::patch(cx.screen, self.are_files_focused)
                .files
                .height,
        )
    }

    /// Moves among the files; folders are passed over.
    pub(super) fn move_files(&mut self, motion: Motion, count: Option<usize>, cx: &Cx<'_>) {
        let (len, height) = (self.file_count(), self.files_height(cx));
        let before = self.files.at;
        self.files.apply(motion, count, len, height);
        let is_file = |view: &Self, at: usize| {
            view.held()
                .is_some_and(|held| matches!(held.tree.get(at), Some(TreeRow::File(..))))
        };
        if !is_file(self, self.files.at) {
            let is_down = self.files.at >= before;
            let next = if is_down || self.files.at == 0 {
                self.files.at + 1
            } else {
                self.files.at - 1
            };
            let at = if is_file(self, next) { next } else { before };
            self.files.go(at, len, height);
        }
        self.go_to_row(self.files.at, cx);
    }

    /// Shows the file of a row.
    pub(super) fn go_to_row(&mut self, row: usize, cx: &Cx<'_>) {
        let Some(held) = self.held() else { return };
        let Some(TreeRow::File(ix, _)) = held.tree.get(row) else {
            return;
        };
        let path = held.file.files.get(*ix).map(|file| file.path.clone());
        let (len, height) = (self.file_count(), self.files_height(cx));
        self.files.go(row, len, height);
        if path.is_some() && path != self.wish.path {
            self.wish.path = path;
            self.wish_again();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::FileKind;

    #[test]
    fn folders_stand_above_their_files() {
        let file = |path: &str| ListedFile {
            path: path.to_owned(),
            kind: FileKind::Seen,
        };
        let files = [
            file("a.py"),
            file("src/b.py"),
            file("src/in/c.py"),
            file("src/z.py"),
        ];
        let rows = rows(&files);
        let text: Vec<String> = rows
            .iter()
            .map(|row| match row {
                TreeRow::Folder(name) => name.clone(),
                TreeRow::File(ix, name) => format!("{ix} {name}"),
            })
            .collect();
        assert_eq!(
            text,
            ["0 a.py", "src/", "1 b.py", "3 z.py", "src/in/", "2 c.py"]
        );
        assert_eq!(row_of(&rows, Some(3)), Some(3));
        assert_eq!(row_of(&rows, None), None);
    }
}
