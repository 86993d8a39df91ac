use std::io::Seek as _;
use std::path::Path;

use crate::sandbox::engine::archive::Now;
use crate::sandbox::engine::archive::Pack;
use crate::sandbox::engine::archive::unpack;
use tar::EntryType;

/// What is told of a hostile archive, one word a path.
#[track_caller]
fn check(make: impl Fn(&mut Pack), expected: &[&str]) {
    let mut pack = Pack::new((0, 0)).unwrap();
    make(&mut pack);
    let file = pack.done().unwrap();
    let mut told = Vec::new();
    unpack(file, &mut |below, now| {
        let word = match now {
            Now::File { bytes, .. } => format!("={}", String::from_utf8_lossy(&bytes)),
            Now::Dir { .. } => "/".to_owned(),
            Now::Symlink { target } => format!("->{}", String::from_utf8_lossy(&target)),
            Now::Other => "?".to_owned(),
        };
        told.push(format!("{}{word}", String::from_utf8_lossy(below)));
        Ok(())
    })
    .unwrap();
    assert_eq!(told, expected);
}

/// An entry as no decent program writes it.
fn put(pack: &mut Pack, kind: EntryType, path: &[u8], target: &[u8], bytes: &[u8]) {
    let mut head = pack.head(kind, 0o6755, bytes.len() as u64);
    let old = head.as_old_mut();
    old.name[..path.len()].copy_from_slice(path);
    old.linkname[..target.len()].copy_from_slice(target);
    head.set_cksum();
    pack.builder.append(&head, bytes).unwrap();
}

#[test]
fn paths_that_lead_elsewhere_are_left_out() {
    check(
        |pack| {
            pack.folder(Path::new("repo"), 0o755).unwrap();
            put(pack, EntryType::Regular, b"repo/../../x", b"", b"1");
            put(pack, EntryType::Regular, b"/etc/x", b"", b"2");
            put(pack, EntryType::Regular, b"../x", b"", b"3");
            put(pack, EntryType::Regular, b"repo/ok", b"", b"4");
            put(pack, EntryType::Symlink, b"repo/link", b"/etc/shadow", b"");
            put(pack, EntryType::Link, b"repo/hard", b"repo/ok", b"");
            put(pack, EntryType::Link, b"repo/hard-out", b"/etc/shadow", b"");
            put(pack, EntryType::Char, b"repo/dev", b"", b"");
            put(pack, EntryType::Fifo, b"repo/pipe", b"", b"");
            put(pack, EntryType::Regular, b"repo/.wh.ok", b"", b"5");
        },
        &[
            "/",
            "ok=4",
            "link->/etc/shadow",
            "hard=4",
            "dev?",
            "pipe?",
            ".wh.ok=5",
        ],
    );
}

#[test]
fn what_is_no_archive_is_an_error() {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, &[b'x'; 2048]).unwrap();
    file.rewind().unwrap();
    assert!(unpack(file, &mut |_, _| Ok(())).is_err());
    let mut torn = Pack::new((0, 0)).unwrap();
    torn.file(Path::new("repo/a"), 0o644, 0, &[7; 5000])
        .unwrap();
    let file = torn.done().unwrap();
    file.set_len(2000).unwrap();
    assert!(unpack(file, &mut |_, _| Ok(())).is_err());
}
