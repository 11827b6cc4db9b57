//! Help and man page texts other than the options and the tables: the layout, examples,
//! and what is longer than an option.

/// Puts the examples before the usage line: they say more than a synopsis.
pub(super) const TEMPLATE: &str = "\
{about-with-newline}
{before-help}{usage-heading} {usage}

{all-args}{after-help}";

pub const EXAMPLES: &str = "\
Examples:
  gravix ask \"What is a tarpit?\"
  git diff --staged | gravix ask \"Write the commit message\" -
  gravix ask --history chat.jsonl \"And in Rust?\"
  gravix chat
  gravix ask --base-url mock: hello        # try it: no key, no network";

pub(super) const ASK_EXAMPLES: &str = "\
Examples:
  echo \"What is 2+2?\" | gravix ask
  git diff --staged | gravix ask \"Write the commit message\" -
  gravix ask \"Compare this:\" - \"with RFC 9110\" < draft.txt
  gravix ask --stream --history chat.jsonl \"And in Rust?\"";

/// Options that the 40 lines of the short help have no room for.
pub(super) const ASK_MORE: &str = "\
Also --choose, --yes-no, --json-object, --tools, --param, --body, --json,
--usage, --log, --dry-run, --curl, --deadline, -c, --turns: see --help";

pub(super) const CHAT_EXAMPLES: &str = "\
Examples:
  gravix chat
  gravix chat -c
  gravix chat @locks -m qwen3:32b -s \"Answer briefly\"";

pub(super) const BATCH_EXAMPLES: &str = "\
Examples:
  gravix batch requests.jsonl -o results.jsonl
  gravix batch --lines --text --ordered < questions.txt > answers.txt
  gravix batch reviews.csv -T 'Is this positive? {{text}}' --yes-no -o out.csv
  gravix batch --merge results.*.jsonl > results.jsonl";

/// Options that the 40 lines of the short help have no room for.
pub(super) const BATCH_MORE: &str = "\
Also --choose, --yes-no, -x, --repair, --skip-bad, --patience: see --help";

pub(super) const SUGGEST_EXAMPLES: &str = "\
Examples:
  gravix suggest find files over 1 GB
  gravix suggest --shell fish \"rename all *.jpeg to *.jpg\"";

pub(super) const MODELS_EXAMPLES: &str = "\
Examples:
  gravix models | grep llama
  gravix models --base-url http://localhost:11434/v1";

pub(super) const HISTORY_EXAMPLES: &str = "\
Examples:
  gravix history list
  gravix history show --last 3 @locks
  gravix history fork @locks --at 2 -o @locks-again
  gravix history check *.jsonl
  gravix history undo chat.jsonl | jq -r 'select(.role==\"user\").content'";

pub(super) const CONFIG_EXAMPLES: &str = "\
Examples:
  gravix config --init
  gravix config --profiles
  gravix config --profile ollama";

pub(super) const TEMPLATES_EXAMPLES: &str = "\
Examples:
  gravix templates
  gravix ask -T review -f draft.txt
  gravix ask -T translate --var lang=French < draft.txt";

pub(super) const DOCTOR_EXAMPLES: &str = "\
Examples:
  gravix doctor
  gravix doctor -p ollama -m llama3.2";

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  gravix completions --install
  gravix completions --install zsh
  gravix completions bash > /etc/bash_completion.d/gravix";

pub(super) const SHELL_INIT_EXAMPLES: &str = "\
Examples:
  eval \"$(gravix shell-init bash)\"          # in ~/.bashrc
  eval \"$(gravix shell-init zsh)\"           # in ~/.zshrc
  gravix shell-init fish | source           # in ~/.config/fish/config.fish
  eval \"$(gravix shell-init zsh --key '^Xg')\"";

pub(super) const MAN_EXAMPLES: &str = "\
Examples:
  gravix man ask | man -l -
  gravix man --install";

/// The long help of `--base-url`. In a doc comment rustdoc would want its
/// address to be a link.
pub(super) const BASE_URL_HELP: &str = "\
Use the API at URL, or 'mock:' [env: GRAVIX_BASE_URL]

The default is https://api.gravixlayer.com/v1/inference. 'mock:' is the \
built-in mock server, which answers with the prompt and needs neither a key \
nor a network. A query, such as '?api-version=2024-10-21' for Azure, stays at \
the end of every URL that is made from URL.";
