//! Overlays by their replies, and drawn on screens of every size.

use std::path::Path;
use std::sync::Arc;

use ratatui::buffer::Cell;

use super::*;
use crate::model::Fault;
use crate::model::LineNo;
use crate::model::Trajectory;
use crate::theme::Depth;
use crate::theme::ThemeName;
use crate::ui::command::Scope;
use crate::ui::event::Generation;
use crate::ui::event::Tone;
use crate::ui::keymap::Hint;
use crate::ui::keymap::Keymap;
use crate::ui::page::Judgements;
use crate::ui::page::PageOptions;
use crate::ui::page::WhyPage;
use crate::verify::Evidence;
use crate::verify::Judgement;
use crate::verify::Rules;
use crate::verify::Sense;

fn theme() -> Theme {
    Theme::load("dark", Depth::True, Path::new("/nowhere")).unwrap()
}

fn key(code: KeyCode) -> KeyEvent {
    KeyEvent::from(code)
}

fn type_text(overlay: &mut Overlay, text: &str) -> Reply {
    let mut reply = Reply::Stay;
    for c in text.chars() {
        reply = overlay.key(key(KeyCode::Char(c)));
    }
    reply
}

fn themes() -> Overlay {
    let names = crate::theme::names(Path::new("/nowhere"));
    Overlay::Themes(ThemePicker::new(names, "light"))
}

fn all() -> Vec<Overlay> {
    let keymap = Keymap::default();
    let message = |tone, text: &str| Message {
        time: "14:03:22".into(),
        tone,
        text: text.into(),
    };
    let past = vec![
        message(Tone::Info, "copied through tmux"),
        message(Tone::Error, "cannot read x\nis it a file?"),
        message(Tone::Warning, &"日本".repeat(100)),
    ];
    let mut prompt = Prompt::new(PromptKind::Find, "日本語 text", vec!["old".into()]);
    prompt.set_info("3/41");
    vec![
        Overlay::Help(Help::new(Scope::Trajectory, &keymap)),
        Overlay::Palette(Palette::new(Scope::List, &keymap)),
        Overlay::Prompt(prompt),
        Overlay::Messages(Messages::new(past)),
        Overlay::Messages(Messages::new(Vec::new())),
        Overlay::Sort(SortPicker::new(vec!["id".into(), "steps".into()], 1)),
        Overlay::Sort(SortPicker::new(Vec::new(), 7)),
        themes(),
        Overlay::Why(Why::new(Generation(1), false)),
        why(),
    ]
}

fn why() -> Overlay {
    let evidence = |sense, why: &str| Evidence {
        sense,
        path: Some("a.py".into()),
        line: Some(LineNo(7)),
        patch_line: None,
        why: why.into(),
    };
    let long = "wide 日本 ".repeat(60);
    let judgement = Judgement {
        checks: vec![("success", true.into()), ("names", "\u{1b}[2J".into())],
        evidence: vec![
            evidence(Sense::Objection, &long),
            evidence(Sense::Hit, "fine"),
        ],
        ..Judgement::default()
    };
    let judged = Judgements {
        published: &judgement,
        strict: &judgement,
    };
    let page = WhyPage::new(&Trajectory::default(), judged, &[], &PageOptions::default());
    let mut why = Why::new(Generation(1), false);
    why.answered(Generation(2), Err(Fault::new("of another question")));
    why.answered(Generation(1), Ok(Arc::new(page)));
    Overlay::Why(why)
}

#[test]
fn reasons_are_walked_through() {
    let mut overlay = why();
    screen(&overlay, 80, 24);
    let first = overlay.key(key(KeyCode::Enter));
    assert_eq!(first, Reply::Evidence((Rules::Published, 0)));
    for _ in 0..3 {
        type_text(&mut overlay, "j");
    }
    let last = overlay.key(key(KeyCode::Enter));
    assert_eq!(last, Reply::Evidence((Rules::Published, 1)));
    let (rows, _) = screen(&overlay, 80, 24);
    assert!(
        rows.iter()
            .any(|row| row.contains("a.py:7  fine · both filters")),
        "{rows:#?}"
    );
    assert_eq!(type_text(&mut overlay, "!"), Reply::Close);
    assert_eq!(type_text(&mut overlay, "p"), Reply::Run(Action::Patch));
    let mut waiting = Overlay::Why(Why::new(Generation(1), false));
    assert_eq!(waiting.key(key(KeyCode::Enter)), Reply::Stay);
}

#[test]
fn only_a_record_with_a_test_program_has_one_run() {
    let mut without = Overlay::Why(Why::new(Generation(1), false));
    assert_eq!(type_text(&mut without, "x"), Reply::Stay);
    let mut why = Why::new(Generation(1), true);
    assert_eq!(why.key(key(KeyCode::Char('x'))), Reply::RunCheck);
    assert!(why.is_running());
    // not twice at once
    assert_eq!(why.key(key(KeyCode::Char('x'))), Reply::Stay);
    why.answered(Generation(2), Err(Fault::new("of another question")));
    assert!(why.is_running());
    why.answered(Generation(1), Err(Fault::new("torn")));
    assert!(!why.is_running());
}

fn screen(overlay: &Overlay, width: u16, height: u16) -> (Vec<String>, Option<Position>) {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    let cursor = overlay.draw(area, &mut buf, &theme());
    let rows = buf
        .content()
        .chunks(usize::from(width).max(1))
        .map(|row| row.iter().map(Cell::symbol).collect::<String>())
        .collect();
    (rows, cursor)
}

#[test]
fn every_screen_size_can_be_drawn() {
    let hints = vec![
        Hint {
            key: "s".into(),
            doc: "Copy the step".into(),
        };
        7
    ];
    for overlay in &mut all() {
        for (width, height) in [
            (0, 0),
            (1, 1),
            (3, 2),
            (7, 3),
            (8, 4),
            (20, 5),
            (40, 10),
            (80, 24),
            (300, 90),
        ] {
            for rows in [0, 1000, -3, isize::MAX, isize::MIN] {
                overlay.scroll(rows);
                let (_, cursor) = screen(overlay, width, height);
                if let Some(cursor) = cursor {
                    assert!(cursor.x < width && cursor.y < height);
                }
            }
            let area = Rect::new(0, 0, width, height);
            let mut buf = Buffer::empty(area);
            draw_hints("then", &hints, area, &mut buf, &theme());
            // an area that is larger than the screen, as after a resize
            overlay.draw(Rect::new(2, 2, 200, 100), &mut buf, &theme());
            draw_hints(
                "then",
                &hints,
                Rect::new(2, 2, 200, 100),
                &mut buf,
                &theme(),
            );
        }
    }
}

#[test]
fn esc_and_ctrl_c_end_every_overlay() {
    let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    for end in [key(KeyCode::Esc), ctrl_c] {
        for overlay in &mut all() {
            let reply = overlay.key(end);
            let is_end = match &reply {
                Reply::Close | Reply::CancelTheme => true,
                Reply::Prompt { what, .. } => *what == PromptChange::Cancelled,
                _ => false,
            };
            assert!(is_end, "{overlay:?}: {reply:?}");
        }
    }
}

#[test]
fn the_palette_runs_what_is_typed() {
    let mut palette = Overlay::Palette(Palette::new(Scope::List, &Keymap::default()));
    type_text(&mut palette, "tog-wrap");
    let (rows, cursor) = screen(&palette, 80, 24);
    let row = rows.iter().find(|row| row.contains("toggle-wrap")).unwrap();
    assert!(
        row.contains("> toggle-wrap") && row.contains(" W "),
        "{row}"
    );
    assert!(cursor.is_some());
    assert_eq!(
        palette.key(key(KeyCode::Enter)),
        Reply::Run(Action::ToggleWrap)
    );
    // steps belong to the trajectory
    palette.paste("no such command");
    assert_eq!(palette.key(key(KeyCode::Enter)), Reply::Stay);
}

#[test]
fn the_help_shows_the_scope_and_narrows() {
    let mut help = Overlay::Help(Help::new(Scope::List, &Keymap::default()));
    let (rows, _) = screen(&help, 100, 60);
    let all = rows.join("\n");
    assert!(all.contains("Keys in the list") && all.contains("toggle-preview"));
    assert!(!all.contains("next-step"));
    assert_eq!(type_text(&mut help, "PREVIEW list"), Reply::Stay);
    let narrowed = screen(&help, 100, 60).0.join("\n");
    assert!(narrowed.contains("toggle-preview") && !narrowed.contains("half-page"));
    // q is text now
    assert_eq!(type_text(&mut help, "q"), Reply::Stay);
    assert!(
        screen(&help, 100, 60)
            .0
            .join("\n")
            .contains("nothing matches")
    );
    let mut help = Overlay::Help(Help::new(Scope::List, &Keymap::default()));
    assert_eq!(type_text(&mut help, "?"), Reply::Close);
}

#[track_caller]
fn check_prompt(prompt: &mut Overlay, code: KeyCode, text: &str, what: PromptChange) {
    let want = Reply::Prompt {
        kind: PromptKind::Find,
        text: text.into(),
        what,
    };
    assert_eq!(prompt.key(key(code)), want);
}

#[test]
fn prompts_edit_leaf_and_end() {
    use PromptChange::Accepted;
    use PromptChange::Edited;
    let history = vec!["one".to_owned(), "two".to_owned()];
    let mut prompt = Overlay::Prompt(Prompt::new(PromptKind::Find, "", history));
    check_prompt(&mut prompt, KeyCode::Char('x'), "x", Edited);
    check_prompt(&mut prompt, KeyCode::Up, "two", Edited);
    check_prompt(&mut prompt, KeyCode::Up, "one", Edited);
    assert_eq!(prompt.key(key(KeyCode::Up)), Reply::Stay);
    check_prompt(&mut prompt, KeyCode::Down, "two", Edited);
    check_prompt(&mut prompt, KeyCode::Down, "x", Edited);
    assert_eq!(prompt.key(key(KeyCode::Down)), Reply::Stay);
    check_prompt(&mut prompt, KeyCode::Up, "two", Edited);
    check_prompt(&mut prompt, KeyCode::Char('s'), "twos", Edited);
    assert_eq!(prompt.key(key(KeyCode::Left)), Reply::Stay);
    check_prompt(&mut prompt, KeyCode::Enter, "twos", Accepted);
    let mut empty = Overlay::Prompt(Prompt::new(PromptKind::Find, "", Vec::new()));
    check_prompt(&mut empty, KeyCode::Backspace, "", PromptChange::Cancelled);
}

#[test]
fn prompts_are_on_the_last_row() {
    let mut prompt = Prompt::new(PromptKind::Narrow, "abc", Vec::new());
    prompt.set_info("3/41");
    let overlay = Overlay::Prompt(prompt);
    let (rows, cursor) = screen(&overlay, 20, 5);
    assert_eq!(rows[4], "'abc            3/41");
    assert_eq!(cursor, Some(Position::new(4, 4)));
    assert_eq!(screen(&overlay, 6, 1).0, ["'abc  "]);
    // a long text shows its end
    let long = Overlay::Prompt(Prompt::new(PromptKind::Find, "abcdefghij", Vec::new()));
    assert_eq!(screen(&long, 6, 1).0, ["/ghij "]);
}

#[test]
fn themes_are_previewed_and_given_back() {
    let mut picker = themes();
    let name = |name: &str| name.to_owned();
    assert_eq!(
        picker.key(key(KeyCode::Down)),
        Reply::PreviewTheme(name("high-contrast"))
    );
    assert_eq!(picker.scroll(-1), Reply::PreviewTheme(name("light")));
    assert_eq!(
        picker.key(key(KeyCode::Enter)),
        Reply::PickTheme(name("light"))
    );
    assert_eq!(picker.paste("zzz"), Reply::Stay);
    assert_eq!(picker.key(key(KeyCode::Enter)), Reply::Stay);
    assert_eq!(picker.key(key(KeyCode::Esc)), Reply::CancelTheme);
    let none: Vec<ThemeName> = Vec::new();
    assert_eq!(
        ThemePicker::new(none, "x").key(key(KeyCode::Enter)),
        Reply::Stay
    );
}

#[test]
fn sorting_names_the_column() {
    let labels: Vec<String> = ["id", "steps", "tokens"].map(String::from).to_vec();
    let mut sort = Overlay::Sort(SortPicker::new(labels, 1));
    assert_eq!(sort.key(key(KeyCode::Enter)), Reply::SortBy(1));
    type_text(&mut sort, "tok");
    assert_eq!(sort.key(key(KeyCode::Enter)), Reply::SortBy(2));
}

#[test]
fn messages_show_the_newest_last() {
    let past = (0..50).map(|n| Message {
        time: "10:00:00".into(),
        tone: Tone::Error,
        text: format!("fault {n}\nhint {n}"),
    });
    let mut messages = Overlay::Messages(Messages::new(past.collect()));
    let text = screen(&messages, 60, 10).0.join("\n");
    assert!(
        text.contains("10:00:00 E fault 49") && text.contains("hint 49"),
        "{text}"
    );
    messages.key(key(KeyCode::Char('g')));
    let text = screen(&messages, 60, 10).0.join("\n");
    assert!(
        text.contains("fault 0") && !text.contains("fault 49"),
        "{text}"
    );
}

#[test]
fn hints_stand_above_the_status_line() {
    let hints = [Hint {
        key: "s".into(),
        doc: "Copy the step".into(),
    }];
    let area = Rect::new(0, 0, 30, 6);
    let mut buf = Buffer::empty(area);
    draw_hints("then", &hints, area, &mut buf, &theme());
    let rows: Vec<String> = buf
        .content()
        .chunks(30)
        .map(|row| row.iter().map(Cell::symbol).collect())
        .collect();
    assert_eq!(rows[3].trim(), "│ s  Copy the step │");
    assert_eq!(rows[5].trim(), "");
    assert!(rows[4].ends_with('╯'));
}

#[test]
fn long_messages_wrap() {
    let message = Message {
        time: "10:00:00".into(),
        tone: Tone::Info,
        text: format!("{} end", "日本".repeat(20)),
    };
    let messages = Overlay::Messages(Messages::new(vec![message]));
    let (rows, _) = screen(&messages, 40, 12);
    let text = rows.join("\n");
    assert!(text.contains("· 日") && text.contains(" end"), "{text}");
    assert!(
        rows.iter().any(|row| row.starts_with("│            日")),
        "{text}"
    );
}

#[test]
fn the_help_scrolls_to_its_end_and_no_further() {
    let mut help = Overlay::Help(Help::new(Scope::Trajectory, &Keymap::default()));
    let first = screen(&help, 60, 10).0;
    help.scroll(isize::MAX);
    let last = screen(&help, 60, 10).0;
    assert!(last.join("\n").contains("Quit"), "{last:?}");
    help.scroll(-1);
    assert_ne!(screen(&help, 60, 10).0, last);
    help.scroll(isize::MIN);
    assert_eq!(screen(&help, 60, 10).0, first);
}
