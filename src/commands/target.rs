//! The server that a command asks, as hints need to know it.

use std::path::PathBuf;

use crate::cli::{Command, NetworkArgs, SettingsArgs};
use crate::files::shell;
use crate::settings::Arguments;
use crate::settings::config::effective::WithheldKey;
use crate::settings::config::setting::setting_name;
use crate::settings::environment::Environment;

/// What hints say about the server.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// The typed options that say where requests go, to repeat in commands.
    /// Each has a blank in front.
    pub options: String,
    /// The base URL in force; `None` for the default one.
    pub base_url: Option<String>,
    /// A key that is not sent because it is for another server.
    pub withheld_key: Option<WithheldKey>,
}

impl Target {
    /// The target of the command. The configuration sets the options in
    /// `config_options`; the others were typed.
    pub fn new(arguments: &Arguments, environment: &Environment) -> Self {
        let Arguments { config_options, withheld_key, .. } = arguments;
        let (settings, network) = match &arguments.command {
            Command::Ask(args) => (&args.settings, &args.network),
            Command::Chat(args) => (&args.settings, &args.network),
            Command::Suggest(args) => (&args.settings, &args.network),
            Command::Batch(args) => (&args.settings, &args.network),
            Command::Models(args) => (&args.settings, &args.network),
            Command::Doctor(args) => (&args.settings, &args.network),
            _ => return Self::default(),
        };
        let is_typed = |name: &str| !config_options.iter().any(|option| option == name);
        let variable = || environment.get("GRAVIX_BASE_URL")?.to_str().map(str::to_owned);
        Self {
            options: target_options(settings, network, is_typed),
            base_url: network.base_url.clone().or_else(variable),
            withheld_key: withheld_key.clone(),
        }
    }

    /// The base URL with the other of the schemes `http` and `https`.
    pub fn other_scheme(&self) -> Option<String> {
        let (scheme, rest) = self.base_url.as_deref()?.split_once("://")?;
        let other = if scheme.eq_ignore_ascii_case("https") { "http" } else { "https" };
        Some(format!("{other}://{rest}"))
    }
}

/// The typed options among them, each with a space before it.
fn target_options(
    settings: &SettingsArgs,
    network: &NetworkArgs,
    is_typed: impl Fn(&str) -> bool,
) -> String {
    let path = |path: &PathBuf| shell::path_word(path);
    let options = [
        ("--config", settings.config.as_ref().map(path)),
        ("-p", settings.profile.as_deref().map(shell::word)),
        ("--base-url", network.base_url.as_deref().map(shell::word)),
        ("--ca-cert", network.ca_cert.as_ref().map(path)),
    ];
    let is_given = |name: &str| is_typed(&setting_name(name.trim_start_matches('-')));
    let mut text = String::new();
    for (name, value) in options {
        if let Some(value) = value.filter(|_| is_given(name)) {
            text += &format!(" {name} {value}");
        }
    }
    if network.allow_http && is_given("--allow-http") {
        text += " --allow-http";
    }
    text
}
