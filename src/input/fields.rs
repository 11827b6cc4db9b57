//! The request's fields beside the messages: those of options first, then
//! those that the user names with `--body` and `--param`, which win.

use serde_json::{Value, json};

use crate::chat::format::ReplyFormat;
use crate::cli::AskArgs;
use crate::cli::ask_args::ModelArgs;
use crate::cli::reply_format::ReplyFormatArgs;
use crate::error::{Error, Result};
use crate::files::text;
use crate::input::file_or_json;
use crate::json::{self, Object};

/// What the user named, whatever it is: the first `configured` parameters are
/// the configuration's, and weaker than a body.
///
/// # Errors
/// [`Error::Input`] for a body that is no object and a parameter that is not
/// `NAME=VALUE`, and those of reading a file.
pub fn named(args: &ModelArgs, configured: usize) -> Result<Object> {
    let mut named = Object::new();
    let (configured, typed) = args.param.split_at(configured.min(args.param.len()));
    for param in configured {
        json::merge(&mut named, parameter(param)?);
    }
    if let Some(body) = &args.body {
        json::merge(&mut named, file_or_json::object("--body", body)?);
    }
    for param in typed {
        json::merge(&mut named, parameter(param)?);
    }
    Ok(named)
}

/// `a.b=VALUE` as `{"a":{"b":VALUE}}`.
///
/// # Errors
/// [`Error::Input`].
pub fn parameter(param: &str) -> Result<Object> {
    let refused = |reason| Err(Error::Input(format!("--param {param}: {reason}")));
    let Some((path, text)) = param.split_once('=') else {
        return refused("not of the form NAME=VALUE");
    };
    let mut names: Vec<&str> = path.split('.').collect();
    if names.iter().any(|name| name.is_empty()) {
        return refused("a name is empty");
    }
    let first = names.remove(0);
    let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    let value = names.into_iter().rev().fold(value, |value, name| json!({ name: value }));
    Ok(Object::from_iter([(first.to_owned(), value)]))
}

/// The fields of a request to `model`, with what the user `named` over them.
///
/// # Errors
/// [`Error::Unreadable`] and [`Error::Input`] for the tools.
pub fn assemble(
    args: &AskArgs,
    model: &str,
    format: &ReplyFormat,
    streams: bool,
    named: Object,
) -> Result<Object> {
    let (tools, tool_choice) = tools(&args.format)?;
    let wants_usage = args.output.usage || args.output.json || args.output.log.is_some();
    let own = [
        ("tools", tools),
        ("tool_choice", tool_choice),
        ("stream", streams.then_some(Value::Bool(true))),
    ];
    let mut fields = of_model(&args.model, model, format);
    fields.extend(present(own));
    json::merge(&mut fields, named);
    if wants_usage && fields.get("stream") == Some(&Value::Bool(true)) {
        let mut usage = Object::from_iter([("include_usage".to_owned(), Value::Bool(true))]);
        if let Some(Value::Object(options)) = fields.shift_remove("stream_options") {
            usage.extend(options);
        }
        fields.insert("stream_options".to_owned(), usage.into());
    }
    Ok(fields)
}

/// The fields that options set of any request to `model`.
pub fn of_model(args: &ModelArgs, model: &str, format: &ReplyFormat) -> Object {
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

/// The definitions of the tools, and which of them is to be called.
fn tools(args: &ReplyFormatArgs) -> Result<(Option<Value>, Option<Value>)> {
    let Some(path) = &args.tools else {
        return Ok((None, None));
    };
    let what = path.display().to_string();
    let tools = json::parse(&text::read_text(path)?, &what)?;
    match &tools {
        Value::Array(tools) if tools.iter().all(Value::is_object) => {}
        Value::Array(_) => {
            return Err(Error::Input(format!("{what}: a tool's definition is an object")));
        }
        other => {
            let kind = json::kind(other);
            return Err(Error::Input(format!("{what}: {kind}, not an array of tools")));
        }
    }
    let choice = match args.tool_choice.as_deref() {
        Some(choice @ ("auto" | "none" | "required")) => Some(choice.into()),
        Some(name) if !has_tool(&tools, name) => {
            return Err(Error::Input(format!("{what}: there is no tool {name}")));
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
    fn a_parameter_is_json_or_text_at_any_depth() {
        for (param, object) in [
            ("a=1", json!({"a": 1})),
            ("a=x=y", json!({"a": "x=y"})),
            ("a=", json!({"a": ""})),
            ("a=\"1\"", json!({"a": "1"})),
            ("a=[1,{}]", json!({"a": [1, {}]})),
            ("a.b.c=true", json!({"a": {"b": {"c": true}}})),
        ] {
            assert_eq!(parameter(param).map(Value::from).expect(param), object);
        }
        for param in ["a", "=1", "a..b=1", ".a=1", "a.=1"] {
            assert!(parameter(param).is_err(), "{param}");
        }
    }

    #[test]
    fn numbers_keep_their_digits() {
        let object = parameter("a=1.10").expect("a parameter");
        assert_eq!(Value::from(object).to_string(), r#"{"a":1.10}"#);
    }
}
