//! Commands that other programs have, and what is typed in gravix instead.

/// What a command of another program is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The words behind it are those of this command, which may have options.
    Words(&'static [&'static str]),
    /// The word behind it is the model, and those behind that are the prompt.
    AskModel,
    /// This command, if no word is behind it.
    Alone(&'static [&'static str]),
    /// There is no such command, for this reason.
    Reason(&'static str),
}

/// The names of `llm`, `aichat`, `mods`, `ollama`, `chatgpt-cli` and others.
pub const FOREIGN_COMMANDS: &[(&[&str], Meaning)] = &[
    (&["prompt", "query", "question", "generate", "complete"], Meaning::Words(&["ask"])),
    (&["repl", "interactive", "talk"], Meaning::Alone(&["chat"])),
    (&["shell", "sh", "cmd", "command", "exec", "execute"], Meaning::Words(&["suggest"])),
    (&["run"], Meaning::AskModel),
    (&["list", "ls", "tags", "list-models"], Meaning::Alone(&["models"])),
    (&["version"], Meaning::Alone(&["--version"])),
    (&["init", "setup", "configure", "settings"], Meaning::Alone(&["config", "--init"])),
    (
        &["keys", "key", "auth", "login"],
        Meaning::Reason(
            "the key is in the environment: run export GRAVIXLAYER_API_KEY=YOUR_KEY first",
        ),
    ),
    (
        &["logs", "log"],
        Meaning::Reason(
            "gravix keeps a log only if asked to, as in gravix ask --log log.jsonl hello",
        ),
    ),
    (
        &["serve", "pull", "push", "ps", "rm"],
        Meaning::Reason("gravix manages no models; list those of the server with gravix models"),
    ),
];

/// Words behind a command that has no place for them, and what to type instead.
pub const FOREIGN_ARGUMENTS: &[(&str, &[&str], &str)] = &[
    ("models", &["list", "ls", "show", "all"], "use gravix models"),
    ("config", &["show", "list", "ls", "get", "view"], "use gravix config"),
    (
        "config",
        &["set", "edit", "add", "path"],
        "settings are in the configuration file; write one with gravix config --init",
    ),
    ("config", &["init"], "use gravix config --init"),
    ("templates", &["list", "ls", "show"], "use gravix templates"),
];
