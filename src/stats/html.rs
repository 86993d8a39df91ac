//! The page as one HTML file that needs nothing else: style and charts stand in it, nothing is fetched, nothing runs.
//!
//! Each chart has its numbers in a table: bars stand inside theirs, others have it folded below. Texts of records are
//! escaped wherever they stand.

use std::fmt::Write as _;

use crate::model::Component;
use crate::stats::doc::Bars;
use crate::stats::doc::Block;
use crate::stats::doc::Course;
use crate::stats::doc::Doc;
use crate::stats::doc::Section;
use crate::stats::doc::Stacked;
use crate::stats::doc::letter;
use crate::stats::markdown::component_heads;
use crate::stats::markdown::with_shares;
use crate::text::clean_line;

const STYLE: &str = include_str!("html.css");

/// The page; `about` is said below the title, one paragraph each.
pub fn html(doc: &Doc, about: &[String]) -> String {
    let mut out =
        String::from("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.push_str("<meta name=\"color-scheme\" content=\"light dark\">\n");
    element(&mut out, "title", "", &doc.title);
    out.push_str("<style>\n");
    out.push_str(STYLE);
    out.push_str("</style>\n</head>\n<body>\n<header>\n");
    element(&mut out, "h1", "", &doc.title);
    for text in about {
        element(&mut out, "p", "", text);
    }
    out.push_str("<nav aria-label=\"Sections\">\n");
    for section in &doc.sections {
        let link = format!(" href=\"#{}\"", section.kind.name());
        element(&mut out, "a", &link, section.kind.title());
    }
    out.push_str("</nav>\n</header>\n<main>\n");
    for section in &doc.sections {
        write_section(&mut out, section);
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn write_section(out: &mut String, section: &Section) {
    open(out, "section", &format!(" id=\"{}\"", section.kind.name()));
    element(out, "h2", "", section.kind.title());
    for block in &section.blocks {
        match block {
            Block::Note(text) => element(out, "p", "", text),
            Block::Table(table) => {
                let rows = table.rows.iter().map(|row| row.cells.clone());
                write_table(out, &table.title, &table.heads, rows);
            }
            Block::Bars(bars) if bars.is_histogram => histogram(out, bars),
            Block::Bars(bars) => write_bars(out, bars),
            Block::Stacked(stacked) => write_stacked(out, stacked),
            Block::Course(course) => write_course(out, course),
        }
    }
    close(out, "section");
}

fn open(out: &mut String, name: &str, attributes: &str) {
    out.extend(["<", name, attributes, ">\n"]);
}

fn close(out: &mut String, name: &str) {
    out.extend(["</", name, ">\n"]);
}

/// An element with a text; `attributes` are written as they are.
fn element(out: &mut String, name: &str, attributes: &str, text: &str) {
    out.extend(["<", name, attributes, ">", &escape(text), "</", name, ">\n"]);
}

/// A text that means nothing in HTML, in elements and in attributes.
fn escape(text: &str) -> String {
    let clean = clean_line(text);
    let mut out = String::with_capacity(clean.len());
    for c in clean.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A number of a drawing: from 0 to some thousands, two digits behind the point.
fn place(number: f64) -> String {
    let number = if number.is_finite() {
        number.clamp(0.0, 1e4)
    } else {
        0.0
    };
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn heads(out: &mut String, title: &str, heads: &[String]) {
    open(out, "table", "");
    if !title.is_empty() {
        element(out, "caption", "", title);
    }
    out.push_str("<thead><tr>\n");
    for head in heads {
        element(out, "th", " scope=\"col\"", head);
    }
    out.push_str("</tr></thead>\n<tbody>\n");
}

fn row(out: &mut String, cells: &[String]) {
    out.push_str("<tr>");
    for (ix, cell) in cells.iter().enumerate() {
        if ix == 0 {
            element(out, "th", " scope=\"row\"", cell);
        } else {
            element(out, "td", "", cell);
        }
    }
}

fn write_table(
    out: &mut String,
    title: &str,
    names: &[String],
    rows: impl Iterator<Item = Vec<String>>,
) {
    open(out, "div", " class=\"wide\"");
    heads(out, title, names);
    for cells in rows {
        row(out, &cells);
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

/// The numbers of a chart, folded.
fn folded(out: &mut String, names: &[String], rows: impl Iterator<Item = Vec<String>>) {
    open(out, "details", "");
    element(out, "summary", "", "The numbers");
    write_table(out, "", names, rows);
    close(out, "details");
}

/// Bars stand in the table of their numbers.
fn write_bars(out: &mut String, bars: &Bars) {
    open(out, "div", " class=\"wide\"");
    heads(
        out,
        &bars.title,
        &[String::new(), bars.unit.to_owned(), String::new()],
    );
    for bar in &bars.rows {
        row(out, &[bar.label.clone(), bar.text.clone()]);
        out.push_str(
            "<td class=\"chart\"><svg viewBox=\"0 0 200 12\" class=\"bar\" aria-hidden=\"true\">",
        );
        out.push_str("<rect class=\"ground\" width=\"200\" height=\"12\"/>");
        let wide = |share: f64| place(share * 200.0);
        let _written = write!(
            out,
            "<rect class=\"fill\" width=\"{}\" height=\"12\"/>",
            wide(bar.length)
        );
        if let Some(range) = bar.interval {
            let (low, high) = (wide(range.low), wide(range.high));
            let path = format!("M{low} 3v6M{low} 6H{high}M{high} 3v6");
            let _written = write!(out, "<path class=\"range\" d=\"{path}\"/>");
        }
        out.push_str("</svg></td></tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

fn histogram(out: &mut String, bars: &Bars) {
    const HIGH: f64 = 120.0;
    const STEP: usize = 48;
    open(out, "figure", "");
    element(out, "figcaption", "", &bars.title);
    let wide = bars.rows.len().max(1) * STEP;
    let _written = writeln!(
        out,
        "<svg viewBox=\"0 0 {wide} 160\" class=\"histogram\" style=\"max-width:{wide}px\" role=\"img\" aria-label=\"{}\">",
        escape(&bars.title)
    );
    for (nth, bar) in bars.rows.iter().enumerate() {
        let x = nth * STEP;
        let high = bar.length.clamp(0.0, 1.0) * HIGH;
        let (top, high) = (place(HIGH - high + 16.0), place(high));
        let _written = write!(
            out,
            "<rect class=\"fill\" x=\"{}\" y=\"{top}\" width=\"{}\" height=\"{high}\"><title>{}: {}</title></rect>",
            x + 1,
            STEP - 2,
            escape(&bar.label),
            escape(&bar.text)
        );
        let middle = x + STEP / 2;
        let _written = write!(
            out,
            "<text x=\"{middle}\" y=\"{}\">{}</text>",
            place(HIGH * (1.0 - bar.length.clamp(0.0, 1.0)) + 12.0),
            escape(&bar.text)
        );
        let _written = writeln!(
            out,
            "<text x=\"{middle}\" y=\"152\">{}</text>",
            escape(&bar.label)
        );
    }
    out.push_str("</svg>\n");
    let rows = bars
        .rows
        .iter()
        .map(|bar| vec![bar.label.clone(), bar.text.clone()]);
    folded(out, &[String::new(), bars.unit.to_owned()], rows);
    close(out, "figure");
}

fn legend(out: &mut String) {
    out.push_str("<p class=\"legend\">");
    for component in Component::ALL {
        let name = component.name();
        let _written = write!(
            out,
            "<span class=\"key {name}\">{}</span> {name} ",
            letter(component)
        );
    }
    out.push_str("</p>\n");
}

fn write_stacked(out: &mut String, stacked: &Stacked) {
    legend(out);
    open(out, "div", " class=\"wide\"");
    let mut names = component_heads("");
    names.push(String::new());
    heads(out, &stacked.title, &names);
    for bar in &stacked.bars {
        row(out, &with_shares(&bar.label, &bar.shares));
        out.push_str(
            "<td class=\"chart\"><svg viewBox=\"0 0 200 12\" class=\"bar\" aria-hidden=\"true\">",
        );
        let mut x = 0.0;
        for (component, share) in Component::ALL.into_iter().zip(bar.shares) {
            let wide = share.clamp(0.0, 1.0) * 200.0;
            let (left, name) = (place(x), component.name());
            let _written = write!(
                out,
                "<rect class=\"{name}\" x=\"{left}\" width=\"{}\" height=\"12\"/>",
                place(wide)
            );
            // a letter where it has room: the parts are told apart without colour, too
            if wide > 12.0 {
                let _written = write!(
                    out,
                    "<text class=\"on\" x=\"{}\" y=\"9.5\">{}</text>",
                    place(x + wide / 2.0),
                    letter(component)
                );
            }
            x += wide;
        }
        out.push_str("</svg></td></tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

/// Areas one above the other, from the first step at the left to the last at the right.
fn write_course(out: &mut String, course: &Course) {
    const WIDE: f64 = 640.0;
    const HIGH: f64 = 200.0;
    open(out, "figure", "");
    element(out, "figcaption", "", &course.title);
    legend(out);
    let label = escape(&course.title);
    let _written = writeln!(
        out,
        "<svg viewBox=\"0 0 680 224\" class=\"course\" role=\"img\" aria-label=\"{label}\">"
    );
    #[expect(clippy::cast_precision_loss, reason = "a few stretches")]
    let step = WIDE / course.stretches.len().max(1) as f64;
    for (nth, component) in Component::ALL.into_iter().enumerate() {
        let (mut path, mut x) = (String::new(), 36.0);
        let mut back = Vec::new();
        for shares in &course.stretches {
            let below: f64 = shares.iter().take(nth).sum();
            let above = below + shares.get(nth).copied().unwrap_or(0.0);
            let (from, to) = (place(x), place(x + step));
            let [high, low] = [above, below].map(|share| place(HIGH * (1.0 - share) + 4.0));
            let mark = if path.is_empty() { 'M' } else { 'L' };
            let _written = write!(path, "{mark}{from} {high}L{to} {high}");
            back.push(format!("L{to} {low}L{from} {low}"));
            x += step;
        }
        path.extend(back.into_iter().rev());
        let name = component.name();
        let _written = writeln!(
            out,
            "<path class=\"{name}\" d=\"{path}Z\"><title>{name}</title></path>"
        );
    }
    for (text, y) in [("100 %", 12), ("50 %", 108), ("0 %", 204)] {
        let _written = write!(out, "<text class=\"axis\" x=\"32\" y=\"{y}\">{text}</text>");
    }
    out.push_str("<text class=\"from\" x=\"36\" y=\"220\">first step</text><text class=\"axis\" x=\"676\" y=\"220\">last step</text>\n</svg>\n");
    let count = course.stretches.len().max(1);
    let rows = course.stretches.iter().enumerate().map(|(nth, shares)| {
        with_shares(
            &format!("{}–{} %", nth * 100 / count, (nth + 1) * 100 / count),
            shares,
        )
    });
    folded(out, &component_heads("of its life"), rows);
    close(out, "figure");
}
