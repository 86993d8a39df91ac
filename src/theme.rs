//! Named roles to styles, colour depth, and syntax highlighting. Loads `themes/*`; knows no view.
//!
//! A theme is loaded for one depth and never looked at again: a style is an index into a table.

mod color;
mod depth;
mod highlight;
mod load;
mod role;
pub mod signs;

pub use depth::ColorEnv;
pub use depth::detect_background;
pub use highlight::CodeState;
pub use highlight::Highlighter;
pub use highlight::SyntaxId;
pub use load::ThemeName;
pub use load::names;
pub use role::Role;
pub use role::class_role;

use ratatui::style::Color;
use ratatui::style::Style;

/// How many colours the terminal shows, the fewest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// No colour at all (`NO_COLOR`): bold, underline and reverse only.
    Mono,
    /// The 16 colours of the terminal's own palette.
    Ansi16,
    /// The 256-colour cube.
    Ansi256,
    /// 24-bit colour.
    True,
}

/// A colour scheme, resolved for the depth of this terminal.
#[derive(Debug, Clone)]
pub struct Theme {
    name: String,
    is_dark: bool,
    depth: Depth,
    styles: [Style; Role::COUNT],
    /// Colours of code; `None` leaves code plain.
    syntax: Option<&'static syntect::highlighting::Theme>,
    /// The background that is painted, where it is a colour of known value.
    ground: Option<color::Rgb>,
}

impl Theme {
    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// The theme's name, as in `themes/<name>.toml`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is made for a dark background.
    pub fn is_dark(&self) -> bool {
        self.is_dark
    }

    /// The depth it was resolved for.
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// A 24-bit colour of recorded output as this depth shows it; `Reset` without colours.
    pub fn color(&self, r: u8, g: u8, b: u8) -> Color {
        color::rgb(r, g, b, self.depth)
    }

    /// A colour of the 256-colour palette as this depth shows it; `Reset` without colours.
    pub fn indexed(&self, index: u8) -> Color {
        color::indexed(index, self.depth)
    }
}
