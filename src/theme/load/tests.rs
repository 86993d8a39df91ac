//! Tests of theme files: completeness, contrast, depths, the user's own.

use super::*;

const DEPTHS: [Depth; 4] = [Depth::Mono, Depth::Ansi16, Depth::Ansi256, Depth::True];

fn load(name: &str, depth: Depth) -> Theme {
    Theme::load(name, depth, Path::new("/nowhere")).unwrap()
}

#[test]
fn built_in_themes_name_every_role() {
    for (name, text) in BUILT_IN {
        let file = File::parse(text, name).unwrap();
        let missing: Vec<&str> = Role::ALL
            .iter()
            .map(|role| role.name())
            .filter(|role| !file.roles.contains_key(*role))
            .collect();
        assert_eq!(missing, Vec::<&str>::new(), "{name}");
        for depth in DEPTHS {
            let theme = load(name, depth);
            assert_eq!((theme.name(), theme.depth()), (name, depth));
        }
    }
}

/// The contrast of a role's text on each ground it can stand on.
fn grounds(theme: &Theme, role: Role) -> Vec<(Role, f64)> {
    let style = theme.style(role);
    let text = theme.style(Role::Text);
    let fg = style.fg.or(text.fg).and_then(color::value).unwrap();
    let on = |ground: Role| {
        let bg = theme.style(ground).bg.and_then(color::value).unwrap();
        (ground, color::contrast(fg, bg))
    };
    if style.bg.is_some() {
        return vec![on(role)];
    }
    [
        Role::Text,
        Role::Cursor,
        Role::CursorUnfocused,
        Role::Overlay,
    ]
    .map(on)
    .to_vec()
}

#[test]
fn text_can_be_read_on_every_ground() {
    for (name, least) in [("dark", 4.5), ("light", 4.5), ("high-contrast", 7.0)] {
        for depth in [Depth::Ansi256, Depth::True] {
            let theme = load(name, depth);
            for role in Role::ALL {
                // lines between panes are no text
                let least = if role == Role::Border { 1.4 } else { least };
                for (ground, contrast) in grounds(&theme, role) {
                    assert!(
                        contrast >= least,
                        "{name} {depth:?}: {} on {}: {contrast:.2}",
                        role.name(),
                        ground.name()
                    );
                }
            }
        }
    }
}

#[test]
fn sixteen_colors_do_not_depend_on_the_background() {
    let unreadable = [
        Color::Black,
        Color::White,
        Color::Gray,
        Color::DarkGray,
        Color::Yellow,
        Color::LightYellow,
    ];
    for name in ["dark", "light", "high-contrast", "sixteen"] {
        let theme = load(name, Depth::Ansi16);
        for role in Role::ALL {
            let style = theme.style(role);
            for color in [style.fg, style.bg].into_iter().flatten() {
                assert!(!matches!(color, Color::Rgb(..) | Color::Indexed(_)));
            }
            if style.bg.is_none() {
                assert!(
                    !style.fg.is_some_and(|fg| unreadable.contains(&fg)),
                    "{name} {}",
                    role.name()
                );
            }
        }
    }
}

#[test]
fn without_colors_state_still_shows() {
    for (name, _) in BUILT_IN {
        let theme = load(name, Depth::Mono);
        for role in Role::ALL {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{}", role.name());
        }
        for (a, b) in [
            (Role::Cursor, Role::CursorUnfocused),
            (Role::Cursor, Role::Text),
            (Role::Hit, Role::HitCurrent),
            (Role::Hit, Role::Text),
            (Role::Error, Role::Success),
            (Role::DiffAdd, Role::DiffDel),
            (Role::DiffAddWord, Role::DiffAdd),
            (Role::DiffDelWord, Role::DiffDel),
            (Role::TestFail, Role::TestPass),
            (Role::BorderFocus, Role::Border),
        ] {
            assert_ne!(theme.style(a), theme.style(b), "{a:?} {b:?}");
        }
    }
}

#[track_caller]
fn check_look(text: &str, want: Result<Style, &str>) {
    let palette = BTreeMap::from([(
        "sky".to_owned(),
        Spanned::new(0..0, "#0080ff/39".to_owned()),
    )]);
    let got = Look::parse(text, &palette).map(|look| look.style(Depth::Ansi256));
    assert_eq!(got, want.map_err(str::to_owned), "{text}");
}

#[test]
fn looks_are_words() {
    let plain = Style::default();
    check_look("", Ok(plain));
    check_look("default", Ok(plain.fg(Color::Reset)));
    check_look("sky bold", Ok(plain.fg(Color::Indexed(39)).bold()));
    check_look("on sky", Ok(plain.bg(Color::Indexed(39))));
    check_look(
        "bright-red on 16",
        Ok(plain.fg(Color::LightRed).bg(Color::Indexed(16))),
    );
    check_look("3 dim", Ok(plain.fg(Color::Yellow).dim()));
    check_look("#ff0000", Ok(plain.fg(Color::Indexed(196))));
    check_look("mauve", Err("`mauve` is neither a colour nor an attribute"));
    check_look("#ff00", Err("`#ff00` is neither a colour nor an attribute"));
    check_look(
        "#é0000",
        Err("`#é0000` is neither a colour nor an attribute"),
    );
    check_look("red on", Err("`on` without a colour after it"));
    check_look("red green", Err("`green` is one colour too many"));
}

#[track_caller]
fn check_user(text: &str, want: &str) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mine.toml"), text).unwrap();
    let got = match Theme::load("mine", Depth::True, dir.path()) {
        Ok(theme) => theme.style(Role::Error).fg.unwrap().to_string(),
        Err(err) => err.to_string(),
    };
    assert!(got.contains(want), "{got}");
}

#[test]
fn user_themes_inherit_and_say_what_is_wrong() {
    check_user("dark = true", "#F59A94");
    check_user("dark = false", "#AB2330");
    check_user("dark = true\ninherits = \"sixteen\"", "Red");
    check_user("dark = true\n[palette]\nred = \"#ff0000\"", "#FF0000");
    check_user("dark = true\n[roles]\nerror = \"#00ff00\"", "#00FF00");
    check_user("dark = true\n\n[roles]\nerror = \"mud\"", "line 4: `mud`");
    check_user(
        "dark = true\n[roles]\nerr = \"red\"",
        "line 3: there is no role `err`",
    );
    check_user("dark = 3", "theme `mine` is wrong");
    check_user("dark = true\ninherits = \"x\"", "inherits `x`");
    check_user("dark = true\nsyntax = \"x\"", "no syntax theme `x`");
    check_user("dark = true\nsyntax = \"One Half-Dark\"", "#F59A94");
}

#[test]
fn names_list_built_in_and_user_themes() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mine.toml"), "dark = true\ndoc = \"M\"").unwrap();
    std::fs::write(dir.path().join("light.toml"), "dark = false").unwrap();
    std::fs::write(dir.path().join("broken.toml"), "dark =").unwrap();
    std::fs::write(dir.path().join("notes.txt"), "").unwrap();
    let names = names(dir.path());
    let got: Vec<(&str, bool)> = names.iter().map(|n| (n.name.as_str(), n.is_user)).collect();
    assert_eq!(
        got,
        [
            ("dark", false),
            ("high-contrast", false),
            ("sixteen", false),
            ("mono", false),
            ("light", true),
            ("mine", true)
        ]
    );
    let err = Theme::load("../light", Depth::True, dir.path()).unwrap_err();
    assert_eq!(err.to_string(), "there is no theme `../light`");
    assert!(Theme::load("broken", Depth::True, dir.path()).is_err());
}
