//! The screen of statistics: what it shows at three sizes, its sections, grouping, search, and a line of it as a list.

use hgview::theme::Role;

use crate::driver::Driver;
use crate::screens::snapshot;

const STORY: &str = "samples/openhands-v0/output.jsonl";

#[track_caller]
fn looks(name: &str, size: (u16, u16), keys: &str) {
    let mut driver = Driver::open(&[STORY, "samples/chat"], size);
    driver.keys(keys);
    snapshot(
        &format!("{name}_{}x{}", size.0, size.1),
        STORY,
        keys,
        &driver.text(),
    );
}

#[test]
fn three_sizes() {
    looks("stats_overview", (80, 24), "S");
    looks("stats_groups", (80, 24), "Sbformat<enter>");
    looks("stats_behaviour", (120, 40), "Sbformat<enter><tab>");
    looks("stats_time", (200, 50), "S<tab><tab><tab>");
    looks("stats_tiny", (30, 8), "S<tab>");
}

#[test]
fn components_have_their_colours_and_their_letters() {
    let mut driver = Driver::lettered(&[STORY], (80, 24));
    driver.keys("S<tab>");
    let seen = driver.with_role(Role::ClassEdit).concat();
    assert!(seen.contains("III"), "{}", driver.text());
}

#[test]
fn sections_go_round() {
    let mut driver = Driver::open(&[STORY], (80, 24));
    driver.keys("S");
    let mut names = Vec::new();
    for _ in 0..8 {
        names.push(driver.cursor_row());
        driver.keys("<tab>");
    }
    assert_eq!(
        names,
        [
            "Overview",
            "Behaviour",
            "Distributions",
            "Over time",
            "Flags",
            "Agreement",
            "Coverage",
            "Overview"
        ]
    );
}

#[test]
fn a_flag_lists_its_records() {
    let mut driver = Driver::open(&[STORY], (120, 40));
    driver.keys("S/truncated<enter>");
    driver.keys("<enter>");
    let text = driver.text();
    assert!(
        text.contains("LIST") && text.contains("only: flag truncated"),
        "{text}"
    );
    let shown = driver.status();
    // the statistics of what is listed now are about that alone
    driver.keys("S");
    assert!(driver.line(0).contains("of the list"), "{}", driver.text());
    driver.keys("q<esc>");
    let text = driver.text();
    assert!(!text.contains("only:"), "{text}");
    assert_ne!(driver.status(), shown);
}

#[test]
fn nothing_is_decided_there() {
    let mut driver = Driver::open(&[STORY], (80, 24));
    driver.keys("Sa");
    assert!(
        driver.status().contains("does nothing in the statistics"),
        "{}",
        driver.status()
    );
    for keys in ["p", "w", "=", "!"] {
        driver.keys(keys);
        assert!(driver.line(0).contains("statistics"), "{}", driver.text());
        assert!(
            driver.status().contains("does nothing in the statistics"),
            "{keys}: {}",
            driver.status()
        );
    }
    driver.keys("S");
    assert!(!driver.text().contains("accepted"), "{}", driver.text());
}

#[test]
fn two_groupings_and_back() {
    let mut driver = Driver::open(&[STORY, "samples/chat"], (120, 40));
    driver.keys("Sbformat<enter>+resolved<enter>");
    assert!(
        driver.line(0).contains("by format and resolved"),
        "{}",
        driver.text()
    );
    assert!(
        driver.text().contains("openhands-v0 · resolved"),
        "{}",
        driver.text()
    );
    driver.keys("bnothing<enter>");
    assert!(driver.line(0).contains("by resolved"), "{}", driver.text());
    // it is kept for the next time
    driver.keys("qS");
    assert!(driver.line(0).contains("by resolved"), "{}", driver.text());
}

#[test]
fn texts_go_out() {
    let mut driver = Driver::open(&[STORY], (80, 24));
    driver.keys("Sym");
    let (text, what) = driver.copied.last().unwrap();
    assert_eq!(*what, "statistics");
    assert!(
        text.starts_with("# ") && text.contains("## Coverage"),
        "{text}"
    );
    driver.keys("E");
    let (text, is_editor) = driver.external.last().unwrap();
    assert!(!is_editor && text.contains("Over time"), "{text}");
}

#[test]
fn a_search_is_given_up_and_the_size_changes() {
    let mut driver = Driver::open(&[STORY], (80, 24));
    driver.keys("S/median");
    assert!(driver.text().contains("1/"), "{}", driver.text());
    driver.keys("<esc>");
    assert_eq!(driver.cursor_row(), "Overview");
    driver
        .keys("<tab><tab>3j")
        .resize(200, 50)
        .resize(20, 5)
        .resize(80, 24);
    assert!(
        driver.status().contains("distributions"),
        "{}",
        driver.status()
    );
    driver.keys("<esc>");
    assert!(driver.text().contains("LIST"));
}

#[test]
fn blind_mode_hides_verdicts_here_too() {
    let mut driver = Driver::open(&[STORY], (120, 40));
    driver.keys("Sbpublished<enter>");
    let open_eyes = driver.text();
    assert!(
        open_eyes.contains("accepted, published rules"),
        "{open_eyes}"
    );
    // groups by a verdict are left, and not taken again
    driver.keys("B");
    let blind = driver.text();
    assert!(
        blind.contains("verdicts and outcomes are hidden while blind"),
        "{blind}"
    );
    assert!(
        !blind.contains("by published") && !blind.contains("accepted"),
        "{blind}"
    );
    driver.keys("bpublished<enter>");
    assert!(
        driver.status().contains("hidden while blind"),
        "{}",
        driver.status()
    );
    // what is copied is what is seen
    driver.keys("ym");
    let (copied, _) = driver.copied.last().unwrap().clone();
    for word in ["accepted", "resolved", "accept", "reject"] {
        assert!(!copied.contains(word), "{word}: {copied}");
    }
    driver.keys("bformat<enter>");
    assert!(driver.line(0).contains("by format"), "{}", driver.line(0));
    driver.keys("B");
    let text = driver.text();
    assert!(text.contains("accepted, published rules"), "{text}");
    // opened while blind
    driver.keys("qBS");
    let text = driver.text();
    assert!(
        text.contains("hidden while blind") && !text.contains("accepted, published"),
        "{text}"
    );
}
