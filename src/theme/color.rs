//! Colours between depths, and how well one can be read on another. Pure.

use anstyle_lossy::palette::VGA;
use ratatui::style::Color;

use crate::theme::Depth;

/// Red, green, blue.
pub(super) type Rgb = (u8, u8, u8);

/// A 24-bit colour at a depth.
pub(super) fn rgb(r: u8, g: u8, b: u8, depth: Depth) -> Color {
    let exact = anstyle::RgbColor(r, g, b);
    match depth {
        Depth::Mono => Color::Reset,
        Depth::Ansi16 => ansi(anstyle_lossy::rgb_to_ansi(exact, VGA)),
        Depth::Ansi256 => Color::Indexed(anstyle_lossy::rgb_to_xterm(exact).0),
        Depth::True => Color::Rgb(r, g, b),
    }
}

/// A place of the 256-colour palette at a depth.
pub(super) fn indexed(index: u8, depth: Depth) -> Color {
    match depth {
        Depth::Mono => Color::Reset,
        Depth::Ansi16 => ansi(anstyle_lossy::xterm_to_ansi(
            anstyle::Ansi256Color(index),
            VGA,
        )),
        Depth::Ansi256 | Depth::True => match anstyle::Ansi256Color(index).into_ansi() {
            Some(named) => ansi(named),
            None => Color::Indexed(index),
        },
    }
}

fn ansi(color: anstyle::AnsiColor) -> Color {
    use anstyle::AnsiColor;
    match color {
        AnsiColor::Black => Color::Black,
        AnsiColor::Red => Color::Red,
        AnsiColor::Green => Color::Green,
        AnsiColor::Yellow => Color::Yellow,
        AnsiColor::Blue => Color::Blue,
        AnsiColor::Magenta => Color::Magenta,
        AnsiColor::Cyan => Color::Cyan,
        AnsiColor::White => Color::Gray,
        AnsiColor::BrightBlack => Color::DarkGray,
        AnsiColor::BrightRed => Color::LightRed,
        AnsiColor::BrightGreen => Color::LightGreen,
        AnsiColor::BrightYellow => Color::LightYellow,
        AnsiColor::BrightBlue => Color::LightBlue,
        AnsiColor::BrightMagenta => Color::LightMagenta,
        AnsiColor::BrightCyan => Color::LightCyan,
        AnsiColor::BrightWhite => Color::White,
    }
}

/// The 16 colours by the names that theme files use.
pub(super) fn named(name: &str) -> Option<Color> {
    const NAMES: [&str; 8] = [
        "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
    ];
    if name == "default" {
        return Some(Color::Reset);
    }
    let (plain, first) = match name.strip_prefix("bright-") {
        Some(plain) => (plain, 8),
        None => (name, 0),
    };
    let place = NAMES.iter().position(|known| *known == plain)?;
    let index = u8::try_from(place).ok()? + first;
    Some(indexed(index, Depth::True))
}

/// The colour's value where it does not depend on the terminal's own palette.
pub(super) fn value(color: Color) -> Option<Rgb> {
    match color {
        Color::Rgb(r, g, b) => Some((r, g, b)),
        Color::Indexed(index @ 16..) => {
            let exact = anstyle_lossy::xterm_to_rgb(anstyle::Ansi256Color(index), VGA);
            Some((exact.0, exact.1, exact.2))
        }
        _ => None,
    }
}

/// The contrast of two colours, 1 to 21, as WCAG 2 defines it.
pub(super) fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance((r, g, b): Rgb) -> f64 {
    let linear = |channel: u8| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.040_45 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

/// Moves a colour toward white or black, whichever is further from `ground`, until its contrast is `least` or it has
/// arrived.
pub(super) fn legible(color: Rgb, ground: Rgb, least: f64) -> Rgb {
    let end = if luminance(ground) < 0.18 { 255 } else { 0 };
    let mix = |channel: u8, step: u16| {
        let mixed = (u16::from(channel) * (10 - step) + end * step) / 10;
        u8::try_from(mixed).unwrap_or(u8::MAX)
    };
    (0..=10)
        .map(|step| (mix(color.0, step), mix(color.1, step), mix(color.2, step)))
        .find(|mixed| contrast(*mixed, ground) >= least)
        .unwrap_or((mix(0, 10), mix(0, 10), mix(0, 10)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths_resolve_colors() {
        let rows = [
            (Depth::Mono, Color::Reset, Color::Reset),
            (Depth::Ansi16, Color::Red, Color::LightRed),
            (Depth::Ansi256, Color::Indexed(124), Color::Indexed(203)),
            (Depth::True, Color::Rgb(170, 0, 0), Color::Indexed(203)),
        ];
        for (depth, by_value, by_place) in rows {
            assert_eq!(rgb(170, 0, 0, depth), by_value, "{depth:?}");
            assert_eq!(indexed(203, depth), by_place, "{depth:?}");
        }
        assert_eq!(indexed(7, Depth::Ansi256), Color::Gray);
        assert_eq!(named("bright-white"), Some(Color::White));
        assert_eq!(named("white"), Some(Color::Gray));
        assert_eq!(named("mauve"), None);
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        let black = (0, 0, 0);
        assert!((contrast(black, (255, 255, 255)) - 21.0).abs() < 1e-9);
        // the published example: #777777 on white just fails 4.5
        let grey = contrast((0x77, 0x77, 0x77), (255, 255, 255));
        assert!((grey - 4.48).abs() < 0.01, "{grey}");
        for ground in [black, (255, 255, 255), (90, 90, 90), (128, 128, 128)] {
            for color in [black, (255, 255, 255), (0, 0, 200), (200, 200, 0)] {
                assert!(contrast(legible(color, ground, 4.5), ground) >= 4.5);
            }
        }
        assert_eq!(legible((200, 200, 200), black, 4.5), (200, 200, 200));
    }
}
