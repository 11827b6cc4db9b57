//! Values of options for tables.

use clap::ValueEnum;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    Csv,
    Tsv,
    Jsonl,
    Batch,
    Text,
}

/// A size and a seed.
pub type SampleArg = (u64, u64);

/// Parses a number from 1 on.
pub fn positive_count(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "not a whole number from 1 on".to_owned())
}

/// Parses the size of a sample and its seed, such as `100:7`. The seed is 0 by default.
pub fn sample(text: &str) -> Result<SampleArg, String> {
    let (size, seed) = text.split_once(':').unwrap_or((text, "0"));
    let parsed = positive_count(size).ok().zip(seed.parse().ok());
    parsed.ok_or_else(|| "not in the form N or N:SEED, such as 100:7".to_owned())
}

/// Parses what is between the cells of a table: one ASCII character, or `\t`.
pub fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        [b'"' | b'\r' | b'\n' | 0] => Err("cells cannot be separated by that".to_owned()),
        [byte] if byte.is_ascii() => Ok(*byte),
        _ => Err("not one ASCII character, or \\t for a tab".to_owned()),
    }
}

/// Parses the name of a column.
pub fn column(text: &str) -> Result<String, String> {
    match text.is_empty() {
        true => Err("a column needs a name".to_owned()),
        false => Ok(text.to_owned()),
    }
}
