//! `gravix history list`: the conversations in a directory, the newest first.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use textwrap::core::display_width;

use crate::cli::ListArgs;
use crate::commands::hints::Hints;
use crate::commands::history::saved_message::SavedMessage;
use crate::error::{Error, Result};
use crate::files::shell;
use crate::history::conversation::History;
use crate::history::line::trim;
use crate::history::lock::LockWait;
use crate::history::locked_file::Access;
use crate::history::options::HistoryOptions;
use crate::history::scan::Window;
use crate::output::notes::{Notes, Verbosity};
use crate::output::one_line::{cut, escaped, on_one_line};
use crate::output::stdout::{self, TextWriter, stdout_error};
use crate::settings::chats::{self, ChatFile};
use crate::settings::context::Context;
use crate::settings::environment::Environment;

/// Lists every history, also after a file that is not one. The first such file is the
/// error of the whole command.
pub fn run(args: &ListArgs, context: &Context, hints: &Hints) -> Result<()> {
    let verbosity = if args.quiet { Verbosity::Quiet } else { Verbosity::Normal };
    let notes = context.notes.with_verbosity(verbosity);
    let terminal = context.terminal;
    let mut stdout = stdout::writer(terminal.text_mode())?;
    let files = find(args.directory.as_deref(), context.environment, &notes)?;
    let rows = files.iter().map(|file| (name(&file.path, context), file)).collect::<Vec<_>>();
    let layout = terminal.size().map(|size| Layout {
        name_width: rows.iter().map(|(name, _)| display_width(name)).max().unwrap_or(0),
        width: size.width,
    });
    let mut failure = None;
    for (name, file) in &rows {
        match Summary::read(&file.path) {
            Ok(summary) => print(&summary, name, layout.as_ref(), &mut stdout)?,
            // It was removed meanwhile.
            Err(Error::Unreadable { source, .. }) if source.kind() == ErrorKind::NotFound => {}
            Err(error) if failure.is_none() => failure = Some(error),
            Err(error) => notes.print(hints.message(&error)),
        }
    }
    failure.map_or(Ok(()), Err)
}

/// The histories in a directory, or in the default one, which need not exist.
fn find(
    directory: Option<&Path>,
    environment: &Environment,
    notes: &Notes,
) -> Result<Vec<ChatFile>> {
    if let Some(directory) = directory {
        let files = chats::files(directory)
            .map_err(|source| Error::Unreadable { path: directory.to_owned(), source })?;
        if files.is_empty() {
            notes.note(format_args!("no *.jsonl in {}", directory.display()));
        }
        return Ok(files);
    }
    let directory = chats::require_directory(environment)?;
    let files = chats::default_files(&directory)?;
    if files.is_empty() {
        notes.note(format_args!(
            "no conversation in {} yet; start one with gravix ask --history @chat \"…\"",
            directory.display()
        ));
    }
    Ok(files)
}

/// The name of a history as it can be pasted into a command. In a pipe, only a name
/// that would break the line is quoted.
fn name(path: &Path, context: &Context) -> String {
    let short = chats::short_name(path, context.environment);
    let path = short.as_deref().map_or(path, Path::new);
    match path.to_str() {
        Some(text) if !context.terminal.stdout && !text.contains(char::is_control) => {
            text.to_owned()
        }
        _ => shell::path_word(path),
    }
}

/// What is listed of a history.
struct Summary {
    turns: u64,
    /// The text of the newest prompt.
    question: String,
}

impl Summary {
    /// Reads without the lock: a list neither waits for a turn, nor makes one with
    /// `--no-wait` fail.
    fn read(path: &Path) -> Result<Self> {
        let options =
            HistoryOptions { access: Access::Read, window: Window::All, wait: LockWait::Unlocked };
        // A torn last line is not listed anyway.
        let history = History::open(path, options, &|_| {})?;
        let mut line = Vec::new();
        let read = history.read_range(history.scan().last_prompt.clone());
        read.and_then(|mut prompt| prompt.read_to_end(&mut line))
            .map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
        let question = SavedMessage::parse(trim(&line)).map(|message| message.text());
        Ok(Self { turns: history.scan().turns, question: question.unwrap_or_default() })
    }
}

/// The columns on a terminal.
struct Layout {
    name_width: usize,
    width: usize,
}

/// Prints the line of a history, and flushes it: the next one may take long to read.
fn print(
    summary: &Summary,
    name: &str,
    layout: Option<&Layout>,
    stdout: &mut TextWriter<File>,
) -> Result<()> {
    let Summary { turns, question } = summary;
    let line = match layout {
        None => format!("{name}\t{turns}\t{}\n", escaped(question)),
        Some(Layout { name_width, width }) => {
            let padding = " ".repeat(name_width - display_width(name));
            let plural = if *turns == 1 { " " } else { "s" };
            let line =
                format!("{name}{padding}  {turns:>3} turn{plural}  {}", on_one_line(question));
            format!("{}\n", cut(line.trim_end(), *width))
        }
    };
    let written: io::Result<()> = stdout.write(&line).and_then(|()| stdout.flush());
    written.map_err(stdout_error)
}
