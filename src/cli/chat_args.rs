//! Arguments of `gravix chat`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ValueHint;

use crate::cli::ask_args::{AskArgs, HistoryArgs, OutputArgs};
use crate::cli::model_args::ModelArgs;
use crate::cli::prompt_part::PromptArgs;
use crate::cli::reply_format::ReplyFormatArgs;
use crate::cli::reply_output::{DisplayArgs, PickArgs, ReportArgs};
use crate::cli::shared_args::{
    NetworkArgs, ReplyLimitArgs, SettingsArgs, SystemFileArgs, VerbosityArgs,
};
use crate::cli::tables::{CHAT_COMMANDS, CHAT_STATUS, section};

#[derive(Debug, clap::Args)]
#[command(after_long_help = section("Commands", CHAT_COMMANDS)
            + "\n\n"
            + &section("Exit status", CHAT_STATUS))]
pub struct ChatArgs {
    /// Continue the conversation in FILE, or begin it there
    ///
    /// @NAME is NAME.jsonl in the default directory of conversations,
    /// ~/.local/state/gravix/chats. Without FILE, a new one is begun there, named
    /// after the time. It is created when the first turn is complete.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub conversation: Option<PathBuf>,

    /// Continue the newest conversation in the default directory
    ///
    /// The newest is the file that was changed last: see gravix history list.
    #[arg(short = 'c', long, conflicts_with = "conversation")]
    pub latest: bool,

    /// Send only the system message and the newest N turns
    ///
    /// A turn begins at a user message. The file is read from its end, and
    /// older lines are not checked.
    #[arg(long, value_name = "N", value_hint = ValueHint::Other)]
    pub turns: Option<u64>,

    /// Set the system prompt
    ///
    /// It is saved only if it starts a new file. With an existing file, it
    /// applies to this session only and overrides the file's own system message.
    #[arg(short, long, value_name = "TEXT", help_heading = "Input", value_hint = ValueHint::Other)]
    pub system: Option<OsString>,

    #[command(flatten)]
    pub system_file: SystemFileArgs,

    #[command(flatten)]
    pub model: ModelArgs,

    #[command(flatten)]
    pub pick: PickArgs,

    #[command(flatten)]
    pub report: ReportArgs,

    #[command(flatten)]
    pub display: DisplayArgs,

    #[command(flatten)]
    pub format: ReplyFormatArgs,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub network: NetworkArgs,

    #[command(flatten)]
    pub limits: ReplyLimitArgs,

    #[command(flatten)]
    pub settings: SettingsArgs,
}

impl ChatArgs {
    /// The arguments with which `ask` would ask each question of this conversation.
    pub fn into_ask(self) -> AskArgs {
        let Self { pick, report, display, .. } = self;
        AskArgs {
            help: None,
            prompt: PromptArgs::default(),
            template: None,
            vars: Vec::new(),
            system: self.system,
            system_file: self.system_file,
            no_stdin: true,
            lossy: false,
            model: self.model,
            output: OutputArgs { pick, report, display, ..OutputArgs::default() },
            format: self.format,
            verbosity: self.verbosity,
            history: HistoryArgs {
                file: self.conversation,
                latest: self.latest,
                turns: self.turns,
                ..HistoryArgs::default()
            },
            network: self.network,
            limits: self.limits,
            settings: self.settings,
        }
    }
}
