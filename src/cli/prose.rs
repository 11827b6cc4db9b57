//! What help and man pages say beside the options.

/// Examples first: they say more than a synopsis does.
pub(super) const TEMPLATE: &str = "\
{about-with-newline}
{before-help}{usage-heading} {usage}

{all-args}{after-help}";

pub const EXAMPLES: &str = "\
Examples:
  gravix ask \"What is a tarpit?\"
  git diff --staged | gravix ask \"Write the commit message\"
  gravix ask --history chat.jsonl \"And in Rust?\"
  gravix ask --base-url mock: hello        # try it: no key, no network";

pub(super) const ASK_EXAMPLES: &str = "\
Examples:
  echo \"What is 2+2?\" | gravix ask
  git diff --staged | gravix ask \"Write the commit message\"
  gravix ask \"Compare this:\" - \"with RFC 9110\" < draft.txt
  gravix ask --stream --history chat.jsonl \"And in Rust?\"";

/// What the short help has no room for.
pub(super) const ASK_MORE: &str = "\
Also --choose, --yes-no, --json-object, --tools, --param, --body, --json,
--events, --usage, --log, --dry-run, --curl, --deadline: see --help";

pub(super) const BATCH_EXAMPLES: &str = "\
Examples:
  gravix batch requests.jsonl -o results.jsonl
  gravix batch --lines --text --ordered < questions.txt > answers.txt
  gravix batch -j 32 --rate 100/m --shard 2/8 requests.jsonl -o results.2.jsonl
  gravix batch --merge results.*.jsonl > results.jsonl";

/// What the short help has no room for.
pub(super) const BATCH_MORE: &str = "\
Also --skip-bad, --json-object, --repair, --param, --retries: see --help";

pub(super) const MODELS_EXAMPLES: &str = "\
Examples:
  gravix models | grep llama
  gravix models --base-url http://localhost:11434/v1";

pub(super) const HISTORY_EXAMPLES: &str = "\
Examples:
  gravix history show --last 3 chat.jsonl
  gravix history check *.jsonl
  gravix history undo chat.jsonl | jq -r 'select(.role==\"user\").content'";

pub(super) const CONFIG_EXAMPLES: &str = "\
Examples:
  gravix config --init
  gravix config --profile ollama";

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  gravix completions bash > ~/.local/share/bash-completion/completions/gravix
  gravix completions zsh > ~/.zfunc/_gravix
  gravix completions fish > ~/.config/fish/completions/gravix.fish";

pub(super) const MAN_EXAMPLES: &str = "\
Examples:
  gravix man | man -l -
  gravix man gravix-ask > ~/.local/share/man/man1/gravix-ask.1";

pub(super) const BASE_URL_HELP: &str = "\
The API's base URL, or 'mock:' [env: GRAVIX_BASE_URL]

The default is https://api.gravixlayer.com/v1/inference. 'mock:' is a \
stand-in inside gravix that answers with the prompt: it needs no key and no \
network.";

/// What each exit status of `ask` means, in ascending order.
pub const EXIT_STATUS: Entries = &[
    ("0", "the whole reply was printed and, if asked, saved"),
    ("1", "the answer to --yes-no is no"),
    ("2", "usage: a bad option, no prompt, or nothing to continue"),
    ("3", "the reply was ended early (length, filter, refusal, no text)"),
    ("4", "part of the reply was printed, then it failed; nothing was saved"),
    ("65", "bad input, or a reply that has not the form asked for"),
    ("66", "an input cannot be read"),
    ("69", "the server refused the request (400, 404, 413, 422, quota)"),
    ("70", "a bug in gravix"),
    ("73", "the history, the output file or the log cannot be written"),
    ("74", "standard output cannot be written"),
    ("75", "failed for now, nothing printed: try again later"),
    ("76", "the reply is not the protocol (HTML, bad JSON, redirect)"),
    ("77", "the key was refused (401, 403)"),
    ("78", "configuration: no key, a bad base URL, TLS trust, a bad file"),
    ("130 141 143", "died of SIGINT, SIGPIPE, SIGTERM, by the signal itself"),
];

pub const BATCH_STATUS: Entries = &[
    ("0", "every request has a good response"),
    ("2", "usage: a bad option, or no FILE on a terminal"),
    ("4", "some requests failed; each is in the output with its error"),
    ("65", "lines that are no requests, or an id that is repeated"),
    ("66", "an input cannot be read"),
    ("70", "a bug in gravix"),
    ("73", "an output file cannot be written"),
    ("74", "standard output cannot be written"),
    ("75", "all failed for now, or another run writes the output"),
    ("78", "configuration: no key, a bad base URL, TLS trust, a bad file"),
    ("3 65 69 76 77", "all failed: the status that ask has for the first one"),
    ("130 141 143", "died of SIGINT, SIGPIPE, SIGTERM, by the signal itself"),
];

pub const MODELS_STATUS: Entries = &[
    ("0", "the list was printed"),
    ("2", "usage: a bad option"),
    ("66", "the file of --ca-cert or of --config cannot be read"),
    ("69", "the server refused the request (404, quota)"),
    ("74", "standard output cannot be written"),
    ("75", "failed for now: try again later"),
    ("76", "the answer is no list of models"),
    ("77", "the key was refused (401, 403)"),
    ("78", "configuration: no key, a bad base URL, TLS trust, a bad file"),
];

pub const HISTORY_STATUS: Entries = &[
    ("0", "done; for check: every line is a message"),
    ("2", "usage: a bad option, or no turn to undo"),
    ("65", "a line is no message"),
    ("66", "a history cannot be read"),
    ("73", "a history cannot be written"),
    ("74", "standard output cannot be written"),
    ("78", "configuration: the pager cannot be run"),
];

pub const CONFIG_STATUS: Entries = &[
    ("0", "the settings were printed, or the file was written"),
    ("2", "usage: a bad option"),
    ("66", "the file cannot be read"),
    ("73", "the file cannot be written, or is there already"),
    ("74", "standard output cannot be written"),
    ("78", "the file has a fault, or there is no such profile"),
];

pub const PRINT_STATUS: Entries = &[
    ("0", "it was printed"),
    ("2", "usage: no such thing to print"),
    ("74", "standard output cannot be written"),
];

/// The variables that gravix reads; an empty one counts as unset.
pub const ENVIRONMENT: Entries = &[
    ("GRAVIXLAYER_API_KEY", "the key, sent to the base URL's host alone"),
    ("GRAVIX_BASE_URL", "the base URL, where --base-url is not given"),
    ("GRAVIX_MODEL", "the model, where --model is not given"),
    ("GRAVIX_PROFILE", "the profile, where --profile is not given"),
    ("GRAVIX_CONFIG", "the configuration file, where --config is not given"),
    ("XDG_CONFIG_HOME", "where gravix/config.toml is; ~/.config by default"),
    ("SSL_CERT_FILE", "issuers to trust, where --ca-cert is not given"),
    ("https_proxy, http_proxy", "the proxy for https:// and http:// base URLs"),
    ("all_proxy", "the proxy for both, where neither is set"),
    ("no_proxy", "hosts that are reached directly, separated by commas"),
    ("PAGER", "shows what history show prints; less -FR by default"),
    ("NO_COLOR", "when set, nothing has colour"),
];

pub const FILES: Entries = &[
    ("~/.config/gravix/config.toml", "settings and profiles; gravix config --init begins it"),
    ("FILE", "a history: the messages array, one JSON object a line; edit it freely"),
    ("FILE.torn", "a last line of FILE that was cut while it was written"),
    ("FILE.waiting", "results of --ordered that wait for those before them"),
    ("FILE.bad", "lines of FILE that history repair moved there"),
];

/// Terms and what they mean.
pub type Entries = &'static [(&'static str, &'static str)];

/// `title` and its entries, as help shows them.
pub(super) fn section(title: &str, entries: Entries) -> String {
    let width = entries.iter().map(|(term, _)| term.len()).max().unwrap_or(0);
    let mut text = format!("{title}:");
    for (term, meaning) in entries {
        text += &format!("\n  {term:width$}  {meaning}");
    }
    text
}
