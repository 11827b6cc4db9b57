//! Values of `FILE|JSON` options: JSON if they start with `{`, otherwise the
//! name of a file that holds it.

use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::files::text;
use crate::json::{self, Object};

/// Whether `value` is JSON rather than a file name.
pub fn is_json(value: &str) -> bool {
    value.trim_start().starts_with('{')
}

/// The JSON text, and its name in messages: `option` or the file's name.
///
/// # Errors
/// [`Error::Unreadable`] if the file cannot be read, [`Error::NotText`] if it is
/// not text.
pub fn read(option: &str, value: &str) -> Result<(String, String)> {
    if is_json(value) {
        return Ok((value.to_owned(), option.to_owned()));
    }
    Ok((text::read_text(Path::new(value))?, value.to_owned()))
}

/// The JSON object in `value` or in the file it names.
///
/// # Errors
/// [`Error::Unreadable`] if the file cannot be read, [`Error::NotText`] if it is
/// not text, and [`Error::Input`] if it is not JSON, or not an object.
pub fn object(option: &str, value: &str) -> Result<Object> {
    let (text, name) = read(option, value)?;
    match json::parse_input(&text, &name)? {
        Value::Object(object) => Ok(object),
        other => Err(Error::Input(format!("{name}: {}, not a JSON object", json::kind(&other)))),
    }
}
