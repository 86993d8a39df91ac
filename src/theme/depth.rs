//! How many colours the terminal shows, and whether its background is dark.
//!
//! The depth is decided from the environment alone and is pure; only [`detect_background`] talks to the terminal.

use std::time::Duration;

use crate::config::ColorChoice;
use crate::theme::Depth;

/// How long a terminal may take to tell its background.
const ANSWER_MS: u64 = 200;

/// What the environment says about colours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColorEnv {
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// `COLORTERM`.
    pub colorterm: String,
    /// `TERM`.
    pub term: String,
    /// `TERM_PROGRAM`.
    pub term_program: String,
    /// `TMUX` is set.
    pub tmux: bool,
    /// `WT_SESSION` is set: Windows Terminal.
    pub windows_terminal: bool,
}

impl ColorEnv {
    /// Reads the process's environment.
    pub fn of_environment() -> Self {
        let var = |name: &str| {
            std::env::var_os(name)
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        Self {
            no_color: !var("NO_COLOR").is_empty(),
            colorterm: var("COLORTERM"),
            term: var("TERM"),
            term_program: var("TERM_PROGRAM"),
            tmux: !var("TMUX").is_empty(),
            windows_terminal: !var("WT_SESSION").is_empty(),
        }
    }
}

impl Depth {
    /// Decides the depth: a choice wins; else what the environment says, the lesser where it is silent.
    pub fn detect(choice: ColorChoice, env: &ColorEnv) -> Self {
        match choice {
            ColorChoice::True => Self::True,
            ColorChoice::Ansi256 => Self::Ansi256,
            ColorChoice::Ansi16 => Self::Ansi16,
            ColorChoice::Never => Self::Mono,
            ColorChoice::Auto if env.no_color => Self::Mono,
            ColorChoice::Auto => Self::of_terminal(env),
        }
    }

    fn of_terminal(env: &ColorEnv) -> Self {
        // they show 24 bits, and ssh does not forward the COLORTERM that would say so
        const TRUE_TERMS: [&str; 9] = [
            "xterm-kitty",
            "xterm-ghostty",
            "ghostty",
            "alacritty",
            "wezterm",
            "foot",
            "contour",
            "rio",
            "iterm2",
        ];
        const TRUE_PROGRAMS: [&str; 5] = ["iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper"];
        let term = env.term.as_str();
        if env.windows_terminal {
            return Self::True;
        }
        if term.is_empty() || term == "dumb" {
            return Self::Mono;
        }
        // GNU screen hands on the outer terminal's COLORTERM, and mangles 24-bit colours; tmux translates them
        let is_screen = term.starts_with("screen") && !env.tmux;
        if is_screen {
            return if term.contains("256color") {
                Self::Ansi256
            } else {
                Self::Ansi16
            };
        }
        let says_true = matches!(env.colorterm.as_str(), "truecolor" | "24bit");
        let is_true_term = TRUE_TERMS
            .iter()
            .any(|known| term == *known || term.strip_prefix(known).is_some_and(is_variant));
        if says_true
            || is_true_term
            || term.ends_with("-direct")
            || TRUE_PROGRAMS.contains(&env.term_program.as_str())
        {
            Self::True
        } else if term.contains("256color") || env.term_program == "Apple_Terminal" {
            Self::Ansi256
        } else {
            Self::Ansi16
        }
    }
}

/// Whether what follows a terminal's name makes it a variant (`foot-extra`) and not another name.
fn is_variant(rest: &str) -> bool {
    rest.starts_with(['-', '+'])
}

/// Asks the terminal whether its background is dark (200 ms at most), then `COLORFGBG`; `None` where neither says.
///
/// Must run before anything else reads the terminal, and outside of the event loop.
pub fn detect_background() -> Option<bool> {
    let mut options = terminal_colorsaurus::QueryOptions::default();
    options.timeout = Duration::from_millis(ANSWER_MS);
    match terminal_colorsaurus::theme_mode(options) {
        Ok(mode) => Some(mode == terminal_colorsaurus::ThemeMode::Dark),
        Err(_) => std::env::var("COLORFGBG")
            .ok()
            .and_then(|text| is_dark_by_colorfgbg(&text)),
    }
}

/// Reads `15;0` or `15;default;0`: the last number is the background's place among the 16 colours.
fn is_dark_by_colorfgbg(text: &str) -> Option<bool> {
    match text.rsplit(';').next()?.trim().parse::<u8>().ok()? {
        0..=6 | 8 => Some(true),
        7 | 9..=15 => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(vars: &str, want: Depth) {
        let mut env = ColorEnv::default();
        for (name, value) in vars
            .split_whitespace()
            .filter_map(|var| var.split_once('='))
        {
            match name {
                "NO_COLOR" => env.no_color = !value.is_empty(),
                "COLORTERM" => env.colorterm = value.into(),
                "TERM" => env.term = value.into(),
                "TERM_PROGRAM" => env.term_program = value.into(),
                "TMUX" => env.tmux = true,
                "WT_SESSION" => env.windows_terminal = true,
                other => panic!("{other}"),
            }
        }
        assert_eq!(Depth::detect(ColorChoice::Auto, &env), want, "{vars}");
    }

    #[test]
    fn environments_decide() {
        check("", Depth::Mono);
        check("TERM=dumb", Depth::Mono);
        check("TERM=dumb COLORTERM=truecolor", Depth::Mono);
        check("TERM=xterm", Depth::Ansi16);
        check("TERM=linux", Depth::Ansi16);
        check("TERM=vt100", Depth::Ansi16);
        check("TERM=xterm-256color", Depth::Ansi256);
        check("TERM=xterm-256color COLORTERM=truecolor", Depth::True);
        check("TERM=xterm-256color COLORTERM=24bit", Depth::True);
        check("TERM=xterm-256color COLORTERM=yes", Depth::Ansi256);
        check(
            "TERM=xterm-256color COLORTERM=truecolor NO_COLOR=1",
            Depth::Mono,
        );
        check("TERM=xterm-256color NO_COLOR=", Depth::Ansi256);
        check("TERM=xterm-kitty", Depth::True);
        check("TERM=foot-extra", Depth::True);
        check("TERM=footnote", Depth::Ansi16);
        check("TERM=xterm-direct", Depth::True);
        check(
            "TERM=xterm-256color TERM_PROGRAM=Apple_Terminal",
            Depth::Ansi256,
        );
        check("TERM=xterm-256color TERM_PROGRAM=vscode", Depth::True);
        check("TERM=tmux-256color TMUX=1", Depth::Ansi256);
        check("TERM=tmux-256color TMUX=1 COLORTERM=truecolor", Depth::True);
        check("TERM=screen TMUX=1", Depth::Ansi16);
        check("TERM=screen COLORTERM=truecolor", Depth::Ansi16);
        check("TERM=screen-256color COLORTERM=truecolor", Depth::Ansi256);
        check("WT_SESSION=x", Depth::True);
    }

    #[test]
    fn choices_win() {
        let env = ColorEnv {
            no_color: true,
            term: "dumb".into(),
            ..ColorEnv::default()
        };
        let rows = [
            (ColorChoice::True, Depth::True),
            (ColorChoice::Ansi256, Depth::Ansi256),
            (ColorChoice::Ansi16, Depth::Ansi16),
            (ColorChoice::Never, Depth::Mono),
            (ColorChoice::Auto, Depth::Mono),
        ];
        for (choice, depth) in rows {
            assert_eq!(Depth::detect(choice, &env), depth);
        }
    }

    #[test]
    fn colorfgbg_tells_the_background() {
        let rows = [
            ("15;0", Some(true)),
            ("0;15", Some(false)),
            ("0;default;7", Some(false)),
            ("7;8", Some(true)),
            ("15;default", None),
            ("15;99", None),
            ("", None),
        ];
        for (text, want) in rows {
            assert_eq!(is_dark_by_colorfgbg(text), want, "{text}");
        }
    }
}
