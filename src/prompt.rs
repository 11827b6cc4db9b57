//! Words, standard input and files made into the user's message and the
//! system prompt. Text stays as it is, but for one line end at the very end
//! of standard input or of a file.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::notes::Notes;

/// What becomes of bytes that are not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// They are an error.
    Strict,
    /// Each bad sequence becomes U+FFFD.
    Lossy,
}

/// Where standard input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdin {
    Terminal,
    /// A pipe or a file.
    Redirected,
    /// `--no-stdin`: it is never read.
    Refused,
}

/// Whether there can be a prompt at all.
///
/// # Errors
/// [`Error::Usage`] where there cannot.
pub fn ensure_possible(words: &[OsString], stdin: Stdin) -> Result<()> {
    let dashes = words.iter().filter(|word| *word == "-").count();
    Err(usage(match (dashes, stdin) {
        (0, Stdin::Refused) if words.is_empty() => "no prompt: --no-stdin was given, and no words",
        (0, Stdin::Terminal) if words.is_empty() => {
            "no prompt: give it as words, as in gravix ask \"What is a tarpit?\", or on standard input"
        }
        (1, Stdin::Refused) => "'-' asks for standard input, which --no-stdin refuses",
        (0 | 1, _) => return Ok(()),
        _ => "'-' stands for standard input, which can be read only once",
    }))
}

/// The user's message, which holds more than white space. [`ensure_possible`]
/// has found that there can be one.
pub fn assemble<R: Read + Send>(
    words: &[OsString],
    stdin: Stdin,
    input: R,
    encoding: Encoding,
    notes: &Notes,
) -> Result<String> {
    let has_dash = words.iter().any(|word| word == "-");
    let parts = match stdin {
        _ if has_dash => {
            let mut halves = words.split(|word| word == "-");
            let mut half = || join(halves.next().unwrap_or_default(), encoding);
            let (before, after) = (half()?, half()?);
            vec![before, read(input, encoding)?, after]
        }
        Stdin::Refused | Stdin::Terminal => vec![join(words, encoding)?],
        Stdin::Redirected if words.is_empty() => vec![read(input, encoding)?],
        Stdin::Redirected => {
            let words = join(words, encoding)?;
            let waiting = "waiting for standard input; -n (--no-stdin) leaves it alone";
            vec![words, notes.while_waiting(waiting, || read(input, encoding))?]
        }
    };
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let prompt = parts.join("\n\n");
    if prompt.trim().is_empty() {
        return Err(usage("the prompt is empty; nothing was sent"));
    }
    Ok(prompt)
}

/// The text of a file, less one line end at its end.
pub fn read_file(path: &Path, encoding: Encoding) -> Result<String> {
    let bytes =
        fs::read(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
    decode(strip_line_end(bytes), &path.display().to_string(), encoding)
}

fn join(words: &[OsString], encoding: Encoding) -> Result<String> {
    let joined = words.join(" ".as_ref()).into_encoded_bytes();
    decode(joined, "the prompt", encoding)
}

fn read(mut input: impl Read, encoding: Encoding) -> Result<String> {
    let mut bytes = Vec::new();
    input
        .read_to_end(&mut bytes)
        .map_err(|source| Error::Unreadable { path: PathBuf::from("standard input"), source })?;
    decode(strip_line_end(bytes), "standard input", encoding)
}

fn decode(bytes: Vec<u8>, what: &str, encoding: Encoding) -> Result<String> {
    String::from_utf8(bytes).or_else(|error| match encoding {
        Encoding::Lossy => Ok(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        Encoding::Strict => {
            Err(Error::NotUtf8 { what: what.to_owned(), offset: error.utf8_error().valid_up_to() })
        }
    })
}

fn strip_line_end(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    bytes
}

fn usage(message: &str) -> Error {
    Error::Usage(message.to_owned())
}
