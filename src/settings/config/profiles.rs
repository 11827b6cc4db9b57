//! The profiles that can be chosen: those of the configuration file and the built-in
//! ones.

use crate::cli::SettingsArgs;
use crate::error::Result;
use crate::settings::config::built_in::{BUILT_IN, BuiltIn};
use crate::settings::config::read;
use crate::settings::config::toml_file::{SettingTable, SettingValue, SettingsFile};
use crate::settings::environment::Environment;

/// A profile that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileSummary {
    pub name: String,
    /// `None` if it sets none.
    pub base_url: Option<String>,
}

/// All profiles, those of the file first. Their settings are not checked.
///
/// # Errors
/// [`Error::Unreadable`](crate::error::Error::Unreadable) if the configuration file
/// cannot be read, [`Error::Config`](crate::error::Error::Config) if it is not valid
/// TOML.
pub fn list(args: &SettingsArgs, environment: &Environment) -> Result<Vec<ProfileSummary>> {
    let file = read(args, environment)?;
    let file = file.map(|(path, text)| SettingsFile::parse(&text, &path));
    let tables = file.transpose()?.unwrap_or_default().profiles;
    let built_in = built_in();
    let built_in_url = |name: &str| {
        built_in.iter().find(|known| known.name == name).and_then(|known| known.base_url.clone())
    };
    let summary = |(name, table): (String, SettingTable)| {
        let base_url = base_url(&table).or_else(|| built_in_url(&name));
        ProfileSummary { name, base_url }
    };
    let mut profiles: Vec<ProfileSummary> = tables.into_iter().map(summary).collect();
    profiles.sort_by(|one, other| one.name.cmp(&other.name));
    for profile in built_in {
        if profiles.iter().all(|known| known.name != profile.name) {
            profiles.push(profile);
        }
    }
    Ok(profiles)
}

/// The profiles that need no file.
pub fn built_in() -> Vec<ProfileSummary> {
    let summary = |profile: &BuiltIn| ProfileSummary {
        name: profile.name.to_owned(),
        base_url: Some(profile.base_url.to_owned()),
    };
    BUILT_IN.iter().map(summary).collect()
}

fn base_url(table: &SettingTable) -> Option<String> {
    let entry = table.iter().find(|entry| entry.name == "base_url")?;
    match &entry.value {
        SettingValue::Text(url) => Some(url.clone()),
        _ => None,
    }
}
