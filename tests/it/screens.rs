//! The screens as they are drawn, and what keys and the mouse do to them, over the samples and without a terminal.

mod compare;
mod decisions;
mod exports;
mod files;
mod flags;
mod grep;
mod keys;
mod looks;
mod patches;
mod queries;
mod replays;
mod soak;
mod stats;
mod tasks;

pub(crate) use looks::snapshot;
pub(crate) use soak::check_cells;
pub(crate) use soak::is_drawable;

use crate::driver::Driver;

/// A sample on a screen of this size, after these keys.
fn opened(samples: &[&str], size: (u16, u16), keys: &str) -> Driver {
    let paths: Vec<String> = samples
        .iter()
        .map(|sample| format!("samples/{sample}"))
        .collect();
    let mut driver = Driver::open(&paths, size);
    driver.keys(keys);
    driver
}

/// A snapshot of that, all of whose cells are drawn.
#[track_caller]
fn looks(name: &str, samples: &[&str], size: (u16, u16), keys: &str) {
    let driver = opened(samples, size, keys);
    let name = format!("{name}_{}x{}", size.0, size.1);
    snapshot(&name, samples[0], keys, &driver.text());
    check_cells(&driver, keys);
}

#[track_caller]
fn shows(driver: &Driver, want: &str) {
    let text = driver.text();
    assert!(text.contains(want), "{want:?} is not in\n{text}");
}

#[track_caller]
fn hides(driver: &Driver, unwanted: &str) {
    let text = driver.text();
    assert!(!text.contains(unwanted), "{unwanted:?} is in\n{text}");
}

/// What the status line says.
#[track_caller]
fn says(driver: &Driver, want: &str) {
    let status = driver.status();
    assert!(status.contains(want), "{want:?} is not in {status:?}");
}
