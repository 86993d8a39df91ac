//! Statistics as a page of tables and charts, before anybody decided how it looks: the terminal, the screen, Markdown
//! and HTML draw the same one.

use crate::model::Component;
use crate::review::agreement::Interval;
use crate::stats::group::Selection;

/// A part of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SectionKind {
    /// How many, how often resolved and accepted.
    Overview,
    /// What agents do.
    Behaviour,
    /// How much of everything.
    Distributions,
    /// What they do when.
    OverTime,
    /// What was observed.
    Flags,
    /// Filter beside people.
    Agreement,
    /// The accepted records beside all.
    Coverage,
}

impl SectionKind {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 7] = [
        Self::Overview,
        Self::Behaviour,
        Self::Distributions,
        Self::OverTime,
        Self::Flags,
        Self::Agreement,
        Self::Coverage,
    ];

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Behaviour => "behaviour",
            Self::Distributions => "distributions",
            Self::OverTime => "time",
            Self::Flags => "flags",
            Self::Agreement => "agreement",
            Self::Coverage => "coverage",
        }
    }

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Behaviour => "Behaviour",
            Self::Distributions => "Distributions",
            Self::OverTime => "Over time",
            Self::Flags => "Flags",
            Self::Agreement => "Agreement",
            Self::Coverage => "Coverage",
        }
    }

    /// The section with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The page.
#[derive(Debug, Clone, PartialEq)]
pub struct Doc {
    /// What it is about, one line.
    pub title: String,
    /// The parts.
    pub sections: Vec<Section>,
}

/// A part.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Which.
    pub kind: SectionKind,
    /// What stands in it.
    pub blocks: Vec<Block>,
}

/// Something in a part. Texts may quote records; whoever shows them cleans or escapes them.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A sentence.
    Note(String),
    /// A table.
    Table(Table),
    /// Bars on one scale.
    Bars(Bars),
    /// Bars of components.
    Stacked(Stacked),
    /// Components over the course of a trajectory.
    Course(Course),
}

/// A table; the first column names the rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// What it is about.
    pub title: String,
    /// Heads of the columns, that of the names first.
    pub heads: Vec<String>,
    /// The rows.
    pub rows: Vec<Row>,
}

impl Table {
    /// Without columns that tell nothing of any row.
    pub(super) fn without_empty_columns(mut self) -> Self {
        for ix in (1..self.heads.len()).rev() {
            let is_empty = |row: &Row| row.cells.get(ix).is_none_or(|cell| cell == "-");
            if self.rows.iter().all(is_empty) {
                self.heads.remove(ix);
                let cells = self.rows.iter_mut().map(|row| &mut row.cells);
                cells
                    .filter(|cells| cells.len() > ix)
                    .for_each(|cells| drop(cells.remove(ix)));
            }
        }
        self
    }
}

/// A row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// Its name and its values, as many as there are heads.
    pub cells: Vec<String>,
    /// The records that it is about, where they are some of all.
    pub selection: Option<Selection>,
}

/// Bars on one scale.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bars {
    /// What they are about.
    pub title: String,
    /// What the values are called.
    pub unit: &'static str,
    /// They stand for neighbouring stretches of a scale and belong side by side.
    pub is_histogram: bool,
    /// The bars.
    pub rows: Vec<Bar>,
}

/// A bar.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bar {
    /// What it is about.
    pub label: String,
    /// Its length, from 0 to 1.
    pub length: f64,
    /// Its value in words.
    pub text: String,
    /// Where the true value lies at 95 %, on the scale of the length.
    pub interval: Option<Interval>,
    /// The records that it is about, where they are some of all.
    pub selection: Option<Selection>,
}

/// Bars of components.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stacked {
    /// What they are about.
    pub title: String,
    /// Name and shares of each.
    pub bars: Vec<StackedBar>,
}

/// A bar of components.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StackedBar {
    /// What it is about.
    pub label: String,
    /// The shares, in the order of [`Component::ALL`].
    pub shares: [f64; Component::ALL.len()],
    /// The records that it is about, where they are some of all.
    pub selection: Option<Selection>,
}

/// Components over the course of a trajectory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Course {
    /// What it is about.
    pub title: String,
    /// Shares by stretch, from the beginning to the end.
    pub stretches: Vec<[f64; Component::ALL.len()]>,
}

/// The letter of a component, so that charts can be read without colour.
pub(super) fn letter(component: Component) -> char {
    match component {
        Component::Reasoning => 'R',
        Component::Exploration => 'E',
        Component::Implementation => 'I',
        Component::Verification => 'V',
        Component::Execution => 'X',
    }
}
