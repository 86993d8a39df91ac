//! Statistics against small cases counted by hand, and their outputs against hostile names.

use crate::behave::table::Aim;
use crate::model::Component;
use crate::model::ContentHash;
use crate::model::FlagKind;
use crate::model::RecordIx;
use crate::model::TaskKind;
use crate::model::Verdict;
use crate::stats::Collected;
use crate::stats::Glyphs;
use crate::stats::GroupBy;
use crate::stats::Look;
use crate::stats::SectionKind;
use crate::stats::Selection;
use crate::stats::Stats;
use crate::stats::csv;
use crate::stats::facts::Facts;
use crate::stats::facts::Said;
use crate::stats::html;
use crate::stats::lines;
use crate::stats::markdown;
use crate::stats::tally::Quantity;

/// Four records of two models: three attempts of one task, two of them with the same patch.
fn four() -> Collected {
    use Component::Exploration as E;
    use Component::Implementation as I;
    use Component::Verification as V;
    let record = |nth: usize, model: &str, resolved: Option<bool>, steps: &[Component]| {
        let mut facts = Facts {
            record: nth,
            ..Facts::default()
        };
        facts.subject.model = Some(model.into());
        facts.subject.task = Some("t-1".into());
        facts.subject.task_kind = Some(TaskKind::Issue);
        facts.said.resolved = resolved;
        facts.amounts.steps = steps.len();
        facts.amounts.actions = steps.len();
        facts.conduct.course = steps.into();
        facts.conduct.actions =
            Component::ALL.map(|one| steps.iter().filter(|step| **step == one).count());
        facts
    };
    let mut a = record(0, "big", Some(true), &[E, E, I, V]);
    a.said.published = Verdict::Accept;
    a.said.people = Said::Accept;
    a.said.outcome = Verdict::Accept;
    a.subject.patch = Some(ContentHash::of(b"p"));
    a.conduct.code_steps = 1;
    a.conduct.runs_before = Some(0);
    a.conduct.runs_after = Some(1);
    a.conduct.is_mended = true;
    let mut b = record(1, "big", Some(false), &[E, I]);
    b.said.published = Verdict::Accept;
    b.said.people = Said::Reject;
    b.said.outcome = Verdict::Reject;
    b.subject.patch = Some(ContentHash::of(b"p"));
    b.conduct.aim = Some(Aim::RightFileWrongFix);
    b.flags.add(FlagKind::Loop);
    let mut c = record(2, "small", Some(false), &[E, E]);
    c.said.published = Verdict::Reject;
    c.said.people = Said::Reject;
    c.said.outcome = Verdict::Reject;
    c.amounts.failed_actions = 1;
    c.conduct.aim = Some(Aim::WrongFile);
    c.flags.add(FlagKind::Loop);
    c.flags.add(FlagKind::NoSourceEdit);
    let mut d = record(3, "small", None, &[]);
    d.subject.task = None;
    d.subject.task_kind = None;
    d.amounts.cost = Some(f64::NAN);
    Collected {
        facts: vec![a, b, c, d],
        faults: 1,
        asked: 5,
        ..Collected::default()
    }
}

#[track_caller]
fn near(got: Option<f64>, want: f64) {
    assert!(
        got.is_some_and(|got| (got - want).abs() < 1e-9),
        "{got:?} {want}"
    );
}

#[test]
fn numbers_are_those_counted_by_hand() {
    let stats = Stats::of(&four(), &[]);
    assert_eq!((stats.records, stats.faults, stats.asked), (4, 1, 5));
    let total = &stats.total;
    let rate = |rate: &crate::stats::report::Rate| (rate.count, rate.of);
    assert_eq!(rate(&total.rates.resolved), (1, 3));
    assert_eq!(rate(&total.rates.published), (2, 3));
    assert_eq!(rate(&total.rates.strict), (0, 0));
    assert_eq!(rate(&total.rates.decision), (1, 3));
    assert_eq!(rate(&total.rates.outcome), (1, 3));
    // Wilson (1927) for 1 of 3
    let ends = total.rates.resolved.interval.unwrap();
    near(Some((ends.low * 1e4).round()), 615.0);
    near(Some((ends.high * 1e4).round()), 7923.0);
    let told = &total.behaviour;
    near(told.median_actions, 2.0);
    near(told.components.exploration.share, 5.0 / 8.0);
    near(told.components.implementation.share, 2.0 / 8.0);
    near(told.components.verification.share, 1.0 / 8.0);
    near(told.code_steps.share, 1.0 / 8.0);
    near(told.failed_actions.share, 1.0 / 8.0);
    near(told.runs_before_first_edit, 0.0);
    near(told.runs_after_last_edit, 1.0);
    near(told.fail_edit_pass.share, 0.25);
    near(told.right_file_wrong_fix.share, 0.5);
    near(told.wrong_file.share, 0.5);
    near(total.flag(FlagKind::Loop).share, 0.5);
    near(total.flag(FlagKind::SamePatch).share, 0.5);
    assert!(
        total.distribution(Quantity::Cost).is_none(),
        "no number is no cost"
    );
    // at the start all three that have steps explore; at the end one verifies, one edits, one explores
    let ends = [total.course.first(), total.course.last()].map(|end| end.unwrap().values());
    near(Some(ends[0][1]), 1.0);
    for share in &ends[1][1..4] {
        assert!((share - 1.0 / 3.0).abs() < 1e-6, "{ends:?}");
    }
    let published = &stats.agreement[0];
    assert_eq!(
        published.counts,
        [[1, 1, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 1]]
    );
    near(published.kappa.map(|kappa| kappa.observed), 2.0 / 3.0);
    let kinds = &stats.coverage[0];
    let rows: Vec<_> = kinds
        .rows
        .iter()
        .map(|row| (row.value.as_deref(), row.ratio))
        .collect();
    assert_eq!(rows[0].0, Some("issue"));
    near(rows[0].1, 4.0 / 3.0);
    assert_eq!((rows[1].0, rows[1].1), (None, Some(0.0)));
}

#[track_caller]
fn groups(by: &[GroupBy], want: &[(&[&str], usize)]) {
    let stats = Stats::of(&four(), by);
    let got: Vec<(Vec<&str>, usize)> = stats
        .groups
        .iter()
        .map(|group| {
            let key = group
                .key
                .iter()
                .map(|value| value.as_deref().unwrap_or("-"));
            (key.collect(), group.records)
        })
        .collect();
    let want: Vec<(Vec<&str>, usize)> = want
        .iter()
        .map(|(key, count)| (key.to_vec(), *count))
        .collect();
    assert_eq!(got, want);
}

#[test]
fn groups_by_one_thing_or_two() {
    groups(&[], &[]);
    groups(&[GroupBy::Model], &[(&["big"], 2), (&["small"], 2)]);
    groups(&[GroupBy::Task], &[(&["t-1"], 3), (&["-"], 1)]);
    groups(
        &[GroupBy::Decision],
        &[(&["reject"], 2), (&["accept"], 1), (&["undecided"], 1)],
    );
    groups(
        &[GroupBy::Resolved],
        &[(&["failed"], 2), (&["-"], 1), (&["resolved"], 1)],
    );
    // a record is in the group of each of its flags
    groups(
        &[GroupBy::Flag],
        &[
            (&["loop"], 2),
            (&["same_patch"], 2),
            (&["no flag"], 1),
            (&["no_source_edit"], 1),
        ],
    );
    groups(
        &[GroupBy::Model, GroupBy::Published],
        &[
            (&["big", "accept"], 2),
            (&["small", "reject"], 1),
            (&["small", "unjudged"], 1),
        ],
    );
}

#[test]
fn a_line_leads_to_its_records() {
    let collected = four();
    let select = |selection: Selection| collected.select(&selection);
    let ixs = |all: &[usize]| all.iter().map(|ix| RecordIx(*ix)).collect::<Vec<_>>();
    assert_eq!(select(Selection::of(GroupBy::Flag, "loop")), ixs(&[1, 2]));
    assert_eq!(
        select(Selection::of(GroupBy::Flag, "same_patch")),
        ixs(&[0, 1])
    );
    let both = Selection {
        by: vec![GroupBy::Published, GroupBy::Decision],
        key: vec![Some("accept".into()), Some("reject".into())],
    };
    assert_eq!(select(both), ixs(&[1]));
    let none = Selection {
        by: vec![GroupBy::Task],
        key: vec![None],
    };
    assert_eq!(select(none), ixs(&[3]));
}

#[test]
fn many_parts_come_to_the_same_as_one() {
    // more than one thread's part, in two orders
    let few = four().facts;
    let many: Vec<Facts> = few.iter().cycle().take(9000).cloned().collect();
    let mut turned = many.clone();
    turned.reverse();
    let of = |facts| {
        Stats::of(
            &Collected {
                facts,
                faults: 0,
                asked: 9000,
                ..Collected::default()
            },
            &[GroupBy::Model, GroupBy::Flag],
        )
    };
    let (one, other) = (of(many), of(turned));
    assert_eq!(one.total, other.total);
    assert_eq!(one.groups, other.groups);
    assert_eq!(one.total.records, 9000);
    near(one.total.behaviour.components.exploration.share, 5.0 / 8.0);
}

#[test]
fn nothing_is_told_of_nothing() {
    let stats = Stats::of(&Collected::default(), &[GroupBy::Repo]);
    let doc = stats.doc(&SectionKind::ALL);
    for width in [0, 1, 40, 80, 400] {
        let look = Look {
            width,
            glyphs: Glyphs::Unicode,
        };
        let text: String = lines(&doc, look)
            .iter()
            .map(|line| line.text() + "\n")
            .collect();
        assert!(text.contains("nothing was flagged"), "{text}");
    }
    for kind in SectionKind::ALL {
        assert!(csv(&stats, kind).ends_with("\r\n"));
    }
    well_formed(&html(&doc, &[]));
    assert!(markdown(&doc).starts_with("# 0 trajectories by repo\n"));
    assert!(!serde_json::to_string(&stats).unwrap().contains("NaN"));
}

const HOSTILE: [&str; 6] = [
    "</td><script>alert(1)</script><img src=http://x onerror=y>",
    "=HYPERLINK(\"http://x\",\"y\")",
    "a|b`c\n# d\u{1b}[31m\u{202e}e",
    "\"><svg onload='x'>&amp;",
    "--><style>*{}</style>",
    "",
];

fn hostile() -> Stats {
    let mut collected = four();
    collected.facts = HOSTILE
        .iter()
        .flat_map(|name| {
            let four = collected.facts.clone().into_iter();
            four.map(|mut facts| {
                facts.subject.model = Some((*name).into());
                facts.subject.repo = Some(name.repeat(50).into());
                facts.amounts.cost = Some(f64::MAX);
                facts.amounts.tokens = Some(u64::MAX);
                facts.amounts.duration_s = Some(f64::INFINITY);
                facts
            })
        })
        .collect();
    Stats::of(&collected, &[GroupBy::Model, GroupBy::Repo])
}

/// Fails unless all tags are closed in order, and nothing but our own elements stands in the page.
#[track_caller]
fn well_formed(page: &str) {
    const VOID: [&str; 2] = ["meta", "!DOCTYPE"];
    let mut open: Vec<&str> = Vec::new();
    for piece in page.split('<').skip(1) {
        let (tag, _) = piece
            .split_once('>')
            .unwrap_or_else(|| panic!("no end: {piece}"));
        let name = tag.split([' ', '/']).find(|name| !name.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{piece}");
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
        assert!(
            !["script", "img", "link", "iframe", "object"].contains(&name),
            "{piece}"
        );
        let outside: String = tag.split('"').step_by(2).collect();
        for word in outside.split(' ').skip(1) {
            let is_ours = !word.starts_with("on") && !word.contains("src");
            assert!(is_ours, "{piece}");
        }
        let links = tag.matches("href=").count();
        assert_eq!(links, tag.matches("href=\"#").count(), "{piece}");
    }
    assert!(open.is_empty(), "{open:?}");
    let style = page
        .split("<style>")
        .nth(1)
        .unwrap()
        .split("</style>")
        .next()
        .unwrap();
    assert!(
        !style.contains("url(") && !style.contains("@import"),
        "nothing is fetched"
    );
}

#[test]
fn hostile_names_mean_nothing() {
    let stats = hostile();
    let doc = stats.doc(&SectionKind::ALL);
    let about = vec![HOSTILE[0].to_owned()];
    well_formed(&html(&doc, &about));
    for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
        for width in [10, 60, 80, 200] {
            for line in lines(&doc, Look { width, glyphs }) {
                let text = line.text();
                assert!(!text.contains(['\u{1b}', '\n', '\u{202e}']), "{text:?}");
                assert!(
                    crate::text::width(&text) <= width.max(60),
                    "{width}: {text}"
                );
                assert!(glyphs == Glyphs::Unicode || text.is_ascii(), "{text}");
            }
        }
    }
    for kind in SectionKind::ALL {
        let text = csv(&stats, kind);
        assert!(!text.contains(",=") && !text.contains("\"="), "{text}");
        let columns = text.lines().next().unwrap().split(',').count();
        assert_eq!(cells(&text).len() % columns, 0, "{kind:?}");
    }
    let text = markdown(&doc);
    assert!(
        !text.contains("<script") && !text.contains("\n# d"),
        "{text}"
    );
    let json = serde_json::to_string(&stats).unwrap();
    assert!(!json.contains("inf"), "{json}");
}

/// The cells of a CSV text, read as spreadsheets do.
fn cells(text: &str) -> Vec<String> {
    let (mut all, mut cell, mut is_quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ',' | '\n' if !is_quoted => all.push(std::mem::take(&mut cell)),
            '\r' if !is_quoted => {}
            c => cell.push(c),
        }
    }
    all
}

#[test]
fn names_lead_back() {
    for by in GroupBy::ALL {
        assert_eq!(GroupBy::from_name(by.name()), Some(by));
        assert_eq!(
            serde_json::to_string(&by).unwrap(),
            format!("\"{}\"", by.name())
        );
    }
    for kind in SectionKind::ALL {
        assert_eq!(SectionKind::from_name(kind.name()), Some(kind));
    }
}
