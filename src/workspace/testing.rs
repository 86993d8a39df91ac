//! Repositories, folders and archives for tests.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use gix_hash::Kind as HashKind;
use gix_object::Write as _;

/// Writes a git folder whose one commit holds files without folders; gives the commit.
pub(crate) fn commit(git: &Path, files: &[(&str, &[u8])]) -> String {
    let objects = git.join("objects");
    fs::create_dir_all(&objects).unwrap();
    let store = gix_odb::loose::Store::at(&objects, HashKind::Sha1);
    let mut tree = Vec::new();
    for (name, bytes) in files {
        let id = store.write_buf(gix_object::Kind::Blob, bytes).unwrap();
        tree.extend(format!("100644 {name}\0").bytes());
        tree.extend(id.as_slice());
    }
    let tree = store.write_buf(gix_object::Kind::Tree, &tree).unwrap();
    let text = format!("tree {tree}\nauthor a <a@b> 0 +0000\ncommitter a <a@b> 0 +0000\n\nm\n");
    let commit = store.write_buf(gix_object::Kind::Commit, text.as_bytes());
    commit.unwrap().to_string()
}

/// Writes files into a folder.
pub(crate) fn files(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Writes an archive of files, all below `top` where that is one.
pub(crate) fn tar(at: &Path, top: &str, files: &[(&str, &str)]) {
    odd_tar(at, top, files, &mut |_| {});
}

/// An archive of files and what `more` adds to it.
pub(crate) fn odd_tar(
    at: &Path,
    top: &str,
    files: &[(&str, &str)],
    more: &mut dyn FnMut(&mut tar::Builder<Vec<u8>>),
) {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let name = Path::new(top).join(name);
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    more(&mut tar);
    let bytes = tar.into_inner().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&bytes).unwrap();
    fs::write(at, gzip.finish().unwrap()).unwrap();
}
