//! The commented settings file that `hgview config init` writes, and what each setting is for.

use crate::config::QueueBase;
use crate::config::QueueCell;
use crate::config::ReviewSettings;
use crate::config::Settings;

/// Every setting of the top table with its doc, in the order of the file.
pub(super) const DOCS: [(&str, &str); 20] = [
    (
        "theme",
        "Theme: dark, light, high-contrast, sixteen, mono, or a file of the themes folder\n\
         without its ending. Unset: dark or light, as the background is.",
    ),
    (
        "background",
        "The terminal's background: auto (ask it), dark, light.",
    ),
    (
        "colors",
        "Colours: auto (as the environment says), truecolor, 256, 16, never.",
    ),
    (
        "low_bandwidth",
        "Fewer bytes for slow lines: at most 256 colours, progress shown four times a second.",
    ),
    (
        "mouse",
        "Clicks and the wheel work; the terminal's own selection then needs Shift.",
    ),
    ("wrap", "Wrap long lines, or cut them and scroll sideways."),
    ("tab_cells", "Cells from one tab stop to the next, 1 to 16."),
    (
        "fold_lines",
        "Lines of an observation that are shown before the rest is folded; 0: all.",
    ),
    (
        "diff",
        "Edits: auto (side by side where the width allows), unified, split.",
    ),
    (
        "preview",
        "Whether the list shows a preview where there is room.",
    ),
    ("follow", "Look for new records while the program runs."),
    (
        "hint_ms",
        "Milliseconds from a prefix key (y, z) to the box that shows what may follow.",
    ),
    (
        "cache_mb",
        "Memory for trajectories that were opened, in MiB; at most three quarters of max_memory.",
    ),
    (
        "max_memory",
        "Memory for all that is kept only to be quick, trajectories that were opened and blocks of indexes: 128M, 1G.",
    ),
    (
        "clipboard",
        "How copies leave: auto, tmux, system, osc52, file.",
    ),
    (
        "clipboard_command",
        "A command that takes copies on its standard input, before all other ways.",
    ),
    (
        "editor",
        "The editor; unset: $VISUAL, then $EDITOR, then vi.",
    ),
    ("pager", "The pager; unset: $PAGER, then less."),
    (
        "repo",
        "The repository of the tasks, a checkout or bare: tells what files were at the start.",
    ),
    (
        "repos",
        "A folder of repositories: checkouts owner__name, bare mirrors owner__name.git.",
    ),
];

/// A setting's value as TOML; empty text for one that is unset.
fn value(settings: &Settings, name: &str) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let optional = |text: &Option<String>| quoted(text.as_deref().unwrap_or_default());
    match name {
        "theme" => optional(&settings.theme),
        "background" => quoted(settings.background.name()),
        "colors" => quoted(settings.colors.name()),
        "low_bandwidth" => settings.low_bandwidth.to_string(),
        "mouse" => settings.mouse.to_string(),
        "wrap" => settings.wrap.to_string(),
        "tab_cells" => settings.tab_cells.to_string(),
        "fold_lines" => settings.fold_lines.to_string(),
        "diff" => quoted(settings.diff.name()),
        "preview" => settings.preview.to_string(),
        "follow" => settings.follow.to_string(),
        "hint_ms" => settings.hint_ms.to_string(),
        "cache_mb" => settings.cache_mb.to_string(),
        "max_memory" => quoted(&format!("{}M", settings.max_memory >> 20)),
        "clipboard" => quoted(settings.clipboard.name()),
        "clipboard_command" => optional(&settings.clipboard_command),
        "editor" => optional(&settings.editor),
        "pager" => optional(&settings.pager),
        "repo" => optional(&settings.repo),
        "repos" => optional(&settings.repos),
        _ => quoted(""),
    }
}

/// A settings file with every setting at its default, commented out and explained.
pub fn default_toml() -> String {
    let defaults = Settings::default();
    let mut out = String::from(
        "# Settings of hgview. Every setting is at its default and commented out.\n\
         # Flags win over variables (HGVIEW_*), variables win over this file.\n",
    );
    for (name, doc) in DOCS {
        out.push('\n');
        for line in doc.lines() {
            out.push_str("# ");
            out.push_str(line);
            out.push('\n');
        }
        for piece in ["# ", name, " = ", &value(&defaults, name), "\n"] {
            out.push_str(piece);
        }
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
    out.push_str(&review(&defaults.review));
    out
}

/// The tables for deciding, commented out and explained.
fn review(defaults: &ReviewSettings) -> String {
    let reasons: Vec<toml::Value> = defaults
        .reasons
        .iter()
        .cloned()
        .map(toml::Value::from)
        .collect();
    let reasons = toml::Value::Array(reasons);
    let (bases, blind) = (QueueBase::NAMES.join(", "), defaults.blind);
    let cells = QueueCell::NAMES.join(", ");
    format!(
        "\n# Deciding. The reviewer's name is part of the journal's file name; unset: $HGVIEW_REVIEWER,\n\
         # then the user's name. The digits 1 to 9 give these reasons. Blind: verdicts are hidden\n\
         # until you have decided.\n\
         # [review]\n\
         # reviewer = \"\"\n\
         # reasons = {reasons}\n\
         # blind = {blind}\n\
         \n# Queues of your own: what they are made from, and what must hold besides. Bases:\n\
         # {bases}.\n\
         # task_type, repo and model take one text or a list; an audit has size and seed; where takes\n\
         # a query (hgview query --help).\n\
         # filter-person and audit go by a filter: published, strict, resolved or score>=X.\n\
         # A cell is what the filter says, then the person: {cells}.\n\
         # [queues.untested]\n\
         # where = \"resolved and not any(step.test)\"\n\
         # [queues.long-undecided]\n\
         # base = \"undecided\"\n\
         # task_type = [\"func_gen\", \"dep_search\"]\n\
         # min_steps = 40\n\
         # [queues.my-audit]\n\
         # base = \"audit\"\n\
         # size = 200\n\
         # seed = 7\n\
         # [queues.solved-and-rejected]\n\
         # base = \"filter-person\"\n\
         # filter = \"resolved\"\n\
         # cell = \"accept-reject\"\n\
         \n# Flags that are switched on or off, by name; `hgview verify --help` tells them all.\n\
         # [flags]\n\
         # package_install = true\n"
    )
}
