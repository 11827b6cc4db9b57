//! The fields of a request other than its messages. `--body` and `--param`
//! override the fields that options set.

use serde_json::{Value, json};

use crate::chat::format::ReplyFormat;
use crate::cli::AskArgs;
use crate::cli::model_args::ModelArgs;
use crate::cli::reply_format::ReplyFormatArgs;
use crate::error::{Error, Result};
use crate::files::text;
use crate::input::file_or_json;
use crate::json::{self, Object};

/// The fields that the user sets with `--body` and `--param`.
#[derive(Debug, Default)]
pub struct UserFields {
    pub all: Object,
    /// The names of those that were typed, not set by the configuration.
    pub typed: Vec<String>,
}

impl UserFields {
    fn add_typed(&mut self, fields: Object) {
        self.typed.extend(fields.keys().cloned());
        json::merge(&mut self.all, fields);
    }
}

/// The fields that the user sets with `--body` and `--param`. The first `config_param_count`
/// parameters come from the configuration: `--body` overrides them, and is
/// overridden by the others.
///
/// # Errors
/// [`Error::Input`] if a parameter is not `NAME=VALUE` or the body is not a JSON
/// object, [`Error::Unreadable`] if the body's file cannot be read.
pub fn from_user(args: &ModelArgs, config_param_count: usize) -> Result<UserFields> {
    let mut fields = UserFields::default();
    let (configured, typed) = args.param.split_at(config_param_count.min(args.param.len()));
    for param in configured {
        json::merge(&mut fields.all, parse_param("--param", param)?);
    }
    if let Some(body) = &args.body {
        fields.add_typed(file_or_json::object("--body", body)?);
    }
    for param in typed {
        fields.add_typed(parse_param("--param", param)?);
    }
    Ok(fields)
}

/// Parses `a.b=VALUE` into `{"a":{"b":VALUE}}`. A value that is not JSON is a
/// string. `origin` is what was typed before it.
///
/// # Errors
/// [`Error::Input`] if there is no `=` or a name is empty.
pub fn parse_param(origin: &str, param: &str) -> Result<Object> {
    let invalid = |reason| Err(Error::Input(format!("{origin} {param}: {reason}")));
    let Some((path, text)) = param.split_once('=') else {
        return invalid("not in the format NAME=VALUE");
    };
    let mut names: Vec<&str> = path.split('.').collect();
    if names.iter().any(|name| name.is_empty()) {
        return invalid("a name is empty");
    }
    let first = names.remove(0);
    let value = json::parse(text).unwrap_or_else(|_| Value::from(text));
    let value = names.into_iter().rev().fold(value, |value, name| json!({ name: value }));
    Ok(Object::from_iter([(first.to_owned(), value)]))
}

/// All fields of a request of `ask`: adds the tools and streaming to `fields`,
/// which come from [`from_options`], then merges the fields of [`from_user`]
/// over them.
///
/// # Errors
/// [`Error::Unreadable`] if the file of tools cannot be read, [`Error::Input`]
/// if it is not an array of objects or does not have the chosen tool.
pub fn assemble(
    args: &AskArgs,
    mut fields: Object,
    streams: bool,
    user_fields: Object,
) -> Result<Object> {
    let (tools, tool_choice) = tools(&args.format)?;
    let AskArgs { output, .. } = args;
    let needs_usage = output.report.usage || output.json || output.report.log.log.is_some();
    fields.extend(present([
        ("tools", tools),
        ("tool_choice", tool_choice),
        ("stream", streams.then_some(Value::Bool(true))),
    ]));
    json::merge(&mut fields, user_fields);
    if needs_usage {
        request_usage(&mut fields);
    }
    Ok(fields)
}

/// Asks for the usage, which a stream has only on request.
pub fn request_usage(fields: &mut Object) {
    if fields.get("stream") == Some(&Value::Bool(true)) {
        let mut usage = Object::from_iter([("include_usage".to_owned(), Value::Bool(true))]);
        if let Some(Value::Object(options)) = fields.shift_remove("stream_options") {
            usage.extend(options);
        }
        fields.insert("stream_options".to_owned(), usage.into());
    }
}

/// Checks that the request asks for one reply. `way_out` says how to get more.
///
/// # Errors
/// [`Error::Usage`] if `n` is more than 1: all but the first reply would be lost.
pub fn ensure_one_choice(fields: &Object, way_out: &str) -> Result<()> {
    match fields.get("n").and_then(Value::as_f64) {
        Some(n) if n > 1.0 => {
            Err(Error::Usage(format!("n is {n}, but only one reply can be printed; {way_out}")))
        }
        _ => Ok(()),
    }
}

/// The fields that options set in any request to `model`.
pub fn from_options(args: &ModelArgs, model: &str, format: &ReplyFormat) -> Object {
    let ModelArgs {
        model: _,
        temperature,
        top_p,
        max_tokens,
        stop,
        seed,
        presence_penalty,
        frequency_penalty,
        param: _,
        body: _,
    } = args;
    Object::from_iter(present([
        ("model", Some(model.into())),
        ("temperature", temperature.map(Value::from)),
        ("top_p", top_p.map(Value::from)),
        ("max_tokens", max_tokens.map(Value::from)),
        ("stop", (!stop.is_empty()).then(|| json!(stop))),
        ("seed", seed.map(Value::from)),
        ("presence_penalty", presence_penalty.map(Value::from)),
        ("frequency_penalty", frequency_penalty.map(Value::from)),
        ("response_format", format.response_format()),
    ]))
}

fn present<const N: usize>(
    fields: [(&str, Option<Value>); N],
) -> impl Iterator<Item = (String, Value)> {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)))
}

/// The fields `tools` and `tool_choice`.
fn tools(args: &ReplyFormatArgs) -> Result<(Option<Value>, Option<Value>)> {
    let Some(path) = &args.tools else {
        return Ok((None, None));
    };
    let what = path.display().to_string();
    let tools = json::parse_input(&text::read_text(path)?, &what)?;
    match &tools {
        Value::Array(tools) if tools.iter().all(Value::is_object) => {}
        Value::Array(_) => {
            return Err(Error::Input(format!("{what}: a tool definition must be an object")));
        }
        other => {
            let kind = json::kind(other);
            return Err(Error::Input(format!("{what}: {kind}, not an array of tools")));
        }
    }
    let choice = match args.tool_choice.as_deref() {
        Some(choice @ ("auto" | "none" | "required")) => Some(choice.into()),
        Some(name) if !has_tool(&tools, name) => {
            return Err(Error::Input(format!("{what}: no tool {name}")));
        }
        Some(name) => Some(json!({"type": "function", "function": {"name": name}})),
        None => None,
    };
    Ok((Some(tools), choice))
}

fn has_tool(tools: &Value, name: &str) -> bool {
    tools.as_array().is_some_and(|tools| tools.iter().any(|tool| tool["function"]["name"] == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_json_or_a_string_at_any_depth() {
        for (param, object) in [
            ("a=1", json!({"a": 1})),
            ("a=x=y", json!({"a": "x=y"})),
            ("a=", json!({"a": ""})),
            ("a=\"1\"", json!({"a": "1"})),
            ("a=[1,{}]", json!({"a": [1, {}]})),
            ("a.b.c=true", json!({"a": {"b": {"c": true}}})),
        ] {
            assert_eq!(parse_param("--param", param).map(Value::from).expect(param), object);
        }
        for param in ["a", "=1", "a..b=1", ".a=1", "a.=1"] {
            assert!(parse_param("--param", param).is_err(), "{param}");
        }
    }

    #[test]
    fn numbers_keep_their_digits() {
        let object = parse_param("--param", "a=1.10").expect("the parameter is valid");
        assert_eq!(Value::from(object).to_string(), r#"{"a":1.10}"#);
    }
}
