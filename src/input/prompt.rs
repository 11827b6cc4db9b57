//! The user's message, made of words, files, images and standard input, and the
//! system prompt from a file. Text is unchanged except that one line end is
//! stripped from the end of standard input and of the system prompt's file.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::chat::message::{Content, ContentPart};
use crate::cli::prompt_part::PromptPart;
use crate::error::{Error, Result};
use crate::files;
use crate::files::text::Encoding;
use crate::input::attachment;
use crate::output::notes::Notes;

/// What standard input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdin {
    Terminal,
    /// A pipe or a file.
    Redirected,
    /// Never read, because of `--no-stdin`.
    Refused,
}

/// Everything the prompt is read from.
#[derive(Debug)]
pub struct PromptSource {
    pub parts: Vec<PromptPart>,
    pub stdin: Stdin,
    pub encoding: Encoding,
}

impl PromptSource {
    /// Checks, before reading anything, that there can be a prompt.
    ///
    /// # Errors
    /// [`Error::Usage`] if the prompt would be empty, or if standard input is
    /// needed twice or despite `--no-stdin`.
    pub fn ensure_possible(&self) -> Result<()> {
        let is_empty = self.parts.is_empty();
        let dashes = self.parts.iter().filter(|part| is_stdin(part)).count();
        Err(usage(match (dashes, self.stdin) {
            (0, Stdin::Refused) if is_empty => {
                "no prompt: give it as words, or leave out --no-stdin"
            }
            (0, Stdin::Terminal) if is_empty => {
                "no prompt: give it as words, as in gravix ask \"What is a tarpit?\", or on standard input"
            }
            (1, Stdin::Refused) => "'-' is standard input, which --no-stdin leaves unread",
            (0 | 1, _) => return Ok(()),
            _ => "'-' is standard input, which can be read only once",
        }))
    }

    /// Reads the user's message; `input` is standard input.
    ///
    /// # Errors
    /// [`Error::Usage`] if the message is only white space, a file is `-`, or
    /// a URL has a media type, [`Error::Unreadable`] if an input cannot be read,
    /// [`Error::Input`] if an image is given as text or the other way round,
    /// [`Error::NotUtf8`] if text is not UTF-8 and the encoding is strict.
    pub fn read<R: Read + Send>(&self, mut input: R, notes: &Notes) -> Result<Content> {
        let mut contents = Vec::new();
        // Adjacent words make up one part.
        for parts in self.parts.chunk_by(|part, next| is_word(part) && is_word(next)) {
            contents.push(self.content_of(parts, &mut input)?);
        }
        if self.stdin == Stdin::Redirected && !self.parts.iter().any(is_stdin) {
            contents.push(text(if self.parts.is_empty() {
                read_text(input, self.encoding)?
            } else {
                let waiting = "waiting for standard input; -n (--no-stdin) leaves it unread";
                notes.while_waiting(waiting, || read_text(input, self.encoding))?
            }));
        }
        content(contents).ok_or_else(|| usage("the prompt is empty; nothing was sent"))
    }

    /// The content of one part, or of several adjacent words.
    fn content_of(&self, parts: &[PromptPart], input: &mut impl Read) -> Result<ContentPart> {
        let encoding = self.encoding;
        Ok(match &parts[0] {
            part @ PromptPart::Word(_) if is_stdin(part) => text(read_text(input, encoding)?),
            PromptPart::Word(_) => text(join(parts, encoding)?),
            PromptPart::File(path) => text(attachment::text_file(path, encoding)?),
            part @ PromptPart::Attachment { media_type, .. } if is_stdin(part) => {
                let bytes = read_bytes(input)?;
                attachment::inline_image(&bytes, "standard input", media_type.as_deref())?
            }
            PromptPart::Attachment { source, media_type } => {
                attachment::image(source, media_type.as_deref())?
            }
        })
    }
}

/// Joins adjacent texts by a blank line. Returns `None` if there is nothing but
/// white space.
fn content(parts: Vec<ContentPart>) -> Option<Content> {
    let mut joined: Vec<ContentPart> = Vec::new();
    for part in parts {
        match (joined.last_mut(), part) {
            (_, ContentPart::Text { text }) if text.is_empty() => {}
            (Some(ContentPart::Text { text }), ContentPart::Text { text: more }) => {
                text.push_str("\n\n");
                text.push_str(&more);
            }
            (_, part) => joined.push(part),
        }
    }
    match <[ContentPart; 1]>::try_from(joined) {
        Ok([ContentPart::Text { text }]) if text.trim().is_empty() => None,
        Ok([ContentPart::Text { text }]) => Some(Content::Text(text)),
        Ok(part) => Some(Content::Parts(part.into())),
        Err(parts) if parts.is_empty() => None,
        Err(parts) => Some(Content::Parts(parts)),
    }
}

fn text(text: String) -> ContentPart {
    ContentPart::Text { text }
}

/// Whether a part is read from standard input.
fn is_stdin(part: &PromptPart) -> bool {
    let names = ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];
    match part {
        PromptPart::Word(word) => word == "-",
        PromptPart::Attachment { source, .. } => {
            source == "-" || names.iter().any(|name| source == name)
        }
        PromptPart::File(path) => names.iter().any(|name| path.as_os_str() == *name),
    }
}

fn is_word(part: &PromptPart) -> bool {
    matches!(part, PromptPart::Word(_)) && !is_stdin(part)
}

/// Reads a text file and strips one line end from its end.
///
/// # Errors
/// [`Error::Unreadable`] if it cannot be read, [`Error::NotUtf8`] if it is not
/// UTF-8 and `encoding` is strict.
pub fn read_file(path: &Path, encoding: Encoding) -> Result<String> {
    encoding.decode(strip_line_end(files::text::read(path)?), &path.display().to_string())
}

fn join(words: &[PromptPart], encoding: Encoding) -> Result<String> {
    let words = words.iter().filter_map(|part| match part {
        PromptPart::Word(word) => Some(word.as_encoded_bytes()),
        PromptPart::File(_) | PromptPart::Attachment { .. } => None,
    });
    encoding.decode(words.collect::<Vec<_>>().join(&b' '), "the prompt")
}

fn read_text(input: impl Read, encoding: Encoding) -> Result<String> {
    let bytes = read_bytes(input)?;
    attachment::ensure_not_image(&bytes, "standard input", "-a - attaches it")?;
    encoding.decode(strip_line_end(bytes), "standard input")
}

fn read_bytes(mut input: impl Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input
        .read_to_end(&mut bytes)
        .map_err(|source| Error::Unreadable { path: PathBuf::from("standard input"), source })?;
    Ok(bytes)
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
