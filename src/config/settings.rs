//! `config.toml`: every setting, its default, and what is wrong with a file.
//!
//! Reading recovers from anything: a file that is not TOML at one place still yields the settings that could be read.

use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use crate::config::Paths;

/// Something wrong in a settings or theme file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1, where one is to blame.
    pub line: Option<usize>,
    /// What is wrong, and what happens instead.
    pub what: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// One row of `[keys]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// The chord as written: `"Ctrl-d"`, `"y s"`.
    pub chord: String,
    /// A command's name, or `none`.
    pub command: String,
    /// `list` for `[keys.list]`; `None` for `[keys]` itself. Not checked here.
    pub scope: Option<String>,
    /// The file it stands in.
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: usize,
}

/// An enum of settings values with their names in the file.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
        }

        impl $name {
            /// All names, in order.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The choice with this name.
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// Its name in the settings and on the command line.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

choice! {
    /// What the terminal's background is.
    Background {
        /// Ask the terminal.
        Auto = "auto",
        /// Dark.
        Dark = "dark",
        /// Light.
        Light = "light",
    }
}

choice! {
    /// How many colours to use.
    ColorChoice {
        /// As the environment says.
        Auto = "auto",
        /// 24 bits.
        True = "truecolor",
        /// The 256-colour cube.
        Ansi256 = "256",
        /// The terminal's 16.
        Ansi16 = "16",
        /// None.
        Never = "never",
    }
}

choice! {
    /// How copies leave the program.
    ClipboardChoice {
        /// The first way that works.
        Auto = "auto",
        /// tmux's buffer, which it hands to the terminal.
        Tmux = "tmux",
        /// The desktop's clipboard.
        System = "system",
        /// OSC 52: the terminal's own clipboard.
        Osc52 = "osc52",
        /// A file in the state folder.
        File = "file",
    }
}

choice! {
    /// How edits are shown at first.
    DiffChoice {
        /// Side by side where the width allows.
        Auto = "auto",
        /// One column.
        Unified = "unified",
        /// Two columns.
        Split = "split",
    }
}

/// All settings. [`Settings::default`] holds every default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The theme's name; `None`: by the background.
    pub theme: Option<String>,
    /// The terminal's background.
    pub background: Background,
    /// The colour depth.
    pub colors: ColorChoice,
    /// Whether clicks and the wheel work in the program (and selecting needs Shift).
    pub mouse: bool,
    /// Whether long lines wrap.
    pub wrap: bool,
    /// Cells from one tab stop to the next, 1–16.
    pub tab_cells: u8,
    /// Cells that prose is wrapped at; 0: the pane's width.
    pub page_width: u16,
    /// Lines of an observation or file that are shown before the rest is folded; 0: all.
    pub fold_lines: usize,
    /// How edits are shown.
    pub diff: DiffChoice,
    /// Whether the list has a preview beside it.
    pub preview: bool,
    /// Whether new records are looked for while the program runs.
    pub follow: bool,
    /// Milliseconds from a prefix key to the box of what may follow.
    pub hint_ms: u64,
    /// Bound on parsed trajectories in memory, in 1024² bytes.
    pub cache_mb: u64,
    /// How copies leave the program.
    pub clipboard: ClipboardChoice,
    /// A command that takes copies on its standard input, instead of all other ways.
    pub clipboard_command: Option<String>,
    /// The editor; `None`: `$VISUAL`, `$EDITOR`.
    pub editor: Option<String>,
    /// The pager; `None`: `$PAGER`.
    pub pager: Option<String>,
    /// The user's keys, in the order of the file.
    pub keys: Vec<KeyRow>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: None,
            background: Background::Auto,
            colors: ColorChoice::Auto,
            mouse: true,
            wrap: true,
            tab_cells: 8,
            page_width: 100,
            fold_lines: 40,
            diff: DiffChoice::Auto,
            preview: true,
            follow: false,
            hint_ms: 400,
            cache_mb: 256,
            clipboard: ClipboardChoice::Auto,
            clipboard_command: None,
            editor: None,
            pager: None,
            keys: Vec::new(),
        }
    }
}

/// Loads `config.toml` from the config folder. A missing file is no problem: everything is at its default.
pub fn load(paths: &Paths) -> (Settings, Vec<Problem>) {
    let file = paths.settings_file();
    match std::fs::read(&file) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => parse(&text, &file),
            Err(err) => {
                let at = err.utf8_error().valid_up_to();
                let line = line_of(err.as_bytes(), at);
                let what = "not UTF-8; all settings are at their defaults".to_owned();
                let problem = Problem {
                    file,
                    line: Some(line),
                    what,
                };
                (Settings::default(), vec![problem])
            }
        },
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => (Settings::default(), Vec::new()),
        Err(err) => {
            let what = format!("cannot be read ({err}); all settings are at their defaults");
            let problem = Problem {
                file,
                line: None,
                what,
            };
            (Settings::default(), vec![problem])
        }
    }
}

/// The line, from 1, of byte `at`.
fn line_of(bytes: &[u8], at: usize) -> usize {
    1 + bytes.iter().take(at).filter(|byte| **byte == b'\n').count()
}

/// Reads settings from text; `file` is named in problems.
fn parse(text: &str, file: &Path) -> (Settings, Vec<Problem>) {
    let mut reading = Reading {
        text,
        file,
        settings: Settings::default(),
        problems: Vec::new(),
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    for err in errors {
        let line = err.span().map(|span| reading.line(&span));
        reading.problem(line, format!("not TOML: {}", err.message()));
    }
    for (key, value) in table.get_ref() {
        reading.setting(key, value);
    }
    let Reading {
        mut settings,
        mut problems,
        ..
    } = reading;
    settings.keys.sort_by_key(|row| row.line);
    problems.sort_by_key(|problem| problem.line);
    (settings, problems)
}

/// The state of reading one file.
struct Reading<'a> {
    text: &'a str,
    file: &'a Path,
    settings: Settings,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn line(&self, span: &Range<usize>) -> usize {
        line_of(self.text.as_bytes(), span.start)
    }

    fn problem(&mut self, line: Option<usize>, what: String) {
        self.problems.push(Problem {
            file: self.file.to_path_buf(),
            line,
            what,
        });
    }

    /// Takes one entry of the top table.
    fn setting(&mut self, key: &Spanned<toml::de::DeString<'_>>, value: &Spanned<DeValue<'_>>) {
        let name: &str = key.get_ref();
        let line = self.line(&key.span());
        let taken = match name {
            "keys" => {
                self.keys(line, value.get_ref());
                return;
            }
            "theme" => text(value).map(|text| self.settings.theme = Some(text)),
            "background" => one_of(value, Background::NAMES, Background::named)
                .map(|choice| self.settings.background = choice),
            "colors" => one_of(value, ColorChoice::NAMES, ColorChoice::named)
                .map(|choice| self.settings.colors = choice),
            "mouse" => flag(value).map(|flag| self.settings.mouse = flag),
            "wrap" => flag(value).map(|flag| self.settings.wrap = flag),
            "tab_cells" => number(value, 1, 16).map(|number| self.settings.tab_cells = number),
            "page_width" => number(value, 0, 1000).map(|number| self.settings.page_width = number),
            "fold_lines" => {
                number(value, 0, 1_000_000).map(|number| self.settings.fold_lines = number)
            }
            "diff" => one_of(value, DiffChoice::NAMES, DiffChoice::named)
                .map(|choice| self.settings.diff = choice),
            "preview" => flag(value).map(|flag| self.settings.preview = flag),
            "follow" => flag(value).map(|flag| self.settings.follow = flag),
            "hint_ms" => number(value, 0, 60_000).map(|number| self.settings.hint_ms = number),
            "cache_mb" => number(value, 1, 1_048_576).map(|number| self.settings.cache_mb = number),
            "clipboard" => one_of(value, ClipboardChoice::NAMES, ClipboardChoice::named)
                .map(|choice| self.settings.clipboard = choice),
            "clipboard_command" => {
                text(value).map(|text| self.settings.clipboard_command = Some(text))
            }
            "editor" => text(value).map(|text| self.settings.editor = Some(text)),
            "pager" => text(value).map(|text| self.settings.pager = Some(text)),
            _ => {
                self.problem(
                    Some(line),
                    format!("there is no setting `{name}`{}", meant(name)),
                );
                return;
            }
        };
        if let Err(wanted) = taken {
            self.problem(
                Some(line),
                format!("`{name}` must be {wanted}; the default is used"),
            );
        }
    }

    /// Takes `[keys]` and the tables below it.
    fn keys(&mut self, line: usize, value: &DeValue<'_>) {
        let Some(table) = value.as_table() else {
            self.problem(
                Some(line),
                "`keys` must be a table of chord = \"command\"".into(),
            );
            return;
        };
        for (key, value) in table {
            match value.get_ref() {
                DeValue::Table(scoped) => {
                    for (chord, value) in scoped {
                        self.key_row(chord, value, Some(key.get_ref().to_string()));
                    }
                }
                _ => self.key_row(key, value, None),
            }
        }
    }

    fn key_row(
        &mut self,
        chord: &Spanned<toml::de::DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
        scope: Option<String>,
    ) {
        let line = self.line(&chord.span());
        let chord = chord.get_ref().to_string();
        match value.get_ref().as_str() {
            Some(command) => self.settings.keys.push(KeyRow {
                chord,
                command: command.to_owned(),
                scope,
                file: self.file.to_path_buf(),
                line,
            }),
            None => self.problem(
                Some(line),
                format!("key `{chord}` must name a command as text, or \"none\""),
            ),
        }
    }
}

/// A value that must be text and not empty; the error says what is wanted.
fn text(value: &Spanned<DeValue<'_>>) -> Result<String, String> {
    match value.get_ref().as_str() {
        Some(text) if !text.trim().is_empty() => Ok(text.to_owned()),
        _ => Err("a text".into()),
    }
}

fn flag(value: &Spanned<DeValue<'_>>) -> Result<bool, String> {
    value
        .get_ref()
        .as_bool()
        .ok_or_else(|| "true or false".into())
}

fn number<N: TryFrom<u64>>(value: &Spanned<DeValue<'_>>, min: u64, max: u64) -> Result<N, String> {
    value
        .get_ref()
        .as_integer()
        .and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok())
        .filter(|number| (min..=max).contains(number))
        .and_then(|number| N::try_from(number).ok())
        .ok_or_else(|| format!("a whole number from {min} to {max}"))
}

fn one_of<C>(
    value: &Spanned<DeValue<'_>>,
    names: &[&str],
    named: impl Fn(&str) -> Option<C>,
) -> Result<C, String> {
    let found = match value.get_ref() {
        DeValue::String(name) => named(name),
        // colors = 256 is what one writes
        DeValue::Integer(number) => named(number.as_str()),
        _ => None,
    };
    found.ok_or_else(|| format!("one of \"{}\"", names.join("\", \"")))
}

/// Every setting with its doc and its default as TOML; an empty default means unset.
fn rows() -> Vec<(&'static str, String, &'static str)> {
    let Settings {
        theme: _,
        background,
        colors,
        mouse,
        wrap,
        tab_cells,
        page_width,
        fold_lines,
        diff,
        preview,
        follow,
        hint_ms,
        cache_mb,
        clipboard,
        clipboard_command: _,
        editor: _,
        pager: _,
        keys: _,
    } = Settings::default();
    let quoted = |name: &str| format!("\"{name}\"");
    vec![
        (
            "theme",
            String::new(),
            "Theme: dark, light, high-contrast, sixteen, mono, or a file of the themes folder\nwithout its ending. Unset: dark or light, as the background is.",
        ),
        (
            "background",
            quoted(background.name()),
            "The terminal's background: auto (ask it), dark, light.",
        ),
        (
            "colors",
            quoted(colors.name()),
            "Colours: auto (as the environment says), truecolor, 256, 16, never.",
        ),
        (
            "mouse",
            mouse.to_string(),
            "Clicks and the wheel work; the terminal's own selection then needs Shift.",
        ),
        (
            "wrap",
            wrap.to_string(),
            "Wrap long lines, or cut them and scroll sideways.",
        ),
        (
            "tab_cells",
            tab_cells.to_string(),
            "Cells from one tab stop to the next.",
        ),
        (
            "page_width",
            page_width.to_string(),
            "Cells that prose is wrapped at; 0: the width of the pane.",
        ),
        (
            "fold_lines",
            fold_lines.to_string(),
            "Lines of an observation that are shown before the rest is folded; 0: all.",
        ),
        (
            "diff",
            quoted(diff.name()),
            "Edits: auto (side by side where the width allows), unified, split.",
        ),
        (
            "preview",
            preview.to_string(),
            "Show a preview beside the list.",
        ),
        (
            "follow",
            follow.to_string(),
            "Look for new records while the program runs.",
        ),
        (
            "hint_ms",
            hint_ms.to_string(),
            "Milliseconds from a prefix key (y, z) to the box that shows what may follow.",
        ),
        (
            "cache_mb",
            cache_mb.to_string(),
            "Memory for trajectories that were opened, in MiB.",
        ),
        (
            "clipboard",
            quoted(clipboard.name()),
            "How copies leave: auto, tmux, system, osc52, file.",
        ),
        (
            "clipboard_command",
            String::new(),
            "A command that takes copies on its standard input, before all other ways.",
        ),
        (
            "editor",
            String::new(),
            "The editor; unset: $VISUAL, then $EDITOR, then vi.",
        ),
        (
            "pager",
            String::new(),
            "The pager; unset: $PAGER, then less.",
        ),
    ]
}

/// The setting's name that `name` was probably meant to be, as a piece of a sentence.
fn meant(name: &str) -> String {
    let plain = |name: &str| name.replace(['-', '_'], "").to_lowercase();
    let wanted = plain(name);
    let close = |candidate: &str| {
        let candidate = plain(candidate);
        candidate == wanted
            || (wanted.len() > 2
                && (candidate.starts_with(&wanted) || wanted.starts_with(&candidate)))
    };
    rows()
        .iter()
        .map(|(known, _, _)| *known)
        .chain(["keys"])
        .find(|known| close(known))
        .map(|known| format!("; did you mean `{known}`?"))
        .unwrap_or_default()
}

/// A settings file with every setting at its default, commented out and explained.
pub fn default_toml() -> String {
    let mut out = String::from(
        "# Settings of hgview. Every setting is at its default and commented out.\n\
         # Flags win over variables (HGVIEW_*), variables win over this file.\n",
    );
    for (name, default, doc) in rows() {
        out.push('\n');
        for line in doc.lines() {
            out.push_str("# ");
            out.push_str(line);
            out.push('\n');
        }
        let default = if default.is_empty() {
            "\"\"".to_owned()
        } else {
            default
        };
        out.push_str(&format!("# {name} = {default}\n"));
    }
    out.push_str(
        "\n# Keys: chord = command, or \"none\" to unbind. `?` and `:` in the program show all names.\n\
         # A chord is keys with blanks between them: \"G\", \"Ctrl-d\", \"y s\", \"PgDn\", \"F5\".\n\
         # [keys]\n\
         # \"F5\" = \"reload\"\n\
         # [keys.list]\n\
         # \"Ctrl-n\" = \"down\"\n\
         # [keys.trajectory]\n\
         # \"Z\" = \"close-folds\"\n",
    );
    out
}
