//! The profiles that need no file.

use crate::settings::config::setting::{Layer, Origin, Setting};
use crate::settings::key::KeySource;
use crate::settings::model::DEFAULT_MODEL;
use crate::settings::network::DEFAULT_BASE_URL;

#[derive(Debug)]
pub struct BuiltIn {
    pub name: &'static str,
    pub base_url: &'static str,
    model: Option<&'static str>,
    /// The variable with the key of its server, if that is not gravix's own.
    pub key_variable: Option<&'static str>,
}

pub const BUILT_IN: &[BuiltIn] = &[
    BuiltIn {
        name: "gravix",
        base_url: DEFAULT_BASE_URL,
        model: Some(DEFAULT_MODEL),
        key_variable: None,
    },
    BuiltIn {
        name: "openai",
        base_url: "https://api.openai.com/v1",
        model: Some("gpt-4o-mini"),
        key_variable: Some("OPENAI_API_KEY"),
    },
    BuiltIn {
        name: "openrouter",
        base_url: "https://openrouter.ai/api/v1",
        model: Some("openai/gpt-4o-mini"),
        key_variable: Some("OPENROUTER_API_KEY"),
    },
    BuiltIn {
        name: "ollama",
        base_url: "http://localhost:11434/v1",
        model: Some(DEFAULT_MODEL),
        key_variable: None,
    },
    BuiltIn { name: "mock", base_url: "mock:", model: None, key_variable: None },
];

/// The settings of the built-in profile with this name.
pub fn layer(name: &str) -> Option<Layer> {
    let profile = BUILT_IN.iter().find(|profile| profile.name == name)?;
    let origin = format!("built-in profile {name}");
    let setting = |(name, value): (&str, &str)| Setting {
        name: name.to_owned(),
        values: vec![value.to_owned()],
        origin: Origin::Table(origin.clone()),
    };
    let model = profile.model.map(|model| ("model", model));
    let settings = [Some(("base_url", profile.base_url)), model];
    let settings = settings.into_iter().flatten().map(setting).collect();
    let key = profile.key_variable.map(|variable| KeySource::Variable(variable.to_owned()));
    Some(Layer { origin, settings, key })
}
