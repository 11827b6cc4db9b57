//! Options that other programs have, and what is typed in gravix instead.

use crate::settings::clap_error::foreign_options::Replacement::{
    Flags, History, NameValue, Nothing, Prompt, Rename,
};

/// What stands in a corrected command line for an option of another program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// gravix's option, with the same value if it takes one.
    Rename(&'static str),
    /// Words in place of the option and its value.
    Flags(&'static [&'static str]),
    /// `--history` with the value as a name in the default directory.
    History,
    /// `--param` with this name and the value.
    NameValue(&'static str),
    /// The value alone, as words of the prompt.
    Prompt,
    /// There is no such line.
    Nothing,
}

/// An option of another program.
#[derive(Debug)]
pub struct ForeignOption {
    /// With their dashes, in lower case but for single letters.
    pub names: &'static [&'static str],
    pub replacement: Replacement,
    /// Why it is different here; empty if only the name is.
    pub reason: &'static str,
    /// What to do if there is no corrected line.
    pub instead: &'static str,
}

const fn renamed(
    names: &'static [&'static str],
    option: &'static str,
    instead: &'static str,
) -> ForeignOption {
    ForeignOption { names, replacement: Rename(option), reason: "", instead }
}

const fn parameter(names: &'static [&'static str], field: &'static str) -> ForeignOption {
    let instead = "use --param NAME=VALUE";
    ForeignOption { names, replacement: NameValue(field), reason: "", instead }
}

const fn other(
    names: &'static [&'static str],
    replacement: Replacement,
    (reason, instead): (&'static str, &'static str),
) -> ForeignOption {
    ForeignOption { names, replacement, reason, instead }
}

/// Options of `curl`, `llm`, `aichat`, `mods`, `ollama`, `chatgpt-cli`, `xargs` and others.
/// The first whose corrected line gravix accepts is taken, so that one name can
/// stand here for several commands.
pub const FOREIGN_OPTIONS: &[ForeignOption] = &[
    other(
        KEY_OPTIONS,
        Nothing,
        (
            "a key on the command line can be seen by others",
            "run export GRAVIXLAYER_API_KEY=YOUR_KEY first",
        ),
    ),
    // The server.
    renamed(URL_OPTIONS, "--base-url", "use --base-url URL"),
    other(
        &["-k", "--insecure", "--no-verify", "--no-check-certificate", "--skip-tls-verify"],
        Nothing,
        ("certificates are always checked", "trust a server's own with --ca-cert FILE"),
    ),
    renamed(&["--cacert", "--ca"], "--ca-cert", "use --ca-cert FILE"),
    other(
        &["--proxy", "--http-proxy"],
        Nothing,
        ("the proxy is in the environment", "run export https_proxy=URL first"),
    ),
    renamed(
        &["--timeout", "--max-time", "--request-timeout", "--time-limit"],
        "--deadline",
        "use --deadline SECONDS",
    ),
    renamed(&["--retry", "--max-retries"], "--retries", "use --retries N"),
    // The prompt.
    other(
        &["--prompt", "--message", "--question", "--query", "--user", "--text"],
        Prompt,
        ("the prompt is given as words", "quote it, as in gravix ask 'What is a tarpit?'"),
    ),
    renamed(
        &["--system-prompt", "--sys", "--instructions", "--prompt-system"],
        "--system",
        "use --system TEXT",
    ),
    other(
        &["--role", "--persona"],
        Rename("--system"),
        ("a role is a system prompt", "use --system TEXT"),
    ),
    renamed(&["--image-file", "--img", "--attachment"], "--attach", "use --attach FILE"),
    // Conversations.
    other(
        &["--session", "--chat", "--conversation", "--cid", "--thread", "--title"],
        History,
        ("a conversation is a history", "use --history @NAME"),
    ),
    other(
        &["-i", "--interactive", "--repl"],
        Flags(&["--history", "@chat"]),
        ("a conversation is gravix chat, or one command a turn", "use --history @NAME"),
    ),
    renamed(&["--continue-last", "--last", "--resume"], "--latest", "use --latest"),
    // The request.
    renamed(
        &[
            "--num-predict",
            "--n-predict",
            "--max-completion-tokens",
            "--max-output-tokens",
            "--max-length",
        ],
        "--max-tokens",
        "use --max-tokens N",
    ),
    renamed(&["-d", "--data", "--data-raw", "--data-binary"], "--body", "use --body JSON"),
    other(
        &["-X", "--request", "--method"],
        Nothing,
        ("gravix makes the request itself", "see it with gravix ask --dry-run hello"),
    ),
    parameter(&["--top-k"], "top_k"),
    parameter(&["--min-p"], "min_p"),
    parameter(&["--num-ctx", "--context-length"], "num_ctx"),
    parameter(&["--repeat-penalty"], "repeat_penalty"),
    parameter(&["--reasoning-effort", "--effort"], "reasoning_effort"),
    parameter(&["--logit-bias"], "logit_bias"),
    // The reply.
    other(
        &["--format", "--json-mode", "--response-format", "--output-format"],
        Flags(&["--json-object"]),
        ("", "use --json-object, or --schema FILE"),
    ),
    renamed(&["--code", "--extract-code"], "--extract", "use --extract"),
    renamed(&["--silent"], "--quiet", "use --quiet"),
    renamed(&["--debug"], "--verbose", "use --verbose"),
    other(
        &["--show-reasoning", "--show-thinking", "--think", "--thinking"],
        Flags(&["--reasoning", "stderr"]),
        ("", "use --reasoning stderr"),
    ),
    other(
        &["--hide-thinking", "--no-thinking"],
        Flags(&["--reasoning", "drop"]),
        ("", "use --reasoning drop"),
    ),
    other(&["--md", "--render"], Flags(&["--markdown"]), ("", "use --markdown")),
    other(
        &["--no-md", "--no-markdown", "--no-render", "--no-highlight"],
        Flags(&["--markdown=never"]),
        ("", "use --markdown=never"),
    ),
    other(
        &["--no-color", "--no-colour", "--color", "--colour"],
        Nothing,
        ("colours are used only on a terminal", "run export NO_COLOR=1 to have none"),
    ),
    other(
        &["-e", "--execute", "--shell"],
        Nothing,
        ("gravix runs no commands", "use gravix suggest \"…\""),
    ),
    other(&["--list-models", "--models"], Nothing, ("", "use gravix models")),
];

/// Options of programs that run many requests.
pub const FOREIGN_BATCH_OPTIONS: &[ForeignOption] = &[
    renamed(
        &[
            "--parallel",
            "--concurrency",
            "--workers",
            "--threads",
            "--max-concurrency",
            "-P",
            "--max-procs",
        ],
        "--jobs",
        "use --jobs N",
    ),
    renamed(&["--rate-limit", "--rpm"], "--rate", "use --rate N/m"),
    other(
        &["--input", "--input-file", "-i"],
        Prompt,
        ("the file is given as a word", "name it without an option"),
    ),
    other(
        &["--resume", "--continue"],
        Flags(&[]),
        ("a run with the same -o FILE resumes by itself", "leave it out"),
    ),
    renamed(&["--max-requests", "--head", "--first"], "--limit", "use --limit N"),
    renamed(&["--prompt", "--question", "--query"], "--template", "use -T '...{{COLUMN}}...'"),
    renamed(&["--tpm", "--token-limit"], "--token-rate", "use --token-rate N/m"),
    renamed(&["--budget", "--max-budget"], "--max-cost", "use --max-cost X"),
];

/// Options for the API key, whose value is a secret.
const KEY_OPTIONS: &[&str] = &[
    "--api-key",
    "--key",
    "--apikey",
    "--token",
    "--api-token",
    "--openai-api-key",
    "--auth",
    "--bearer",
    "--oauth2-bearer",
];

const URL_OPTIONS: &[&str] = &[
    "--url",
    "--host",
    "--api-base",
    "--api-url",
    "--api",
    "--endpoint",
    "--server",
    "--base",
    "--openai-api-base",
    "--api-base-url",
];
