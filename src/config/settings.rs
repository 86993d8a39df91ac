//! Every setting, the values it can take, and its default. Plain data.
//!
//! A new setting is a field here, an arm in `load.rs` and a line in `template.rs`; a test compares the three.

use std::path::PathBuf;

use crate::model::FlagKind;

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
            /// All choices, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

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

choice! {
    /// What a queue is made from.
    QueueBase {
        /// Records without a decision of this reviewer.
        Undecided = "undecided",
        /// The published and the strict rules disagree.
        FiltersDisagree = "filters-disagree",
        /// The filter beside what people decided.
        FilterPerson = "filter-person",
        /// Flagged by a person or a check.
        Flagged = "flagged",
        /// Reviewers contradict each other.
        Disputes = "disputes",
        /// A random slice.
        Audit = "audit",
        /// Attempts task by task.
        BestOfN = "best-of-n",
        /// Decided on, and made anew since.
        Stale = "stale",
        /// Everything.
        All = "all",
    }
}

/// A filter whose answer every row of the list knows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum QueueFilter {
    /// The published rules.
    #[default]
    Published,
    /// The strict rules.
    Strict,
    /// What the record or a report says.
    Resolved,
    /// The reward is at least this; finite.
    Score(f64),
}

impl QueueFilter {
    /// Reads `published`, `strict`, `resolved` or `score>=X`; `None` for anything else.
    pub fn named(text: &str) -> Option<Self> {
        match text {
            "published" => Some(Self::Published),
            "strict" => Some(Self::Strict),
            "resolved" => Some(Self::Resolved),
            _ => {
                let least: f64 = text.strip_prefix("score>=")?.trim().parse().ok()?;
                least.is_finite().then_some(Self::Score(least))
            }
        }
    }
}

impl std::fmt::Display for QueueFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Published => f.write_str("published"),
            Self::Strict => f.write_str("strict"),
            Self::Resolved => f.write_str("resolved"),
            Self::Score(least) => write!(f, "score>={least}"),
        }
    }
}

choice! {
    /// A cell of the table of a filter beside a person: first what the filter says, then the person.
    QueueCell {
        /// Both accept.
        BothAccept = "accept-accept",
        /// The filter accepts what the person rejects.
        OnlyFilter = "accept-reject",
        /// The person accepts what the filter rejects.
        OnlyPerson = "reject-accept",
        /// Both reject.
        BothReject = "reject-reject",
    }
}

/// One table `[queues.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueSetting {
    /// The queue's name.
    pub name: String,
    /// What it is made from.
    pub base: QueueBase,
    /// Which filter is compared with people, and divides an audit slice.
    pub filter: QueueFilter,
    /// Only this cell of filter and person, or of the published and the strict rules.
    pub cell: Option<QueueCell>,
    /// Only tasks of these types, by [`crate::model::TaskKind::name`]; empty: all.
    pub task_types: Vec<String>,
    /// Only these repositories; empty: all.
    pub repos: Vec<String>,
    /// Only these models; empty: all.
    pub models: Vec<String>,
    /// Only what this reviewer has decided, or has not.
    pub decided: Option<bool>,
    /// Only with at least so many steps.
    pub min_steps: Option<usize>,
    /// Only with at most so many steps.
    pub max_steps: Option<usize>,
    /// Records of an audit slice.
    pub size: Option<usize>,
    /// The seed of an audit slice.
    pub seed: Option<u64>,
    /// Only records for which this query holds. Not checked here.
    pub query: Option<String>,
    /// The line of the query, from 1.
    pub query_line: usize,
    /// Its line in the file, from 1.
    pub line: usize,
}

impl QueueSetting {
    /// A queue without conditions.
    pub fn new(name: String, line: usize) -> Self {
        Self {
            name,
            base: QueueBase::All,
            filter: QueueFilter::default(),
            cell: None,
            task_types: Vec::new(),
            repos: Vec::new(),
            models: Vec::new(),
            decided: None,
            min_steps: None,
            max_steps: None,
            size: None,
            seed: None,
            query: None,
            query_line: line,
            line,
        }
    }
}

/// The table `[review]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewSettings {
    /// Who decides; `None`: the user's name.
    pub reviewer: Option<String>,
    /// The reasons for a reject, in the order of the digits.
    pub reasons: Vec<String>,
    /// Whether verdicts are hidden until a decision is made.
    pub blind: bool,
}

impl Default for ReviewSettings {
    fn default() -> Self {
        let reasons = [
            "wrong place",
            "code changed",
            "trivial",
            "lucky",
            "leak",
            "loop",
            "bad reasoning",
            "broken environment",
            "other",
        ];
        Self {
            reviewer: None,
            reasons: reasons.map(str::to_owned).to_vec(),
            blind: false,
        }
    }
}

/// All settings. [`Settings::default`] holds every default.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in the file"
)]
pub struct Settings {
    /// The theme's name; `None`: by the background.
    pub theme: Option<String>,
    /// The line of the settings file that names the theme, from 1: whether there is one is not checked here.
    pub theme_line: Option<usize>,
    /// The terminal's background.
    pub background: Background,
    /// The colour depth.
    pub colors: ColorChoice,
    /// Whether few bytes matter more than exact colours and quick progress.
    pub low_bandwidth: bool,
    /// Whether clicks and the wheel work in the program (and selecting needs Shift).
    pub mouse: bool,
    /// Whether long lines wrap.
    pub wrap: bool,
    /// Cells from one tab stop to the next, 1–16.
    pub tab_cells: u8,
    /// Lines of an observation or file that are shown before the rest is folded; 0: all.
    pub fold_lines: usize,
    /// How edits are shown.
    pub diff: DiffChoice,
    /// Whether the list shows a preview where there is room.
    pub preview: bool,
    /// Whether new records are looked for while the program runs.
    pub follow: bool,
    /// Milliseconds from a prefix key to the box of what may follow.
    pub hint_ms: u64,
    /// Bound on parsed trajectories in memory, in 1024² bytes.
    pub cache_mb: u64,
    /// Bound on all that is kept in memory only to be quick, in bytes.
    pub max_memory: u64,
    /// How copies leave the program.
    pub clipboard: ClipboardChoice,
    /// A command that takes copies on its standard input, instead of all other ways.
    pub clipboard_command: Option<String>,
    /// The editor; `None`: `$VISUAL`, `$EDITOR`.
    pub editor: Option<String>,
    /// The pager; `None`: `$PAGER`.
    pub pager: Option<String>,
    /// The repository of the tasks; `None`: none.
    pub repo: Option<String>,
    /// The folder of repositories; `None`: none.
    pub repos: Option<String>,
    /// The user's keys, in the order of the file.
    pub keys: Vec<KeyRow>,
    /// How decisions are made.
    pub review: ReviewSettings,
    /// The user's queues, in the order of the file.
    pub queues: Vec<QueueSetting>,
    /// Flags that are switched on or off, in the order of the file.
    pub flags: Vec<(FlagKind, bool)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: None,
            theme_line: None,
            background: Background::Auto,
            colors: ColorChoice::Auto,
            low_bandwidth: false,
            mouse: true,
            wrap: true,
            tab_cells: 8,
            fold_lines: 40,
            diff: DiffChoice::Auto,
            preview: true,
            follow: false,
            hint_ms: 400,
            cache_mb: 256,
            max_memory: 128 << 20,
            clipboard: ClipboardChoice::Auto,
            clipboard_command: None,
            editor: None,
            pager: None,
            repo: None,
            repos: None,
            keys: Vec::new(),
            review: ReviewSettings::default(),
            queues: Vec::new(),
            flags: Vec::new(),
        }
    }
}
/// Reads a bound on memory in bytes: `64M`, `1.5G`, `900000K`, or bytes without a letter; at least 16 MiB.
///
/// # Errors
/// What it must be, in words.
pub fn parse_memory(text: &str) -> Result<u64, String> {
    const LEAST: u64 = 16 << 20;
    let text = text.trim();
    let shift = match text.chars().last() {
        Some('k' | 'K') => 10,
        Some('m' | 'M') => 20,
        Some('g' | 'G') => 30,
        _ => 0,
    };
    let number = match shift {
        0 => text,
        _ => text.get(..text.len() - 1).unwrap_or_default(),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let bytes = || -> Option<u64> {
        let unit = 1_u64 << shift;
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_fit = is_number(whole) && is_number(part) && (1..=3).contains(&part.len());
        let thousandths: u64 = format!("{part:0<3}").parse().ok().filter(|_| is_fit)?;
        let whole: u64 = whole.parse().ok()?;
        whole
            .checked_mul(unit)?
            .checked_add(unit * thousandths / 1000)
    };
    bytes()
        .filter(|bytes| *bytes >= LEAST)
        .ok_or_else(|| "a size such as 128M or 1G, at least 16M".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, want) in [
            ("128M", Some(128 << 20)),
            (" 1.5g ", Some(3 << 29)),
            ("20000K", Some(20_000 << 10)),
            ("16777216", Some(16 << 20)),
            ("16777215", None),
            ("15.999M", None),
            ("99999999999999G", None),
            ("1.G", None),
            (".5G", None),
            ("1GG", None),
            ("1e3G", None),
            ("+1G", None),
            ("-1G", None),
            ("M", None),
            ("", None),
        ] {
            assert_eq!(parse_memory(text).ok(), want, "{text:?}");
        }
    }
}
