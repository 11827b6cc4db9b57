//! Deciding which setting takes effect: options override the template, which
//! overrides the profile that was typed, which overrides the environment, which
//! overrides any other profile, which overrides the rest of the file.

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use crate::secret::KEY_VARIABLE;
use crate::settings::config::setting::{
    Layer, Origin, Setting, argument, conflict, find_option, is_secret, setting_name,
};
use crate::settings::config::{Config, price};
use crate::settings::environment::Environment;
use crate::settings::key::KeySource;
use crate::settings::network::DEFAULT_BASE_URL;

/// Environment variables that set options. They override the configuration, but
/// not a profile that was typed.
const VARIABLES: &[(&str, &str)] =
    &[("base_url", "GRAVIX_BASE_URL"), ("model", "GRAVIX_MODEL"), ("ca_cert", "SSL_CERT_FILE")];

/// Fields of a request that are set by options of other names.
const FIELD_OPTIONS: &[(&str, &[&str])] = &[
    ("response_format", &["json_object", "schema", "choose", "yes_no"]),
    ("stream", &["stream", "no_stream", "events"]),
];

/// The settings that take effect, in addition to the options that were typed.
#[derive(Debug, Default)]
pub struct EffectiveSettings {
    pub settings: Vec<Setting>,
    /// The price of tokens, which is no option.
    pub price: Option<Setting>,
    pub key: KeySource,
    /// The layer that says where the key is; `None` for the default variable.
    pub key_origin: Option<String>,
    /// A key that is not sent because it is for another server.
    pub withheld_key: Option<WithheldKey>,
}

/// A key of the configuration that is not sent to the base URL in force.
#[derive(Debug, Clone)]
pub struct WithheldKey {
    pub source: KeySource,
    /// The layer that says where the key is.
    pub origin: String,
    /// The only base URL that it is sent to.
    pub base_url: String,
}

impl EffectiveSettings {
    /// Makes the settings the defaults of `command`.
    pub fn set_defaults(&self, command: Command) -> Command {
        let is_default = |setting: &&Setting| {
            matches!(setting.origin, Origin::Table(_) | Origin::Template(_))
                && !setting.is_merged()
                && !setting.values.is_empty()
        };
        self.settings.iter().filter(is_default).fold(command, |command, setting| {
            let id = find_option(&command, &setting.name).map(|arg| arg.get_id().clone());
            match id {
                Some(id) => command.mut_arg(id, |arg| arg.default_values(setting.values.clone())),
                None => command,
            }
        })
    }

    /// The merged settings as arguments, to put before the typed ones.
    pub fn merged_options(&self) -> Vec<OsString> {
        let mut options = Vec::new();
        for setting in self.settings.iter().filter(|setting| setting.is_merged()) {
            options.extend(setting.values.iter().map(|value| argument(&setting.name, value)));
        }
        options
    }

    /// How many `--param` values the configuration sets.
    pub fn config_param_count(&self) -> usize {
        let params = self.settings.iter().filter(|setting| setting.name == "param");
        params.map(|setting| setting.values.len()).sum()
    }

    /// The names of the options that the configuration sets. Those of a template were
    /// typed with its name.
    pub fn config_options(&self) -> Vec<String> {
        let is_set = |setting: &&Setting| matches!(setting.origin, Origin::Table(_));
        self.settings.iter().filter(is_set).map(|setting| setting.name.clone()).collect()
    }
}

impl Config {
    /// The settings that take effect for `command`, given the options typed in
    /// `matches`. Merged values are sorted by precedence, lowest first.
    pub fn resolve(
        &self,
        command: &Command,
        matches: &ArgMatches,
        environment: &Environment,
    ) -> EffectiveSettings {
        let mut resolution = Resolution::new(command, matches);
        // What was typed beats the environment, a profile too.
        let (typed, others) = self.layers.split_at(self.typed_layers);
        typed.iter().for_each(|layer| resolution.add(layer));
        resolution.add_environment(environment);
        others.iter().for_each(|layer| resolution.add(layer));
        let Resolution { mut settings, merged, .. } = resolution;
        let base_url = typed_base_url(matches)
            .or_else(|| first_value(&settings, "base_url"))
            .unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
        settings.extend(merged.into_iter().map(|(layer, mut setting)| {
            // A header can hold a key, which must not go to another server.
            if setting.name == "header" && !self.can_send_secrets(layer, &base_url) {
                setting.values.retain(|header| !is_secret(header));
            }
            setting
        }));
        let (key, key_origin) = self.key_for(&base_url, environment);
        let withheld_key = match key {
            KeySource::Default => self.withheld_key(&base_url),
            _ => None,
        };
        let price = price::in_force(&self.layers);
        EffectiveSettings { settings, price, key, key_origin, withheld_key }
    }

    /// Where the key for `base_url` is, and the layer that says so. A layer's
    /// key is only sent to the base URL of that layer or, if it sets none, of
    /// the layers below. For the default base URL, `GRAVIXLAYER_API_KEY` comes
    /// first.
    fn key_for(&self, base_url: &str, environment: &Environment) -> (KeySource, Option<String>) {
        let is_default = is_same_url(base_url, DEFAULT_BASE_URL);
        if is_default && environment.get(KEY_VARIABLE).is_some() {
            return (KeySource::Default, None);
        }
        let key_of = |layer: &Layer| Some((layer.key.clone()?, Some(layer.origin.clone())));
        let mut layers = self.layers.iter().filter(|layer| self.can_send_secrets(layer, base_url));
        layers.find_map(key_of).unwrap_or((KeySource::Default, None))
    }

    /// The first key that is not sent to `base_url`.
    fn withheld_key(&self, base_url: &str) -> Option<WithheldKey> {
        let withheld = self.layers.iter().filter(|layer| !self.can_send_secrets(layer, base_url));
        withheld.filter_map(|layer| Some((layer, layer.key.clone()?))).next().map(
            |(layer, source)| WithheldKey {
                source,
                origin: layer.origin.clone(),
                base_url: self.own_base_url(layer),
            },
        )
    }

    /// Whether secrets of `layer` can be sent to `base_url`.
    fn can_send_secrets(&self, layer: &Layer, base_url: &str) -> bool {
        is_same_url(&self.own_base_url(layer), base_url)
    }

    /// The base URL that goes with `layer`: its own or, if it sets none, that of the
    /// layers below.
    fn own_base_url(&self, layer: &Layer) -> String {
        let index = self.layers.iter().position(|known| std::ptr::eq(known, layer)).unwrap_or(0);
        let mut layers = self.layers[index..].iter();
        let own = layers.find_map(|layer| first_value(&layer.settings, "base_url"));
        own.unwrap_or_else(|| DEFAULT_BASE_URL.to_owned())
    }
}

/// Settings collected from the highest precedence to the lowest.
struct Resolution<'a> {
    command: &'a Command,
    decided: Vec<DecidedOption<'a>>,
    settings: Vec<Setting>,
    /// Settings to merge, each with its layer, lowest precedence first.
    merged: Vec<(&'a Layer, Setting)>,
}

impl<'a> Resolution<'a> {
    /// Begins with the options typed in `matches`.
    fn new(command: &'a Command, matches: &ArgMatches) -> Self {
        let typed = command.get_arguments().filter(|arg| is_typed(arg, matches));
        let decided = typed.map(|arg| DecidedOption { arg, is_on: true }).collect();
        Self { command, decided, settings: Vec::new(), merged: Vec::new() }
    }

    /// Adds the settings of a layer whose options are not decided yet.
    fn add(&mut self, layer: &'a Layer) {
        let mut merged_here = Vec::new();
        let decided_above = self.decided.clone();
        for setting in &layer.settings {
            let Some(arg) = find_option(self.command, &setting.name) else {
                continue;
            };
            if setting.is_merged() {
                merged_here.push((layer, without_overridden(setting, &decided_above)));
            } else {
                let option = DecidedOption { arg, is_on: setting.is_on() };
                if !decided_above.iter().any(|above| above.overrides(self.command, option)) {
                    self.decided.push(option);
                    self.settings.push(setting.clone());
                }
            }
        }
        self.merged.splice(0..0, merged_here);
    }

    /// Adds the settings of environment variables whose options are not decided
    /// yet.
    fn add_environment(&mut self, environment: &Environment) {
        for (name, variable) in VARIABLES {
            if let (Some(arg), Some(value)) =
                (find_option(self.command, name), environment.get(variable))
                && !self.decided.iter().any(|option| option.arg.get_id() == arg.get_id())
            {
                self.decided.push(DecidedOption { arg, is_on: true });
                let values = vec![value.to_string_lossy().into_owned()];
                let origin = Origin::Variable(variable);
                self.settings.push(Setting { name: (*name).to_owned(), values, origin });
            }
        }
    }
}

/// An option whose value is already decided: it was typed, or set with higher
/// precedence.
#[derive(Clone, Copy)]
struct DecidedOption<'a> {
    arg: &'a Arg,
    /// False for a flag that is turned off.
    is_on: bool,
}

impl DecidedOption<'_> {
    /// Whether this option makes `other`, of lower precedence, ineffective. An
    /// option that is turned off only overrides itself.
    fn overrides(self, command: &Command, other: DecidedOption) -> bool {
        let is_same = self.arg.get_id() == other.arg.get_id();
        is_same || (self.is_on && other.is_on && conflict(command, self.arg, other.arg))
    }
}

fn first_value(settings: &[Setting], name: &str) -> Option<String> {
    settings.iter().find(|setting| setting.name == name)?.values.first().cloned()
}

fn is_typed(arg: &Arg, matches: &ArgMatches) -> bool {
    let id = arg.get_id().as_str();
    matches.try_contains_id(id).is_ok()
        && matches.value_source(id) == Some(ValueSource::CommandLine)
}

fn typed_base_url(matches: &ArgMatches) -> Option<String> {
    matches.try_get_one::<String>("base_url").ok().flatten().cloned()
}

fn is_same_url(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').eq_ignore_ascii_case(other.trim_end_matches('/'))
}

/// The setting without parameters whose fields are set by options of higher
/// precedence.
fn without_overridden(setting: &Setting, decided: &[DecidedOption]) -> Setting {
    let is_overridden = |param: &&String| {
        let field = param.split(['=', '.']).next().unwrap_or_default();
        let alias = FIELD_OPTIONS.iter().find(|(name, _)| *name == field);
        let options = alias.map_or(vec![field], |(_, options)| options.to_vec());
        let name =
            |decided: &DecidedOption| decided.arg.get_long().map(setting_name).unwrap_or_default();
        setting.name == "param"
            && decided.iter().any(|decided| options.contains(&name(decided).as_str()))
    };
    let values = setting.values.iter().filter(|param| !is_overridden(param)).cloned().collect();
    Setting { values, ..setting.clone() }
}
