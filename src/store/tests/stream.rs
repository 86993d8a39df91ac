//! Standard input, slow pipes, cancelled scans, bounds.

use super::*;

#[test]
fn standard_input_is_spooled() {
    let lf = rows(5).join("\n") + "\n";
    for bytes in [lf.clone().into_bytes(), gzipped(lf.as_bytes())] {
        let store = Store::open(&OpenOptions {
            paths: vec![PathBuf::from("-")],
            ..OpenOptions::default()
        })
        .unwrap();
        let reader = Box::new(std::io::Cursor::new(bytes));
        store.scan_with(&Cancel::new(), &mut |_| {}, reader, None);
        assert_eq!(ids(&store), five());
    }
}

/// Hands out lines until told, then checks that the first ones were published before the end.
struct Slow {
    left: usize,
    line: Vec<u8>,
    store: Arc<Store>,
    seen_early: Arc<AtomicBool>,
}

impl std::io::Read for Slow {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        if self.line.is_empty() {
            if self.left == 0 {
                return Ok(0);
            }
            self.left -= 1;
            self.line = (row(self.left) + "\n").into_bytes();
        }
        if self.store.peek_id(RecordIx(0)).is_some() {
            self.seen_early.store(true, Ordering::Relaxed);
        }
        let len = self.line.len().min(buf.len());
        let rest = self.line.split_off(len);
        buf.get_mut(..len).unwrap().copy_from_slice(&self.line);
        self.line = rest;
        Ok(len)
    }
}

#[test]
fn first_rows_show_before_a_stream_ends() {
    let store = Arc::new(
        Store::open(&OpenOptions {
            paths: vec![PathBuf::from("-")],
            ..OpenOptions::default()
        })
        .unwrap(),
    );
    let seen_early = Arc::new(AtomicBool::new(false));
    let slow = Slow {
        left: 20_000,
        line: Vec::new(),
        store: Arc::clone(&store),
        seen_early: Arc::clone(&seen_early),
    };
    store.scan_with(&Cancel::new(), &mut |_| {}, Box::new(slow), None);
    assert_eq!(store.len(), 20_000);
    assert!(seen_early.load(Ordering::Relaxed));
}

#[test]
fn a_cancelled_scan_can_be_started_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "a.jsonl", rows(100_000).join("\n"));
    let store = Store::open(&OpenOptions {
        paths: vec![path],
        ..OpenOptions::default()
    })
    .unwrap();
    let cancel = Cancel::new();
    let mut batches = 0;
    store
        .scan(&cancel, &mut |progress| {
            batches += 1;
            assert!(!progress.is_complete);
            cancel.cancel();
        })
        .unwrap();
    assert!(!store.is_complete());
    assert!(
        store.len() < 100_000,
        "{} after {batches} batches",
        store.len()
    );
    let mut last = None;
    store
        .scan(&Cancel::new(), &mut |progress| last = Some(progress))
        .unwrap();
    let last = last.unwrap();
    assert!(last.is_complete && last.bytes_done == last.bytes_total);
    assert_eq!((last.records, store.len()), (100_000, 100_000));
}

#[test]
fn the_cache_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "a.jsonl", rows(50).join("\n"));
    let store = Store::open(&OpenOptions {
        paths: vec![path],
        cache_bytes: 4000,
        ..OpenOptions::default()
    })
    .unwrap();
    store.scan(&Cancel::new(), &mut |_| {}).unwrap();
    let all: Vec<Arc<Trajectory>> = (0..50)
        .map(|ix| store.load(RecordIx(ix)).unwrap())
        .collect();
    let kept = all.iter().filter(|record| Arc::strong_count(record) > 1);
    let bytes: usize = kept.clone().map(|record| record.approx_bytes()).sum();
    assert!(kept.count() > 0 && bytes <= 4000, "{bytes}");
    assert!(Arc::ptr_eq(
        &store.load(RecordIx(49)).unwrap(),
        all.last().unwrap()
    ));
}

/// `HGVIEW_BIG=file cargo test --release big_file -- --ignored --nocapture` prints what a large file costs.
#[test]
#[ignore = "needs a large file"]
fn big_file() {
    let path = PathBuf::from(std::env::var_os("HGVIEW_BIG").unwrap());
    let bytes = fs::metadata(&path).unwrap().len();
    let store = Store::open(&OpenOptions {
        paths: vec![path],
        ..OpenOptions::default()
    })
    .unwrap();
    let begin = std::time::Instant::now();
    let mut first = None;
    store
        .scan(&Cancel::new(), &mut |progress| {
            if progress.records > 0 {
                first.get_or_insert((begin.elapsed(), progress.records));
            }
        })
        .unwrap();
    eprintln!(
        "{bytes} bytes, {} records: first {first:?}, all {:?}",
        store.len(),
        begin.elapsed()
    );
    assert!(!store.is_empty());
}

#[test]
fn lines_of_a_slow_pipe_show_as_they_come() {
    let store = Arc::new(
        Store::open(&OpenOptions {
            paths: vec![PathBuf::from("-")],
            ..OpenOptions::default()
        })
        .unwrap(),
    );
    let seen_early = Arc::new(AtomicBool::new(false));
    let slow = Slow {
        left: 3,
        line: Vec::new(),
        store: Arc::clone(&store),
        seen_early: Arc::clone(&seen_early),
    };
    store.scan_with(&Cancel::new(), &mut |_| {}, Box::new(slow), None);
    assert_eq!(ids(&store), ["o__n-2", "o__n-1", "o__n-0"]);
    assert!(seen_early.load(Ordering::Relaxed), "before the third line");
}

/// An Inspect log whose header goes on behind its samples.
fn log_of(samples: usize) -> String {
    let samples: Vec<String> = (0..samples)
        .map(|n| {
            format!(r#"{{"id":"s{n}","epoch":1,"input":"q","target":"","messages":[{{"role":"user","content":"q"}}]}}"#)
        })
        .collect();
    let head = r#"{"version":2,"status":"success","eval":{"task":"t","model":"prov/m"},"plan":{"steps":[{"solver":"s"}]}"#;
    format!(
        "{head},\"samples\":[{}],\"results\":{{\"n\":1}}}}",
        samples.join(",")
    )
}

#[track_caller]
fn has_whole_header(store: &Store, ix: RecordIx) {
    let trajectory = store.load(ix).unwrap();
    assert_eq!(trajectory.model.as_deref(), Some("prov/m"));
    assert_eq!(trajectory.agent.as_deref(), Some("s"));
    assert_eq!(trajectory.notes, []);
    let summary = store.summarize(ix);
    assert_eq!(summary.model.as_deref(), Some("prov/m"));
}

#[test]
fn a_header_is_whole_as_soon_as_its_records_show() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "log.json", log_of(40));
    let store = Store::open(&OpenOptions {
        paths: vec![path],
        ..OpenOptions::default()
    })
    .unwrap();
    let mut early = 0;
    store
        .scan(&Cancel::new(), &mut |progress| {
            if progress.records > 0 && !progress.is_complete {
                early += 1;
                has_whole_header(&store, RecordIx(0));
            }
        })
        .unwrap();
    assert!(early > 0);
    has_whole_header(&store, RecordIx(39));
}
