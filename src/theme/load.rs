//! Themes from files: those built in, and the user's.
//!
//! A file has `doc`, `dark`, `syntax`, `inherits`, a `[palette]` of names and `[roles]`. A role is written as words:
//! `"red bold"`, `"text on raised"`, `"reverse"`; a colour is a palette name, `"#rrggbb"` (with `/n` for its place in
//! the 256-colour palette), one of the 16 names, or a number. What a user's file leaves out is inherited.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::OnceLock;

use ratatui::style::Color;
use ratatui::style::Modifier;
use ratatui::style::Style;
use serde::Deserialize;
use syntect::highlighting::Theme as SyntaxTheme;
use syntect::highlighting::ThemeSet;
use toml::Spanned;
use two_face::theme::EmbeddedLazyThemeSet;

use crate::error::Error;
use crate::error::Result;
use crate::theme::Depth;
use crate::theme::Role;
use crate::theme::Theme;
use crate::theme::color;

/// The themes that are built in, in the order in which they are offered.
const BUILT_IN: [(&str, &str); 5] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    (
        "high-contrast",
        include_str!("../../themes/high-contrast.toml"),
    ),
    ("sixteen", include_str!("../../themes/sixteen.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
];

/// A theme that can be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemeName {
    /// What [`Theme::load`] takes.
    pub name: String,
    /// One line about it; may be empty.
    pub doc: String,
    /// Whether it is made for a dark background.
    pub is_dark: bool,
    /// Whether it is the user's own.
    pub is_user: bool,
}

/// The themes there are: built in, then the user's by name. A user's theme takes the place of a built-in one with the
/// same name; files that cannot be read are left out here, [`Theme::load`] says why.
pub fn names(user_dir: &Path) -> Vec<ThemeName> {
    let mut found: Vec<ThemeName> = BUILT_IN
        .iter()
        .filter_map(|(name, text)| {
            let file: File = toml::from_str(text).ok()?;
            Some(theme_name(name, file, false))
        })
        .collect();
    let mut files: Vec<PathBuf> = std::fs::read_dir(user_dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    for path in files {
        let text = std::fs::read_to_string(&path).ok();
        let file: Option<File> = text.and_then(|text| toml::from_str(&text).ok());
        if let (Some(stem), Some(file)) = (path.file_stem().and_then(|stem| stem.to_str()), file) {
            found.retain(|theme| theme.name != stem);
            found.push(theme_name(stem, file, true));
        }
    }
    found
}

fn theme_name(name: &str, file: File, is_user: bool) -> ThemeName {
    ThemeName {
        name: name.to_owned(),
        doc: file.doc.unwrap_or_default(),
        is_dark: file.dark,
        is_user,
    }
}

impl Theme {
    /// Loads a theme, of the user's folder or built in, and resolves it for a depth.
    ///
    /// Below 24 bits a colour becomes the nearest of the 256; with 16, a role that names colours of its own is taken
    /// from `sixteen`, because the nearest of 16 may not be readable on the background; without colours all roles are
    /// those of `mono`.
    ///
    /// # Errors
    /// *User*: no such theme, or its file is wrong; the line is named.
    pub fn load(name: &str, depth: Depth, user_dir: &Path) -> Result<Self> {
        let file = find(name, user_dir)?;
        let is_dark = file.dark;
        let syntax = match &file.syntax {
            Some(syntax) => syntax_theme(syntax, user_dir)?,
            None => None,
        };
        let roles = roles(&file, name)?;
        let (mono, sixteen) = (built_in_roles("mono")?, built_in_roles("sixteen")?);
        let mut styles = [Style::default(); Role::COUNT];
        for (((style, role), mono), sixteen) in styles.iter_mut().zip(roles).zip(mono).zip(sixteen)
        {
            *style = match depth {
                Depth::Mono => Look {
                    fg: None,
                    bg: None,
                    ..mono
                },
                Depth::Ansi16 if role.has_own_colors() => sixteen,
                _ => role,
            }
            .style(depth);
        }
        // 24-bit syntax colours have no safe nearest colour among 16
        let syntax = match (depth, syntax) {
            (Depth::Mono, _) | (_, None) => None,
            (Depth::Ansi16, Some(_)) => syntax_theme("ansi", user_dir)?,
            (_, found) => found,
        };
        let text: &Style = &styles[Role::Text as usize];
        Ok(Self {
            name: name.to_owned(),
            is_dark,
            depth,
            ground: text.bg.and_then(color::value),
            styles,
            syntax,
        })
    }

    /// The name of the theme for a background; `None` is unknown.
    pub fn default_name(is_dark: Option<bool>) -> &'static str {
        if is_dark == Some(false) {
            "light"
        } else {
            "dark"
        }
    }
}

/// A theme file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    doc: Option<String>,
    dark: bool,
    /// A built-in theme; by default dark or light.
    inherits: Option<String>,
    /// A `.tmTheme` of the themes folder, a built-in syntax theme, or `none`.
    syntax: Option<String>,
    #[serde(default)]
    palette: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    roles: BTreeMap<String, Spanned<String>>,
    /// For line numbers.
    #[serde(skip)]
    text: String,
}

impl File {
    fn parse(text: &str, name: &str) -> Result<Self> {
        let mut file: Self = toml::from_str(text)
            .map_err(|err| Error::user(format!("theme `{name}` is wrong")).caused_by(err))?;
        text.clone_into(&mut file.text);
        Ok(file)
    }

    fn wrong(&self, name: &str, at: &Spanned<String>, what: &str) -> Error {
        let before = self.text.bytes().take(at.span().start);
        let line = 1 + before.filter(|byte| *byte == b'\n').count();
        Error::user(format!("theme `{name}`, line {line}: {what}"))
    }
}

fn built_in(name: &str) -> Option<&'static str> {
    let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
    Some(text)
}

/// Reads a theme's file, with what it inherits filled in.
fn find(name: &str, user_dir: &Path) -> Result<File> {
    let is_plain = !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.');
    let path = user_dir.join(format!("{name}.toml"));
    if is_plain && path.is_file() {
        let text = std::fs::read_to_string(&path).map_err(|err| {
            Error::input(format!("cannot read the theme {}", path.display())).caused_by(err)
        })?;
        let mut file = File::parse(&text, name)?;
        let parent = match (&file.inherits, file.dark) {
            (Some(parent), _) => parent.as_str(),
            (None, true) => "dark",
            (None, false) => "light",
        };
        let base = built_in(parent).ok_or_else(|| {
            Error::user(format!(
                "theme `{name}` inherits `{parent}`, which is not built in"
            ))
        })?;
        let base = File::parse(base, parent)?;
        file.syntax = file.syntax.or(base.syntax);
        for (key, value) in base.palette {
            file.palette.entry(key).or_insert(value);
        }
        for (key, value) in base.roles {
            file.roles.entry(key).or_insert(value);
        }
        return Ok(file);
    }
    if let Some(text) = built_in(name) {
        return File::parse(text, name);
    }
    let known: Vec<String> = names(user_dir)
        .into_iter()
        .map(|theme| theme.name)
        .collect();
    Err(Error::user(format!("there is no theme `{name}`"))
        .hint(format!("themes: {}", known.join(", "))))
}

fn built_in_roles(name: &str) -> Result<[Look; Role::COUNT]> {
    let text = built_in(name).unwrap_or_default();
    roles(&File::parse(text, name)?, name)
}

/// All roles of a file, in the order of [`Role::ALL`]; a role that is not named is plain.
fn roles(file: &File, name: &str) -> Result<[Look; Role::COUNT]> {
    let mut looks = [Look::default(); Role::COUNT];
    for (key, value) in &file.roles {
        let role = Role::named(key)
            .ok_or_else(|| file.wrong(name, value, &format!("there is no role `{key}`")))?;
        looks[role as usize] = Look::parse(value.get_ref(), &file.palette)
            .map_err(|what| file.wrong(name, value, &what))?;
    }
    Ok(looks)
}

/// A colour before its depth is known.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ink {
    /// One of the terminal's own 16, or its default.
    Terminal(Color),
    /// A place in the 256-colour palette, from 16.
    Indexed(u8),
    /// 24 bits, and its place among the 256 where the nearest is not wanted.
    Rgb(color::Rgb, Option<u8>),
}

impl Ink {
    /// Reads a colour that is not a palette name.
    fn parse(text: &str) -> Option<Self> {
        if let Some(color) = color::named(text) {
            return Some(Self::Terminal(color));
        }
        if let Ok(index) = text.parse::<u8>() {
            return Some(match index {
                0..=15 => Self::Terminal(color::indexed(index, Depth::True)),
                _ => Self::Indexed(index),
            });
        }
        let (hex, place) = match text.split_once('/') {
            Some((hex, place)) => (hex, Some(place.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let hex = hex.strip_prefix('#').filter(|hex| hex.len() == 6)?;
        let value = u32::from_str_radix(hex, 16).ok()?;
        let [_, r, g, b] = value.to_be_bytes();
        Some(Self::Rgb((r, g, b), place))
    }

    fn color(self, depth: Depth) -> Color {
        match (self, depth) {
            (_, Depth::Mono) => Color::Reset,
            (Self::Terminal(color), _) => color,
            (Self::Rgb(_, Some(index)), Depth::Ansi256) | (Self::Indexed(index), _) => {
                color::indexed(index, depth)
            }
            (Self::Rgb((r, g, b), _), _) => color::rgb(r, g, b, depth),
        }
    }
}

/// A role's look before the depth is known.
#[derive(Debug, Clone, Copy, Default)]
struct Look {
    fg: Option<Ink>,
    bg: Option<Ink>,
    modifiers: Modifier,
}

impl Look {
    fn parse(text: &str, palette: &BTreeMap<String, Spanned<String>>) -> Result<Self, String> {
        let mut look = Self::default();
        let mut is_ground = false;
        for word in text.split_whitespace() {
            if word == "on" {
                is_ground = true;
                continue;
            }
            let modifier = match word {
                // `dim` is a colour where the palette has one
                "dim" if !palette.contains_key("dim") => Modifier::DIM,
                "bold" => Modifier::BOLD,
                "italic" => Modifier::ITALIC,
                "underline" => Modifier::UNDERLINED,
                "reverse" => Modifier::REVERSED,
                "strike" => Modifier::CROSSED_OUT,
                _ => Modifier::empty(),
            };
            if !modifier.is_empty() {
                look.modifiers |= modifier;
                continue;
            }
            let ink = match palette.get(word) {
                Some(value) => Ink::parse(value.get_ref())
                    .ok_or_else(|| format!("`{}` is not a colour", value.get_ref()))?,
                None => Ink::parse(word)
                    .ok_or_else(|| format!("`{word}` is neither a colour nor an attribute"))?,
            };
            let place = if is_ground {
                &mut look.bg
            } else {
                &mut look.fg
            };
            if place.replace(ink).is_some() {
                return Err(format!("`{word}` is one colour too many"));
            }
            is_ground = false;
        }
        if is_ground {
            return Err("`on` without a colour after it".to_owned());
        }
        Ok(look)
    }

    /// Whether it names colours beyond the terminal's own 16.
    fn has_own_colors(self) -> bool {
        [self.fg, self.bg]
            .into_iter()
            .flatten()
            .any(|ink| !matches!(ink, Ink::Terminal(_)))
    }

    fn style(self, depth: Depth) -> Style {
        let mut style = Style::default().add_modifier(self.modifiers);
        style.fg = self.fg.map(|ink| ink.color(depth));
        style.bg = self.bg.map(|ink| ink.color(depth));
        style
    }
}

/// Finds the colours of code: a `.tmTheme` file of the folder, else a built-in one; `none` is none.
///
/// Files are read once and kept for ever, so that switching themes back and forth costs nothing: there are few.
fn syntax_theme(name: &str, user_dir: &Path) -> Result<Option<&'static SyntaxTheme>> {
    static READ: Mutex<BTreeMap<PathBuf, &'static SyntaxTheme>> = Mutex::new(BTreeMap::new());
    static EMBEDDED: OnceLock<EmbeddedLazyThemeSet> = OnceLock::new();
    if name == "none" {
        return Ok(None);
    }
    let stem = name.strip_suffix(".tmTheme").unwrap_or(name);
    let path = user_dir.join(format!("{stem}.tmTheme"));
    if !stem.contains(['/', '\\']) && path.is_file() {
        let mut read = READ
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(theme) = read.get(&path) {
            return Ok(Some(theme));
        }
        let theme = ThemeSet::get_theme(&path).map_err(|err| {
            Error::user(format!("cannot read the syntax theme {}", path.display())).caused_by(err)
        })?;
        let theme: &'static SyntaxTheme = Box::leak(Box::new(theme));
        read.insert(path, theme);
        return Ok(Some(theme));
    }
    let wanted = letters(name);
    let embedded = EmbeddedLazyThemeSet::theme_names()
        .iter()
        .find(|known| letters(known.as_name()) == wanted)
        .ok_or_else(|| {
            let known: Vec<&str> = EmbeddedLazyThemeSet::theme_names()
                .iter()
                .map(|known| known.as_name())
                .collect();
            Error::user(format!("there is no syntax theme `{name}`"))
                .hint(format!("syntax themes: {}", known.join(", ")))
        })?;
    Ok(Some(
        EMBEDDED.get_or_init(two_face::theme::extra).get(*embedded),
    ))
}

/// A name without case, blanks and signs, so that "One Half Dark" is `OneHalfDark`.
fn letters(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests;
