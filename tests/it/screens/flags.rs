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
fn the_list_and_the_queue_have_what_the_background_found() {
    let (_program, mut driver) = open();
    let row = |driver: &Driver| {
        let text = driver.text();
        let mut rows = text.lines();
        rows.find(|row| row.contains("o__r-2")).unwrap().to_owned()
    };
    driver.keys("Qflagged<enter>");
    assert!(
        driver.text().contains("0 of 2 records"),
        "{}",
        driver.text()
    );
    driver.keys("<esc>");
    let before = row(&driver);
    driver.find_flags();
    assert!(
        !before.contains('!') && row(&driver).contains('!'),
        "{before}"
    );
    driver.keys("Qflagged<enter>");
    let text = driver.text();
    assert!(text.contains("1 of 2 records"), "{text}");
    assert!(
        text.contains("o__r-2") && !text.contains("o__r-1"),
        "{text}"
    );
}

#[test]
fn the_reasons_lead_to_the_step_of_a_flag() {
    let (_program, mut driver) = open();
    driver.keys("j!");
    let text = driver.text();
    assert!(text.contains("package_install"), "{text}");
    driver.keys("<enter>");
    let row = driver.cursor_row();
    assert!(row.contains("pip install six"), "{row}\n{}", driver.text());
    // from there the next flag is this one: there is no other
    driver.keys("g}");
    let row = driver.cursor_row();
    assert!(row.contains("pip install six"), "{row}\n{}", driver.text());
}
