//! How text looks: attributes and the sixteen colours of the user's theme, as escape
//! sequences (ECMA-48 8.3.117).

use std::ops::BitOr;

/// A set of attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style(u16);

/// What a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Colours,
    /// Bold, dim and underlined text, as with `NO_COLOR`.
    NoColours,
    /// No escape sequence at all, as with `TERM=dumb`.
    Plain,
}

impl Style {
    pub const NONE: Self = Self(0);
    pub const BOLD: Self = Self(1);
    pub const DIM: Self = Self(1 << 1);
    pub const ITALIC: Self = Self(1 << 2);
    pub const UNDERLINE: Self = Self(1 << 3);
    pub const STRIKE: Self = Self(1 << 4);
    /// Code in a text, and headings.
    pub const CYAN: Self = Self(1 << 5);
    /// Strings in code.
    pub const GREEN: Self = Self(1 << 6);
    /// Keywords in code.
    pub const MAGENTA: Self = Self(1 << 7);

    const ATTRIBUTES: [(Self, &'static str); 5] = [
        (Self::BOLD, "1"),
        (Self::DIM, "2"),
        (Self::ITALIC, "3"),
        (Self::UNDERLINE, "4"),
        (Self::STRIKE, "9"),
    ];
    const COLOURS: [(Self, &'static str); 3] =
        [(Self::GREEN, "32"), (Self::MAGENTA, "35"), (Self::CYAN, "36")];

    fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Style {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Look {
    /// Appends `text`, which has no control characters, in this style. The style ends
    /// with the text, so that what is on the screen never leaves one on, wherever the
    /// reply breaks off.
    pub fn paint(self, out: &mut Vec<u8>, style: Style, text: &str) {
        let start = out.len();
        let attributes = Style::ATTRIBUTES.iter().filter(|_| self != Self::Plain);
        let colours = Style::COLOURS.iter().filter(|_| self == Self::Colours);
        for (_, code) in attributes.chain(colours).filter(|(bit, _)| style.has(*bit)) {
            out.extend_from_slice(if out.len() == start { b"\x1b[" } else { b";" });
            out.extend_from_slice(code.as_bytes());
        }
        if out.len() == start {
            out.extend_from_slice(text.as_bytes());
            return;
        }
        out.push(b'm');
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(b"\x1b[0m");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_is_on_only_for_its_text() {
        let painted = |look: Look, style| {
            let mut out = Vec::new();
            look.paint(&mut out, style, "a");
            String::from_utf8(out).expect("UTF-8")
        };
        let style = Style::BOLD | Style::CYAN;
        assert_eq!(painted(Look::Colours, style), "\x1b[1;36ma\x1b[0m");
        assert_eq!(painted(Look::NoColours, style), "\x1b[1ma\x1b[0m");
        assert_eq!(painted(Look::NoColours, Style::GREEN), "a");
        assert_eq!(painted(Look::Plain, style), "a");
        assert_eq!(painted(Look::Colours, Style::NONE), "a");
    }
}
