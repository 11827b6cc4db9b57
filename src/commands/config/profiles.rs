//! `gravix config --profiles`: what each profile stands for, and which is in force.

use crate::cli::SettingsArgs;
use crate::error::Result;
use crate::net::base_url::BaseUrl;
use crate::settings::config::built_in::BUILT_IN;
use crate::settings::config::effective::EffectiveSettings;
use crate::settings::config::{Config, ProfileName, options};
use crate::settings::environment::Environment;
use crate::settings::key::{self, KeyPresence, KeySource};
use crate::settings::model::DEFAULT_MODEL;
use crate::settings::network::{DEFAULT_BASE_URL, DEFAULT_HOST};

/// A line for each profile: its name, base URL and model, and as a comment where it and
/// its key are. The values are those that are in force if the profile is.
///
/// # Errors
/// The errors of [`Config::load`], and [`Error::Config`](crate::error::Error::Config)
/// for an invalid base URL in the environment.
pub fn listing(args: &SettingsArgs, environment: &Environment) -> Result<String> {
    let config = Config::load(args, environment)?;
    let mut rows = Vec::new();
    for profile in &config.profiles {
        let chosen = config.chosen.as_ref().filter(|chosen| chosen.name == profile.name);
        let mut row = match chosen {
            Some(_) => row(profile, &config, environment)?,
            None => row(profile, &load(&profile.name, args, environment)?, environment)?,
        };
        if let Some(chosen) = chosen {
            row.comment.insert(0, format!("in force because of {}", chosen.by));
        }
        rows.push(row);
    }
    let width = |column: usize| {
        rows.iter().map(|row| row.columns[column].chars().count()).max().unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2)];
    let mut lines: Vec<String> = rows.iter().map(|row| row.line(widths)).collect();
    if config.chosen.is_none() {
        lines.push("# none is in force: choose one with -p NAME or GRAVIX_PROFILE".to_owned());
    }
    Ok(lines.join("\n"))
}

/// The name and the base URL of each profile, as they are in force if the profile is.
///
/// # Errors
/// The errors of [`Config::load`], and [`Error::Config`](crate::error::Error::Config)
/// for an invalid base URL in the environment.
pub fn base_urls(args: &SettingsArgs, environment: &Environment) -> Result<Vec<(String, String)>> {
    // The profile that is in force may not exist.
    let config = load(BUILT_IN[0].name, args, environment)?;
    let profiles = config.profiles.iter().map(|profile| {
        let row = row(profile, &load(&profile.name, args, environment)?, environment)?;
        let [name, base_url, _] = row.columns;
        Ok((name, base_url))
    });
    profiles.collect()
}

/// The configuration with this profile in force.
fn load(profile: &str, args: &SettingsArgs, environment: &Environment) -> Result<Config> {
    let args = SettingsArgs { profile: Some(profile.to_owned()), config: args.config.clone() };
    Config::load(&args, environment)
}

struct Row {
    /// The name, the base URL and the model.
    columns: [String; 3],
    comment: Vec<String>,
}

impl Row {
    fn line(&self, widths: [usize; 3]) -> String {
        let [name, base_url, model] = &self.columns;
        let [first, second, third] = widths;
        let comment = self.comment.join("; ");
        format!("{name:first$}  {base_url:second$}  {model:third$}  # {comment}")
    }
}

/// The row of a profile, which is in force in `config`.
fn row(profile: &ProfileName, config: &Config, environment: &Environment) -> Result<Row> {
    let command = options::all();
    let no_options = command.clone().get_matches_from(["gravix"]);
    let in_force = config.resolve(&command, &no_options, environment);
    let value = |name: &str, default: &str| {
        let setting = in_force.settings.iter().find(|setting| setting.name == name);
        setting.and_then(|setting| setting.values.first().cloned()).unwrap_or(default.to_owned())
    };
    let base_url = BaseUrl::parse(&value("base_url", DEFAULT_BASE_URL))?;
    let place = match (profile.is_built_in, profile.is_in_file) {
        (true, true) => "built in, and in the file",
        (true, false) => "built in",
        (false, _) => "in the file",
    };
    let comment = vec![place.to_owned(), key_words(&in_force, &base_url, environment)];
    let model = value("model", DEFAULT_MODEL);
    Ok(Row { columns: [profile.name.clone(), base_url.to_string(), model], comment })
}

/// Where the key is, and whether it is there.
fn key_words(in_force: &EffectiveSettings, url: &BaseUrl, environment: &Environment) -> String {
    let source = &in_force.key;
    let needs_key = match url {
        BaseUrl::Mock => return "no key needed".to_owned(),
        BaseUrl::Http(url) => url.host == DEFAULT_HOST,
    };
    match (key::presence(source, environment), source) {
        // Another server may need no key.
        (KeyPresence::Missing(_), KeySource::Default) if !needs_key => "no key".to_owned(),
        (KeyPresence::Missing(reason), _) => format!("no key: {reason}"),
        (KeyPresence::Present, KeySource::Default | KeySource::Variable(_)) => {
            format!("{source} is set")
        }
        (KeyPresence::Present, _) => format!("key in {source}"),
        (KeyPresence::Unknown, _) => format!("key in {source} (not run)"),
    }
}
