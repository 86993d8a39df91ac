//! Times a search through all trajectories of a file beside ripgrep and grep on the same file, in the same run:
//!
//! `cargo bench --bench search` (1 GB), `-- --quick` (100 MB)
//!
//! A rare text that stands once, in the middle; a text that is nowhere, with and without regard to case; and a common
//! one, where records have to be parsed. ripgrep and grep only count lines, hgview counts steps. Which of them is not
//! installed is left out. The median of five runs; the page cache is warm. The ratio counts, not the milliseconds.

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
use std::time::Instant;

use data::Wanted;

const RUNS: usize = 5;
const NEEDLE: &str = "halcyon_gyre_needle";

/// Generated rows with one more in the middle that holds the needle.
fn file(folder: &Path, bytes: u64) -> PathBuf {
    let path = folder.join(format!("search-{bytes}.jsonl"));
    if !path.exists() {
        eprintln!("writing {}", path.display());
        let half = folder.join("half.jsonl");
        data::generate(Wanted::Bytes(bytes / 2), &half).expect("the data is written");
        let rows = std::fs::read(&half).expect("half of the data");
        let mut out = std::fs::File::create(&path).expect("the file is made");
        let row = format!(
            "{{\"instance_id\":\"needle\",\"messages\":[{{\"role\":\"user\",\"content\":\"go\"}},{{\"role\":\"assistant\",\"content\":\"{NEEDLE}\"}}]}}\n"
        );
        for piece in [&rows[..], row.as_bytes(), &rows[..]] {
            out.write_all(piece).expect("the data is written");
        }
        std::fs::remove_file(&half).expect("half of the data goes");
    }
    let warmed = std::fs::File::open(&path);
    warmed
        .and_then(|mut file| std::io::copy(&mut file, &mut std::io::sink()))
        .expect("the page cache is warm");
    path
}

/// The median time in milliseconds, and what was printed; `None` where the program is not there.
fn time(program: &str, args: &[&str], path: &Path) -> Option<(f64, String)> {
    let mut times = Vec::new();
    let mut said = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        let done = Command::new(program)
            .args(args)
            .arg(path)
            .stderr(Stdio::null())
            .output()
            .ok()?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
        said = done.stdout;
    }
    times.sort_by(f64::total_cmp);
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    Some((times[RUNS / 2], said))
}

fn main() {
    let is_quick = std::env::args().any(|arg| arg == "--quick");
    let bytes = if is_quick { 100 << 20 } else { 1 << 30 };
    let folder = std::env::temp_dir().join("hgview-bench");
    std::fs::create_dir_all(&folder).expect("a folder for the data");
    let path = file(&folder, bytes);
    let ours = env!("CARGO_BIN_EXE_hgview");
    println!(
        "| search in {} MB | hgview | `rg -c` | ratio | `grep -c` | ratio |",
        bytes >> 20
    );
    println!("|---|---|---|---|---|---|");
    for (what, case, text) in [
        ("stands once", "-s", NEEDLE),
        ("stands once, any case", "-i", NEEDLE),
        ("is nowhere", "-s", "no_such_word_here"),
        (
            "stands in every record",
            "-s",
            "Return the inlet of the deck",
        ),
    ] {
        let (took, steps) =
            time(ours, &["search", "--no-cache", "-c", case, text], &path).expect("hgview runs");
        let theirs = |program: &str| {
            let timed = time(program, &["-c", case, text], &path);
            timed.map_or("| not installed | ".to_owned(), |(other, _)| {
                format!("| {other:.0} ms | {:.1}× ", took / other)
            })
        };
        // grep has no -s of this meaning
        let grep = match case {
            "-i" => time("grep", &["-c", "-i", text], &path),
            _ => time("grep", &["-c", text], &path),
        };
        let grep = grep.map_or("| not installed | ".to_owned(), |(other, _)| {
            format!("| {other:.0} ms | {:.1}× ", took / other)
        });
        println!(
            "| {what}: {steps} steps | {took:.0} ms {}{grep}|",
            theirs("rg")
        );
    }
}
