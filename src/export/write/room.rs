//! Room on the disk for what will be written, and in the cache of the system for what is about to go.

use std::fs::File;
use std::io::BufWriter;
use std::io::Seek as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::store::Line;

/// Fewer bytes are not asked for ahead.
const LEAST: u64 = 1 << 20;

/// Whether the disk is asked for room before lines are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// For all of a batch: the system need not look for each page then, which is half of what a copy costs. Only of files
    /// that are synced before they have their name: after a crash room that was not written is zeros, not an end.
    Ahead,
    /// Page by page, as they are written.
    Later,
}

/// Asks for room for the lines behind what was written. A file system that cannot give it ahead will do so later.
pub(super) fn make_room<'a>(lines: impl Iterator<Item = &'a Line>, out: &mut BufWriter<File>) {
    let bytes = lines.map(|line| line.len_bytes() + 1).sum::<u64>();
    if bytes < LEAST {
        return;
    }
    let buffered = out.buffer().len() as u64;
    if let Ok(written) = out.get_mut().stream_position() {
        let keep = rustix::fs::FallocateFlags::KEEP_SIZE;
        let _given = rustix::fs::fallocate(out.get_ref(), keep, written + buffered, bytes);
    }
}

/// Takes a file that is about to be written over out of the system's cache, while the disk takes the new one: the system
/// would do it when the file goes. Its bytes stay what they are.
pub(super) fn forget(path: &Path) {
    let is_only_here = |file: &File| {
        let meta = file.metadata();
        meta.is_ok_and(|meta| meta.is_file() && meta.nlink() == 1)
    };
    // opening a pipe would wait for somebody at its other end
    if std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file())
        && let Ok(old) = File::open(path)
        && is_only_here(&old)
    {
        // only the time that the rename takes is lost otherwise
        let _forgotten = rustix::fs::fadvise(&old, 0, None, rustix::fs::Advice::DontNeed);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use crate::cancel::Cancel;
    use crate::model::RecordIx;
    use crate::store::OpenOptions;
    use crate::store::Store;

    use super::*;

    #[test]
    fn room_is_given_behind_what_was_written_and_does_not_show() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let text = "y".repeat(300_000);
        let row = format!(
            r#"{{"instance_id":"o__n-1","messages":[{{"role":"user","content":"{text}"}}]}}"#
        );
        std::fs::write(&path, format!("{row}\n").repeat(8)).unwrap();
        let file = File::options().append(true).open(&path).unwrap();
        let then = std::time::SystemTime::now() - std::time::Duration::from_hours(1);
        file.set_modified(then).unwrap();
        let open = || {
            let store = Store::open(&OpenOptions {
                paths: vec![path.clone()],
                index_dir: Some(folder.path().join("index")),
                ..OpenOptions::default()
            })
            .unwrap();
            store.scan(&Cancel::new(), &mut |_| {}).unwrap();
            store
        };
        let store = open();
        (0..8).for_each(|ix| store.keep_line(RecordIx(ix)));
        drop(store);
        let store = open();
        let lines: Vec<Line> = (0..8).filter_map(|ix| store.line(RecordIx(ix))).collect();
        assert_eq!(lines.len(), 8);
        let out = folder.path().join("out");
        let mut writer = BufWriter::new(File::create(&out).unwrap());
        writer.write_all(b"before\n").unwrap();
        make_room(lines.iter(), &mut writer);
        crate::store::copy_lines(&lines, &mut writer).unwrap();
        writer.flush().unwrap();
        let want = format!("before\n{}", format!("{row}\n").repeat(8));
        assert!(std::fs::read_to_string(&out).unwrap() == want);
        // what is forgotten is still there
        forget(&out);
        forget(&folder.path().join("none"));
        forget(folder.path());
        assert!(std::fs::read_to_string(&out).unwrap() == want);
    }
}
