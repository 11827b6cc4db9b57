//! The man pages, made of the command line and its tables.

use clap_mangen::roff::{Inline, Roff, bold, roman};

use gravix::cli;

/// The variables that commands with network access read.
const NETWORK: &[&str] = &[
    "GRAVIXLAYER_API_KEY",
    "OPENAI_API_KEY",
    "OPENROUTER_API_KEY",
    "GRAVIX_BASE_URL",
    "GRAVIX_PROFILE",
    "GRAVIX_CONFIG",
    "XDG_CONFIG_HOME",
    "SSL_CERT_FILE",
    "https_proxy, http_proxy",
    "all_proxy",
    "no_proxy",
    "NO_COLOR",
];

/// The variables that `gravix config` reads.
const SETTINGS: &[&str] = &[
    "GRAVIXLAYER_API_KEY",
    "OPENAI_API_KEY",
    "OPENROUTER_API_KEY",
    "GRAVIX_BASE_URL",
    "GRAVIX_MODEL",
    "GRAVIX_PROFILE",
    "GRAVIX_CONFIG",
    "XDG_CONFIG_HOME",
    "SSL_CERT_FILE",
];

/// The variables that completions and their installation read, besides those of the
/// network.
const INSTALLATION: &[&str] = &["SHELL", "XDG_CACHE_HOME", "XDG_DATA_HOME"];

/// The variables that say how something is shown or edited at the terminal.
const TERMINAL: &[&str] = &["PAGER", "VISUAL, EDITOR", "INPUTRC"];

const CACHE: &str = "~/.cache/gravix/";

const CONFIG_FILE: &str = "~/.config/gravix/config.toml";

const TEMPLATE: &str = "~/.config/gravix/prompts/NAME.md";

/// The histories of the default directory.
const CHATS: &str = "~/.local/state/gravix/chats";

const INPUTS: &str = "~/.local/state/gravix/inputs";

/// The release date in CHANGELOG.md.
const RELEASED: &str = "2026-11-23";

/// Renders a man page: clap's sections, then those that help has too.
pub fn page(command: clap::Command, examples: &str) -> String {
    let bin_name = command.get_bin_name().unwrap_or("gravix").to_owned();
    let is_root = bin_name == "gravix";
    let arguments = if command.has_subcommands() { "COMMAND [OPTION]..." } else { "[OPTION]..." };
    let nested: String = if is_root { String::new() } else { subsections(&command) };
    let positionals: Vec<_> = command.get_positionals().map(|arg| format!(" {arg}")).collect();
    let usage = format!("{bin_name} {arguments}{}", positionals.concat());
    // A man page shows the options that -h hides.
    let command = command.override_usage(usage).mut_args(|arg| arg.hide_short_help(false));
    let man = clap_mangen::Man::new(command)
        .title(bin_name.replace(' ', "-").to_uppercase())
        .date(RELEASED)
        .source(concat!("gravix ", env!("CARGO_PKG_VERSION")))
        .manual("User Commands");
    let mut text = Vec::new();
    let rendered = [
        man.render_title(&mut text),
        man.render_name_section(&mut text),
        man.render_synopsis_section(&mut text),
        man.render_description_section(&mut text),
        man.render_options_section(&mut text),
        if is_root { man.render_subcommands_section(&mut text) } else { Ok(()) },
    ];
    rendered.into_iter().collect::<Result<Vec<()>, _>>().expect("writing to a vector succeeds");
    let mut text = String::from_utf8(text).expect("the page is UTF-8");
    // The help command has no page of its own.
    if let Some(begin) = text.find(".TP\ngravix\\-help(1)\n") {
        let end = text[begin + 1..].find(".TP\n").map_or(text.len(), |end| begin + 1 + end);
        text.replace_range(begin..end, "");
    }
    text += &nested;
    let (statuses, reads, uses) = tables(&bin_name);
    if bin_name == "gravix chat" {
        text += &entries("COMMANDS", cli::CHAT_COMMANDS, |_| true);
    }
    text += &entries("EXIT STATUS", statuses, |_| true);
    if cli::ENVIRONMENT.iter().any(|(variable, _)| reads(variable)) {
        text += &entries("ENVIRONMENT", cli::ENVIRONMENT, reads);
    }
    if cli::FILES.iter().any(|(file, _)| uses(file)) {
        text += &entries("FILES", cli::FILES, uses);
    }
    text += &literal("EXAMPLES", examples.trim_start_matches("Examples:\n"));
    text
}

type Filter = fn(&str) -> bool;

/// The exit statuses of a command, the variables that it reads, and the files
/// that it uses.
fn tables(command: &str) -> (&'static [(&'static str, &'static str)], Filter, Filter) {
    match command {
        "gravix batch" => (
            cli::BATCH_STATUS,
            |variable| {
                !["XDG_STATE_HOME", "COLUMNS"].contains(&variable)
                    && !INSTALLATION.contains(&variable)
                    && !TERMINAL.contains(&variable)
            },
            |file| [CONFIG_FILE, "FILE.torn", "FILE.waiting"].contains(&file),
        ),
        "gravix chat" => (
            cli::CHAT_STATUS,
            |variable| !INSTALLATION.contains(&variable),
            |file| [CONFIG_FILE, CHATS, INPUTS, "FILE", "FILE.torn"].contains(&file),
        ),
        "gravix suggest" => (
            cli::SUGGEST_STATUS,
            |variable| ["GRAVIX_MODEL", "SHELL"].contains(&variable) || NETWORK.contains(&variable),
            |file| file == CONFIG_FILE,
        ),
        "gravix config" => (
            cli::CONFIG_STATUS,
            |variable| SETTINGS.contains(&variable),
            |file| file == CONFIG_FILE,
        ),
        "gravix models" => {
            (cli::MODELS_STATUS, |variable| NETWORK.contains(&variable), |file| file == CONFIG_FILE)
        }
        "gravix doctor" => (
            cli::DOCTOR_STATUS,
            |variable| variable == "GRAVIX_MODEL" || NETWORK.contains(&variable),
            |file| file == CONFIG_FILE,
        ),
        "gravix history" => (
            cli::HISTORY_STATUS,
            |variable| ["XDG_STATE_HOME", "PAGER", "NO_COLOR", "COLUMNS"].contains(&variable),
            |file| [CHATS, "FILE", "FILE.torn", "FILE.bad"].contains(&file),
        ),
        "gravix templates" => (
            cli::TEMPLATES_STATUS,
            |variable| ["GRAVIX_CONFIG", "XDG_CONFIG_HOME", "NO_COLOR"].contains(&variable),
            |file| file == TEMPLATE,
        ),
        "gravix completions" => (
            cli::DOCUMENT_STATUS,
            |variable| [INSTALLATION, &["NO_COLOR"]].concat().contains(&variable),
            |file| file == CACHE,
        ),
        "gravix shell-init" => (cli::SHELL_INIT_STATUS, |_| false, |_| false),
        "gravix man" => (
            cli::DOCUMENT_STATUS,
            |variable| ["NO_COLOR", "XDG_DATA_HOME"].contains(&variable),
            |_| false,
        ),
        "gravix ask" => (
            cli::ASK_STATUS,
            |variable| !INSTALLATION.contains(&variable) && !TERMINAL.contains(&variable),
            |file| [CONFIG_FILE, TEMPLATE, CHATS, "FILE", "FILE.torn"].contains(&file),
        ),
        _ => (cli::ASK_STATUS, |_| true, |_| true),
    }
}

/// The sections for nested commands, which have no pages of their own.
fn subsections(command: &clap::Command) -> String {
    let is_own = |command: &&clap::Command| command.get_name() != "help";
    let mut text = String::new();
    for nested in command.get_subcommands().filter(is_own) {
        let mut roff = Roff::new();
        let positionals: Vec<_> = nested.get_positionals().map(ToString::to_string).collect();
        let usage = format!("{} [OPTION]... {}", nested.get_name(), positionals.join(" "));
        roff.control("SH", [usage.to_uppercase().split(' ').next().unwrap_or_default()]);
        roff.text([bold(usage)]);
        roff.control("PP", []);
        let about = nested.get_long_about().or(nested.get_about());
        roff.text([roman(about.expect("the command has a description").to_string())]);
        text += &body(&roff);
        let mut options = Vec::new();
        let man = clap_mangen::Man::new(nested.clone());
        man.render_options_section(&mut options).expect("writing to a vector succeeds");
        let options = String::from_utf8(options).expect("the page is UTF-8");
        let (_, options) = options.split_once(".SH OPTIONS\n").expect("the page has options");
        text += options;
    }
    text
}

/// A section of the entries whose term is wanted.
fn entries(title: &str, entries: &[(&str, &str)], is_wanted: Filter) -> String {
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    for (term, description) in entries.iter().filter(|(term, _)| is_wanted(term)) {
        roff.control("TP", []);
        roff.text([bold(*term)]);
        roff.text([roman(*description)]);
    }
    body(&roff)
}

fn literal(title: &str, text: &str) -> String {
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    roff.control("nf", []);
    for line in text.lines() {
        roff.text([roman(line.trim_start()), Inline::LineBreak]);
    }
    roff.control("fi", []);
    body(&roff)
}

/// The text without the preamble, which the page already has.
fn body(roff: &Roff) -> String {
    let text = roff.render();
    text[text.find(".SH").expect("the page has a section")..].to_owned()
}
