//! Writes the samples of `samples/` anew: `cargo run --example make_samples [FOLDER]`.
//!
//! Everything comes from one invented story (`story.rs`), so that the same attempt can be compared across formats.
//! The output is the same on every run; `tests/it/samples.rs` checks that `samples/` is what this program writes.

// A path keeps the module's children beside it here and in the test, which includes the same file.
#[path = "samples.rs"]
mod samples;

use std::fs;
use std::io;
use std::path::PathBuf;

fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1).map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/samples")),
        PathBuf::from,
    );
    for sample in samples::all() {
        let path = folder.join(&sample.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, sample.bytes)?;
    }
    Ok(())
}
