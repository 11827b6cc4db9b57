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
use crate::history::conversation::{History, HistoryOptions};
use crate::history::line::trim;
use crate::history::lock::LockWait;
use crate::history::locked_file::Access;
use crate::history::scan::Window;
use crate::output::notes::{Notes, Verbosity};
use crate::output::sanitize::{escape_controls, is_harmful, visible};
use crate::output::stdout::{self, TextWriter, stdout_error};
use crate::settings::chats::{self, ChatFile};
use crate::settings::context::Context;
use crate::settings::environment::Environment;

/// Lists every history, also after a file that is none. The first such file is the
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
    let unreadable =
        |directory: &Path, source| Error::Unreadable { path: directory.to_owned(), source };
    if let Some(directory) = directory {
        let files = chats::files(directory).map_err(|source| unreadable(directory, source))?;
        if files.is_empty() {
            notes.note(format_args!("no *.jsonl in {}", directory.display()));
        }
        return Ok(files);
    }
    let directory = chats::require_directory(environment)?;
    let files = match chats::files(&directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        files => files.map_err(|source| unreadable(&directory, source))?,
    };
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
        let read = history.read_range(history.last_prompt());
        read.and_then(|mut prompt| prompt.read_to_end(&mut line))
            .map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
        let question = SavedMessage::parse(trim(&line)).map(|message| message.text());
        Ok(Self { turns: history.turns(), question: question.unwrap_or_default() })
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

/// `text` as the inside of a JSON string, in which nothing ends the line or the column.
fn escaped(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    escape_controls(&json[1..json.len() - 1])
}

/// `text` with one space for each run of white space.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// As much of `line` as fits into `width` columns, with control characters visible.
fn cut(line: &str, width: usize) -> String {
    let show = |c: char| if is_harmful(c) { visible(c) } else { c.to_string() };
    let line: String = line.chars().map(show).collect();
    if display_width(&line) <= width {
        return line;
    }
    let mut used = 0;
    let fits = |c: &char| {
        used += display_width(c.encode_utf8(&mut [0; 4]));
        // The last column is for the ellipsis.
        used < width
    };
    let start: String = line.chars().take_while(fits).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_at_the_width_of_its_characters() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        // Each takes two columns.
        assert_eq!(cut("鎖鎖鎖", 5), "鎖鎖…");
        assert_eq!(cut("鎖鎖鎖", 4), "鎖…");
        assert_eq!(cut("a\u{1b}[31m", 20), "a^[[31m");
    }

    #[test]
    fn a_question_in_a_pipe_has_no_character_that_ends_a_line_or_a_column() {
        assert_eq!(escaped("a\tb\n\"c\"\u{1b}\u{9b}é"), r#"a\tb\n\"c\"\u001b\u009bé"#);
    }
}
