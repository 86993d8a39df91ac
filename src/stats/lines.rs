//! The page as lines of some width, for the terminal and the screen: cleaned, clipped, each piece with what it is.

use crate::model::Component;
use crate::stats::doc::Bars;
use crate::stats::doc::Block;
use crate::stats::doc::Course;
use crate::stats::doc::Doc;
use crate::stats::doc::SectionKind;
use crate::stats::doc::Stacked;
use crate::stats::doc::Table;
use crate::stats::doc::letter;
use crate::stats::draw;
use crate::stats::draw::Glyphs;
use crate::stats::group::Selection;
use crate::text::clean_line;
use crate::text::clip;
use crate::text::width;

/// Cells between columns.
const GAP: usize = 2;
/// The narrowest page that is laid out; below it lines are cut.
const LEAST: usize = 40;
/// Bars are no longer than this, or than five eighths of a wide line: lengths are compared easily, and the words stay
/// near.
const LONGEST: usize = 60;

/// What a piece of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tint {
    /// Ordinary text.
    Plain,
    /// Less important.
    Dim,
    /// The heading of a section.
    Section,
    /// The title of a table or chart.
    Title,
    /// The heads of columns.
    Head,
    /// A bar: what is certain.
    Bar,
    /// What of it is likely or possible.
    Range,
    /// A component's part.
    Component(Component),
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Cleaned.
    pub text: String,
    /// What it is.
    pub tint: Tint,
}

/// A line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Line {
    /// From the left.
    pub pieces: Vec<Piece>,
    /// The records that it is about, where they are some of all.
    pub selection: Option<Selection>,
    /// The section that begins here.
    pub section: Option<SectionKind>,
}

impl Line {
    fn of(text: impl Into<String>, tint: Tint) -> Self {
        Self::default().with(text, tint)
    }

    /// A line of its own above the page.
    pub fn title(text: &str, look: Look) -> Self {
        let cut = clip(&clean_line(text), look.width.max(LEAST)).into_owned();
        let text = if look.glyphs == Glyphs::Ascii {
            ascii(&cut)
        } else {
            cut
        };
        Self::of(text, Tint::Title)
    }

    fn with(mut self, text: impl Into<String>, tint: Tint) -> Self {
        let text = text.into();
        if !text.is_empty() {
            self.pieces.push(Piece { text, tint });
        }
        self
    }

    /// Without what its pieces are.
    pub fn text(&self) -> String {
        let pieces = self.pieces.iter().map(|piece| piece.text.as_str());
        let text: String = pieces.collect();
        text.trim_end().to_owned()
    }
}

/// How wide, and with which characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Cells of a line.
    pub width: usize,
    /// The characters of charts.
    pub glyphs: Glyphs,
}

/// Lays the page out.
pub fn lines(doc: &Doc, look: Look) -> Vec<Line> {
    let mut page = Page {
        look: Look {
            width: look.width.max(LEAST),
            ..look
        },
        lines: Vec::new(),
    };
    for section in &doc.sections {
        if !page.lines.is_empty() {
            page.lines.push(Line::default());
        }
        let mut heading = Line::of(section.kind.title(), Tint::Section);
        heading.section = Some(section.kind);
        page.lines.push(heading);
        for block in &section.blocks {
            page.block(block);
        }
    }
    if look.glyphs == Glyphs::Ascii {
        let pieces = page.lines.iter_mut().flat_map(|line| &mut line.pieces);
        pieces.for_each(|piece| piece.text = ascii(&piece.text));
    }
    page.lines
}

/// The text in ASCII alone.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii() => out.push(c),
            '–' | '▼' => out.push('-'),
            '→' => out.push('>'),
            '·' => out.push('/'),
            '…' => out.push('~'),
            '▲' => out.push('+'),
            'κ' => out.push_str("kappa"),
            _ => out.push('?'),
        }
    }
    out
}

/// A text in a column: cut, then filled up.
fn fill(text: &str, cells: usize, is_right: bool) -> String {
    let clean = clean_line(text);
    let cut = clip(&clean, cells);
    let blank = " ".repeat(cells.saturating_sub(width(&cut)));
    if is_right {
        blank + &cut
    } else {
        cut.into_owned() + &blank
    }
}

struct Page {
    look: Look,
    lines: Vec<Line>,
}

impl Page {
    fn block(&mut self, block: &Block) {
        match block {
            Block::Note(text) => {
                let text = clip(&clean_line(text), self.look.width).into_owned();
                self.lines.push(Line::of(text, Tint::Dim));
            }
            Block::Table(table) => self.table(table),
            Block::Bars(bars) => self.bars(bars),
            Block::Stacked(bars) => self.stacked(bars),
            Block::Course(course) => self.course(course),
        }
    }

    fn title(&mut self, title: &str) {
        self.lines.push(Line::default());
        if !title.is_empty() {
            let title = clip(&clean_line(title), self.look.width).into_owned();
            self.lines.push(Line::of(title, Tint::Title));
        }
    }

    /// The most cells of a bar.
    fn longest(&self) -> usize {
        LONGEST.max(self.look.width * 5 / 8)
    }

    /// The cells that a column of names gets: what the longest needs, and no more than three eighths of the line.
    fn label_cells<'a>(&self, labels: impl Iterator<Item = &'a str>) -> usize {
        let widest = labels.map(|label| width(&clean_line(label))).max();
        let most = (self.look.width * 3 / 8).max(16);
        widest.unwrap_or(0).clamp(1, most)
    }

    fn table(&mut self, table: &Table) {
        self.title(&table.title);
        let names = table.rows.iter().filter_map(|row| row.cells.first());
        let heads = table.heads.first();
        let label = self.label_cells(names.chain(heads).map(String::as_str));
        let widths: Vec<usize> = (1..table.heads.len())
            .map(|ix| self.column(table, ix))
            .collect();
        let mut from = 0;
        while from < widths.len() {
            let mut room = self.look.width.saturating_sub(label);
            let fitting = widths
                .get(from..)
                .unwrap_or_default()
                .iter()
                .take_while(|cells| {
                    let fits = room >= **cells + GAP;
                    room = room.saturating_sub(**cells + GAP);
                    fits
                });
            let to = from + fitting.count().max(1);
            if from > 0 {
                self.lines.push(Line::default());
            }
            self.stretch(
                table,
                label,
                (from, widths.get(from..to).unwrap_or_default()),
            );
            from = to;
        }
    }

    /// How wide a column of values is. Heads may be names of groups: they give way, values do not.
    fn column(&self, table: &Table, ix: usize) -> usize {
        let most = if self.look.width < 120 { 16 } else { 28 };
        let cells = |text: Option<&String>| text.map_or(0, |text| width(&clean_line(text)));
        let values = table.rows.iter().map(|row| cells(row.cells.get(ix))).max();
        let widest = values
            .unwrap_or(0)
            .max(cells(table.heads.get(ix)).min(most));
        widest.min(self.look.width / 2).max(1)
    }

    /// The columns of a table from number `from` on, as many as there are widths.
    fn stretch(&mut self, table: &Table, label: usize, (from, widths): (usize, &[usize])) {
        let row = |cells: &[String]| {
            let name = fill(cells.first().map_or("", String::as_str), label, false);
            let values = widths
                .iter()
                .zip(cells.iter().skip(from + 1))
                .map(|(cells, text)| " ".repeat(GAP) + &fill(text, *cells, true));
            (name, values.collect::<String>())
        };
        let (name, heads) = row(&table.heads);
        self.lines.push(Line::of(name + &heads, Tint::Head));
        for told in &table.rows {
            let (name, values) = row(&told.cells);
            let mut line = Line::of(name, Tint::Plain).with(values, Tint::Plain);
            line.selection.clone_from(&told.selection);
            self.lines.push(line);
        }
    }

    fn bars(&mut self, bars: &Bars) {
        self.title(&bars.title);
        let label = self.label_cells(bars.rows.iter().map(|bar| bar.label.as_str()));
        let text = bars
            .rows
            .iter()
            .map(|bar| width(&bar.text))
            .max()
            .unwrap_or(0);
        let room = self.look.width.saturating_sub(label + text + 2 * GAP);
        let (room, glyphs) = (room.min(self.longest()), self.look.glyphs);
        for bar in &bars.rows {
            let mut line = Line::of(fill(&bar.label, label, bars.is_histogram), Tint::Plain);
            line = line.with(" ".repeat(GAP), Tint::Plain);
            let mut cells = 0;
            if let Some(range) = bar.interval {
                let [certain, told, possible] = draw::range_bar(bar.length, range, room, glyphs);
                cells += [&certain, &told, &possible]
                    .map(|part| width(part))
                    .iter()
                    .sum::<usize>();
                line = line
                    .with(certain, Tint::Bar)
                    .with(told + &possible, Tint::Range);
            } else {
                let drawn = draw::bar(bar.length, room, glyphs);
                cells += width(&drawn);
                line = line.with(drawn, Tint::Bar);
            }
            let blank = " ".repeat(room.saturating_sub(cells) + GAP);
            line = line.with(blank + &fill(&bar.text, text, true), Tint::Plain);
            line.selection.clone_from(&bar.selection);
            self.lines.push(line);
        }
    }

    /// What the letters mean, on as many lines as it takes.
    fn legend(&mut self) {
        let mut line = Line::default();
        let mut room = self.look.width;
        for component in Component::ALL {
            let cells = component.name().len() + 4;
            if cells > room {
                self.lines.push(std::mem::take(&mut line));
                room = self.look.width;
            }
            room = room.saturating_sub(cells);
            line = line
                .with(letter(component), Tint::Component(component))
                .with(format!(" {}  ", component.name()), Tint::Dim);
        }
        self.lines.push(line);
    }

    fn stacked(&mut self, stacked: &Stacked) {
        const NUMBERS: usize = 5 * 4;
        self.title(&stacked.title);
        self.legend();
        let label = self.label_cells(stacked.bars.iter().map(|bar| bar.label.as_str()));
        let room = self
            .look
            .width
            .saturating_sub(label + NUMBERS + 2 * GAP + 2);
        let room = room.clamp(1, self.longest());
        let heads: String = Component::ALL
            .map(|component| format!("{:>4}", letter(component)))
            .concat();
        let blank = " ".repeat(label + room + 2 * GAP);
        self.lines.push(Line::of(blank + &heads + " %", Tint::Head));
        for bar in &stacked.bars {
            let mut line = Line::of(fill(&bar.label, label, false) + "  ", Tint::Plain);
            let parts = draw::stacked(bar.shares, room);
            let drawn: usize = parts.iter().map(|(_, letters)| letters.len()).sum();
            for (component, letters) in parts {
                line = line.with(letters, Tint::Component(component));
            }
            let numbers = bar
                .shares
                .map(|share| format!("{:>4.0}", share * 100.0))
                .concat();
            let blank = " ".repeat(room.saturating_sub(drawn) + GAP);
            line = line.with(blank + &numbers, Tint::Plain);
            line.selection.clone_from(&bar.selection);
            self.lines.push(line);
        }
    }

    fn course(&mut self, course: &Course) {
        const ROOMY: usize = 100;
        const HEIGHT: usize = 10;
        self.title(&course.title);
        let count = course.stretches.len().max(1);
        let names = Component::ALL.map(|component| component.name().len());
        let label = 2 + names.into_iter().max().unwrap_or(0);
        let ends = "  100 % > 100 %".len();
        let room = self.look.width.saturating_sub(label + GAP + ends);
        let times = (room / count).clamp(1, 7);
        if self.look.width >= ROOMY {
            self.area(course, (label, times), HEIGHT);
        }
        for (component, place) in Component::ALL.into_iter().zip(0..) {
            let shares = || course.stretches.iter().map(move |shares| shares[place]);
            let spark = draw::sparkline(shares(), times, self.look.glyphs);
            let end = |share: Option<f64>| format!("{:.0} %", share.unwrap_or(0.0) * 100.0);
            let words = format!(
                "{:>5} → {}",
                end(shares().next()),
                end(shares().next_back())
            );
            let name = format!("{} {}", letter(component), component.name());
            self.lines.push(
                Line::of(fill(&name, label, false) + "  ", Tint::Plain)
                    .with(spark, Tint::Component(component))
                    .with(format!("  {words}"), Tint::Dim),
            );
        }
    }

    /// Letters one above the other: each column is a stretch, each component has its share of it.
    fn area(&mut self, course: &Course, (label, times): (usize, usize), height: usize) {
        let columns: Vec<Vec<Component>> = course
            .stretches
            .iter()
            .map(|shares| {
                let lens = Component::ALL
                    .into_iter()
                    .zip(draw::cells_of(*shares, height));
                lens.flat_map(|(component, len)| std::iter::repeat_n(component, len))
                    .collect()
            })
            .collect();
        for row in 0..height {
            let mark = match row {
                0 => "100 %",
                5 => "50 %",
                _ => "",
            };
            let mut line = Line::of(fill(mark, label, true) + "  ", Tint::Dim);
            for column in &columns {
                let component = column.get(row).copied();
                line = match component {
                    Some(component) => {
                        let letters = letter(component).to_string().repeat(times);
                        line.with(letters, Tint::Component(component))
                    }
                    None => line.with(" ".repeat(times), Tint::Plain),
                };
            }
            self.lines.push(line);
        }
    }
}
