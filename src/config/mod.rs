//! The configuration file and the profiles: what stands in for options that
//! are not given. Options are known by what clap says of them.

mod file;

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};

use self::file::{Entry, File, Given, Table};
use crate::cli::{OPPOSITES, SettingsArgs};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::key::KeySource;
use crate::secret::KEY_VARIABLE;
use crate::settings::{DEFAULT_BASE_URL, DEFAULT_MODEL};
use crate::usage;

/// What a new file says.
pub const TEMPLATE: &str = include_str!("template.toml");

/// Profiles that are there without a file: their base URLs and models.
const BUILT_IN: &[(&str, &[(&str, &str)])] = &[
    ("gravix", &[("base_url", DEFAULT_BASE_URL), ("model", DEFAULT_MODEL)]),
    ("ollama", &[("base_url", "http://localhost:11434/v1"), ("model", DEFAULT_MODEL)]),
    ("mock", &[("base_url", "mock:")]),
];

/// Variables that stand in for options, before any file.
const VARIABLES: &[(&str, &str)] =
    &[("base_url", "GRAVIX_BASE_URL"), ("model", "GRAVIX_MODEL"), ("ca_cert", "SSL_CERT_FILE")];

/// Options that no file can set.
const EXCLUDED: &[&str] = &["help", "config", "profile"];

/// Options whose values are gathered from everywhere, the later ones winning.
const GATHERED: &[&str] = &["param", "header"];

/// More alike than this, and a name is taken for a misspelt one.
const LIKENESS: f64 = 0.75;

/// The settings that stand in for options, strongest first.
#[derive(Debug)]
pub struct Config {
    layers: Vec<Layer>,
}

/// One table, and what it says.
#[derive(Debug)]
struct Layer {
    origin: String,
    settings: Vec<Setting>,
    key: Option<KeySource>,
}

/// What stands in for an option.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The option's long name, with `_` for `-`.
    pub name: String,
    /// As they would be typed; `true` or `false` for an option without value.
    pub values: Vec<String>,
    /// The table, the variable, or `default`.
    pub origin: String,
}

/// What is in force, and where the key is.
#[derive(Debug, Default)]
pub struct InForce {
    pub settings: Vec<Setting>,
    pub key: KeySource,
    /// Which table the key's place is from.
    pub key_origin: Option<String>,
}

/// Where the file is that the user means, and whether it must be there.
pub fn path(args: &SettingsArgs, environment: &Environment) -> Option<(PathBuf, bool)> {
    if let Some(path) = &args.config {
        return Some((path.clone(), true));
    }
    if let Some(path) = environment.get("GRAVIX_CONFIG") {
        return Some((path.into(), true));
    }
    // A relative path is to be ignored (XDG Base Directory Specification).
    let base = environment.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let home = || Some(PathBuf::from(environment.get("HOME")?).join(".config"));
    Some((base.or_else(home)?.join("gravix/config.toml"), false))
}

impl Config {
    /// Reads the file, if there is one, and finds the profile that is chosen.
    /// `ask` is the command whose options can be set.
    ///
    /// # Errors
    /// [`Error::Unreadable`], and [`Error::Config`] for what is wrong in the
    /// file, with its place, or for a profile that does not exist.
    pub fn load(args: &SettingsArgs, environment: &Environment, ask: &Command) -> Result<Self> {
        let (path, file) = match path(args, environment) {
            Some((path, is_named)) => match fs::read_to_string(&path) {
                Ok(text) => (Some(path.clone()), File::parse(&text, &path)?),
                Err(error) if error.kind() == ErrorKind::NotFound && !is_named => {
                    (None, File::default())
                }
                Err(source) => return Err(Error::Unreadable { path, source }),
            },
            None => (None, File::default()),
        };
        let reader = Reader { ask, environment };
        let mut layers = Vec::new();
        let chosen = match &args.profile {
            Some(name) => Some(name.as_str()),
            None => environment.text("GRAVIX_PROFILE")?,
        };
        let mut names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        // Each is read, so that faults are found before they are needed.
        for (name, table) in &file.profiles {
            let layer = reader.layer(format!("profile {name}"), table)?;
            names.push(name);
            if chosen == Some(name) {
                layers.push(layer);
            }
        }
        if let Some(name) = chosen {
            layers.extend(built_in(name));
            if layers.is_empty() {
                let hint = suggestion(name, names.into_iter());
                return Err(Error::Config(format!("there is no profile {name}{hint}")));
            }
        }
        if let Some(path) = path {
            layers.push(reader.layer(path.display().to_string(), &file.settings)?);
        }
        Ok(Self { layers })
    }

    pub fn is_empty(&self) -> bool {
        self.layers.iter().all(|layer| layer.settings.is_empty() && layer.key.is_none())
    }

    /// What is in force for `command`, beside the options that were given:
    /// those of `matches`. Gathered values come weakest first.
    pub fn in_force(
        &self,
        command: &Command,
        matches: &ArgMatches,
        environment: &Environment,
    ) -> InForce {
        let is_given = |arg: &&Arg| {
            matches.try_contains_id(arg.get_id().as_str()).is_ok()
                && matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
        };
        let mut taken: Vec<&Arg> = command.get_arguments().filter(is_given).collect();
        let mut settings = Vec::new();
        for (name, variable) in VARIABLES {
            if let (Some(arg), Some(value)) = (find(command, name), environment.get(variable))
                && !taken.iter().any(|taken| taken.get_id() == arg.get_id())
            {
                taken.push(arg);
                let values = vec![value.to_string_lossy().into_owned()];
                let origin = (*variable).to_owned();
                settings.push(Setting { name: (*name).to_owned(), values, origin });
            }
        }
        let mut gathered = Vec::new();
        for layer in &self.layers {
            let mut here = Vec::new();
            let mut own = Vec::new();
            for setting in &layer.settings {
                let Some(arg) = find(command, &setting.name) else {
                    continue;
                };
                if setting.is_gathered() {
                    own.push(without_options(setting, command, matches));
                } else if !taken.iter().any(|taken| exclude(command, taken, arg)) {
                    here.push(arg);
                    settings.push(setting.clone());
                }
            }
            taken.extend(here);
            gathered.splice(0..0, own);
        }
        settings.extend(gathered);
        let base_url = given_base_url(matches)
            .or_else(|| value(&settings, "base_url"))
            .unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
        let (key, key_origin) = self.key_for(&base_url, environment);
        InForce { settings, key, key_origin }
    }

    /// A key goes with the base URL of its own table, or with the one that
    /// this table leaves in force, and with no other. For the default base
    /// URL the variable comes first.
    fn key_for(&self, base_url: &str, environment: &Environment) -> (KeySource, Option<String>) {
        let is_default = is_same_url(base_url, DEFAULT_BASE_URL);
        if is_default && environment.get(KEY_VARIABLE).is_some() {
            return (KeySource::Default, None);
        }
        for (at, layer) in self.layers.iter().enumerate() {
            let Some(key) = &layer.key else {
                continue;
            };
            let below =
                self.layers[at..].iter().find_map(|layer| value(&layer.settings, "base_url"));
            if is_same_url(below.as_deref().unwrap_or(DEFAULT_BASE_URL), base_url) {
                return (key.clone(), Some(layer.origin.clone()));
            }
        }
        (KeySource::Default, None)
    }
}

impl InForce {
    /// `command` with these settings as its defaults.
    pub fn apply(&self, command: Command) -> Command {
        self.settings.iter().filter(|setting| !setting.is_gathered()).fold(
            command,
            |command, setting| match find(&command, &setting.name).map(|arg| arg.get_id().clone()) {
                // What a variable sets is asked of the variable.
                Some(id) if !VARIABLES.iter().any(|(_, name)| *name == setting.origin) => {
                    command.mut_arg(id, |arg| arg.default_values(setting.values.clone()))
                }
                _ => command,
            },
        )
    }

    /// Options that are to stand before those that were given.
    pub fn first_options(&self) -> Vec<OsString> {
        let mut options = Vec::new();
        for setting in self.settings.iter().filter(|setting| setting.is_gathered()) {
            options.extend(setting.values.iter().map(|value| option(&setting.name, value)));
        }
        options
    }
}

impl Setting {
    fn is_gathered(&self) -> bool {
        GATHERED.contains(&self.name.as_str())
    }
}

/// The argument of `command` with this long name.
pub fn find<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    let is_it = |arg: &&Arg| arg.get_long().is_some_and(|long| underscored(long) == name);
    command.get_arguments().find(is_it).filter(|_| !EXCLUDED.contains(&name))
}

fn underscored(long: &str) -> String {
    long.replace('-', "_")
}

fn option(name: &str, value: &str) -> OsString {
    format!("--{}={value}", name.replace('_', "-")).into()
}

fn value(settings: &[Setting], name: &str) -> Option<String> {
    settings.iter().find(|setting| setting.name == name)?.values.first().cloned()
}

fn given_base_url(matches: &ArgMatches) -> Option<String> {
    matches.try_get_one::<String>("base_url").ok().flatten().cloned()
}

fn is_same_url(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').eq_ignore_ascii_case(other.trim_end_matches('/'))
}

/// Whether two options cannot stand together, or are the same.
fn exclude(command: &Command, one: &Arg, other: &Arg) -> bool {
    let conflicts = |one: &Arg, other: &Arg| {
        command.get_arg_conflicts_with(one).iter().any(|arg| arg.get_id() == other.get_id())
    };
    let ids = (one.get_id().as_str(), other.get_id().as_str());
    ids.0 == ids.1
        || ids == OPPOSITES
        || (ids.1, ids.0) == OPPOSITES
        || conflicts(one, other)
        || conflicts(other, one)
}

/// Parameters of a file, without those that are given as options.
fn without_options(setting: &Setting, command: &Command, matches: &ArgMatches) -> Setting {
    let is_given = |param: &&String| {
        let name = param.split(['=', '.']).next().unwrap_or_default();
        let arg = find(command, name).filter(|_| setting.name == "param");
        arg.is_some_and(|arg| {
            matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
        })
    };
    let values = setting.values.iter().filter(|param| !is_given(param)).cloned().collect();
    Setting { values, ..setting.clone() }
}

fn built_in(name: &str) -> Option<Layer> {
    let (name, settings) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name)?;
    let origin = format!("built-in profile {name}");
    let setting = |&(name, value): &(&str, &str)| Setting {
        name: name.to_owned(),
        values: vec![value.to_owned()],
        origin: origin.clone(),
    };
    let settings = settings.iter().map(setting).collect();
    Some(Layer { origin, settings, key: None })
}

fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(name, known);
    known
        .map(|known| (likeness(known), known))
        .filter(|(likeness, _)| *likeness > LIKENESS)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map_or(String::new(), |(_, known)| format!("; did you mean {known}?"))
}

/// What makes settings of entries.
struct Reader<'a> {
    ask: &'a Command,
    environment: &'a Environment,
}

impl Reader<'_> {
    fn layer(&self, origin: String, table: &Table) -> Result<Layer> {
        let mut layer = Layer { origin, settings: Vec::new(), key: None };
        let mut read: Vec<&Arg> = Vec::new();
        for entry in table {
            if let Some(key) = self.key(entry)? {
                if layer.key.replace(key).is_some() {
                    return Err(entry.place.fault("the key can be in one place alone"));
                }
                continue;
            }
            let Some(arg) = find(self.ask, &entry.name) else {
                return Err(self.unknown(entry));
            };
            if let Some(other) = read.iter().find(|other| exclude(self.ask, other, arg)) {
                let other = underscored(other.get_long().unwrap_or_default());
                let name = &entry.name;
                return Err(entry.place.fault(format_args!("{name} does not go with {other}")));
            }
            read.push(arg);
            let values = self.values(entry, arg)?;
            let origin = layer.origin.clone();
            layer.settings.push(Setting { name: entry.name.clone(), values, origin });
        }
        Ok(layer)
    }

    fn key(&self, entry: &Entry) -> Result<Option<KeySource>> {
        let make: fn(String) -> KeySource = match entry.name.as_str() {
            "api_key_env" => KeySource::Variable,
            "api_key_file" => |path| KeySource::File(path.into()),
            "api_key_command" => KeySource::Command,
            "api_key" => {
                let reason = "a key does not belong in this file; api_key_env, api_key_file and api_key_command say where it is";
                return Err(entry.place.fault(reason));
            }
            _ => return Ok(None),
        };
        match &entry.given {
            Given::Text(text) if entry.name == "api_key_file" => {
                Ok(Some(make(self.absolute(text, &entry.place.path))))
            }
            Given::Text(text) => Ok(Some(make(text.clone()))),
            _ => Err(entry.place.fault(format_args!("{} is a string", entry.name))),
        }
    }

    fn unknown(&self, entry: &Entry) -> Error {
        let options = self.ask.get_arguments().filter_map(Arg::get_long);
        let options: Vec<String> = options
            .map(underscored)
            .filter(|name| !EXCLUDED.contains(&name.as_str()))
            .chain(
                ["api_key_env", "api_key_file", "api_key_command", "profiles"].map(str::to_owned),
            )
            .collect();
        let hint = suggestion(&entry.name, options.iter().map(String::as_str));
        entry.place.fault(format_args!("there is no setting {}{hint}", entry.name))
    }

    /// The values of an entry, checked as they would be when typed.
    fn values(&self, entry: &Entry, arg: &Arg) -> Result<Vec<String>> {
        let is_flag = matches!(arg.get_action(), ArgAction::SetTrue);
        let is_list = matches!(arg.get_action(), ArgAction::Append);
        let is_optional = arg.get_num_args().is_some_and(|range| range.min_values() == 0);
        let refused = |what: &str| Err(entry.place.fault(format_args!("{} {what}", entry.name)));
        let values = match &entry.given {
            Given::Flag(flag) if is_flag => return Ok(vec![flag.to_string()]),
            Given::Flag(true) if is_optional => vec![String::new()],
            Given::Flag(_) => return refused("takes a value, not a boolean"),
            _ if is_flag => return refused("is true or false"),
            Given::Text(text) => vec![text.clone()],
            Given::List(list) if is_list => list.clone(),
            Given::List(_) => return refused("takes one value, not an array"),
            Given::Table(table) if entry.name == "param" => {
                table.iter().map(|(name, value)| format!("{name}={value}")).collect()
            }
            Given::Table(_) => return refused("is no table"),
        };
        let is_path = arg.get_value_hint() == ValueHint::FilePath;
        let values: Vec<String> = match is_path {
            true => values.iter().map(|text| self.absolute(text, &entry.place.path)).collect(),
            false => values,
        };
        let typed = values.iter().map(|value| option(&entry.name, value));
        let line = [OsString::from("ask")].into_iter().chain(typed);
        match self.ask.clone().try_get_matches_from(line) {
            Err(refusal) => Err(entry.place.fault(usage::reason(&refusal))),
            Ok(_) => Ok(values),
        }
    }

    /// A path of the file at `config`: from the home directory on, or from
    /// the file's own. What is no path stays as it is: JSON, a URL, `-`.
    fn absolute(&self, text: &str, config: &Path) -> String {
        let is_path = !text.starts_with(['{', '[']) && !text.contains("://") && text != "-";
        let home = self.environment.get("HOME").map(PathBuf::from);
        let path = match (text.strip_prefix("~/"), home) {
            _ if !is_path => return text.to_owned(),
            (Some(rest), Some(home)) => home.join(rest),
            _ => config.parent().unwrap_or(Path::new("")).join(text),
        };
        path.to_string_lossy().into_owned()
    }
}
