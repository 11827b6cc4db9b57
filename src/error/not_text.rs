//! Bytes that were given as text and are not, and what they look like.

use std::fmt;
use std::path::PathBuf;

/// Where text was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextOrigin {
    File(PathBuf),
    StandardInput,
    /// A part of the command line, by its name in messages.
    CommandLine(&'static str),
}

impl fmt::Display for TextOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::StandardInput => f.write_str("standard input"),
            Self::CommandLine(name) => f.write_str(name),
        }
    }
}

/// What is wrong with bytes that were given as text. Offsets count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFlaw {
    NotUtf8 {
        offset: usize,
    },
    Nul {
        offset: usize,
    },
    /// They are UTF-8, but the source of a document.
    Document,
}

impl fmt::Display for TextFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 { offset } => write!(f, "is not UTF-8 at byte offset {offset}"),
            Self::Nul { offset } => write!(f, "has a NUL character at byte offset {offset}"),
            Self::Document => f.write_str("is not text"),
        }
    }
}

/// What bytes look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// Text, perhaps in another encoding.
    Text,
    Unicode(WideEncoding),
    Pdf,
    /// An office file, by the extension that such files have.
    Office(&'static str),
    /// Anything else, by its media type if that is known.
    Binary(Option<&'static str>),
}

/// A form of Unicode with wider code units than UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WideEncoding {
    /// With a byte order mark, or without one in little-endian order.
    Utf16,
    /// In big-endian order, without a byte order mark.
    Utf16BigEndian,
    /// With a byte order mark.
    Utf32,
}

impl fmt::Display for Likeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text in another encoding"),
            Self::Unicode(WideEncoding::Utf16 | WideEncoding::Utf16BigEndian) => {
                f.write_str("UTF-16")
            }
            Self::Unicode(WideEncoding::Utf32) => f.write_str("UTF-32"),
            Self::Pdf => f.write_str("a PDF"),
            Self::Office(extension) => write!(f, "an office file (.{extension})"),
            Self::Binary(None) => f.write_str("a binary file"),
            Self::Binary(Some(media_type)) => write!(f, "a binary file ({media_type})"),
        }
    }
}

/// Bytes that were given as text and are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotText {
    pub origin: TextOrigin,
    pub flaw: TextFlaw,
    pub likeness: Likeness,
    /// The user can have bad bytes replaced.
    pub is_replaceable: bool,
}

impl std::error::Error for NotText {}

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, flaw, likeness, .. } = self;
        write!(f, "{origin} {flaw}")?;
        match (flaw, likeness) {
            (TextFlaw::Nul { .. }, Likeness::Text) => Ok(()),
            _ => write!(f, ": it looks like {likeness}"),
        }
    }
}
