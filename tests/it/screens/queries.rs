//! The prompt of queries, the list by a query, and queues with one.

use crate::driver::Driver;
use crate::screens::snapshot;

const PATHS: [&str; 1] = ["samples/openhands-v0/output.jsonl"];

fn open() -> Driver {
    Driver::open(&PATHS, (80, 24))
}

fn look(name: &str, keys: &str, driver: &Driver) {
    snapshot(name, "openhands-v0/output.jsonl", keys, &driver.text());
}

#[test]
fn the_prompt_completes_and_marks_what_is_wrong() {
    let mut driver = open();
    driver.keys("Fst");
    look("query_prompt", "Fst", &driver);
    driver.keys("<tab>");
    assert!(driver.text().contains("where steps"), "{}", driver.text());
    driver.keys(" > 4 and stpes > 1");
    let text = driver.text();
    assert!(text.contains("^^^^^ there is no field `stpes`"), "{text}");
    // what is wrong is not applied
    driver.keys("<enter>");
    assert!(
        driver.text().contains("there is no field"),
        "{}",
        driver.text()
    );
    look("query_wrong", "Fst<tab> > 4 and stpes > 1<enter>", &driver);
    driver.keys("<esc>");
    assert!(!driver.text().contains("where steps"), "{}", driver.text());
}

#[test]
fn a_query_narrows_the_list_and_escape_clears_it() {
    let mut driver = open();
    let all = driver.status();
    driver.keys("Fsteps > 4<enter>");
    look("query_applied", "Fsteps > 4<enter>", &driver);
    assert!(
        driver.line(0).contains("where steps > 4"),
        "{}",
        driver.line(0)
    );
    assert_ne!(driver.status(), all);
    // with typed letters and another order
    driver.keys("O");
    assert!(driver.line(0).contains("where steps > 4"));
    // it opens with what is in force, and an empty one clears it
    driver.keys("F");
    assert!(driver.text().contains("where steps > 4"));
    driver.keys("<C-u><enter>");
    assert!(!driver.line(0).contains("where"), "{}", driver.line(0));
    driver.keys("Fany(step.error)<enter>");
    assert!(driver.line(0).contains("where any("));
    driver.keys("<esc>");
    assert!(!driver.line(0).contains("where"), "{}", driver.line(0));
    // what was typed before comes back
    driver.keys("F<C-p>");
    assert!(driver.text().contains("where any(step.error)"));
    driver.keys("<C-p>");
    assert!(driver.text().contains("where steps > 4"));
    driver.keys("<esc>");
}

#[test]
fn nothing_that_holds_is_said() {
    let mut driver = open();
    driver.keys("Fsteps > 4k<enter>");
    assert!(
        driver.text().contains("no record for which steps > 4k"),
        "{}",
        driver.text()
    );
    driver.keys("<esc>j<enter>");
    assert!(!driver.text().contains("no record for which"));
}

#[test]
fn decisions_are_asked() {
    let mut driver = open();
    driver.keys("ajsFdecision = accept<enter>");
    assert!(driver.line(0).contains("1 of "), "{}", driver.line(0));
    driver.keys("Fnot decision<enter>");
    let text = driver.line(0);
    assert!(text.contains(" of ") && !text.contains("0 of "), "{text}");
}
