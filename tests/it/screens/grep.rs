//! Searching all trajectories from inside: the prompt, the results, the way to a step and back.

use crate::driver::Driver;
use crate::screens::shows;
use crate::screens::snapshot;

const FILES: [&str; 2] = [
    "samples/openhands-v0/attempts.jsonl.gz",
    "samples/chat/tool_calls.jsonl",
];

fn open(size: (u16, u16), keys: &str) -> Driver {
    let mut driver = Driver::open(&FILES, size);
    driver.keys(keys);
    driver
}

#[test]
fn results() {
    for size in [(80, 24), (120, 40), (200, 50)] {
        let keys = "<C-g>moor|harbor<enter>jj";
        let driver = open(size, keys);
        let name = format!("grep_{}x{}", size.0, size.1);
        snapshot(&name, "two samples", keys, &driver.text());
    }
}

#[test]
fn a_result_opens_its_step_with_the_match_marked() {
    let mut driver = open((120, 40), "<C-g>git diff<enter>");
    shows(&driver, "RESULTS");
    driver.keys("j<enter>");
    shows(&driver, "STEPS");
    shows(&driver, "git diff");
    // on the hit of this step, not on the first of the trajectory
    let status = driver.status();
    assert!(status.contains('/'), "{status}");
    driver.keys("q");
    shows(&driver, "RESULTS");
    driver.keys("q");
    shows(&driver, "LIST");
}

#[test]
fn results_are_searched() {
    let mut driver = open((120, 40), "<C-g>moor|harbor<enter>/issue_localize<enter>");
    let at = |driver: &Driver, want: &str| {
        let row = driver.cursor_row();
        assert!(row.contains(want), "{want:?} is not in {row:?}");
    };
    at(&driver, "issue_localize.17@1 ");
    driver.keys("n");
    at(&driver, "issue_localize.17@4 ");
    assert!(driver.status().contains("2/"), "{}", driver.status());
    // the name, or the line that matches
    driver.keys("N/^grep.*water<enter>");
    at(&driver, "issue_localize.17@4 ");
    driver.keys("/nowhere");
    shows(&driver, "no hit");
    driver.keys("<esc>");
    at(&driver, "issue_localize.17@4 ");
    shows(&driver, "RESULTS");
    driver.keys("/issue_localize<enter><esc>");
    shows(&driver, "RESULTS");
    driver.keys("<esc>");
    shows(&driver, "LIST");
}

#[test]
fn the_palette_takes_the_pattern_along() {
    let driver = open((120, 40), ":grep git diff<enter>");
    shows(&driver, "RESULTS");
    shows(&driver, "git diff");
}

#[test]
fn only_what_the_list_shows_is_searched() {
    let all = open((120, 40), "<C-g>the<enter>").text();
    let some = open((120, 40), "'tool_calls<enter><C-g>the<enter>").text();
    assert_ne!(all, some);
}

#[test]
fn places_and_mistakes() {
    let driver = open((120, 40), "<C-g>in:actions git diff<enter>");
    shows(&driver, "actions");
    let driver = open((120, 40), "<C-g>in:words git<enter>");
    assert!(driver.status().contains("words"), "{}", driver.status());
    let driver = open((120, 40), "<C-g>a(b<enter>");
    assert!(driver.status().contains("regular"), "{}", driver.status());
    let driver = open((120, 40), "<C-g>no such words<enter><enter>");
    shows(&driver, "nothing matches");
}

#[test]
fn a_hit_in_a_patch_opens_the_patch() {
    let mut driver = open((120, 40), "<C-g>in:patches diff --git<enter>");
    shows(&driver, "patches");
    driver.keys("<enter>");
    shows(&driver, "PATCH");
}

#[test]
fn results_are_copied_and_decided_about() {
    let mut driver = open((120, 40), "<C-g>git diff<enter>yr");
    let (text, _) = driver.copied.last().unwrap();
    assert!(text.contains(".gz:2#") && text.contains('@'), "{text}");
    driver.keys("a");
    assert!(driver.status().contains("accepted"), "{}", driver.status());
}

#[test]
fn results_are_gone_through_by_record() {
    let mut driver = open((120, 40), "<C-g>moor|harbor<enter>");
    let first = driver.status();
    driver.keys("L");
    let second = driver.status();
    assert_ne!(second, first);
    driver.keys("jH");
    assert_eq!(driver.status(), second, "the first hit of the same record");
    driver.keys("HHH");
    assert_eq!(driver.status(), first, "no record is before the first");
}

#[test]
fn the_list_follows_to_the_record_of_a_result() {
    let mut driver = open((120, 40), "<C-g>git diff<enter>G");
    driver.keys("<enter>");
    let place = |driver: &Driver| driver.status().split_whitespace().last().map(str::to_owned);
    let at = place(&driver).unwrap();
    let (nth, all) = at.split_once('/').unwrap();
    assert_ne!(nth, "1", "{}", driver.status());
    driver.keys("H");
    let nth: usize = nth.parse().unwrap();
    assert_eq!(place(&driver), Some(format!("{}/{all}", nth - 1)));
    driver.keys("q");
    shows(&driver, "RESULTS");
}
