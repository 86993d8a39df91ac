//! Two attempts beside each other, what can be compared, and two runs.

use crate::driver::Driver;
use crate::screens::check_cells;
use crate::screens::looks;
use crate::screens::opened;
use crate::screens::shows;

const ATTEMPTS: &str = "openhands-v0/attempts.jsonl.gz";
const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (200, 50);

/// Selects the third and the fourth record and compares them.
const OPEN: &str = "jj  =";

#[test]
fn attempts_beside_each_other() {
    looks("compare", &[ATTEMPTS], SMALL, OPEN);
    looks("compare", &[ATTEMPTS], LARGE, OPEN);
    looks(
        "compare_difference",
        &[ATTEMPTS],
        SMALL,
        &format!("{OPEN}]d"),
    );
    looks(
        "compare_difference",
        &[ATTEMPTS],
        LARGE,
        &format!("{OPEN}]d"),
    );
    looks("compare_patches", &[ATTEMPTS], SMALL, &format!("{OPEN}p"));
    looks("compare_patches", &[ATTEMPTS], LARGE, &format!("{OPEN}p"));
}

#[test]
fn what_to_compare_with_is_asked() {
    looks("compare_with", &[ATTEMPTS], SMALL, "j=");
    // the other attempts come first
    let driver = opened(&[ATTEMPTS], LARGE, "j=<enter>");
    shows(&driver, "attempts.jsonl.gz:2");
    shows(&driver, "attempts.jsonl.gz:3");
    let driver = opened(&[ATTEMPTS], LARGE, "j<enter>=<enter>");
    shows(&driver, "attempts.jsonl.gz:3");
}

#[test]
fn one_comes_back_to_where_one_was() {
    let mut driver = opened(&[ATTEMPTS], LARGE, OPEN);
    assert!(driver.status().contains("ROWS"), "{}", driver.status());
    let rows = driver.text();
    // the step of the other side, and back
    driver.keys("l<enter>");
    assert!(driver.status().contains("STEPS"), "{}", driver.status());
    driver.keys("qh");
    assert_eq!(driver.text(), rows);
    driver.keys("p");
    assert!(driver.status().contains("PATCHES"), "{}", driver.status());
    driver.keys("<esc>");
    assert_eq!(driver.text(), rows);
    driver.keys("<tab><tab>");
    assert!(driver.status().contains("RIGHT"), "{}", driver.status());
    driver.keys("<esc>h");
    assert_eq!(driver.text(), rows);
    driver.keys("q");
    assert!(driver.status().contains("LIST"), "{}", driver.status());
    // from a trajectory back into it
    let mut driver = opened(&[ATTEMPTS], LARGE, "j<enter>5l=<enter>");
    assert!(driver.status().contains("ROWS"), "{}", driver.status());
    driver.keys("q");
    assert!(driver.status().contains("STEPS"), "{}", driver.status());
}

#[test]
fn differences_and_folds() {
    let mut driver = opened(&[ATTEMPTS], LARGE, OPEN);
    let first = driver.text();
    driver.keys("g[");
    driver.keys("]");
    assert_eq!(
        driver.text(),
        first,
        "the first divergence is the first difference"
    );
    driver.keys("zR");
    assert!(!driver.text().contains("equal rows"), "{}", driver.text());
    driver.keys("zM");
    assert_eq!(driver.text(), first);
}

#[test]
fn steps_of_both_are_searched() {
    let mut driver = opened(&[ATTEMPTS], SMALL, &format!("{OPEN}/harbor-kit<enter>"));
    shows(&driver, "row 5/7");
    driver.keys("n");
    shows(&driver, "row 6/7");
    // round, to a row that is folded
    shows(&driver, "3 equal rows");
    driver.keys("n");
    shows(&driver, "row 2/7");
    assert!(!driver.text().contains("equal rows"), "{}", driver.text());
    driver.keys("N");
    shows(&driver, "row 6/7");
    driver.keys("/nowhere");
    shows(&driver, "no hit");
    driver.keys("<esc>");
    shows(&driver, "row 6/7");
    driver.keys("p/");
    shows(&driver, "p shows them again");
    driver.keys("p/harbor-kit<enter><esc>");
    shows(&driver, "compare");
    driver.keys("<esc>");
    shows(&driver, "LIST");
}

#[test]
fn runs_task_by_task() {
    looks("compare_runs", &[ATTEMPTS], SMALL, ":compare-runs<enter>");
    let mut driver = opened(&[ATTEMPTS], LARGE, ":compare-runs<enter>");
    driver.keys("dep_search<enter>");
    assert!(driver.status().contains("ROWS"), "{}", driver.status());
}

#[test]
fn there_may_be_nothing_to_compare_with() {
    let mut driver = Driver::open(&["samples/swe-agent/1.x"], SMALL);
    driver.keys("q");
    let mut alone = Driver::open(&["samples/openhands-v0/export.json"], SMALL);
    alone.keys("=");
    assert!(
        alone.status().contains("no other record"),
        "{}",
        alone.status()
    );
    alone.keys(":compare-runs<enter>");
    assert!(alone.status().contains("no two runs"), "{}", alone.status());
}

#[test]
fn a_record_that_cannot_be_read_says_so() {
    let mut driver = Driver::open(&["samples/faults/torn.jsonl"], LARGE);
    driver.keys(" G =");
    check_cells(&driver, "torn");
    driver.keys("jk]hl<tab>zRdp<esc>q");
    check_cells(&driver, "torn, keys");
}

#[test]
fn keys_work_at_any_size() {
    for size in [(20, 5), (37, 9), (60, 12), (119, 30), (120, 30)] {
        let mut driver = opened(&[ATTEMPTS], size, "");
        for key in [
            "jj  =", "j", "]", "[", "l", "<tab>", "<C-d>", "d", "zR", "p", "G", "p", "zM", "W", "T",
        ] {
            driver.keys(key);
            check_cells(&driver, &format!("{size:?} {key}"));
        }
        driver.resize(80, 24);
        driver.click(50, 6).click(50, 20);
        check_cells(&driver, "resized");
    }
}
