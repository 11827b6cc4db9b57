//! Reading text files, and decoding bytes as text: UTF-8 without NUL.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use memchr::memchr;

use crate::error::{Error, Likeness, NotText, Result, TextFlaw, TextOrigin};
use crate::files::interrupted::uninterrupted;
use crate::files::likeness::SAMPLE_BYTES;
use crate::files::{input, likeness};

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads a file.
///
/// # Errors
/// [`Error::Unreadable`] if it cannot be read or is too long.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    input::read(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })
}

/// Reads a text file and strips a byte order mark.
///
/// # Errors
/// [`Error::Unreadable`] if it cannot be read, [`Error::NotText`] if it is not
/// text.
pub fn read_text(path: &Path) -> Result<String> {
    Ok(decode(read(path)?, TextOrigin::File(path.to_owned()))?)
}

/// Decodes `bytes` and strips a byte order mark, unless they are from the
/// command line.
///
/// # Errors
/// [`NotText`] if they are not UTF-8, contain a NUL, or are a PDF.
pub fn decode(bytes: Vec<u8>, origin: TextOrigin) -> Result<String, Box<NotText>> {
    let is_typed = matches!(origin, TextOrigin::CommandLine(_));
    let refuse = |bytes: &[u8], flaw| {
        let likeness = likeness::of(bytes);
        Box::new(NotText { origin, flaw, likeness, is_replaceable: false })
    };
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let offset = error.utf8_error().valid_up_to();
            return Err(refuse(error.as_bytes(), TextFlaw::NotUtf8 { offset }));
        }
    };
    if let Some(offset) = memchr(0, text.as_bytes()) {
        return Err(refuse(text.as_bytes(), TextFlaw::Nul { offset }));
    }
    match is_typed {
        true => Ok(text),
        false if likeness::is_pdf(text.as_bytes()) => {
            Err(refuse(text.as_bytes(), TextFlaw::Document))
        }
        false => Ok(without_mark(text)),
    }
}

/// Recognizes a file that is something else than text, by its first bytes. NUL is none.
///
/// # Errors
/// When the file cannot be read.
pub fn recognize_foreign_file(file: &File) -> io::Result<Option<(TextFlaw, Likeness)>> {
    let mut sample = vec![0; SAMPLE_BYTES];
    let read = uninterrupted(|| file.read_at(&mut sample, 0))?;
    Ok(recognize_foreign(&sample[..read], false))
}

/// Recognizes, by its first bytes, an input that as a whole is something else than
/// text. With `allows_nul`, NUL is a separator.
pub fn recognize_foreign(sample: &[u8], allows_nul: bool) -> Option<(TextFlaw, Likeness)> {
    let flaw = match std::str::from_utf8(sample) {
        // The sample may end inside of a character.
        Err(error) if error.error_len().is_some() => {
            TextFlaw::NotUtf8 { offset: error.valid_up_to() }
        }
        _ if likeness::is_pdf(sample) => TextFlaw::Document,
        _ => TextFlaw::Nul { offset: memchr(0, sample).filter(|_| !allows_nul)? },
    };
    match likeness::of(sample) {
        // These may be damaged lines among good ones.
        Likeness::Text | Likeness::Binary(None) => None,
        likeness => Some((flaw, likeness)),
    }
}

fn without_mark(text: String) -> String {
    text.strip_prefix(BYTE_ORDER_MARK).map(str::to_owned).unwrap_or(text)
}

/// How to treat bytes that are not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Report an error.
    Strict,
    /// Replace each invalid sequence, and each NUL, by U+FFFD.
    Lossy,
}

impl Encoding {
    /// Decodes `bytes` and strips a byte order mark, unless they are from the
    /// command line.
    ///
    /// # Errors
    /// [`Error::NotText`] if they are not text and the encoding is strict.
    pub fn decode(self, bytes: Vec<u8>, origin: TextOrigin) -> Result<String> {
        match self {
            Self::Strict => decode(bytes, origin).map_err(|error| {
                Error::NotText(Box::new(NotText { is_replaceable: true, ..*error }))
            }),
            Self::Lossy => {
                let text = String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}");
                Ok(if matches!(origin, TextOrigin::CommandLine(_)) {
                    text
                } else {
                    without_mark(text)
                })
            }
        }
    }
}

/// Whether a character is a control character, or a bidirectional control that
/// shows text in another order than it has (CVE-2021-42574): an embedding, an
/// override, an isolate or the end of one. The marks U+200E, U+200F and U+061C
/// move only themselves and the signs next to them, and Arabic and Hebrew are
/// written with them; joiners make emoji.
pub fn is_harmful(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_order_mark_is_stripped_from_what_was_not_typed() {
        let bytes = "\u{feff}\u{feff}a".as_bytes();
        for encoding in [Encoding::Strict, Encoding::Lossy] {
            let decoded = |origin| encoding.decode(bytes.to_vec(), origin).expect("it is text");
            assert_eq!(decoded(TextOrigin::StandardInput), "\u{feff}a");
            assert_eq!(decoded(TextOrigin::CommandLine("x")), "\u{feff}\u{feff}a");
        }
    }

    #[test]
    fn bad_bytes_and_nul_are_replaced_or_refused() {
        for (bytes, offset, lossy) in
            [(&b"a\xffb"[..], 1, "a\u{fffd}b"), (b"ab\0", 2, "ab\u{fffd}")]
        {
            let origin = || TextOrigin::StandardInput;
            let refused = Encoding::Strict.decode(bytes.to_vec(), origin()).expect_err(lossy);
            assert!(refused.to_string().contains(&format!("byte offset {offset}")), "{refused}");
            let decoded = Encoding::Lossy.decode(bytes.to_vec(), origin()).expect("it is replaced");
            assert_eq!(decoded, lossy);
        }
    }
}
