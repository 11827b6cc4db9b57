//! Lists of models, in all known shapes.

use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::json;
use crate::wire::chunk::{self, ChunkError};
use crate::wire::error_body;
use crate::wire::reply_error;
use crate::wtf8::Text;

/// Ollama sends it if it has no models.
const NO_MODELS: &str = "null";

/// A server's list of models.
#[derive(Debug)]
pub struct ModelList {
    /// The response as it came.
    pub text: String,
    /// The names of the models, sorted.
    pub names: Vec<String>,
    /// How many entries name no model.
    pub nameless: usize,
}

/// Parses `{"data":[…]}`, `{"models":[…]}` or a bare list. An entry is the name
/// of a model, or an object with an `id`, a `name` or a `model`.
///
/// # Errors
/// [`Error::Server`] if the body is an error instead, and [`Error::Protocol`] if
/// it is anything else or no entry names a model. [`Error::Network`] if it breaks
/// off.
pub fn parse(body: Vec<u8>) -> Result<ModelList> {
    let text = String::from_utf8(body)
        .map_err(|_| Error::Protocol("the server's list of models is not UTF-8".to_owned()))?;
    let bare = text.trim_start_matches('\u{feff}');
    let replaced = json::without_non_finite(bare);
    let json = replaced.as_deref().unwrap_or(bare);
    let json = serde_json::from_str::<&RawValue>(json).map_err(|error| match error.is_eof() {
        true if text.trim().is_empty() => no_list("it sent nothing"),
        true => reply_error::cut("the list ended"),
        false => no_list(&error_body::words(text.as_bytes())),
    })?;
    let list = list(json);
    let (mut names, mut count) = (Vec::new(), 0_usize);
    if let Some(list) = list.filter(|list| list.get() != NO_MODELS) {
        json::each_element(list, |entry| {
            names.extend(name(entry));
            count += 1;
            true
        });
    }
    names.sort();
    if names.is_empty()
        && let Err(ChunkError::Server(error)) = chunk::parse(text.as_bytes())
    {
        return Err(Error::Server(error));
    }
    if list.is_none() {
        return Err(no_list(&error_body::words(text.as_bytes())));
    }
    if names.is_empty() && count > 0 {
        let reason = "no entry of the server's list of models has an id or a name";
        return Err(Error::Protocol(reason.to_owned()));
    }
    let nameless = count - names.len();
    Ok(ModelList { text, names, nameless })
}

fn no_list(instead: &str) -> Error {
    Error::Protocol(format!("the server sent no list of models: {instead}"))
}

/// The list of entries, an array or [`NO_MODELS`]; `None` if there is none. The
/// entries stay JSON text, so that an odd one does not make the list unreadable.
fn list(json: &RawValue) -> Option<&RawValue> {
    let is_array = |json: &&RawValue| json.get().starts_with('[');
    let Some(object) = json::unique_fields(json.get()) else {
        return Some(json).filter(is_array);
    };
    let lists = || ["data", "models"].iter().filter_map(|name| object.get(*name).copied());
    lists().find(is_array).or_else(|| lists().find(|json| json.get() == NO_MODELS))
}

fn name(entry: &RawValue) -> Option<String> {
    if let Some(text) = text(entry) {
        return Some(text);
    }
    json::fields(entry.get(), ["id", "name", "model"]).into_iter().flatten().find_map(text)
}

/// A text that is not empty.
fn text(json: &RawValue) -> Option<String> {
    let string = Some(json).filter(|json| json.get().starts_with('"'));
    string.and_then(Text::scalar).map(Text::into_utf8).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_list_yields_its_names() {
        for (body, names, nameless) in [
            (r#"{"data":[{"id":"b"},{"id":"a"}]}"#, &["a", "b"][..], 0),
            (r#"{"object":"list","data":[]}"#, &[], 0),
            (r#"{"object":"list","data":null}"#, &[], 0),
            (r#"{"data":[{"id":"a"}],"models":[{"name":"b"}]}"#, &["a"], 0),
            (r#"[{"id":"a"}]"#, &["a"], 0),
            ("[]", &[], 0),
            (r#"{"models":[{"name":"a"},{"model":"b"}]}"#, &["a", "b"], 0),
            (r#"{"models":["a"]}"#, &["a"], 0),
            (r#"{"data":null,"models":[{"name":"a"}]}"#, &["a"], 0),
            ("\u{feff}{\"data\":[{\"id\":\"a\",\"x\":-Infinity}]}", &["a"], 0),
            (r#"["b","a"]"#, &["a", "b"], 0),
            (r#"[{"id":"","name":"a"},{"id":null,"name":"b"}]"#, &["a", "b"], 0),
            (r#"[null,5,{"id":7},{},[],"",{"id":"a"}]"#, &["a"], 6),
            (r#"{"code":0,"message":"ok","data":["a"]}"#, &["a"], 0),
            (r#"{"error":null,"data":["a"]}"#, &["a"], 0),
            (
                r#"[{"id":"a","about":"\ud83d"},{"id":"\ud83d\ud83d\ude00"}]"#,
                &["a", "\u{fffd}😀"],
                0,
            ),
            (r#"{"\ud83d":1,"data":[{"\ud83d":1,"id":"\ude00"}]}"#, &["\u{fffd}"], 0),
            (r#"[{"id":"a","id":"b"}]"#, &["b"], 0),
        ] {
            let list = parse(body.into()).expect(body);
            assert_eq!(list.names, names, "{body}");
            assert_eq!((list.nameless, list.text.as_str()), (nameless, body));
        }
    }

    #[test]
    fn what_is_no_list_is_an_error_with_the_reason() {
        for (body, reason) in [
            ("", "it sent nothing"),
            ("Not Found", "no list of models: Not Found"),
            ("{}", "no list of models: {}"),
            ("null", "no list of models: null"),
            (r#"{"data":"x"}"#, "no list of models"),
            (r#"{"choices":[]}"#, "no list of models"),
            ("[1]", "no entry"),
            (r#"{"error":{"message":"boom"}}"#, "boom"),
            (r#"{"error":"boom","data":[]}"#, "boom"),
            (r#"{"data":["a""#, "before the reply was complete"),
        ] {
            let error = parse(body.into()).expect_err(body).to_string();
            assert!(error.contains(reason), "{body}: {error}");
        }
    }
}
