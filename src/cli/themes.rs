//! `hgview themes`: the themes there are, built in and the user's own.

use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::ThemesArgs;
use crate::cli::records::to_json;
use crate::config::Paths;
use crate::error::Result;
use crate::text;
use crate::theme;

/// A line of `hgview themes --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ThemeRow {
    /// The name for `--theme` and the settings.
    name: String,
    /// `dark` or `light`: the background it is made for.
    background: &'static str,
    /// Whether it comes from the user's own folder.
    is_user: bool,
    /// One line about it.
    doc: String,
}

/// Prints them.
pub(super) fn run(args: &ThemesArgs, output: &mut Output<'_>) -> Result<Verdict> {
    for theme in theme::names(&Paths::of_environment().themes()) {
        let row = ThemeRow {
            name: theme.name,
            background: if theme.is_dark { "dark" } else { "light" },
            is_user: theme.is_user,
            doc: theme.doc,
        };
        if args.json {
            writeln!(output.out, "{}", to_json(&row)?)?;
        } else {
            let own = if row.is_user { " (yours)" } else { "" };
            let line = format!("{:<16} {:<6} {}{own}", row.name, row.background, row.doc);
            writeln!(output.out, "{}", text::clean_line(line.trim_end()))?;
        }
    }
    Ok(Verdict::Yes)
}
