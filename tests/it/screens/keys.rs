//! What keys and the mouse do.

use hgview::theme::Role;
use hgview::ui::event::Event;
use ratatui::crossterm::event::MouseEventKind;

use crate::driver::Driver;

const STORY: &str = "samples/openhands-v0/output.jsonl";
const SESSION: &str = "samples/claude-code";

fn open(path: &str) -> Driver {
    Driver::open(&[path], (120, 40))
}

/// The rows of the list, as they stand.
fn rows(driver: &Driver) -> Vec<String> {
    let text = driver.text();
    text.lines()
        .skip(2)
        .take_while(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The page: what is at the right of the rule.
fn page(driver: &Driver) -> String {
    let text = driver.text();
    let lines = text.lines().filter_map(|line| line.split_once('│'));
    lines
        .map(|(_, page)| page.trim())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The `41` of `3/41  0%  step 1/7  1/6`.
fn total_hits(driver: &Driver) -> usize {
    let place = regex::Regex::new(r"(\d+)/(\d+)  (\d+%  )?(step|task|end|child)").unwrap();
    place
        .captures(&driver.status())
        .map_or(0, |found| found[2].parse().unwrap())
}

#[track_caller]
fn on(driver: &Driver, want: &str) {
    let row = driver.cursor_row();
    assert!(row.contains(want), "{want:?} is not {row:?}");
}

#[track_caller]
fn says(driver: &Driver, want: &str) {
    let status = driver.status();
    assert!(status.contains(want), "{want:?} is not in {status:?}");
}

#[test]
fn narrowing_and_going_back() {
    let mut driver = open(STORY);
    driver.keys("'search");
    assert_eq!(rows(&driver).len(), 1, "{}", driver.text());
    driver.keys("<bs><bs><bs><bs><bs><bs>");
    assert_eq!(rows(&driver).len(), 6);
    driver.keys("dep<enter>");
    on(&driver, "dep_sear");
    driver.keys("<esc>");
    assert_eq!(rows(&driver).len(), 6);
    on(&driver, "dep_sear");
    driver.keys("'zzz");
    assert!(driver.text().contains("no record matches “zzz”"));
    driver.keys("<esc>");
    assert_eq!(rows(&driver).len(), 6, "Esc in the prompt gives up");
    driver.keys("'search<enter><enter>");
    assert!(driver.line(0).contains("dep_search"), "{}", driver.line(0));
    driver.keys("L");
    says(&driver, "this is the last trajectory of the list");
}

#[test]
fn sorting() {
    let mut driver = open(STORY);
    driver.keys("oste<enter>");
    let steps = |driver: &Driver| -> Vec<u32> {
        let number = |row: &String| {
            let mut words = row.split_whitespace().skip(2);
            words.find_map(|word| word.parse().ok()).unwrap()
        };
        rows(driver).iter().map(number).collect()
    };
    assert!(driver.line(1).contains("▼steps"), "{}", driver.line(1));
    assert_eq!(steps(&driver), [7, 7, 5, 5, 4, 4]);
    on(&driver, "✓ tidepool__harbor-kit.func_loc");
    driver.keys("O");
    assert_eq!(steps(&driver), [4, 4, 5, 5, 7, 7]);
    assert!(driver.line(1).contains("▲steps"));
    // the same column again turns it round as well
    driver.keys("o<enter>");
    assert!(driver.line(1).contains("▼steps"));
    driver.keys("oso<enter>");
    assert!(!driver.line(1).contains("steps▼"));
    driver.keys("O");
    assert!(
        rows(&driver)[0].contains("func_gen"),
        "source order reversed"
    );
}

#[test]
fn rows_are_searched() {
    let mut driver = open(STORY);
    driver.keys("/localize<enter>");
    on(&driver, "func_loc");
    says(&driver, "1/4");
    driver.keys("n");
    says(&driver, "2/4");
    driver.keys("NN");
    says(&driver, "4/4");
    on(&driver, "issue_lo");
    driver.keys("<esc>");
    says(&driver, "5/6");
    assert!(!driver.status().contains("4/4"));
    driver.keys("/nothing of the kind");
    assert!(driver.status().contains("no hit"), "{}", driver.status());
    driver.keys("<esc>");
    on(&driver, "issue_lo");
}

#[test]
fn trajectories_are_searched() {
    let mut driver = Driver::lettered(&[SESSION], (120, 40));
    driver.keys("/which function");
    says(&driver, "/which function");
    driver.keys("<esc>");
    on(&driver, "task");
    // this text is nowhere but inside the folded child
    driver.keys("/def interpolate<enter>");
    let text = driver.text();
    assert!(text.contains("▾ sub-agent"), "{text}");
    let total = total_hits(&driver);
    assert!(total >= 2, "{}", driver.status());
    assert_eq!(driver.with_role(Role::HitCurrent), ["def interpolate"]);
    driver.keys("n");
    says(&driver, &format!("2/{total}"));
    driver.keys("N");
    says(&driver, &format!("1/{total}"));
    driver.keys("N");
    says(&driver, &format!("{total}/{total}"));
    driver.keys("n");
    says(&driver, &format!("1/{total}"));
    driver.keys("<esc>");
    assert!(driver.with_role(Role::HitCurrent).is_empty());
    assert!(
        driver.line(0).contains("claude-code"),
        "Esc closed the search only"
    );
}

#[test]
fn patterns_are_smart() {
    let hits = |pattern: &str| {
        let mut driver = open(STORY);
        driver.keys(&format!("<enter>/{pattern}<enter>"));
        total_hits(&driver)
    };
    let (lower, upper) = (hits("readings"), hits("Readings"));
    assert!(lower > upper, "upper case matters: {lower} {upper}");
    assert_eq!(hits("READINGS"), 0);
    assert_eq!(hits("read(ings"), 0, "no regular expression: itself");
    assert_eq!(hits("read(ing)s"), lower);
    let mut driver = open(STORY);
    driver.keys("<enter>/readings<enter>/<up>");
    assert!(
        driver.status().starts_with("/readings"),
        "{}",
        driver.status()
    );
}

#[test]
fn steps_and_landmarks() {
    let mut driver = open(STORY);
    driver.keys("5j<enter>");
    on(&driver, "task");
    driver.keys("l");
    on(&driver, "system");
    driver.keys("$");
    on(&driver, "end");
    driver.keys("0");
    on(&driver, "task");
    driver.keys("}");
    on(&driver, "✗1");
    driver.keys("}");
    on(&driver, "✗1");
    driver.keys("0>");
    on(&driver, "± edit harbor_kit/tides.py +8 −1");
    driver.keys(">");
    on(&driver, "± edit harbor_kit/tides.py +3 −1");
    driver.keys("<lt>");
    on(&driver, "+8 −1");
    driver.keys("0");
    driver.keys("H");
    assert!(
        driver.line(0).contains("issue_localize"),
        "{}",
        driver.line(0)
    );
    driver.keys("L");
    assert!(driver.line(0).contains("func_gen"), "{}", driver.line(0));
    driver.keys("q");
    on(&driver, "func_gen");
    let mut driver = open("samples/mini-swe-agent/tidepool__harbor-kit-41");
    driver.keys(")");
    on(&driver, "pytest");
    on(&driver, "✗1");
    driver.keys(")");
    on(&driver, "pytest");
    driver.keys("(");
    on(&driver, "✗1");
}

#[test]
fn hunks_across_steps() {
    let mut driver = open(STORY);
    driver.keys("5j<enter>]");
    on(&driver, "+8 −1");
    assert!(page(&driver).contains("@@ -40,4 +40,11 @@"));
    driver.keys("]");
    on(&driver, "+3 −1");
    driver.keys("[");
    on(&driver, "+8 −1");
    driver.keys("[");
    on(&driver, "+8 −1");
}

#[test]
fn counts() {
    let mut driver = open(STORY);
    driver.keys("3j");
    on(&driver, "dep_sear");
    driver.keys("2k");
    says(&driver, "2/6");
    driver.keys("99999j");
    says(&driver, "6/6");
    driver.keys("9999999999999999999999k");
    says(&driver, "1/6");
    driver.keys("4G");
    says(&driver, "4/6");
    driver.keys("<enter>99999l");
    on(&driver, "end");
    driver.keys("99999}99999]99999n");
    driver.keys("12");
    says(&driver, "12 ");
    driver.keys("<esc>");
    assert!(!driver.status().contains("12 "), "{}", driver.status());
    assert!(
        driver.line(0).contains("dep_search"),
        "Esc ended the count only"
    );
    driver.keys("0<tab>99999<right>99999j99999G99999<C-d>99999<C-u>");
    assert!(!driver.is_over);
}

#[test]
fn folds() {
    let mut driver = open(STORY);
    driver.keys("5j<enter>>");
    let folded = "⋯ the file after the edit";
    assert!(page(&driver).contains(folded), "{}", page(&driver));
    driver.keys("za");
    assert!(!page(&driver).contains(folded));
    driver.keys("zM");
    assert!(page(&driver).contains(folded));
    driver.keys("zR");
    assert!(!page(&driver).contains(folded));
    driver.keys("zM<tab><enter>");
    assert!(!page(&driver).contains(folded), "Enter opens on the page");
    driver.keys("z").wait_for_hints();
    assert!(driver.text().contains("Open all folds"));
    driver.keys("x");
    says(&driver, "z x does nothing here");
    let mut driver = open(SESSION);
    driver.keys("7j<enter>");
    assert!(driver.text().contains("▾ sub-agent"), "{}", driver.text());
    driver.keys("za");
    assert!(driver.text().contains("▸ sub-agent"));
}

#[test]
fn esc_closes_the_topmost_only() {
    let mut driver = open(STORY);
    driver.keys("'func<enter><enter>/water<enter><tab>?");
    assert!(driver.text().contains("Keys in a trajectory"));
    driver.keys("<esc>");
    assert!(!driver.text().contains("Keys in a trajectory"));
    let with_hits = driver.status();
    assert!(
        with_hits.contains("PAGE") && with_hits.contains("1/"),
        "{with_hits}"
    );
    driver.keys("<esc>");
    says(&driver, "PAGE");
    driver.keys("<esc>");
    says(&driver, "STEPS");
    driver.keys("<esc>");
    says(&driver, "LIST");
    assert!(rows(&driver).len() < 6);
    driver.keys("<esc>");
    assert_eq!(rows(&driver).len(), 6);
    driver.keys("<esc><esc>");
    assert!(!driver.is_over, "Esc never quits");
}

#[test]
fn going_back_and_quitting() {
    let mut driver = open(STORY);
    driver.keys("<enter>q");
    assert!(!driver.is_over);
    says(&driver, "LIST");
    driver.keys("q");
    assert!(driver.is_over);
    let mut driver = open(STORY);
    driver.keys("<enter><C-c>");
    assert!(driver.is_over);
    let mut driver = open(STORY);
    driver.keys(":<C-c>");
    assert!(!driver.is_over, "it closes the palette");
}

#[test]
fn raw_and_wrap() {
    let mut driver = open(STORY);
    driver.keys("<enter>jjv");
    assert!(page(&driver).contains("bytes of"), "{}", page(&driver));
    driver.keys("v");
    assert!(!page(&driver).contains("bytes of"));
    driver.keys("0");
    let wrapped = page(&driver);
    driver.keys("W");
    says(&driver, "long lines run on");
    let cut = page(&driver);
    assert_ne!(wrapped, cut);
    driver.keys("<right>");
    assert_ne!(cut, page(&driver));
    driver.keys("<left>");
    assert_eq!(cut, page(&driver));
    driver.keys("W");
    assert_eq!(wrapped, page(&driver));
}

#[test]
fn layouts_of_edits() {
    let mut driver = Driver::open(&[STORY], (120, 40));
    driver.keys("5j<enter>>");
    let unified = page(&driver);
    driver.keys("D");
    says(&driver, "edits side by side");
    assert_ne!(page(&driver), unified, "the first press is to be seen");
    driver.keys("D");
    says(&driver, "edits in one column");
    assert_eq!(page(&driver), unified, "that is what fits this width");
    driver.keys("D");
    says(&driver, "edits as the width allows");
    assert_eq!(page(&driver), unified);
}

#[test]
fn help_is_filtered() {
    let mut driver = open(STORY);
    driver.keys("?");
    assert!(driver.text().contains("Keys in the list"));
    driver.keys("narrow");
    let text = driver.text();
    assert!(text.contains("Narrow the list as you type"), "{text}");
    assert!(!text.contains("Move one row down"), "{text}");
    driver.keys(" xyz");
    assert!(driver.text().contains("nothing matches"));
    driver.keys("<enter>");
    assert!(!driver.text().contains("Keys in the list"));
}

#[test]
fn code_colours_are_got_ready_when_somebody_is_there() {
    let mut driver = open(STORY);
    assert_eq!(driver.warmed, 0);
    driver.keys("jj<enter>");
    assert_eq!(driver.warmed, 1);
}

#[test]
fn the_palette_runs_commands() {
    let mut driver = open(STORY);
    driver.keys(":revsort<enter>");
    assert!(rows(&driver)[0].contains("func_gen"), "{}", driver.text());
    driver.keys(":mouse<enter>:follow<enter>:suspend<enter>:redraw<enter>");
    assert_eq!(driver.asked, ["no mouse", "follow", "suspend", "redraw"]);
    assert!(driver.line(0).contains("following"));
    driver.keys(":messages<enter>");
    assert!(driver.text().contains("Messages"), "{}", driver.text());
    driver.keys("<esc>");
}

#[test]
fn themes_are_previewed() {
    let mut driver = open(STORY);
    driver.keys(":themes<enter><down>");
    assert_eq!(driver.theme(), "light");
    driver.keys("<esc>");
    assert_eq!(
        driver.theme(),
        "dark",
        "Esc brings the one from before back"
    );
    driver.keys(":themes<enter><down><down><enter>");
    assert_eq!(driver.theme(), "high-contrast");
    driver.keys("T");
    assert_eq!(driver.theme(), "sixteen");
    driver.keys("<enter>TT");
    assert_eq!(driver.theme(), "dark", "round again");
}

#[test]
fn copies() {
    let mut driver = open(STORY);
    driver.keys("yiyr5j<enter>>yiyrycyoypys");
    let kinds: Vec<&str> = driver.copied.iter().map(|(_, what)| *what).collect();
    assert_eq!(
        kinds,
        [
            "id",
            "reference",
            "id",
            "reference",
            "command",
            "observation",
            "patch",
            "step"
        ]
    );
    let text = |nth: usize| driver.copied[nth].0.as_str();
    assert_eq!(text(0), "tidepool__harbor-kit.func_localize.1");
    assert_eq!(
        text(1),
        "samples/openhands-v0/output.jsonl:1#tidepool__harbor-kit.func_localize.1"
    );
    assert_eq!(text(2), "tidepool__harbor-kit.func_gen.1");
    assert_eq!(
        text(3),
        "samples/openhands-v0/output.jsonl:6#tidepool__harbor-kit.func_gen.1@6"
    );
    assert!(text(4).contains("str_replace"), "{}", text(4));
    assert!(text(5).contains("has been edited"), "{}", text(5));
    assert!(text(6).contains("\n+    best = None\n"), "{}", text(6));
    assert!(
        text(7).contains("A span from every reading on"),
        "{}",
        text(7)
    );
    // what was copied last lies in the file
    let found: Vec<String> = std::fs::read_dir(driver.copies())
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    assert!(found.iter().any(|copy| copy == text(7)), "{found:?}");
    driver.keys("}ycyj");
    let (command, _) = driver.copied.last().unwrap();
    assert!(command.starts_with("python - <<'PY'\n"), "{command}");
    driver.keys("0yc");
    let (_, said) = driver.said.last().unwrap();
    assert_eq!(said, "there is no command to copy here");
}

#[test]
fn the_editor_gets_the_whole_step() {
    let mut driver = open(STORY);
    driver.keys("5j<enter>>eE");
    let wanted: Vec<bool> = driver
        .external
        .iter()
        .map(|(_, is_editor)| *is_editor)
        .collect();
    assert_eq!(wanted, [true, false]);
    let (text, _) = &driver.external[0];
    assert!(text.contains("return best"), "{text}");
    assert!(!text.contains("lines folded"), "folds are open: {text}");
}

#[test]
fn the_mouse() {
    let mut driver = open(STORY);
    driver.click(5, 4);
    says(&driver, "3/6");
    driver.click(5, 20).click(500, 500);
    says(&driver, "3/6");
    driver.click(5, 4);
    says(&driver, "STEPS");
    driver.keys("qj");
    driver.mouse(MouseEventKind::ScrollDown, 5, 5);
    driver.click(5, 7).click(5, 7);
    assert!(driver.line(0).contains("func_gen"), "{}", driver.line(0));
    driver.click(5, 7);
    on(&driver, "+8 −1");
    // the fold's line
    let text = driver.text();
    let row = text
        .lines()
        .position(|line| line.contains("⋯ the file after"))
        .unwrap();
    driver.click(60, u16::try_from(row).unwrap());
    assert!(!driver.text().contains("⋯ the file after"));
    says(&driver, "PAGE");
    driver.click(5, 1);
    says(&driver, "STEPS");
    on(&driver, "task");
    let before = page(&driver);
    driver.resize(120, 12);
    driver.mouse(MouseEventKind::ScrollDown, 80, 5);
    assert_ne!(page(&driver), before);
    on(&driver, "task");
    driver.keys("?").mouse(MouseEventKind::ScrollDown, 60, 5);
    driver.keys("<esc>");
}

#[test]
fn pasted_text_never_runs() {
    let mut driver = open(STORY);
    driver.event(Event::Paste("qqq".to_owned()));
    assert!(!driver.is_over);
    driver.keys("/");
    driver.event(Event::Paste("dep_sea\nrch".to_owned()));
    assert!(!driver.is_over);
    says(&driver, "/dep_sea");
}

#[test]
fn panes_on_a_narrow_screen() {
    let mut driver = Driver::open(&[STORY], (50, 12));
    driver.keys("5j<enter>>");
    on(&driver, "edit");
    driver.keys("<tab>");
    assert!(driver.text().contains("step 6 ·"), "{}", driver.text());
    driver.keys("l");
    assert!(
        driver.text().contains("step 7 ·"),
        "h and l go on from the page"
    );
    driver.keys("<tab>");
    says(&driver, "STEPS");
}

#[test]
fn a_step_is_opened_at_once() {
    let driver = Driver::at_step(&["samples/chat/xml.jsonl"], (120, 40), 5);
    on(&driver, "5 ±");
    let driver = Driver::at_step(&["samples/chat/xml.jsonl"], (120, 40), 9999);
    on(&driver, "end");
}

/// What is asked for depends on the screen, not on how long things are.
#[test]
fn a_frame_costs_what_it_shows() {
    use std::fmt::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let message = |role: &str, text: &str| serde_json::json!({"role": role, "content": text});
    let trajectory = |steps: usize, lines: usize| {
        let mut code = String::from("```python\n");
        for line in 0..lines {
            writeln!(code, "value_{line} = compute({line})").unwrap();
        }
        code.push_str("```\n");
        let mut messages = vec![message("user", "go on")];
        for _ in 0..steps {
            messages.push(message("assistant", &code));
            messages.push(message("user", "go on"));
        }
        serde_json::json!({"instance_id": "x", "messages": messages})
    };
    let cost = |steps: usize, lines: usize| {
        let path = folder.path().join(format!("{steps}-{lines}.jsonl"));
        std::fs::write(&path, format!("{}\n", trajectory(steps, lines))).unwrap();
        let mut driver = Driver::open(&[path], (120, 40));
        driver.keys("jj");
        let before = (driver.pages, driver.inks);
        driver.keys("jj<tab><C-d><C-d>G");
        (driver.pages - before.0, driver.inks - before.1)
    };
    let (small, long, deep) = (cost(20, 200), cost(1_000, 200), cost(20, 5_000));
    assert_eq!(small.0, long.0, "pages for a longer trajectory");
    assert_eq!(small.0, deep.0, "pages for longer steps");
    assert_eq!(small.1, long.1, "colours for a longer trajectory");
    assert!(
        deep.1 <= small.1 + 3,
        "colours for longer steps: {small:?} {deep:?}"
    );
    let line = trajectory(1, 1).to_string();
    let path = folder.path().join("many.jsonl");
    std::fs::write(&path, format!("{line}\n").repeat(3_000)).unwrap();
    let driver = Driver::open(&[path], (120, 40));
    assert!(
        driver.summaries <= 40,
        "{} rows were asked for",
        driver.summaries
    );
}
