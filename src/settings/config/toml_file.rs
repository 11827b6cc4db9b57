//! The text of a configuration file: tables of settings, each with its place.
//! Knows TOML, and not what the settings mean.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use toml::de::{DeInteger, DeTable, DeValue};

use crate::error::{Error, Result};

/// Where something stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    pub path: PathBuf,
    /// Both from 1; the column counts characters.
    pub line: usize,
    pub column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path.display(), self.line, self.column)
    }
}

impl Location {
    /// The error of what stands here.
    pub fn fault(&self, reason: impl fmt::Display) -> Error {
        Error::Config(anyhow!("{self}: {reason}"))
    }
}

/// A value as an option takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingValue {
    Flag(bool),
    Text(String),
    List(Vec<String>),
    /// Names and values, the latter as JSON.
    Table(Vec<(String, String)>),
}

/// One line of the file.
#[derive(Debug, Clone)]
pub struct SettingEntry {
    pub name: String,
    pub given: SettingValue,
    pub place: Location,
}

/// The settings of one table.
pub type SettingTable = Vec<SettingEntry>;

#[derive(Debug, Default)]
pub struct SettingsFile {
    /// Those outside the profiles.
    pub settings: SettingTable,
    /// By their names.
    pub profiles: Vec<(String, SettingTable)>,
}

impl SettingsFile {
    /// # Errors
    /// [`Error::Config`] with the place of what cannot be read.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let reader = TomlReader { text, path };
        let root = DeTable::parse(text).map_err(|error| {
            reader.place(error.span().unwrap_or_default()).fault(error.message())
        })?;
        let mut file = Self::default();
        for (name, value) in root.into_inner() {
            match (name.get_ref().as_ref(), value.into_inner()) {
                ("profiles", DeValue::Table(profiles)) => {
                    for (name, profile) in profiles {
                        let place = reader.place(name.span());
                        let DeValue::Table(table) = profile.into_inner() else {
                            return Err(place.fault("a profile is a table, as in [profiles.work]"));
                        };
                        let name = name.into_inner().into_owned();
                        file.profiles.push((name, reader.table(table)?));
                    }
                }
                (_, value) => file.settings.push(reader.entry(name, value)?),
            }
        }
        Ok(file)
    }
}

struct TomlReader<'a> {
    text: &'a str,
    path: &'a Path,
}

impl TomlReader<'_> {
    fn place(&self, span: Range<usize>) -> Location {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Location {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
        }
    }

    fn table(&self, table: DeTable) -> Result<SettingTable> {
        table.into_iter().map(|(name, value)| self.entry(name, value.into_inner())).collect()
    }

    fn entry(&self, name: SpannedName, value: DeValue) -> Result<SettingEntry> {
        let place = self.place(name.span());
        let name = name.into_inner().into_owned();
        let given = match value {
            DeValue::Boolean(flag) => Ok(SettingValue::Flag(flag)),
            DeValue::Array(array) => {
                let items = array.into_iter().map(|item| scalar(item.into_inner()));
                items.collect::<Result<_, _>>().map(SettingValue::List)
            }
            DeValue::Table(table) => {
                let field = |(name, value): (SpannedName, SpannedValue)| {
                    Ok((name.into_inner().into_owned(), json_of(&value.into_inner())?))
                };
                table.into_iter().map(field).collect::<Result<_, _>>().map(SettingValue::Table)
            }
            other => scalar(other).map(SettingValue::Text),
        };
        match given {
            Ok(given) => Ok(SettingEntry { name, given, place }),
            Err(reason) => Err(place.fault(format_args!("{name}: {reason}"))),
        }
    }
}

type SpannedName<'a> = toml::Spanned<toml::de::DeString<'a>>;
type SpannedValue<'a> = toml::Spanned<DeValue<'a>>;

fn scalar(value: DeValue) -> Result<String, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.into_owned()),
        DeValue::Integer(number) => integer(&number),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        DeValue::Boolean(_) => Err("a boolean in an array"),
        DeValue::Datetime(_) => Err("no option takes a date"),
        DeValue::Array(_) | DeValue::Table(_) => Err("too deep for an option"),
    }
}

/// In decimal, however it is written.
fn integer(number: &DeInteger) -> Result<String, &'static str> {
    i128::from_str_radix(number.as_str(), number.radix())
        .map(|number| number.to_string())
        .map_err(|_| "a number that is too large")
}

/// A value as JSON, its numbers as they are written.
fn json_of(value: &DeValue) -> Result<String, &'static str> {
    Ok(match value {
        DeValue::String(text) => serde_json::Value::from(text.as_ref()).to_string(),
        DeValue::Integer(number) => integer(number)?,
        DeValue::Float(number) => match number.as_str().trim_start_matches('+') {
            "inf" | "-inf" | "nan" | "-nan" => return Err("JSON has no such number"),
            number => number.to_owned(),
        },
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(_) => return Err("JSON has no dates"),
        DeValue::Array(array) => {
            let items = array.iter().map(|item| json_of(item.get_ref()));
            format!("[{}]", items.collect::<Result<Vec<_>, _>>()?.join(","))
        }
        DeValue::Table(table) => {
            let fields = table.iter().map(|(name, value)| {
                let name = serde_json::Value::from(name.get_ref().as_ref());
                Ok(format!("{name}:{}", json_of(value.get_ref())?))
            });
            format!("{{{}}}", fields.collect::<Result<Vec<_>, &str>>()?.join(","))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_with_their_places() {
        let text = "model = \"é\" # x\nseed = 0x10\n\n[profiles.a]\n  stop = [\"x\", 2]\n  stream = true\n  param.b = { c = 1.50, d = [true] }\n";
        let file = SettingsFile::parse(text, Path::new("c.toml")).expect("TOML");
        let told = |table: &SettingTable| -> Vec<(String, SettingValue, String)> {
            let told = |entry: &SettingEntry| {
                (entry.name.clone(), entry.given.clone(), entry.place.to_string())
            };
            table.iter().map(told).collect()
        };
        let entry = |name: &str, given, place: &str| (name.to_owned(), given, place.to_owned());
        assert_eq!(
            told(&file.settings),
            [
                entry("model", SettingValue::Text("é".to_owned()), "c.toml:1:1"),
                entry("seed", SettingValue::Text("16".to_owned()), "c.toml:2:1"),
            ]
        );
        let (name, profile) = &file.profiles[0];
        assert_eq!(name, "a");
        let fields = vec![("b".to_owned(), r#"{"c":1.50,"d":[true]}"#.to_owned())];
        let mut told = told(profile);
        told.sort_by(|a, b| a.2.cmp(&b.2));
        assert_eq!(
            told,
            [
                entry(
                    "stop",
                    SettingValue::List(vec!["x".to_owned(), "2".to_owned()]),
                    "c.toml:5:3"
                ),
                entry("stream", SettingValue::Flag(true), "c.toml:6:3"),
                entry("param", SettingValue::Table(fields), "c.toml:7:3"),
            ]
        );
    }

    #[test]
    fn faults_are_told_with_their_places() {
        for (text, fault) in [
            ("a = \n", "c.toml:1:"),
            ("x = 1\né = 2", "c.toml:2:1: "),
            ("a = 1979-05-27", "c.toml:1:1: a: no option takes a date"),
            ("[profiles]\na = 1", "c.toml:2:1: a profile is a table"),
            ("a = 1\n a = 2", "c.toml:2:2: duplicate key"),
        ] {
            let error = SettingsFile::parse(text, Path::new("c.toml")).expect_err(text).to_string();
            assert!(error.starts_with(fault) && !error.contains('\n'), "{error}");
        }
    }
}
