//! Repositories for tests.

use std::sync::Arc;

use crate::cancel::Cancel;
use crate::python::repo::Repository;
use crate::tasks::Seed;
use crate::workspace::sources::Folder;
use crate::workspace::testing;

/// A folder with these files.
pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    testing::files(root.path(), files);
    root
}

/// A repository with these files.
pub(crate) fn seed(files: &[(&str, &str)]) -> Seed {
    // read while it is indexed and afterwards; the system clears its folder for temporary files
    let root = folder(files).keep();
    let files = Folder::new(&root);
    let index = Repository::index(&files, None, &Cancel::new(), &mut |_| {});
    let index = index.unwrap().unwrap();
    Seed::new(
        "local/test",
        "0".repeat(40),
        Arc::new(files),
        Arc::new(index),
    )
}
