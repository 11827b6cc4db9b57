//! Values of options that take `FILE|JSON`: the JSON itself if they begin with
//! `{`, and the name of a file that holds it otherwise.

use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::files::text;
use crate::json::{self, Object};

/// Whether the value is JSON, and not the name of a file.
pub fn is_json(value: &str) -> bool {
    value.trim_start().starts_with('{')
}

/// The JSON text, and what to call it in messages: the option or the file.
///
/// # Errors
/// [`Error::Unreadable`], and [`Error::Input`] for text that is not UTF-8.
pub fn read(option: &str, value: &str) -> Result<(String, String)> {
    if is_json(value) {
        return Ok((value.to_owned(), option.to_owned()));
    }
    Ok((text::read_text(Path::new(value))?, value.to_owned()))
}

/// The object that the value holds.
///
/// # Errors
/// [`Error::Unreadable`], and [`Error::Input`] for text that is not UTF-8, not
/// JSON, or not an object.
pub fn object(option: &str, value: &str) -> Result<Object> {
    let (text, name) = read(option, value)?;
    match json::parse(&text, &name)? {
        Value::Object(object) => Ok(object),
        other => Err(Error::Input(format!("{name}: {}, not a JSON object", json::kind(&other)))),
    }
}
