//! Lines typed at the terminal: edited, completed and found again with rustyline.

mod discard;
mod inputrc;
mod keys;
mod shown;

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{ColorMode, CompletionType, Config, Context, EditMode, Editor, Helper};

use crate::error::{Error, Result};
use crate::input::line_editor::discard::discard_keys;
pub use crate::input::line_editor::inputrc::uses_vi_keys;
use crate::input::line_editor::keys::Marks;
use crate::input::line_editor::shown::shown;

/// How many inputs are remembered.
const MAX_INPUTS: usize = 10_000;

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    Line {
        text: String,
        /// The line begins with a paste, so that a slash in front is only text.
        is_pasted: bool,
    },
    /// The line so far is to be opened in a text editor.
    Edit(String),
    /// Bytes that are not UTF-8, which cost the line and all that came with them.
    NotText,
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D on an empty line, or the terminal is gone.
    End,
}

/// Completes what is typed.
pub trait LineCompleter {
    /// What may stand at the end of `line`, and the offset from which it is replaced.
    fn complete(&self, line: &str) -> (usize, Vec<String>);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    Emacs,
    Vi,
}

pub struct LineEditor<'a> {
    editor: Editor<LineHelper<'a>, FileHistory>,
    marks: Arc<Marks>,
    /// Where inputs are remembered; `None` for this session only.
    inputs: Option<PathBuf>,
}

impl<'a> LineEditor<'a> {
    /// `inputs` is the file of earlier inputs. A file that cannot be read is left
    /// out.
    ///
    /// # Errors
    /// [`Error::Unreadable`] if the terminal cannot be used.
    pub fn open(
        keys: Keys,
        completer: &'a dyn LineCompleter,
        inputs: Option<PathBuf>,
    ) -> Result<Self> {
        let mode = match keys {
            Keys::Emacs => EditMode::Emacs,
            Keys::Vi => EditMode::Vi,
        };
        let config = Config::builder()
            .edit_mode(mode)
            .completion_type(CompletionType::List)
            // The line is shown without colours, but by its highlighter, which NO_COLOR
            // would leave out.
            .color_mode(ColorMode::Forced)
            .max_history_size(MAX_INPUTS)
            .map_err(unreadable)?
            .build();
        let history = FileHistory::with_config(&config);
        let mut editor = Editor::with_history(config, history).map_err(unreadable)?;
        let marks = Arc::new(Marks::default());
        keys::bind(&mut editor, &marks);
        editor.set_helper(Some(LineHelper { completer, marks: Arc::clone(&marks) }));
        if let Some(inputs) = &inputs {
            // There is none before the first session.
            let _ = editor.load_history(inputs);
        }
        Ok(Self { editor, marks, inputs })
    }

    /// Reads a line, which may have several lines in it. `draft` is in it already.
    ///
    /// # Errors
    /// [`Error::Unreadable`] if the terminal cannot be read.
    pub fn read(&mut self, prompt: &str, draft: &str) -> Result<Typed> {
        self.marks.clear();
        let read = self.editor.readline_with_initial(prompt, (draft, ""));
        match read {
            Ok(text) if self.marks.wants_text_editor() => Ok(Typed::Edit(text)),
            Ok(text) => Ok(Typed::Line { text, is_pasted: self.marks.begins_with_paste() }),
            Err(ReadlineError::Eof) => Ok(Typed::End),
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                discard_keys();
                Ok(Typed::NotText)
            }
            Err(ReadlineError::Io(error)) => Err(unreadable(ReadlineError::Io(error))),
            Err(ReadlineError::Errno(error)) => Err(unreadable(ReadlineError::Errno(error))),
            Err(_) => Ok(Typed::Interrupted),
        }
    }

    /// Remembers an input, also for later sessions.
    ///
    /// # Errors
    /// [`Error::Unwritable`] if the file of inputs cannot be written. It is not
    /// tried again.
    pub fn remember(&mut self, input: &str) -> Result<()> {
        let added = self.editor.add_history_entry(input);
        let Some(path) = self.inputs.as_deref().filter(|_| added.is_ok_and(|added| added)) else {
            return Ok(());
        };
        let Err(error) = self.editor.append_history(path) else {
            return Ok(());
        };
        let path = self.inputs.take().unwrap_or_default();
        Err(Error::Unwritable { path, source: io_error(error) })
    }
}

fn unreadable(error: ReadlineError) -> Error {
    Error::Unreadable { path: Path::new("the terminal").to_owned(), source: io_error(error) }
}

fn io_error(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Io(error) => error,
        ReadlineError::Errno(error) => error.into(),
        other => io::Error::other(other.to_string()),
    }
}

struct LineHelper<'a> {
    completer: &'a dyn LineCompleter,
    marks: Arc<Marks>,
}

impl Completer for LineHelper<'_> {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        cursor: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        if self.marks.take_continuation() {
            return Ok((cursor - 1, vec!["\n".to_owned()]));
        }
        let (start, mut candidates) = self.completer.complete(&line[..cursor]);
        candidates.sort();
        Ok((start, candidates))
    }
}

impl Hinter for LineHelper<'_> {
    type Hint = String;

    /// There are no hints, but this is called whenever the line was changed.
    fn hint(&self, line: &str, _: usize, _: &Context<'_>) -> Option<String> {
        self.marks.line_changed(line);
        None
    }
}

impl Highlighter for LineHelper<'_> {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        shown(line)
    }
}

impl Validator for LineHelper<'_> {}

impl Helper for LineHelper<'_> {}
