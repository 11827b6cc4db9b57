//! The user's message, made of words, files, images and standard input, and the
//! system prompt from a file. Text is unchanged except that a byte order mark is
//! stripped from inputs other than words, and one line end from the end of
//! standard input and of the system prompt's file.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::iter;
use std::path::Path;
use std::slice::from_ref;

use crate::chat::message::{Content, ContentPart};
use crate::cli::prompt_part::PromptPart;
use crate::error::{Error, Result, TextOrigin};
use crate::files;
use crate::files::text::Encoding;
use crate::input::attachment;
use crate::input::prompt_template::PromptTemplate;
use crate::input::stdin::{
    Stdin, ensure_not_empty, is_stdin_name, read_bytes, read_text, strip_line_end,
};
use crate::output::notes::Notes;

/// Everything the prompt is read from.
#[derive(Debug)]
pub struct PromptSource {
    pub parts: Vec<PromptPart>,
    /// Comes before the parts, and may have a place for words and standard input.
    pub template: Option<PromptTemplate>,
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
        let is_empty = self.parts.is_empty() && self.template.is_none();
        let dashes = self.parts.iter().filter(|part| is_stdin(part)).count();
        if self.takes_words() && !self.parts.iter().any(is_word) {
            return Err(usage("the template has {{prompt}} in it: give the prompt as words"));
        }
        if self.takes_input() {
            return Err(usage(match (dashes, self.stdin) {
                (0, Stdin::Redirected | Stdin::Device) => return Ok(()),
                (0, Stdin::Refused) => {
                    "{{input}} is standard input, which --no-stdin leaves unread"
                }
                (0, Stdin::Terminal) => {
                    "{{input}} is standard input: pipe something in, or use < FILE"
                }
                _ => "{{input}} in the template is standard input already: leave out '-'",
            }));
        }
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

    /// Whether standard input becomes a part of the prompt.
    pub fn reads_stdin(&self) -> bool {
        self.stdin.is_read_unasked() || self.parts.iter().any(is_stdin)
    }

    fn takes_words(&self) -> bool {
        self.template.as_ref().is_some_and(PromptTemplate::takes_words)
    }

    fn takes_input(&self) -> bool {
        self.template.as_ref().is_some_and(PromptTemplate::takes_input)
    }

    /// Reads the user's message; `input` is standard input.
    ///
    /// # Errors
    /// [`Error::Usage`] if the message is only white space, `-` or `{{input}}` is
    /// empty, a file is `-`, or a URL has a media type, [`Error::Unreadable`] if an input
    /// cannot be read, [`Error::Input`] if an image is given as text or the
    /// other way round, [`Error::NotText`] if bytes are not text and the
    /// encoding is strict.
    pub fn read<R: Read + Send>(&self, mut input: R, notes: &Notes) -> Result<Content> {
        let mut contents = Vec::new();
        if let Some(template) = &self.template {
            contents.push(text(self.expanded(template, &mut input)?));
        }
        let takes_words = self.takes_words();
        // Adjacent words make up one part.
        for parts in self.parts.chunk_by(|part, next| is_word(part) && is_word(next)) {
            if !(takes_words && is_word(&parts[0])) {
                contents.push(self.content_of(parts, &mut input)?);
            }
        }
        let mut is_unexpectedly_empty = false;
        let has_place = self.takes_input() || self.parts.iter().any(is_stdin);
        if self.stdin.is_read_unasked() && !has_place {
            let waiting = "waiting for standard input; -n (--no-stdin) leaves it unread";
            let (read, is_announced) = match self.parts.is_empty() {
                true => (read_text(input, self.encoding), false),
                false => notes.while_waiting(waiting, || read_text(input, self.encoding)),
            };
            let read = read?;
            is_unexpectedly_empty =
                read.is_empty() && self.stdin == Stdin::Redirected && !is_announced;
            contents.push(text(read));
        }
        let content =
            content(contents).ok_or_else(|| usage("the prompt is empty; nothing was sent"))?;
        if is_unexpectedly_empty {
            notes.note("standard input is empty, so the prompt is sent without it; write - to make that an error, or -n not to read it");
        }
        Ok(content)
    }

    /// The template with the words and standard input, where it has places for them.
    fn expanded(&self, template: &PromptTemplate, input: &mut impl Read) -> Result<String> {
        let words = match template.takes_words() {
            true => join(self.parts.iter().filter(|part| is_word(part)), self.encoding)?,
            false => String::new(),
        };
        let input = match template.takes_input() {
            true => {
                let read = read_text(input, self.encoding)?;
                ensure_not_empty(&read, "{{input}}")?;
                read
            }
            false => String::new(),
        };
        Ok(template.expand(&words, &input))
    }

    /// The content of one part, or of several adjacent words.
    fn content_of(&self, parts: &[PromptPart], input: &mut impl Read) -> Result<ContentPart> {
        let encoding = self.encoding;
        Ok(match &parts[0] {
            part @ PromptPart::Word(_) if is_stdin(part) => {
                let read = read_text(input, encoding)?;
                ensure_not_empty(&read, "'-'")?;
                text(read)
            }
            PromptPart::Word(_) => text(join(parts.iter(), encoding)?),
            PromptPart::File(path) => text(attachment::text_file(path, encoding)?),
            part @ PromptPart::Attachment { media_type, .. } if is_stdin(part) => {
                let bytes = read_bytes(input)?;
                ensure_not_empty(&bytes, "'-'")?;
                attachment::inline_image(&bytes, "standard input", media_type.as_deref())?
            }
            PromptPart::Attachment { source, media_type } => {
                attachment::image(source, media_type.as_deref())?
            }
        })
    }
}

/// The message of a session: the text that was typed, then what is attached to it.
///
/// # Errors
/// [`Error::Usage`] if the message is only white space.
pub fn typed(typed: &str, attached: &[ContentPart]) -> Result<Content> {
    let parts = iter::once(text(typed.to_owned())).chain(attached.iter().cloned());
    content(parts.collect()).ok_or_else(|| usage("the message is empty"))
}

/// Reads a text file or an image, which is to go with a message.
///
/// # Errors
/// [`Error::Unreadable`], [`Error::Usage`], [`Error::Input`] or [`Error::NotText`].
pub fn attached(part: &PromptPart) -> Result<ContentPart> {
    let (parts, template, stdin) = (Vec::new(), None, Stdin::Refused);
    let source = PromptSource { parts, template, stdin, encoding: Encoding::Strict };
    source.content_of(from_ref(part), &mut io::empty())
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
    match part {
        PromptPart::Word(word) => word == "-",
        PromptPart::Attachment { source, .. } => source == "-" || is_stdin_name(source.as_ref()),
        PromptPart::File(path) => is_stdin_name(path),
    }
}

fn is_word(part: &PromptPart) -> bool {
    matches!(part, PromptPart::Word(_)) && !is_stdin(part)
}

/// Reads a text file and strips one line end from its end.
///
/// # Errors
/// [`Error::Unreadable`] if it cannot be read, [`Error::NotText`] if it is not
/// text and `encoding` is strict.
pub fn read_file(path: &Path, encoding: Encoding) -> Result<String> {
    let bytes = strip_line_end(files::text::read(path)?);
    encoding.decode(bytes, TextOrigin::File(path.to_owned()))
}

/// The text of `--system`.
///
/// # Errors
/// [`Error::NotText`] if it is not text and `encoding` is strict.
pub fn system(text: &OsStr, encoding: Encoding) -> Result<String> {
    encoding.decode(text.as_encoded_bytes().to_vec(), TextOrigin::CommandLine("--system"))
}

fn join<'a>(words: impl Iterator<Item = &'a PromptPart>, encoding: Encoding) -> Result<String> {
    let words = words.filter_map(|part| match part {
        PromptPart::Word(word) => Some(word.as_encoded_bytes()),
        PromptPart::File(_) | PromptPart::Attachment { .. } => None,
    });
    let words = words.collect::<Vec<_>>().join(&b' ');
    encoding.decode(words, TextOrigin::CommandLine("the prompt"))
}

fn usage(message: &str) -> Error {
    Error::Usage(message.to_owned())
}
