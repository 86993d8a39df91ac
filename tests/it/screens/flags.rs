//! Flags on the screen: found in the background, in the list and the queue, and the way to their step.

use crate::driver::Driver;
use crate::program::Program;
use crate::program::chat_row;

/// A record that runs plain commands, and one that installs a package in between.
fn open() -> (Program, Driver) {
    let program = Program::new();
    let plain = chat_row("o__r-1", &["ls src", "cat src/a.py"]);
    let installs = chat_row("o__r-2", &["ls src", "pip install six", "cat src/a.py"]);
    let path = program.file("data.jsonl", plain + &installs);
    let driver = Driver::open(&[path], (120, 30));
    (program, driver)
}

#[test]
fn the_queue_has_what_the_background_found() {
    let (_program, mut driver) = open();
    driver.keys("Qflagged<enter>");
    let text = driver.text();
    assert!(text.contains("0 of 2 records"), "{text}");
    driver.keys("<esc>");
    driver.find_flags();
    driver.keys("Qflagged<enter>");
    let text = driver.text();
    assert!(text.contains("1 of 2 records"), "{text}");
    assert!(
        text.contains("o__r-2") && !text.contains("o__r-1"),
        "{text}"
    );
}

#[test]
fn the_list_marks_what_the_background_found() {
    let mut driver = Driver::open(&["samples/openhands-v0/output.jsonl"], (120, 40));
    let signs = |driver: &Driver| {
        driver
            .text()
            .lines()
            .filter(|row| row.contains(" !"))
            .count()
    };
    let before = signs(&driver);
    driver.find_flags();
    assert!(signs(&driver) > before, "{}", driver.text());
}

#[track_caller]
fn leads_to_the_step(keys: &str) {
    let (_program, mut driver) = open();
    driver.keys(keys).keys("!");
    let text = driver.text();
    assert!(text.contains("package_install"), "{text}");
    // what the filters say comes first, flags behind it
    driver.keys("G<enter>");
    let row = driver.cursor_row();
    assert!(row.contains("pip install"), "{row}\n{}", driver.text());
}

#[test]
fn the_reasons_lead_to_the_step_of_a_flag() {
    leads_to_the_step("j<enter>");
    // out of the list the trajectory has to be opened first
    leads_to_the_step("j");
}
