//! Which of several tables, variables and options is in force.

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use crate::secret::KEY_VARIABLE;
use crate::settings::config::Config;
use crate::settings::config::setting::{
    Layer, Origin, Setting, exclude, find, is_secret, option, underscored,
};
use crate::settings::environment::Environment;
use crate::settings::key::KeySource;
use crate::settings::network::DEFAULT_BASE_URL;

/// Variables that stand in for options, before any file.
const VARIABLES: &[(&str, &str)] =
    &[("base_url", "GRAVIX_BASE_URL"), ("model", "GRAVIX_MODEL"), ("ca_cert", "SSL_CERT_FILE")];

/// Options that set a field of the request of another name.
const FIELDS: &[(&str, &[&str])] = &[
    ("response_format", &["json_object", "schema", "choose", "yes_no"]),
    ("stream", &["stream", "no_stream", "events"]),
];

/// What is in force beside the options that were given.
#[derive(Debug, Default)]
pub struct EffectiveSettings {
    pub settings: Vec<Setting>,
    pub key: KeySource,
    /// Which table the key's place is from.
    pub key_origin: Option<String>,
    pub warnings: Vec<String>,
}

impl EffectiveSettings {
    /// `command` with these settings as its defaults.
    pub fn apply(&self, command: Command) -> Command {
        let is_default = |setting: &&Setting| {
            matches!(setting.origin, Origin::Table(_))
                && !setting.is_gathered()
                && !setting.values.is_empty()
        };
        self.settings.iter().filter(is_default).fold(command, |command, setting| {
            match find(&command, &setting.name).map(|arg| arg.get_id().clone()) {
                Some(id) => command.mut_arg(id, |arg| arg.default_values(setting.values.clone())),
                None => command,
            }
        })
    }

    /// Options that are to stand before those that were given.
    pub fn first_options(&self) -> Vec<OsString> {
        let mut options = Vec::new();
        for setting in self.settings.iter().filter(|setting| setting.is_gathered()) {
            options.extend(setting.values.iter().map(|value| option(&setting.name, value)));
        }
        options
    }

    /// How many parameters tables set.
    pub fn params(&self) -> usize {
        let params = self.settings.iter().filter(|setting| setting.name == "param");
        params.map(|setting| setting.values.len()).sum()
    }

    /// The names of what tables set.
    pub fn configured(&self) -> Vec<String> {
        let is_set = |setting: &&Setting| matches!(setting.origin, Origin::Table(_));
        self.settings.iter().filter(is_set).map(|setting| setting.name.clone()).collect()
    }
}

impl Config {
    /// What is in force for `command`, beside the options that were given:
    /// those of `matches`. Gathered values come weakest first.
    pub fn in_force(
        &self,
        command: &Command,
        matches: &ArgMatches,
        environment: &Environment,
    ) -> EffectiveSettings {
        let given = command.get_arguments().filter(|arg| is_given(arg, matches));
        let mut taken: Vec<Taken> = given.map(|arg| Taken { arg, is_on: true }).collect();
        let mut settings = variables(command, &mut taken, environment);
        let mut gathered = Vec::new();
        for layer in &self.layers {
            let mut own = Vec::new();
            let stronger = taken.clone();
            for setting in &layer.settings {
                let Some(arg) = find(command, &setting.name) else {
                    continue;
                };
                if setting.is_gathered() {
                    own.push((layer, without(setting, &stronger)));
                } else {
                    let own = Taken { arg, is_on: setting.is_on() };
                    if !stronger.iter().any(|taken| taken.excludes(command, own)) {
                        taken.push(own);
                        settings.push(setting.clone());
                    }
                }
            }
            gathered.splice(0..0, own);
        }
        let base_url = given_base_url(matches)
            .or_else(|| value(&settings, "base_url"))
            .unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
        settings.extend(gathered.into_iter().map(|(layer, mut setting)| {
            // A header may be a key too.
            if setting.name == "header" && !self.goes_with(layer, &base_url) {
                setting.values.retain(|header| !is_secret(header));
            }
            setting
        }));
        let (key, key_origin) = self.key_for(&base_url, environment);
        let warnings = self.warning(&settings).into_iter().collect();
        EffectiveSettings { settings, key, key_origin, warnings }
    }

    /// A key goes with the base URL of its own table, or with the one that
    /// this table leaves in force, and with no other. For the default base
    /// URL the variable comes first.
    fn key_for(&self, base_url: &str, environment: &Environment) -> (KeySource, Option<String>) {
        let is_default = is_same_url(base_url, DEFAULT_BASE_URL);
        if is_default && environment.get(KEY_VARIABLE).is_some() {
            return (KeySource::Default, None);
        }
        let place = |layer: &Layer| Some((layer.key.clone()?, Some(layer.origin.clone())));
        let mut layers = self.layers.iter().filter(|layer| self.goes_with(layer, base_url));
        layers.find_map(place).unwrap_or((KeySource::Default, None))
    }

    /// Whether a secret of `layer` may go to `base_url`.
    fn goes_with(&self, layer: &Layer, base_url: &str) -> bool {
        let begin = self.layers.iter().position(|known| std::ptr::eq(known, layer)).unwrap_or(0);
        let mut below = self.layers[begin..].iter();
        let own = below.find_map(|layer| value(&layer.settings, "base_url"));
        is_same_url(own.as_deref().unwrap_or(DEFAULT_BASE_URL), base_url)
    }

    /// A profile that was typed is overruled by a variable nevertheless.
    fn warning(&self, settings: &[Setting]) -> Option<String> {
        let profile = self.typed_profile.as_ref()?;
        let wanted = value(&self.layers.first()?.settings, "base_url")?;
        let overruling = settings.iter().find(|setting| {
            setting.name == "base_url" && matches!(setting.origin, Origin::Variable(_))
        })?;
        let is_same = overruling.values.first().is_some_and(|url| is_same_url(url, &wanted));
        let variable = &overruling.origin;
        (!is_same).then(|| format!("{variable} stands in for the base URL of profile {profile}"))
    }
}

/// An option that is decided upon.
#[derive(Clone, Copy)]
struct Taken<'a> {
    arg: &'a Arg,
    is_on: bool,
}

impl Taken<'_> {
    /// What is turned off stands beside every other option.
    fn excludes(self, command: &Command, other: Taken) -> bool {
        let is_same = self.arg.get_id() == other.arg.get_id();
        is_same || (self.is_on && other.is_on && exclude(command, self.arg, other.arg))
    }
}

fn value(settings: &[Setting], name: &str) -> Option<String> {
    settings.iter().find(|setting| setting.name == name)?.values.first().cloned()
}

fn is_given(arg: &Arg, matches: &ArgMatches) -> bool {
    let id = arg.get_id().as_str();
    matches.try_contains_id(id).is_ok()
        && matches.value_source(id) == Some(ValueSource::CommandLine)
}

fn given_base_url(matches: &ArgMatches) -> Option<String> {
    matches.try_get_one::<String>("base_url").ok().flatten().cloned()
}

fn is_same_url(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').eq_ignore_ascii_case(other.trim_end_matches('/'))
}

/// What variables set, beside the options that are `taken`.
fn variables<'a>(
    command: &'a Command,
    taken: &mut Vec<Taken<'a>>,
    environment: &Environment,
) -> Vec<Setting> {
    let mut settings = Vec::new();
    for (name, variable) in VARIABLES {
        if let (Some(arg), Some(value)) = (find(command, name), environment.get(variable))
            && !taken.iter().any(|taken| taken.arg.get_id() == arg.get_id())
        {
            taken.push(Taken { arg, is_on: true });
            let values = vec![value.to_string_lossy().into_owned()];
            let origin = Origin::Variable(variable);
            settings.push(Setting { name: (*name).to_owned(), values, origin });
        }
    }
    settings
}

/// Parameters without those whose fields stronger options set.
fn without(setting: &Setting, stronger: &[Taken]) -> Setting {
    let is_set = |param: &&String| {
        let field = param.split(['=', '.']).next().unwrap_or_default();
        let alias = FIELDS.iter().find(|(name, _)| *name == field);
        let options = alias.map_or(vec![field], |(_, options)| options.to_vec());
        let long = |taken: &Taken| taken.arg.get_long().map(underscored).unwrap_or_default();
        setting.name == "param"
            && stronger.iter().any(|taken| options.contains(&long(taken).as_str()))
    };
    let values = setting.values.iter().filter(|param| !is_set(param)).cloned().collect();
    Setting { values, ..setting.clone() }
}
