//! The TOML of a configuration file: tables of settings with their locations,
//! not yet checked against the options.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use toml::de::{DeInteger, DeTable, DeValue};

use crate::error::{Error, Result};

/// A position in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    pub path: PathBuf,
    /// Line and column count from 1; the column is in characters.
    pub line: usize,
    pub column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path.display(), self.line, self.column)
    }
}

impl Location {
    /// The error for something wrong at this location.
    pub fn error(&self, reason: impl fmt::Display) -> Error {
        Error::Config(anyhow!("{self}: {reason}"))
    }
}

/// A value in the shape that an option takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingValue {
    Flag(bool),
    Text(String),
    List(Vec<String>),
    /// Names and their values as JSON.
    Table(Vec<(String, String)>),
}

/// One key and value of the file.
#[derive(Debug, Clone)]
pub struct SettingEntry {
    pub name: String,
    pub value: SettingValue,
    pub location: Location,
}

/// The settings of one table.
pub type SettingTable = Vec<SettingEntry>;

#[derive(Debug, Default)]
pub struct SettingsFile {
    /// The settings outside the profiles.
    pub settings: SettingTable,
    /// The name and the settings of each profile.
    pub profiles: Vec<(String, SettingTable)>,
}

impl SettingsFile {
    /// Parses the text of the file; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Config`] with the location of invalid TOML or of a value that no
    /// option can take.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let reader = TomlReader { text, path };
        let root = DeTable::parse(text).map_err(|error| {
            reader.location(error.span().unwrap_or_default()).error(error.message())
        })?;
        let mut file = Self::default();
        for (name, value) in root.into_inner() {
            match (name.get_ref().as_ref(), value.into_inner()) {
                ("profiles", DeValue::Table(profiles)) => {
                    for (name, profile) in profiles {
                        let location = reader.location(name.span());
                        let DeValue::Table(table) = profile.into_inner() else {
                            return Err(
                                location.error("a profile is a table, as in [profiles.work]")
                            );
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
    fn location(&self, span: Range<usize>) -> Location {
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
        let location = self.location(name.span());
        let name = name.into_inner().into_owned();
        let value = match value {
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
        match value {
            Ok(value) => Ok(SettingEntry { name, value, location }),
            Err(reason) => Err(location.error(format_args!("{name}: {reason}"))),
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
        DeValue::Boolean(_) => Err("an array cannot hold booleans"),
        DeValue::Datetime(_) => Err("no option takes a date"),
        DeValue::Array(_) | DeValue::Table(_) => Err("nested too deeply for an option"),
    }
}

/// In decimal, whatever the notation in the file.
fn integer(number: &DeInteger) -> Result<String, &'static str> {
    i128::from_str_radix(number.as_str(), number.radix())
        .map(|number| number.to_string())
        .map_err(|_| "the number is too large")
}

/// A value as JSON; floats keep their digits.
fn json_of(value: &DeValue) -> Result<String, &'static str> {
    Ok(match value {
        DeValue::String(text) => serde_json::Value::from(text.as_ref()).to_string(),
        DeValue::Integer(number) => integer(number)?,
        DeValue::Float(number) => match number.as_str().trim_start_matches('+') {
            "inf" | "-inf" | "nan" | "-nan" => return Err("JSON has no inf or nan"),
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
    fn tables_are_parsed_with_locations() {
        let text = "model = \"é\" # x\nseed = 0x10\n\n[profiles.a]\n  stop = [\"x\", 2]\n  stream = true\n  param.b = { c = 1.50, d = [true] }\n";
        let file = SettingsFile::parse(text, Path::new("c.toml")).expect("the TOML is valid");
        let entries = |table: &SettingTable| -> Vec<(String, SettingValue, String)> {
            let fields = |entry: &SettingEntry| {
                (entry.name.clone(), entry.value.clone(), entry.location.to_string())
            };
            table.iter().map(fields).collect()
        };
        let entry = |name: &str, value, at: &str| (name.to_owned(), value, at.to_owned());
        assert_eq!(
            entries(&file.settings),
            [
                entry("model", SettingValue::Text("é".to_owned()), "c.toml:1:1"),
                entry("seed", SettingValue::Text("16".to_owned()), "c.toml:2:1"),
            ]
        );
        let (name, profile) = &file.profiles[0];
        assert_eq!(name, "a");
        let fields = vec![("b".to_owned(), r#"{"c":1.50,"d":[true]}"#.to_owned())];
        let mut entries = entries(profile);
        entries.sort_by(|a, b| a.2.cmp(&b.2));
        assert_eq!(
            entries,
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
    fn errors_name_their_location() {
        for (text, start) in [
            ("a = \n", "c.toml:1:"),
            ("x = 1\né = 2", "c.toml:2:1: "),
            ("a = 1979-05-27", "c.toml:1:1: a: no option takes a date"),
            ("[profiles]\na = 1", "c.toml:2:1: a profile is a table"),
            ("a = 1\n a = 2", "c.toml:2:2: duplicate key"),
        ] {
            let error = SettingsFile::parse(text, Path::new("c.toml")).expect_err(text).to_string();
            assert!(error.starts_with(start) && !error.contains('\n'), "{error}");
        }
    }
}
