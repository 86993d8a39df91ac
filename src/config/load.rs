//! Reads `config.toml` and says what is wrong with it.
//!
//! Reading recovers from anything: a file that is not TOML at one place still yields the settings that could be read.

mod review;

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use crate::config::Background;
use crate::config::ClipboardChoice;
use crate::config::ColorChoice;
use crate::config::DiffChoice;
use crate::config::KeyRow;
use crate::config::Paths;
use crate::config::Problem;
use crate::config::Settings;
use crate::config::parse_memory;
use crate::config::template::DOCS;

/// Loads `config.toml` from the config folder. A missing file, or no place
/// for one, is no problem: everything is at its default.
pub fn load(paths: &Paths) -> (Settings, Vec<Problem>) {
    if !paths.has_config() {
        return (Settings::default(), Vec::new());
    }
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
    settings.queues.sort_by_key(|queue| queue.line);
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
            "review" => {
                self.review(line, value.get_ref());
                return;
            }
            "flags" => {
                self.flags(line, value.get_ref());
                return;
            }
            "queues" => {
                self.queues(line, value.get_ref());
                return;
            }
            "theme" => text(value).map(|text| {
                self.settings.theme = Some(text);
                self.settings.theme_line = Some(line);
            }),
            "background" => one_of(value, Background::NAMES, Background::named)
                .map(|choice| self.settings.background = choice),
            "colors" => one_of(value, ColorChoice::NAMES, ColorChoice::named)
                .map(|choice| self.settings.colors = choice),
            "low_bandwidth" => flag(value).map(|flag| self.settings.low_bandwidth = flag),
            "mouse" => flag(value).map(|flag| self.settings.mouse = flag),
            "wrap" => flag(value).map(|flag| self.settings.wrap = flag),
            "tab_cells" => number(value, 1, 16).map(|number| self.settings.tab_cells = number),
            "fold_lines" => {
                number(value, 0, 1_000_000).map(|number| self.settings.fold_lines = number)
            }
            "diff" => one_of(value, DiffChoice::NAMES, DiffChoice::named)
                .map(|choice| self.settings.diff = choice),
            "preview" => flag(value).map(|flag| self.settings.preview = flag),
            "follow" => flag(value).map(|flag| self.settings.follow = flag),
            "hint_ms" => number(value, 0, 60_000).map(|number| self.settings.hint_ms = number),
            "cache_mb" => number(value, 1, 1_048_576).map(|number| self.settings.cache_mb = number),
            "max_memory" => text(value)
                .and_then(|text| parse_memory(&text))
                .map(|bytes| self.settings.max_memory = bytes),
            "clipboard" => one_of(value, ClipboardChoice::NAMES, ClipboardChoice::named)
                .map(|choice| self.settings.clipboard = choice),
            "clipboard_command" => {
                text(value).map(|text| self.settings.clipboard_command = Some(text))
            }
            "editor" => text(value).map(|text| self.settings.editor = Some(text)),
            "pager" => text(value).map(|text| self.settings.pager = Some(text)),
            "repo" => text(value).map(|text| self.settings.repo = Some(text)),
            "repos" => text(value).map(|text| self.settings.repos = Some(text)),
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
    find: impl Fn(&str) -> Option<C>,
) -> Result<C, String> {
    let found = match value.get_ref() {
        DeValue::String(name) => find(name),
        // colors = 256 is what one writes
        DeValue::Integer(number) => find(number.as_str()),
        _ => None,
    };
    found.ok_or_else(|| format!("one of \"{}\"", names.join("\", \"")))
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
    DOCS.iter()
        .map(|(known, _)| *known)
        .chain(["keys", "review", "queues", "flags"])
        .find(|known| close(known))
        .map(|known| format!("; did you mean `{known}`?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::QueueBase;
    use crate::config::QueueCell;
    use crate::config::QueueFilter;
    use crate::config::QueueSetting;
    use crate::config::ReviewSettings;
    use crate::config::default_toml;
    use crate::model::FlagKind;

    fn read(text: &str) -> (Settings, Vec<String>) {
        let (settings, problems) = parse(text, Path::new("c.toml"));
        (settings, problems.iter().map(Problem::to_string).collect())
    }

    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        assert_eq!(read(text).1, want, "{text}");
    }

    #[test]
    fn all_settings_are_taken() {
        let (settings, problems) = read(
            "theme = \"mine\"\nbackground = \"light\"\ncolors = 256\nlow_bandwidth = true\nmouse = false\nwrap = false\ntab_cells = 4\n\
             fold_lines = 7\ndiff = \"split\"\npreview = false\nfollow = true\nhint_ms = 0\n\
             cache_mb = 0x10\nmax_memory = \"1G\"\nclipboard = \"osc52\"\nclipboard_command = \"pbcopy\"\neditor = \"hx\"\npager = \"less -R\"\n\
             [keys]\n\"y s\" = \"none\"\n[keys.list]\nx = \"open\"\n",
        );
        assert_eq!(problems, Vec::<String>::new());
        let row = |chord: &str, command: &str, scope: Option<&str>, line| KeyRow {
            chord: chord.into(),
            command: command.into(),
            scope: scope.map(str::to_owned),
            file: "c.toml".into(),
            line,
        };
        let want = Settings {
            theme: Some("mine".into()),
            theme_line: Some(1),
            background: Background::Light,
            colors: ColorChoice::Ansi256,
            low_bandwidth: true,
            mouse: false,
            wrap: false,
            tab_cells: 4,
            fold_lines: 7,
            diff: DiffChoice::Split,
            preview: false,
            follow: true,
            hint_ms: 0,
            cache_mb: 16,
            max_memory: 1 << 30,
            clipboard: ClipboardChoice::Osc52,
            clipboard_command: Some("pbcopy".into()),
            editor: Some("hx".into()),
            pager: Some("less -R".into()),
            keys: vec![
                row("y s", "none", None, 20),
                row("x", "open", Some("list"), 22),
            ],
            ..Settings::default()
        };
        assert_eq!(settings, want);
    }

    #[test]
    fn problems_name_their_lines() {
        check("", &[]);
        check(
            "# c\n\nmous = true",
            &["c.toml:3: there is no setting `mous`; did you mean `mouse`?"],
        );
        check(
            "tab-cells = 4",
            &["c.toml:1: there is no setting `tab-cells`; did you mean `tab_cells`?"],
        );
        check(
            "page_width = 100",
            &["c.toml:1: there is no setting `page_width`"],
        );
        check("colour = 1", &["c.toml:1: there is no setting `colour`"]);
        check(
            "wrap = true\nmouse = \"yes\"",
            &["c.toml:2: `mouse` must be true or false; the default is used"],
        );
        for bad in ["0", "17", "-1", "4.0", "\"4\"", "99999999999999999999"] {
            check(
                &format!("tab_cells = {bad}"),
                &["c.toml:1: `tab_cells` must be a whole number from 1 to 16; the default is used"],
            );
        }
        check(
            "background = \"grey\"",
            &[
                "c.toml:1: `background` must be one of \"auto\", \"dark\", \"light\"; the default is used",
            ],
        );
        check(
            "theme = \"\"",
            &["c.toml:1: `theme` must be a text; the default is used"],
        );
        check(
            "keys = 1",
            &["c.toml:1: `keys` must be a table of chord = \"command\""],
        );
        check(
            "[keys]\nx = 1\n[keys.list]\ny = [\"a\"]",
            &[
                "c.toml:2: key `x` must name a command as text, or \"none\"",
                "c.toml:4: key `y` must name a command as text, or \"none\"",
            ],
        );
    }

    #[test]
    fn review_and_queues_are_taken() {
        let (settings, problems) = read(
            "[review]\nreviewer = \"ada\"\nblind = true\nreasons = [\"a\", \"b c\"]\n\
             [queues.long]\nbase = \"undecided\"\ntask_type = [\"func_gen\", \"dep_search\"]\nmin_steps = 40\n\
             [queues.\"a b\"]\nbase = \"audit\"\nfilter = \"score>=0.5\"\nsize = 7\nseed = 3\nrepo = \"x/y\"\nmodel = \"m\"\ndecided = false\nmax_steps = 9\n",
        );
        assert_eq!(problems, Vec::<String>::new());
        let review = ReviewSettings {
            reviewer: Some("ada".into()),
            reasons: vec!["a".into(), "b c".into()],
            blind: true,
        };
        assert_eq!(settings.review, review);
        let long = QueueSetting {
            base: QueueBase::Undecided,
            task_types: vec!["func_gen".into(), "dep_search".into()],
            min_steps: Some(40),
            ..QueueSetting::new("long".into(), 5)
        };
        let audit = QueueSetting {
            base: QueueBase::Audit,
            filter: QueueFilter::Score(0.5),
            repos: vec!["x/y".into()],
            models: vec!["m".into()],
            decided: Some(false),
            max_steps: Some(9),
            size: Some(7),
            seed: Some(3),
            ..QueueSetting::new("a b".into(), 9)
        };
        assert_eq!(settings.queues, [long, audit]);
        let (settings, problems) = read(
            "[queues.hard]\nbase = \"filter-person\"\nfilter = \"resolved\"\ncell = \"accept-reject\"",
        );
        assert_eq!(problems, Vec::<String>::new());
        let hard = QueueSetting {
            base: QueueBase::FilterPerson,
            filter: QueueFilter::Resolved,
            cell: Some(QueueCell::OnlyFilter),
            ..QueueSetting::new("hard".into(), 1)
        };
        assert_eq!(settings.queues, [hard]);
    }

    #[test]
    fn flags_are_switched() {
        let (settings, problems) = read("[flags]\nfailed_edit_claimed = true\nloop = false\n");
        assert_eq!(problems, Vec::<String>::new());
        let mut flags = settings.flags;
        flags.sort_unstable();
        let mut want = [(FlagKind::FailedEditClaimed, true), (FlagKind::Loop, false)];
        want.sort_unstable();
        assert_eq!(flags, want);
        check("flags = 1", &["c.toml:1: `flags` must be a table"]);
        check(
            "[flags]\nloop = 1",
            &["c.toml:2: `loop` must be true or false; the default is used"],
        );
        let (settings, problems) = read("[flags]\nloops = true\n");
        assert!(settings.flags.is_empty());
        let said = "c.toml:2: there is no flag `loops`; there are leak, ";
        assert!(
            problems.len() == 1 && problems[0].starts_with(said),
            "{problems:?}"
        );
    }

    #[test]
    fn wrong_reviews_and_queues_name_their_lines() {
        check("review = 1", &["c.toml:1: `review` must be a table"]);
        check(
            "[review]\nwho = 1\nreasons = []\nblind = 1",
            &[
                "c.toml:2: there is no setting `who` in [review]; there are reviewer, reasons and blind",
                "c.toml:3: `reasons` must be a list of 1 to 9 texts; the default is used",
                "c.toml:4: `blind` must be true or false; the default is used",
            ],
        );
        let ten = format!("[review]\nreasons = [{}]", "\"x\",".repeat(10));
        check(
            &ten,
            &["c.toml:2: `reasons` must be a list of 1 to 9 texts; the default is used"],
        );
        check(
            "queues = 1",
            &["c.toml:1: `queues` must hold tables: [queues.NAME]"],
        );
        check(
            "[queues]\nx = 1\n[queues.all]\n[queues.q]\nbase = \"none\"\nwere = 1\ntask_type = \"x\"\nrepo = [1]\nmin_steps = -1",
            &[
                "c.toml:2: queue `x` must be a table: [queues.x]",
                "c.toml:3: `all` is a queue of hgview; this one needs another name",
                "c.toml:5: queue `q`: `base` must be one of \"undecided\", \"filters-disagree\", \"filter-person\", \"flagged\", \"disputes\", \"audit\", \"best-of-n\", \"stale\", \"all\"; it is left out",
                "c.toml:6: queue `q`: there is no `were`; there are base, filter, cell, where, task_type, repo, model, decided, min_steps, max_steps, size and seed",
                "c.toml:7: queue `q`: `task_type` must be one or several of \"func_localize\", \"dep_search\", \"issue_localize\", \"func_gen\", \"issue\", \"test_gen\", \"library\", \"other\"; it is left out",
                "c.toml:8: queue `q`: `repo` must be a text or a list of texts; it is left out",
                "c.toml:9: queue `q`: `min_steps` must be a whole number from 0 to 1000000000; it is left out",
            ],
        );
        for wrong in ["\"score>=\"", "\"score>=nan\"", "\"file:x\"", "1"] {
            check(
                &format!("[queues.q]\nfilter = {wrong}"),
                &[
                    "c.toml:2: queue `q`: `filter` must be \"published\", \"strict\", \"resolved\" or \"score>=X\"; it is left out",
                ],
            );
        }
        check(
            "[queues.q]\ncell = \"accept\"",
            &[
                "c.toml:2: queue `q`: `cell` must be one of \"accept-accept\", \"accept-reject\", \"reject-accept\", \"reject-reject\"; it is left out",
            ],
        );
        check(
            "[queues.q]\nmin_steps = 3\nmax_steps = 2",
            &["c.toml:1: queue `q`: min_steps is above max_steps"],
        );
    }

    #[test]
    fn broken_files_keep_what_can_be_read() {
        let (settings, problems) = read("mouse = false\nwrap = = 3\ntab_cells = 2\n");
        assert!(!settings.mouse);
        assert_eq!(settings.tab_cells, 2);
        assert!(
            problems[0].starts_with("c.toml:2: not TOML"),
            "{problems:?}"
        );
        let (_, problems) = read("mouse = true\nmouse = false\n");
        assert!(
            problems[0].starts_with("c.toml:2: not TOML"),
            "{problems:?}"
        );
        for text in ["[", "\"", "\u{0}", "é = [[[", "keys.list = 3\n[keys.list"] {
            read(text);
        }
    }

    #[test]
    fn missing_and_foreign_files_are_no_failure() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths {
            config: dir.path().into(),
            data: dir.path().into(),
            state: dir.path().into(),
            cache: dir.path().into(),
        };
        assert_eq!(load(&paths), (Settings::default(), Vec::new()));
        std::fs::write(paths.settings_file(), b"a\n\xff\n").unwrap();
        let (settings, problems) = load(&paths);
        assert_eq!(settings, Settings::default());
        assert_eq!(problems[0].line, Some(2));
        std::fs::remove_file(paths.settings_file()).unwrap();
        std::fs::create_dir(paths.settings_file()).unwrap();
        assert_eq!(load(&paths).1.len(), 1);
    }

    #[test]
    fn the_default_file_holds_every_default() {
        let text = default_toml();
        assert_eq!(read(&text), (Settings::default(), Vec::new()));
        // without the comment signs it is valid and says the same
        let bare: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# "))
            .filter(|line| {
                DOCS.iter()
                    .any(|(name, _)| line.starts_with(&format!("{name} = ")))
            })
            .collect();
        assert_eq!(bare.len(), DOCS.len(), "{bare:?}");
        let set: Vec<&str> = bare
            .into_iter()
            .filter(|line| !line.ends_with("\"\""))
            .collect();
        assert_eq!(
            set.len(),
            DOCS.len() - 6,
            "theme, command, editor, pager, repo and repos are unset"
        );
        assert_eq!(read(&set.join("\n")), (Settings::default(), Vec::new()));
        // the example tables are right as they stand, and those of [review] say the defaults
        let tables = text.split("# [review]").nth(1).unwrap();
        let tables: Vec<&str> = tables
            .lines()
            .filter_map(|line| line.strip_prefix("# "))
            .filter(|line| line.starts_with('[') || line.contains(" = "))
            .filter(|line| !line.starts_with("reviewer"))
            .collect();
        let (settings, problems) = read(&format!("[review]\n{}", tables.join("\n")));
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(settings.review, ReviewSettings::default());
        assert_eq!(settings.queues.len(), 4);
    }

    #[test]
    fn every_documented_setting_is_known() {
        for (name, _) in DOCS {
            let problems = read(&format!("{name} = []")).1;
            assert!(problems[0].contains("must be"), "{problems:?}");
        }
    }
}
