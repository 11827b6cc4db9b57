//! Arguments of `gravix history`.

use std::path::PathBuf;

use clap::{Subcommand, ValueHint};

use crate::cli::tables::{HISTORY_STATUS, section};
use crate::cli::values::{MarkdownWhen, positive};

#[derive(Debug, clap::Args)]
#[command(after_long_help = section("Exit status", HISTORY_STATUS))]
pub struct HistoryCommandArgs {
    #[command(subcommand)]
    pub command: HistoryCommand,
}

#[derive(Debug, Subcommand)]
pub enum HistoryCommand {
    /// List the conversations in a directory, the newest first
    ///
    /// Each line has the file, the number of turns and the last question. In a pipe,
    /// tabs separate them, and the question is escaped as in a JSON string. A file
    /// that is not a history is reported on stderr, and the others are listed.
    List(ListArgs),
    /// Print a conversation in readable form, in a pager if it is long
    Show(ShowArgs),
    /// Report lines that are not messages, and count the messages
    Check(CheckArgs),
    /// Move lines that are not messages to FILE.bad
    Repair(ChangeArgs),
    /// Remove the newest turn and print its lines
    Undo(ChangeArgs),
    /// Copy a conversation, or its first turns, to a new file
    ///
    /// Lines are copied byte for byte. NEW has mode 0600, and appears once all of it is
    /// on disk.
    Fork(ForkArgs),
}

#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Directory; by default ~/.local/state/gravix/chats
    #[arg(value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,

    /// Suppress notes and warnings, but not errors
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// History file
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Show only the system message and the newest N turns
    #[arg(long, value_name = "N", value_hint = ValueHint::Other)]
    pub last: Option<u64>,

    /// Print a Markdown document, with a heading for each message
    ///
    /// Texts stay as they are, so a heading in a text becomes one of the document.
    /// Results of tools are put into code blocks.
    #[arg(long)]
    pub document: bool,

    /// Render the Markdown of replies: auto, always or never
    ///
    /// The default is auto: only if standard output is a terminal. Without a value, it
    /// is always, as for a pipe to less -R.
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "always",
        conflicts_with_all = ["raw", "document"],
        hide_possible_values = true
    )]
    pub markdown: Option<MarkdownWhen>,

    /// Print texts to a terminal byte for byte
    #[arg(long)]
    pub raw: bool,
}

impl ShowArgs {
    /// To show all of a conversation, in a pager if it is long.
    pub fn whole(file: PathBuf) -> Self {
        Self { file, last: None, document: false, markdown: None, raw: false }
    }
}

#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// History files
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct ChangeArgs {
    /// History file
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Suppress notes and warnings, but not errors
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, clap::Args)]
pub struct ForkArgs {
    /// History file
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Copy only the first N turns
    ///
    /// A turn begins at a user message. Messages before the first turn belong to it.
    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true, value_hint = ValueHint::Other)]
    pub at: Option<u32>,

    /// Write the copy to NEW, which must not exist
    #[arg(short, long, value_name = "NEW", required = true, value_hint = ValueHint::FilePath)]
    pub output: PathBuf,

    /// Suppress notes and warnings, but not errors
    #[arg(short, long)]
    pub quiet: bool,
}
