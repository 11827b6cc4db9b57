//! The options that a command in a hint needs to reach the same server.

use std::path::PathBuf;

use crate::cli::{NetworkArgs, SettingsArgs};
use crate::files::shell;
use crate::settings::config::setting::setting_name;

/// The typed options among them, each with a space before it.
pub fn target_options(
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
