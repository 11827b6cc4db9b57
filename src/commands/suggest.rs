//! `gravix suggest`: asks for one line of shell, and prints it.

use std::ffi::OsString;
use std::path::Path;

use crate::chat::format::ReplyFormat;
use crate::chat::thoughts::ThoughtsPolicy;
use crate::chat::turn::{Pick, ReplyPolicy};
use crate::cli::SuggestArgs;
use crate::cli::prompt_part::PromptPart;
use crate::commands::ask;
use crate::commands::ask::message_source::{MessageSource, SystemPlan};
use crate::commands::ask::plan::{Action, AskPlan, OutputPlan, PrintMode, RequestFormat};
use crate::commands::hints::Hints;
use crate::commands::log::LogPlan;
use crate::error::{Error, Result};
use crate::files::text::Encoding;
use crate::input::prompt::PromptSource;
use crate::input::stdin::Stdin;
use crate::input::{fields, reply_policy};
use crate::json::{self, Object};
use crate::settings::context::Context;
use crate::settings::environment::Environment;
use crate::settings::{model, network, verbosity};

/// Shells that a model may know. For any other one it is asked for the language that
/// they have in common.
const SHELLS: &[&str] = &[
    "ash", "bash", "csh", "dash", "elvish", "fish", "ksh", "mksh", "nu", "pwsh", "tcsh", "xonsh",
    "yash", "zsh",
];

pub fn run(args: SuggestArgs, context: &Context, hints: &Hints) -> Result<()> {
    let notes = context.notes.with_verbosity(verbosity(&args.verbosity));
    let plan = plan(args, context)?;
    ask::follow(plan, context, hints, &notes)
}

/// The plan of an `ask` that is whole before it is printed, and saved nowhere.
fn plan(args: SuggestArgs, context: &Context) -> Result<AskPlan> {
    let messages = request(&args.words)?;
    let shell = args.shell.clone().unwrap_or_else(|| users_shell(context.environment));
    let policy = ReplyPolicy {
        format: ReplyFormat::CommandLine(shell),
        pick: Pick::Whole,
        thoughts: ThoughtsPolicy::TakeAll,
        must_call: false,
        repairs: 0,
        max_bytes: reply_policy::max_bytes(&args.limits),
    };
    let fields = request_fields(&args, &policy.format, context)?;
    let terminal_mode = context.terminal.text_mode();
    Ok(AskPlan {
        action: if args.dry_run { Action::Print(RequestFormat::Body) } else { Action::Send },
        endpoint: network::resolve(&args.network, context.environment, context.notes.secrets())?,
        allow_http: args.network.allow_http,
        fields,
        messages,
        system: SystemPlan::none(),
        history: None,
        policy,
        print: PrintMode::Whole,
        reasoning: None,
        output: OutputPlan { file: None, terminal_mode, stdout_mode: terminal_mode },
        can_erase: context.can_erase(),
        log: LogPlan::from_args(&args.log),
        reports_usage: false,
        is_yes_no: false,
    })
}

/// The words, joined. Standard input is not read, so `-` does not stand for it.
fn request(words: &[OsString]) -> Result<MessageSource> {
    if words.is_empty() || words == ["-"] {
        let message = "no request: say in words what the command is to do, as in gravix suggest \"find files over 1 GB\"";
        return Err(Error::Usage(message.to_owned()));
    }
    let parts = vec![PromptPart::Word(words.join(" ".as_ref()))];
    let encoding = Encoding::Strict;
    Ok(MessageSource::Prompt(PromptSource {
        parts,
        template: None,
        stdin: Stdin::Refused,
        encoding,
    }))
}

fn request_fields(args: &SuggestArgs, format: &ReplyFormat, context: &Context) -> Result<Object> {
    let given = fields::from_user(&args.model, context.config_param_count)?.all;
    if given.contains_key("messages") {
        let message = "the messages of suggest are its own: leave them out of --body and --param";
        return Err(Error::Usage(message.to_owned()));
    }
    let model = model::model(&args.model, context.environment)?;
    let mut fields = fields::from_options(&args.model, &model, format);
    json::merge(&mut fields, given);
    if args.log.log.is_some() {
        fields::request_usage(&mut fields);
    }
    fields::ensure_one_choice(&fields, "leave it out")?;
    Ok(fields)
}

/// The shell that the variable SHELL names, if it is a known one.
fn users_shell(environment: &Environment) -> String {
    let path = environment.get("SHELL").map(Path::new);
    let name = path.and_then(Path::file_name).and_then(|name| name.to_str());
    name.filter(|name| SHELLS.contains(name)).unwrap_or("sh").to_owned()
}
