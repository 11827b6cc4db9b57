//! The configuration file: the settings that gravix reads are those that the
//! crate `toml` reads, they mean the same when they are written again, and what
//! is accepted can be used.

#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::{ArgAction, Command};
use gravix::input::fields;
use gravix::settings::config::options;
use gravix::settings::config::reader::SettingsReader;
use gravix::settings::config::setting::{Layer, find_option};
use gravix::settings::config::toml_file::{SettingEntry, SettingTable, SettingValue, SettingsFile};
use gravix::settings::environment::Environment;
use gravix::settings::parse_command_line;
use libfuzzer_sys::fuzz_target;
use toml::Value;

static OPTIONS: LazyLock<Command> = LazyLock::new(options::all);

/// Where the text is put, for what reads it as a file. Only its owner can read it,
/// so that it may hold secrets.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let file = tempfile::NamedTempFile::new().expect("a file is created");
    file.keep().expect("the file stays").1
});

thread_local! {
    static READER: SettingsReader<'static> = {
        let path = Path::new("/nonexistent/config.toml");
        let environment = Box::leak(Box::new(environment()));
        SettingsReader::new(path, environment)
    };
}

fuzz_target!(|text: &str| {
    let Ok(file) = SettingsFile::parse(text, Path::new("config.toml")) else { return };
    // A number may be larger than those of the crate.
    if let Ok(mut settings) = text.parse::<toml::Table>() {
        if let Some(Value::Table(profiles)) = settings.get("profiles") {
            assert_eq!(file.profiles.len(), profiles.len());
            for (name, table) in &file.profiles {
                assert_table(table, profiles[name].as_table().expect("a table"));
            }
            settings.remove("profiles");
        }
        assert_table(&file.settings, &settings);
    }
    let mut are_valid = true;
    for table in file.profiles.iter().map(|(_, table)| table).chain([&file.settings]) {
        are_valid &= READER.with(|reader| reads_back(reader, table));
    }
    if are_valid {
        fs::write(&*FILE, text).expect("the file is written");
        let line = ["gravix", "ask", "hi"].map(Into::into).to_vec();
        match parse_command_line(line, &environment()) {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => panic!("{error}"),
            Err(error) => panic!("{error}"),
        }
    }
});

fn environment() -> Environment {
    let config = ("GRAVIX_CONFIG".into(), FILE.clone().into_os_string());
    [config, ("HOME".into(), "/nonexistent".into())].into_iter().collect()
}

#[track_caller]
fn assert_table(table: &SettingTable, plain: &toml::Table) {
    assert_eq!(table.len(), plain.len());
    for entry in table {
        assert!(is_same(&entry.value, &plain[&entry.name]), "{entry:?} {plain:?}");
    }
}

fn is_same(setting: &SettingValue, plain: &Value) -> bool {
    let is_text = |text: &str, plain: &Value| match plain {
        Value::String(string) => text == string,
        Value::Integer(number) => text == number.to_string(),
        Value::Float(number) => text.parse().is_ok_and(|text| is_number(text, *number)),
        _ => false,
    };
    match (setting, plain) {
        (SettingValue::Flag(flag), Value::Boolean(plain)) => flag == plain,
        (SettingValue::Text(text), plain) => is_text(text, plain),
        (SettingValue::List(list), Value::Array(plain)) => {
            list.len() == plain.len()
                && list.iter().zip(plain).all(|(text, plain)| is_text(text, plain))
        }
        (SettingValue::Table(fields), Value::Table(plain)) => {
            fields.len() == plain.len()
                && fields.iter().all(|(name, json)| {
                    serde_json::from_str(json).is_ok_and(|json| is_same_json(&json, &plain[name]))
                })
        }
        _ => false,
    }
}

fn is_same_json(json: &serde_json::Value, plain: &Value) -> bool {
    match plain {
        Value::String(string) => json == string,
        Value::Boolean(flag) => json == flag,
        Value::Integer(number) => json.as_i64() == Some(*number),
        Value::Float(number) => json.as_f64().is_some_and(|json| is_number(json, *number)),
        Value::Datetime(_) => false,
        Value::Array(plain) => json.as_array().is_some_and(|json| {
            json.len() == plain.len()
                && json.iter().zip(plain).all(|(json, plain)| is_same_json(json, plain))
        }),
        Value::Table(plain) => json.as_object().is_some_and(|json| {
            json.len() == plain.len()
                && plain.iter().all(|(name, plain)| {
                    json.get(name).is_some_and(|json| is_same_json(json, plain))
                })
        }),
    }
}

fn is_number(text: f64, plain: f64) -> bool {
    text == plain || (text.is_nan() && plain.is_nan())
}

/// Whether a table is valid. If so, its settings are the same when they are
/// written and read again.
fn reads_back(reader: &SettingsReader, table: &SettingTable) -> bool {
    let Ok(layer) = reader.layer("table".to_owned(), table) else { return false };
    table.iter().filter(|entry| entry.name == "param").for_each(assert_params);
    let settings = settings(&layer);
    let mut text = String::new();
    for (name, values) in &settings {
        let arg = find_option(&OPTIONS, name).expect("an option");
        let value = match arg.get_action() {
            ArgAction::SetTrue => Value::Boolean(values[0] == "true"),
            ArgAction::Append => Value::Array(values.iter().cloned().map(Value::String).collect()),
            _ if values.is_empty() => Value::Boolean(false),
            _ => Value::String(values[0].clone()),
        };
        text += &format!("{name} = {value}\n");
    }
    let file = SettingsFile::parse(&text, Path::new("again.toml")).expect("valid TOML");
    let again = reader.layer("table".to_owned(), &file.settings).expect(&text);
    assert_eq!(self::settings(&again), settings);
    true
}

/// Fails unless each field of a table of parameters is set to its value.
fn assert_params(entry: &SettingEntry) {
    let SettingValue::Table(params) = &entry.value else { return };
    for (name, json) in params {
        let parsed =
            fields::parse_param("--param", &format!("{name}={json}")).expect("a parameter");
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1").replace('.', "/"));
        let found = serde_json::Value::Object(parsed).pointer(&pointer).cloned();
        assert_eq!(found, serde_json::from_str(json).ok(), "{name}");
    }
}

/// The names of a layer's settings, in their order, and their values.
fn settings(layer: &Layer) -> Vec<(String, Vec<String>)> {
    let mut settings: Vec<(String, Vec<String>)> = Vec::new();
    for setting in &layer.settings {
        match settings.iter_mut().find(|(name, _)| *name == setting.name) {
            // `body` is a part of `param`.
            Some((_, values)) => values.extend(setting.values.clone()),
            None => settings.push((setting.name.clone(), setting.values.clone())),
        }
    }
    settings.sort_by(|one, other| one.0.cmp(&other.0));
    settings
}
