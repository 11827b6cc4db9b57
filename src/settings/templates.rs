//! Templates of prompts: where they are, and what the settings at their start may say.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::cli::SettingsArgs;
use crate::error::{Error, Result};
use crate::files::paths::directory_of;
use crate::files::shell;
use crate::input::template_text::TemplateText;
use crate::settings::config;
use crate::settings::config::price::PRICE;
use crate::settings::config::reader::{SettingsReader, suggestion};
use crate::settings::config::setting::{Layer, Origin};
use crate::settings::config::toml_file::{SettingEntry, SettingsFile};
use crate::settings::environment::Environment;

/// How the names of templates in the directory end.
const SUFFIX: &str = ".md";

/// What a template may set. It may be somebody else's, so it cannot say where the
/// request goes, with which key, which text files are sent, or what is written to a
/// file.
const ALLOWED: &[&str] = &[
    "body",
    "choose",
    "extract",
    "extract_last",
    "frequency_penalty",
    "json_object",
    "markdown",
    "max_tokens",
    "model",
    "no_stream",
    "param",
    "presence_penalty",
    "reasoning",
    "repair",
    "schema",
    "seed",
    "stop",
    "stream",
    "system",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
    "yes_no",
];

/// The directory of templates, beside the configuration file. It need not exist.
/// `None` if there is no home directory.
pub fn directory(args: &SettingsArgs, environment: &Environment) -> Option<PathBuf> {
    let (config, _) = config::path(args, environment)?;
    Some(directory_of(&config).join("prompts"))
}

/// The directory of templates.
///
/// # Errors
/// [`Error::Config`] if there is no home directory.
pub fn require_directory(args: &SettingsArgs, environment: &Environment) -> Result<PathBuf> {
    directory(args, environment).ok_or_else(|| {
        Error::Config(anyhow!(
            "no directory for templates: set HOME, or name a file such as ./NAME.md"
        ))
    })
}

/// The names of the templates in `directory`, sorted; none if it does not exist.
///
/// # Errors
/// An I/O error if the directory cannot be read.
pub fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        // A name that is not UTF-8 cannot be typed after -T.
        let name = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
        names.extend(name.filter(|name| !name.starts_with('.')).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// The file of the template with this name.
pub fn file(directory: &Path, name: &str) -> PathBuf {
    directory.join(name.strip_suffix(SUFFIX).unwrap_or(name).to_owned() + SUFFIX)
}

/// Finds and reads a template: a text with `{{` in it, the path of a file if it has a
/// `/`, or else a name in the directory.
///
/// # Errors
/// [`Error::Unreadable`] if there is no such template or it cannot be read,
/// [`Error::NotText`], and [`Error::Config`] without a home directory or if the
/// settings at its start do not end.
pub fn find(typed: &str, args: &SettingsArgs, environment: &Environment) -> Result<TemplateText> {
    if typed.contains("{{") {
        return Ok(TemplateText::typed(typed));
    }
    if typed.contains('/') {
        return TemplateText::read(Path::new(typed));
    }
    let directory = require_directory(args, environment)?;
    TemplateText::read(&file(&directory, typed)).map_err(|error| match error {
        Error::Unreadable { path, source } if source.kind() == ErrorKind::NotFound => {
            Error::Unreadable { path, source: missing(typed, &directory) }
        }
        other => other,
    })
}

/// The settings at the start of a template, as a layer; `None` if there are none.
///
/// # Errors
/// [`Error::Config`] with the location of the first entry that is not valid or not
/// allowed, and [`Error::Unreadable`] for the file that `body` names.
pub fn layer(template: &TemplateText, environment: &Environment) -> Result<Option<Layer>> {
    let Some((path, settings)) = template.settings() else {
        return Ok(None);
    };
    let file = SettingsFile::parse(settings, path).map_err(|error| {
        Error::Config(anyhow!("{error}; settings are TOML, such as model = \"qwen3:32b\""))
    })?;
    let SettingsFile { settings, profiles } = file;
    if let Some((name, _)) = profiles.first() {
        let path = path.display();
        return Err(Error::Config(anyhow!(
            "{path}: [profiles.{name}]: a template has no profiles"
        )));
    }
    let reader = SettingsReader::new(path, environment);
    settings.iter().try_for_each(|entry| ensure_allowed(entry, &reader))?;
    let mut layer = reader.layer(format!("template {}", path.display()), &settings)?;
    for setting in &mut layer.settings {
        setting.origin = Origin::Template(layer.origin.clone());
    }
    Ok(Some(layer))
}

/// Refuses what a template must not set. An unknown name is left to the reader of
/// settings.
fn ensure_allowed(entry: &SettingEntry, reader: &SettingsReader) -> Result<()> {
    let name = entry.name.as_str();
    let is_setting = name.starts_with("api_key") || name == PRICE || reader.has_option(name);
    if !is_setting || ALLOWED.contains(&name) {
        return Ok(());
    }
    let way_out = match name {
        PRICE => "put it into the configuration file",
        _ if name.starts_with("api_key") => "say in the configuration file where the key is",
        _ => "type it, or put it into the configuration file",
    };
    Err(entry.location.error(format_args!("a template cannot set {name}; {way_out}")))
}

/// Why a template is missing, and what to type instead.
fn missing(typed: &str, directory: &Path) -> io::Error {
    let known = names(directory).unwrap_or_default();
    let similar = suggestion(typed, known.iter().map(String::as_str));
    let way_out = if Path::new(typed).is_file() {
        format!("; for the file {typed} here, use -T {}", shell::word(&format!("./{typed}")))
    } else if typed.contains([' ', '{']) {
        "; a text needs a variable in it, such as {{text}}".to_owned()
    } else if similar.is_empty() {
        "; list the templates with gravix templates".to_owned()
    } else {
        similar
    };
    io::Error::new(ErrorKind::NotFound, format!("there is no such template{way_out}"))
}
