//! Themes from files.

use std::path::Path;

use ratatui::style::Color;
use ratatui::style::Style;

use crate::error::Result;
use crate::theme::Depth;
use crate::theme::Role;
use crate::theme::Theme;

/// A theme that can be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemeName {
    /// What [`Theme::load`] takes.
    pub name: String,
    /// One line about it.
    pub doc: String,
    /// Whether it is made for a dark background.
    pub is_dark: bool,
    /// Whether it is the user's own.
    pub is_user: bool,
}

/// The themes there are: built in, then the user's.
pub fn names(_user_dir: &Path) -> Vec<ThemeName> {
    Vec::new()
}

impl Theme {
    /// Loads a theme, built in or of the user's folder.
    ///
    /// # Errors
    /// *User*: no such theme, or its file is wrong.
    pub fn load(name: &str, depth: Depth, _user_dir: &Path) -> Result<Self> {
        Ok(Self {
            name: name.into(),
            is_dark: true,
            depth,
            styles: [Style::default(); Role::COUNT],
        })
    }

    /// The theme for a background; `None` is unknown.
    pub fn default_name(is_dark: Option<bool>) -> &'static str {
        if is_dark == Some(false) {
            "light"
        } else {
            "dark"
        }
    }

    /// A 24-bit colour as this depth shows it.
    pub fn color(&self, r: u8, g: u8, b: u8) -> Color {
        Color::Rgb(r, g, b)
    }

    /// A colour of the 256-colour palette as this depth shows it.
    pub fn indexed(&self, index: u8) -> Color {
        Color::Indexed(index)
    }
}
