//! Times how long it takes until all records of a large file are known, the first time and with the index that the
//! first time leaves in the cache folder, beside `wc -l` on the same file, in the same run:
//!
//! `cargo bench --bench open` (1 GB, and a million short lines), `-- --quick` (100 MB, and a tenth of the lines)
//!
//! `show --nth 1` needs the places of all records and one of them, `list` the rows of all, `search` their bytes. The
//! median of five runs; the page cache is warm, the cache folder is the benchmark's own. The ratio counts, not the
//! milliseconds.

#![expect(
    dead_code,
    reason = "the data are shared with another benchmark, which makes more kinds of them"
)]
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its table, and stops where it cannot measure"
)]

mod data;

use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use data::Wanted;

const RUNS: usize = 5;

fn long_rows(folder: &Path, bytes: u64) -> PathBuf {
    let path = folder.join(format!("rows-{bytes}.jsonl"));
    if !path.exists() {
        eprintln!("writing {}", path.display());
        data::generate(Wanted::Bytes(bytes), &path).expect("the data is written");
    }
    path
}

fn short_rows(folder: &Path, count: usize) -> PathBuf {
    let path = folder.join(format!("short-{count}.jsonl"));
    if !path.exists() {
        eprintln!("writing {}", path.display());
        let file = std::fs::File::create(&path).expect("the file is made");
        let mut file = std::io::BufWriter::with_capacity(1 << 20, file);
        for nth in 0..count {
            writeln!(
                file,
                "{{\"instance_id\":\"tidepool__harbor-{nth}\",\"model\":\"m\",\"messages\":[{{\"role\":\"user\",\"content\":\"Moor.\"}},{{\"role\":\"assistant\",\"content\":\"Done.\"}}]}}"
            )
            .expect("the data is written");
        }
        file.flush().expect("the data is written");
    }
    path
}

/// The median time in milliseconds; what `before` does is not counted.
fn time(mut before: impl FnMut(), program: &str, args: &[&str], cache: &Path) -> f64 {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        before();
        let began = Instant::now();
        let done = Command::new(program)
            .args(args)
            .env("XDG_CACHE_HOME", cache)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        times.push(began.elapsed().as_secs_f64() * 1000.0);
        assert!(done.expect("the program runs").code() < Some(2));
    }
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

fn main() {
    let is_quick = std::env::args().any(|arg| arg == "--quick");
    let (bytes, count) = if is_quick {
        (100 << 20, 100_000)
    } else {
        (1 << 30, 1_000_000)
    };
    let folder = std::env::temp_dir().join("hgview-bench");
    std::fs::create_dir_all(&folder).expect("a folder for the data");
    let cache = folder.join("open-cache");
    let clear = || drop(std::fs::remove_dir_all(&cache));
    let hgview = env!("CARGO_BIN_EXE_hgview");
    println!("| | the first time | `wc -l` | ratio | with the index | ratio |");
    println!("|---|---|---|---|---|---|");
    for path in [long_rows(&folder, bytes), short_rows(&folder, count)] {
        let file = std::fs::File::options().append(true).open(&path);
        let file = file.expect("the data");
        // what was just written is not kept
        let then = SystemTime::now() - Duration::from_mins(1);
        file.set_modified(then).expect("its time is set");
        let size = file.metadata().map_or(0, |meta| meta.len()) >> 20;
        let name = path.to_str().expect("a plain path");
        let wc = time(|| (), "wc", &["-l", name], &cache);
        for (what, args) in [
            ("show --nth 1", &["show", name, "--nth", "1"][..]),
            ("list", &["list", name]),
            ("search", &["search", "-c", "no_such_word_here", name]),
        ] {
            let first = time(clear, hgview, args, &cache);
            let second = time(|| (), hgview, args, &cache);
            println!(
                "| {what}, {size} MB | {first:.0} ms | {wc:.0} ms | {:.2}× | {second:.0} ms | {:.2}× |",
                first / wc,
                second / wc
            );
        }
    }
    clear();
}
