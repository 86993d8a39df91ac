//! Chords, counts, scopes, and the user's rows.

use super::*;
use crate::review::Choice;
use crate::ui::action::CopyWhat;
use crate::ui::action::Motion;
use crate::ui::action::OverlayKind;
use crate::ui::action::Toward;

fn rows(text: &str) -> Vec<KeyRow> {
    text.lines()
        .enumerate()
        .filter_map(|(ix, line)| {
            let (left, command) = line.split_once('=')?;
            let (scope, chord) = left.split_once('|').unwrap_or(("", left));
            Some(KeyRow {
                chord: chord.trim().into(),
                command: command.trim().into(),
                scope: (!scope.trim().is_empty()).then(|| scope.trim().into()),
                file: "c.toml".into(),
                line: ix + 1,
            })
        })
        .collect()
}

fn plain(c: char) -> KeyEvent {
    KeyEvent::from(KeyCode::Char(c))
}

/// Types keys in our own notation; the last answer.
#[track_caller]
fn press(keymap: &mut Keymap, scope: Scope, keys: &str) -> Found {
    let mut found = Found::Pending;
    for key in parse_chord(keys).unwrap() {
        found = keymap.push(scope, key.into());
    }
    found
}

fn matched(action: Action) -> Found {
    Found::Matched {
        action,
        count: None,
    }
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "rows read better without &")]
fn check(scope: Scope, keys: &str, want: Found) {
    let mut keymap = Keymap::default();
    assert_eq!(press(&mut keymap, scope, keys), want, "{keys}");
    if !matches!(want, Found::Pending) {
        assert!(!keymap.is_pending());
    }
}

#[test]
fn keys_chords_and_scopes() {
    use Scope::Global;
    use Scope::List;
    use Scope::Trajectory;
    check(List, "j", matched(Action::Move(Motion::Down)));
    check(List, "↓", matched(Action::Move(Motion::Down)));
    check(List, "Ctrl-d", matched(Action::Move(Motion::HalfDown)));
    check(Trajectory, "l", matched(Action::Step(Toward::Next)));
    check(List, "l", Found::Unbound("l".into()));
    check(Global, "v", Found::Unbound("v".into()));
    check(List, "v", matched(Action::TogglePreview));
    check(Trajectory, "v", matched(Action::ToggleRaw));
    check(Trajectory, "y", Found::Pending);
    check(Trajectory, "y s", matched(Action::Copy(CopyWhat::Step)));
    check(List, "y i", matched(Action::Copy(CopyWhat::Id)));
    check(List, "y s", Found::Unbound("y s".into()));
    check(Trajectory, "y y", Found::Unbound("y y".into()));
    check(List, "BackTab", matched(Action::Pane(Toward::Previous)));
    check(List, "Esc", matched(Action::Escape));
    check(List, "Q", matched(Action::Overlay(OverlayKind::Queues)));
    check(List, "S", matched(Action::Stats));
}

#[test]
fn what_belongs_to_later_is_free() {
    for key in "1 9".split_whitespace() {
        for scope in Scope::ALL {
            let keymap = Keymap::default();
            let keys = parse_chord(key).unwrap();
            assert!(
                trie_of(&keymap.tries, scope).find(&keys).is_none(),
                "{key} in {scope:?}"
            );
        }
    }
}

#[test]
fn terminals_agree_on_keys() {
    let shift = KeyModifiers::SHIFT;
    let alt = KeyModifiers::ALT;
    for (code, modifiers, want) in [
        (KeyCode::Char('G'), KeyModifiers::NONE, "G"),
        (KeyCode::Char('G'), shift, "G"),
        (KeyCode::Char('g'), shift, "G"),
        (KeyCode::Char('É'), shift, "É"),
        (KeyCode::Char('ß'), shift, "ß"),
        (KeyCode::Char('?'), shift, "?"),
        (KeyCode::Char('$'), KeyModifiers::NONE, "$"),
        (KeyCode::Char('-'), KeyModifiers::NONE, "-"),
        (KeyCode::Char(' '), shift, "Space"),
        (KeyCode::Char('\r'), KeyModifiers::NONE, "Enter"),
        (KeyCode::BackTab, shift, "BackTab"),
        (KeyCode::BackTab, KeyModifiers::NONE, "BackTab"),
        (KeyCode::Tab, shift, "BackTab"),
        (KeyCode::Up, KeyModifiers::NONE, "↑"),
        (KeyCode::Up, shift, "Shift-Up"),
        (KeyCode::PageDown, KeyModifiers::NONE, "PgDn"),
        (KeyCode::Char('x'), alt, "Alt-x"),
        (KeyCode::Char('X'), alt | shift, "Alt-Shift-x"),
        (KeyCode::F(5), KeyModifiers::NONE, "F5"),
        (KeyCode::Char('d'), KeyModifiers::CONTROL, "Ctrl-d"),
    ] {
        let key = normalise(KeyEvent::new(code, modifiers));
        assert_eq!(key_text(key), want);
        assert_eq!(parse_chord(want), Ok(vec![key]), "{want}");
    }
    for (text, want) in [
        ("shift-g", "G"),
        ("ctrl-D", "Ctrl-d"),
        ("C-x", "-"),
        ("pagedown", "PgDn"),
        ("Ctrl-PgUp", "Ctrl-PgUp"),
        ("Ctrl--", "Ctrl-Hyphen"),
        ("return", "Enter"),
        ("escape", "Esc"),
        ("ctrl-a-b", "-"),
        ("foo", "-"),
        ("", "-"),
        ("ctrl-", "-"),
        ("--", "-"),
    ] {
        let got = parse_chord(text).map_or("-".to_owned(), |keys| chord_text(&keys));
        assert_eq!(got, want, "{text:?}");
    }
}

#[track_caller]
fn check_count(keys: &str, want: Option<usize>) {
    let found = press(&mut Keymap::default(), Scope::Trajectory, keys);
    match found {
        Found::Matched { count, .. } => assert_eq!(count, want, "{keys}"),
        other => panic!("{keys}: {other:?}"),
    }
}

#[test]
fn digits_count() {
    check_count("j", None);
    check_count("5 j", Some(5));
    check_count("1 0 j", Some(10));
    check_count("1 2 y s", Some(12));
    check_count(&format!("{} G", "9 ".repeat(40)), Some(COUNT_MAX));
    // 0 alone is a key
    check(
        Scope::Trajectory,
        "0",
        matched(Action::StepEnd(Toward::Previous)),
    );
    check(Scope::Trajectory, "5", Found::Pending);
    check(Scope::List, "0", Found::Unbound("0".into()));
    // a digit within a chord is no count
    check(Scope::Trajectory, "y 5", Found::Unbound("y 5".into()));
}

#[test]
fn esc_cancels_what_began_and_only_that() {
    let mut keymap = Keymap::default();
    for begun in ["y", "5", "5 y"] {
        press(&mut keymap, Scope::Trajectory, begun);
        assert_eq!(keymap.pending_text(), begun);
        assert_eq!(press(&mut keymap, Scope::Trajectory, "Esc"), Found::Pending);
        assert!(!keymap.is_pending());
        assert_eq!(keymap.pending_text(), "");
    }
    let esc = press(&mut keymap, Scope::Trajectory, "Esc");
    assert_eq!(esc, matched(Action::Escape));
}

#[test]
fn hints_follow_a_prefix() {
    let mut keymap = Keymap::default();
    assert_eq!(keymap.pending_hints(Scope::List), []);
    keymap.push(Scope::List, plain('y'));
    let keys: Vec<String> = keymap
        .pending_hints(Scope::List)
        .into_iter()
        .map(|hint| hint.key)
        .collect();
    assert_eq!(keys, ["i", "r", "j"]);
    keymap.cancel();
    keymap.push(Scope::Trajectory, plain('z'));
    let hints = keymap.pending_hints(Scope::Trajectory);
    assert_eq!(hints.len(), 3);
    assert_eq!(hints[1].key, "R");
    assert_eq!(hints[1].doc, "Open all folds");
}

#[track_caller]
fn check_problems(text: &str, want: &[&str]) {
    let (_, problems) = Keymap::new(&rows(text));
    let got: Vec<String> = problems.iter().map(Problem::to_string).collect();
    assert_eq!(got, want, "{text}");
}

#[test]
fn defaults_have_no_conflicts() {
    for scope in Scope::ALL {
        let bindings = defaults(scope);
        let here = COMMANDS
            .iter()
            .filter(|command| command.scope.works_on(scope));
        let own: Vec<&str> = here
            .clone()
            .filter(|command| command.scope != Scope::Global)
            .flat_map(|command| command.keys.iter().copied())
            .collect();
        // what only some screens have goes before what all have
        let is_hidden = |command: &Command, key: &str| {
            scope != Scope::Global && command.scope == Scope::Global && own.contains(&key)
        };
        let keys: usize = here
            .map(|command| {
                let keys = command.keys.iter();
                keys.filter(|key| !is_hidden(command, key)).count()
            })
            .sum();
        assert_eq!(bindings.len(), keys, "a default chord is not a chord");
        for (ix, a) in bindings.iter().enumerate() {
            for b in &bindings[ix + 1..] {
                let clash = a.keys.starts_with(&b.keys) || b.keys.starts_with(&a.keys);
                assert!(!clash, "{} and {}", a.command.name, b.command.name);
            }
        }
    }
    check_problems("", &[]);
}

#[test]
fn default_chords_are_written_as_they_are_shown() {
    for chord in COMMANDS.iter().flat_map(|command| command.keys) {
        assert_eq!(chord_text(&parse_chord(chord).unwrap()), *chord);
    }
}

#[test]
fn users_rows_win() {
    use Scope::List;
    use Scope::Trajectory;
    let text = "F5 = reload\nj = none\nlist | x = down\nv = help\ny = none\nG = copy-id\nz a = none\no = open-folds";
    let (keymap, problems) = Keymap::new(&rows(text));
    assert_eq!(problems, []);
    let check = |scope, keys: &str, want: Found| {
        assert_eq!(press(&mut keymap.clone(), scope, keys), want, "{keys}");
    };
    check(List, "F5", matched(Action::Reload));
    check(List, "j", Found::Unbound("j".into()));
    check(List, "x", matched(Action::Move(Motion::Down)));
    check(Trajectory, "x", matched(Action::Decide(Choice::Reject)));
    let help = matched(Action::Overlay(crate::ui::action::OverlayKind::Help));
    check(List, "v", help.clone());
    check(Trajectory, "v", help);
    // a prefix that is none takes all chords below it away
    check(Trajectory, "y", Found::Unbound("y".into()));
    check(Trajectory, "G", matched(Action::Copy(CopyWhat::Id)));
    // a command of one scope leaves the same key of another alone
    check(
        Trajectory,
        "o",
        matched(Action::Fold(crate::ui::action::FoldChange::OpenAll)),
    );
    check(
        List,
        "o",
        matched(Action::Overlay(crate::ui::action::OverlayKind::Sort)),
    );
    assert_eq!(keymap.keys_of(Action::Move(Motion::Down), List), ["↓", "x"]);
    assert_eq!(keymap.keys_of_name("down", Trajectory), ["↓"]);
    assert_eq!(
        keymap.keys_of_name("no-such", Trajectory),
        Vec::<String>::new()
    );
}

#[test]
fn problems_are_told_with_lines() {
    check_problems("\nx = fly", &["c.toml:2: there is no command `fly`"]);
    check_problems("foo = down", &["c.toml:1: `foo` is not a key"]);
    check_problems(
        "pane | x = down",
        &["c.toml:1: there is no [keys.pane]; only list, trajectory, patch and file"],
    );
    check_problems(
        "list | x = next-step",
        &["c.toml:1: `next-step` works in the trajectory and file only"],
    );
    check_problems(
        "5 x = down",
        &["c.toml:1: key `5 x` begins with a digit, which starts a count"],
    );
    check_problems(
        "G = down\nshift-g = up",
        &["c.toml:2: key `G` is given to `down` in line 1 already; `up` is left out"],
    );
    check_problems(
        "z = down\n",
        &[
            "c.toml:1: key `z` (`down`) takes `z a` (`toggle-fold`) away: one begins with the other",
            "c.toml:1: key `z` (`down`) takes `z R` (`open-folds`) away: one begins with the other",
            "c.toml:1: key `z` (`down`) takes `z M` (`close-folds`) away: one begins with the other",
        ],
    );
    check_problems(
        "z = none\nz = down",
        &["c.toml:2: key `z` is given to `none` in line 1 already; `down` is left out"],
    );
    check_problems(
        "x = down\nx y = up",
        &["c.toml:2: key `x y` (`up`) takes `x` (`down`, line 1) away: one begins with the other"],
    );
    // the same key on different screens is no conflict
    check_problems("list | x = down\ntrajectory | x = up\nx = help", &[]);
    check_problems("z a = none\nz R = none\nz M = none\nz = down", &[]);
}
