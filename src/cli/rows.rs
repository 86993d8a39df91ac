//! A table whose last column takes what is left of the line.

use std::io;

use anstyle::Effects;
use anstyle::Style;

use crate::cli::Output;
use crate::text;

/// Cells of an id where lines may be as long as they are, and at most half of a line.
const ID: usize = 48;
const GAP: &str = "  ";

/// The cells of a line, what colours them, and the text behind them. All of it is clean.
pub(super) struct Line {
    /// As many as the table has headings; the first one is set to the right.
    pub(super) cells: Vec<(String, Option<Style>)>,
    /// What stands in the last column.
    pub(super) rest: String,
}

/// How many cells of an id are shown.
pub(super) fn id_cells(output: &Output<'_>) -> usize {
    let width = output.terminal.width;
    width.map_or(ID, |width| (width / 2).clamp(8, ID))
}

/// Prints a table with its headings; `rest` is that of the last column.
pub(super) fn print(
    head: &[&str],
    rest: &str,
    lines: Vec<Line>,
    output: &mut Output<'_>,
) -> io::Result<()> {
    let bold = Some(Style::new().effects(Effects::BOLD));
    let top = Line {
        cells: head.iter().map(|cell| ((*cell).to_owned(), bold)).collect(),
        rest: rest.to_owned(),
    };
    let lines: Vec<Line> = std::iter::once(top).chain(lines).collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|ix| {
            let cells = lines.iter().filter_map(|line| line.cells.get(ix));
            cells.map(|(cell, _)| text::width(cell)).max().unwrap_or(0)
        })
        .collect();
    let used = widths.iter().sum::<usize>() + widths.len() * GAP.len();
    for line in &lines {
        let mut row = String::new();
        for (ix, ((cell, style), width)) in line.cells.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width.saturating_sub(text::width(cell)));
            let painted = match style {
                Some(style) if output.terminal.color => format!("{style}{cell}{style:#}"),
                _ => cell.clone(),
            };
            let (left, right) = if ix == 0 {
                (pad, String::new())
            } else {
                (String::new(), pad)
            };
            row.extend([left.as_str(), &painted, &right, GAP]);
        }
        match output.terminal.width {
            Some(width) => row.push_str(&text::clip(&line.rest, width.saturating_sub(used))),
            None => row.push_str(&line.rest),
        }
        writeln!(output.out, "{}", row.trim_end())?;
    }
    Ok(())
}
