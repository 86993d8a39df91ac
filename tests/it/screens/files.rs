//! The screen of a file at a step: opening it, moving through time, blame, changes.

use crate::driver::Driver;
use crate::screens::check_cells;
use crate::screens::shows;

const SMALL: (u16, u16) = (80, 24);
const USUAL: (u16, u16) = (120, 40);
const RUN: &str = "samples/claude-code/ec8ad859-0a3c-232b-554e-6b6be0ece478.jsonl";

#[test]
fn a_file_moves_through_time() {
    for size in [SMALL, USUAL, (200, 50), (30, 8)] {
        // one record: its trajectory is open at once
        let mut driver = Driver::open(&[RUN], size);
        driver.keys("w");
        shows(&driver, "FILE");
        for keys in [
            "l", "h", "0", "$", "<", "<", ">", "d", "d", "m", "h", "d", "]", "[", "j", "G", "g",
            "<tab>", "j", "k", "<tab>",
        ] {
            driver.keys(keys);
            check_cells(&driver, &format!("{size:?} {keys}"));
        }
    }
}

#[test]
fn steps_files_and_changes_are_told() {
    let mut driver = Driver::open(&[RUN], USUAL);
    driver.keys("w$");
    shows(&driver, "harbor_kit/");
    shows(&driver, "manifest.py");
    driver.keys("<tab>g<tab>");
    shows(&driver, " FILE ");
    driver.keys("0");
    shows(&driver, "the start");
    driver.keys("$d");
    shows(&driver, "changes from the start");
    driver.keys("d");
    driver.keys("md");
    shows(&driver, ": changes count from here");
    driver.keys("h");
    shows(&driver, "changes from step");
    shows(&driver, "back to step");
    driver.keys("0mdd");
    driver.keys("w");
    assert!(!driver.text().contains(" FILE "), "{}", driver.text());
}

#[test]
fn blame_goes_to_the_step() {
    let mut driver = Driver::open(&[RUN], USUAL);
    driver.keys("w$<tab>G<tab>");
    driver.keys("<lt>]b");
    shows(&driver, " STEPS ");
}
