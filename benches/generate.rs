//! Writes realistic trajectory JSONL of any size, deterministically: one line is one attempt of an invented task as
//! a chat row with tool calls, most lines 60–400 KB.
//!
//! `cargo run --release --example generate -- --bytes 1G --out /tmp/big.jsonl`
//! `cargo run --release --example generate -- --steps 5000 --out /tmp/long.jsonl` (one trajectory of 5,000 steps)
//! `cargo run --release --example generate -- --observation 50M --out /tmp/wide.jsonl` (one observation of 50 MB)

use std::path::Path;

mod data;

use data::Wanted;

fn number(text: &str) -> u64 {
    let (digits, factor) = match text.chars().last() {
        Some('K') => (text.trim_end_matches('K'), 1 << 10),
        Some('M') => (text.trim_end_matches('M'), 1 << 20),
        Some('G') => (text.trim_end_matches('G'), 1 << 30),
        _ => (text, 1),
    };
    digits.parse::<u64>().unwrap_or(1) * factor
}

fn main() -> std::io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |flag: &str| {
        args.iter()
            .position(|a| a == flag)
            .and_then(|at| args.get(at + 1))
            .cloned()
    };
    let small = |text: String| usize::try_from(number(&text)).unwrap_or(usize::MAX);
    let wanted = match (value("--steps"), value("--observation")) {
        (Some(steps), _) => Wanted::Steps(small(steps)),
        (None, Some(bytes)) => Wanted::Observation(small(bytes)),
        (None, None) => Wanted::Bytes(number(
            &value("--bytes").unwrap_or_else(|| "100M".to_owned()),
        )),
    };
    let out = value("--out").unwrap_or_else(|| "trajectories.jsonl".to_owned());
    data::generate(wanted, Path::new(&out))
}
