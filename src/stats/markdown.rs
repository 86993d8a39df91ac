//! The page as Markdown: tables as they are, charts as tables of their numbers.

use crate::model::Component;
use crate::stats::doc::Block;
use crate::stats::doc::Doc;
use crate::stats::measure::percent;
use crate::text::clean_line;

/// The page as Markdown.
pub fn markdown(doc: &Doc) -> String {
    let mut out = format!("# {}\n", escape(&doc.title));
    for section in &doc.sections {
        out.push_str("\n## ");
        out.push_str(section.kind.title());
        out.push('\n');
        for block in &section.blocks {
            out.push('\n');
            write_block(block, &mut out);
        }
    }
    out
}

fn write_block(block: &Block, out: &mut String) {
    match block {
        Block::Note(text) => {
            out.push_str(&escape(text));
            out.push('\n');
        }
        Block::Table(table) => {
            let rows = table.rows.iter().map(|row| row.cells.clone());
            write_table(&table.title, &table.heads, rows, out);
        }
        Block::Bars(bars) => {
            let heads = [String::new(), bars.unit.to_owned()];
            let rows = bars
                .rows
                .iter()
                .map(|bar| vec![bar.label.clone(), bar.text.clone()]);
            write_table(&bars.title, &heads, rows, out);
        }
        Block::Stacked(stacked) => {
            let rows = stacked
                .bars
                .iter()
                .map(|bar| with_shares(&bar.label, &bar.shares));
            write_table(&stacked.title, &component_heads(""), rows, out);
        }
        Block::Course(course) => {
            let count = course.stretches.len().max(1);
            let rows = course.stretches.iter().zip(1..).map(|(shares, nth)| {
                with_shares(
                    &format!("{}–{} %", (nth - 1) * 100 / count, nth * 100 / count),
                    shares,
                )
            });
            write_table(&course.title, &component_heads("of its life"), rows, out);
        }
    }
}

/// The heads of a table of components.
pub(super) fn component_heads(first: &str) -> Vec<String> {
    let names = Component::ALL.map(|component| component.name().to_owned());
    std::iter::once(first.to_owned()).chain(names).collect()
}

/// A row of a table of components.
pub(super) fn with_shares(label: &str, shares: &[f64; 5]) -> Vec<String> {
    let shares = shares.iter().map(|share| percent(Some(*share)));
    std::iter::once(label.to_owned()).chain(shares).collect()
}

fn write_table(
    title: &str,
    heads: &[String],
    rows: impl Iterator<Item = Vec<String>>,
    out: &mut String,
) {
    if !title.is_empty() {
        out.push_str("### ");
        out.push_str(&escape(title));
        out.push_str("\n\n");
    }
    let mut row = |cells: &[String]| {
        out.push('|');
        for cell in cells {
            out.push(' ');
            out.push_str(&escape(cell));
            out.push_str(" |");
        }
        out.push('\n');
    };
    row(heads);
    let rules: Vec<String> = (0..heads.len())
        .map(|ix| if ix == 0 { "---" } else { "---:" }.to_owned())
        .collect();
    row(&rules);
    rows.for_each(|cells| row(&cells));
}

/// A text of one line that means nothing in Markdown or HTML.
fn escape(text: &str) -> String {
    let clean = clean_line(text);
    let mut out = String::with_capacity(clean.len());
    for c in clean.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_nothing() {
        assert_eq!(escape("a|b\n<script>"), "a\\|b⏎&lt;script>");
        assert_eq!(
            escape("![x](y) `z` __a__"),
            "\\!\\[x\\](y) \\`z\\` \\_\\_a\\_\\_"
        );
    }
}
