//! The tables of help and man pages: exit statuses, variables, files, and the commands
//! of a conversation.

/// The commands of a conversation, as typed in it.
pub const CHAT_COMMANDS: Entries = &[
    ("/help", "list the commands"),
    ("/retry", "ask the last question again; the new reply replaces the old"),
    ("/undo", "show and remove the last turn"),
    ("/edit", "edit the last question in $EDITOR (Ctrl-X Ctrl-E: this line)"),
    ("/file PATH", "send a text file with the next message"),
    ("/image PATH", "send an image with the next message"),
    ("/system TEXT", "set the system prompt of this session"),
    ("/model NAME", "use another model"),
    ("/set NAME=VALUE", "set a field of the request, such as temperature=0"),
    ("/save FILE", "write the last reply to FILE"),
    ("/fork FILE", "copy the conversation to FILE and go on there"),
    ("/copy [N]", "copy the last reply, or its code block N, to the clipboard"),
    ("/tokens", "show what was spent"),
    ("/show", "show the conversation"),
    ("/markdown on|off", "render Markdown, or print it as it is"),
    ("/quit", "end the conversation (also Ctrl-D)"),
    ("//TEXT", "send a message that begins with a slash"),
];

/// Exit statuses of `ask`, in ascending order.
pub const ASK_STATUS: Entries = &[
    ("0", "the whole reply was printed and, if asked, saved"),
    ("1", "the answer to --yes-no is no"),
    ("2", "usage: a bad option, no prompt, or nothing to continue"),
    ("3", "the reply ended early (length, filter, refusal, no text)"),
    ("4", "part of the reply was printed, then it failed; nothing was saved"),
    ("65", "bad input, or a reply that is not in the requested format"),
    ("66", "an input cannot be read"),
    ("69", "the server refused the request (400, 404, 405, 422, 501, quota)"),
    ("70", "a bug in gravix"),
    ("73", "the history, output file or log cannot be written"),
    ("74", "standard output cannot be written"),
    ("75", "temporary failure, nothing printed: try again later"),
    ("76", "the response breaks the protocol (HTML, JSON, redirect, firewall)"),
    ("77", "the server refused the key (401, 403)"),
    ("78", "setup: no key, bad base URL, proxy or settings, no TLS, ulimit"),
    ("130 141 143", "killed by SIGINT, SIGPIPE or SIGTERM"),
];

/// A failed turn does not end a conversation.
pub const CHAT_STATUS: Entries = &[
    ("0", "the conversation was ended with Ctrl-D or /quit"),
    ("2", "usage: a bad option, or no terminal"),
    ("65", "bad input, such as a line of FILE that is no message"),
    ("66", "an input cannot be read"),
    ("70", "a bug in gravix"),
    ("73", "FILE or its directory cannot be written"),
    ("74", "the terminal cannot be read or written"),
    ("78", "setup: no key, bad base URL, proxy or settings"),
    ("129 143", "killed by SIGHUP or SIGTERM"),
];

pub const SUGGEST_STATUS: Entries = &[
    ("0", "the command line was printed"),
    ("2", "usage: a bad option, or no request"),
    ("3", "the reply ended early (length, filter, refusal, no text)"),
    ("65", "the reply is not one line of shell, or the request is not text"),
    ("66", "the file of --body, --ca-cert or --config cannot be read"),
    ("69", "the server refused the request (400, 404, 405, 422, 501, quota)"),
    ("70", "a bug in gravix"),
    ("73", "the log cannot be written"),
    ("74", "standard output cannot be written"),
    ("75", "temporary failure: try again later"),
    ("76", "the response breaks the protocol (HTML, JSON, redirect, firewall)"),
    ("77", "the server refused the key (401, 403)"),
    ("78", "setup: no key, bad base URL, proxy or settings, no TLS, ulimit"),
    ("130 141 143", "killed by SIGINT, SIGPIPE or SIGTERM"),
];

pub const BATCH_STATUS: Entries = &[
    ("0", "every request has a successful response"),
    ("2", "usage: a bad option, or stdin is a terminal without FILE"),
    ("4", "all requests were tried, and some failed; each is in the output"),
    ("5", "requests are left because of --max-failures or --max-cost"),
    ("65", "a line is no request, repeats an id, or has changed"),
    ("66", "an input cannot be read"),
    ("70", "a bug in gravix"),
    ("73", "an output file cannot be written"),
    ("74", "standard output cannot be written"),
    ("75", "stopped early or all failed for now, or the output is locked"),
    ("78", "setup: no key, bad base URL, proxy or settings, no TLS, ulimit"),
    ("3 65 69 76 77", "stopped early or all failed: ask's status for the reason"),
    ("130 141 143", "killed by SIGINT, SIGPIPE or SIGTERM"),
];

pub const MODELS_STATUS: Entries = &[
    ("0", "the list was printed"),
    ("2", "usage: a bad option"),
    ("66", "the file given by --ca-cert or --config cannot be read"),
    ("69", "the server refused the request (404, quota)"),
    ("74", "standard output cannot be written"),
    ("75", "temporary failure: try again later"),
    ("76", "the response is not a list of models"),
    ("77", "the server refused the key (401, 403)"),
    ("78", "setup: no key, bad base URL, proxy or settings, no TLS, ulimit"),
];

pub const HISTORY_STATUS: Entries = &[
    ("0", "success; for check: every line is a message"),
    ("2", "usage: a bad option or name, no turn to undo, or too few to fork"),
    ("65", "a line is not a message"),
    ("66", "a history or a directory cannot be read"),
    ("73", "a history cannot be written, or the new one exists already"),
    ("74", "standard output cannot be written"),
    ("78", "configuration: the pager cannot be run"),
];

pub const CONFIG_STATUS: Entries = &[
    ("0", "the settings were printed, or the file was written"),
    ("2", "usage: a bad option"),
    ("66", "the file cannot be read"),
    ("73", "the file cannot be written, or already exists"),
    ("74", "standard output cannot be written"),
    ("78", "the file has an error, or the profile does not exist"),
];

pub const TEMPLATES_STATUS: Entries = &[
    ("0", "the templates were listed, or there are none"),
    ("2", "usage: a bad option"),
    ("65", "a template is not text"),
    ("66", "the directory or a template cannot be read"),
    ("74", "standard output cannot be written"),
    ("78", "no home directory, or the settings of a template do not end"),
];

pub const DOCTOR_STATUS: Entries = &[
    ("0", "the question was answered, perhaps with warnings before"),
    ("2", "usage: a bad option"),
    ("3", "the reply has no text"),
    ("66", "the file of --ca-cert, of --config or of the key cannot be read"),
    ("69", "the server refused the request (400, 404, 422, quota)"),
    ("70", "a bug in gravix"),
    ("74", "standard output cannot be written"),
    ("75", "temporary failure: no host or connection, a busy or silent server"),
    ("76", "the response breaks the protocol (HTML, JSON, redirect, firewall)"),
    ("77", "the server refused the key (401, 403)"),
    ("78", "setup: no key, bad base URL, proxy or settings, no TLS, ulimit"),
    ("130 141 143", "killed by SIGINT, SIGPIPE or SIGTERM"),
];

/// Exit statuses of `completions` and `man`.
pub const DOCUMENT_STATUS: Entries = &[
    ("0", "the output was printed, or the files were installed"),
    ("2", "usage: a bad option, or an unknown shell or page"),
    ("73", "a file or its directory cannot be written"),
    ("74", "standard output cannot be written"),
    ("78", "there is no home directory to install into"),
];

pub const SHELL_INIT_STATUS: Entries = &[
    ("0", "the script was printed"),
    ("2", "usage: a bad option, an unknown shell, or no key"),
    ("74", "standard output cannot be written"),
];

/// The variables that gravix reads.
pub const ENVIRONMENT: Entries = &[
    ("GRAVIXLAYER_API_KEY", "the key, sent only to the base URL's host"),
    ("OPENAI_API_KEY", "the key of the built-in profile openai"),
    ("OPENROUTER_API_KEY", "the key of the built-in profile openrouter"),
    ("GRAVIX_BASE_URL", "the base URL, unless an option or --profile sets it"),
    ("GRAVIX_MODEL", "the model, unless an option or --profile sets it"),
    ("GRAVIX_PROFILE", "the profile, unless --profile is given"),
    ("GRAVIX_CONFIG", "the configuration file, unless --config is given"),
    ("XDG_STATE_HOME", "directory of gravix/chats; default ~/.local/state"),
    ("XDG_CONFIG_HOME", "directory of gravix/config.toml; default ~/.config"),
    ("XDG_DATA_HOME", "where --install writes; default ~/.local/share"),
    ("XDG_CACHE_HOME", "where completions keep models; default ~/.cache"),
    ("SHELL", "the shell for completions --install, and for suggest"),
    ("SSL_CERT_FILE", "trusted authorities, unless --ca-cert is given"),
    ("https_proxy, http_proxy", "the proxy for https:// and http:// base URLs"),
    ("all_proxy", "the proxy for either, if its own variable is not set"),
    ("no_proxy", "hosts to connect to directly, separated by commas"),
    ("PAGER", "the pager for history show; default less -FR"),
    ("VISUAL, EDITOR", "the text editor for chat; default vi"),
    ("INPUTRC", "where chat looks for vi keys; default ~/.inputrc"),
    ("NO_COLOR", "if set, output has no colour"),
    ("COLUMNS", "columns of Markdown in a pipe; default the terminal's"),
];

pub const FILES: Entries = &[
    ("~/.config/gravix/config.toml", "settings and profiles"),
    ("~/.local/state/gravix/chats", "histories: @NAME is NAME.jsonl in it"),
    ("~/.local/state/gravix/inputs", "what was typed in chat"),
    ("~/.config/gravix/prompts/NAME.md", "the template NAME"),
    ("~/.cache/gravix/", "models that TAB offered lately"),
    ("FILE", "a history: one JSON message per line"),
    ("FILE.torn", "the last line of FILE, if it was cut short"),
    ("FILE.waiting", "results of --ordered that are early"),
    ("FILE.bad", "lines that repair moved out of FILE"),
];

/// Terms and their descriptions.
pub type Entries = &'static [(&'static str, &'static str)];

/// Formats entries under `title` as two aligned columns.
pub(super) fn section(title: &str, entries: Entries) -> String {
    let width = entries.iter().map(|(term, _)| term.len()).max().unwrap_or(0);
    let mut text = format!("{title}:");
    for (term, description) in entries {
        text += &format!("\n  {term:width$}  {description}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_table_is_wrapped() {
        for table in [
            ASK_STATUS,
            SUGGEST_STATUS,
            SHELL_INIT_STATUS,
            BATCH_STATUS,
            CHAT_COMMANDS,
            CHAT_STATUS,
            MODELS_STATUS,
            DOCTOR_STATUS,
            HISTORY_STATUS,
            CONFIG_STATUS,
            TEMPLATES_STATUS,
            DOCUMENT_STATUS,
            ENVIRONMENT,
            FILES,
        ] {
            for line in section("", table).lines() {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
    }
}
