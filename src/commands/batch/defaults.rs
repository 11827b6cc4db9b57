//! What options add to the lines of a batch, and what becomes of options that all
//! lines override.

use std::sync::Arc;

use crate::batch::source::batch_request::Defaults;
use crate::batch::source::overriding::{OverriddenFields, Overriding};
use crate::batch::source::read_options::ReadOptions;
use crate::batch::source::records::Records;
use crate::chat::format::ReplyFormat;
use crate::cli::BatchArgs;
use crate::error::{Error, Result};
use crate::files::text::Encoding;
use crate::input::{fields, prompt};
use crate::json::{self, Object};
use crate::output::notes::Notes;
use crate::output::numbers::grouped;
use crate::settings::context::Context;
use crate::settings::model;

/// The system prompt of the options.
///
/// # Errors
/// [`Error::Unreadable`] for its file, and [`Error::NotText`].
pub fn system(args: &BatchArgs) -> Result<Option<String>> {
    match &args.system_file.path {
        Some(path) => prompt::read_file(path, Encoding::Strict).map(Some),
        None => args.system.as_ref().map(|text| prompt::system(text, Encoding::Strict)).transpose(),
    }
}

/// The fields and the system prompt of lines that do not have their own, and the
/// watch over those that all lines override.
pub fn defaults(
    args: &BatchArgs,
    format: &ReplyFormat,
    system: Option<&str>,
    context: &Context,
) -> Result<(Defaults, OverriddenOptions)> {
    let named = fields::from_user(&args.model, context.config_param_count)?;
    if named.all.contains_key("messages") {
        let message = "--body has messages, but in a batch each line has its own";
        return Err(Error::Usage(message.to_owned()));
    }
    let model = model::model(&args.model, context.environment)?;
    let mut fields = fields::from_options(&args.model, &model, format);
    let mut typed = typed_fields(args, &fields, context);
    typed.extend(named.typed);
    typed.sort_unstable();
    typed.dedup();
    json::merge(&mut fields, named.all);
    if args.usage || args.log.log.is_some() {
        fields::request_usage(&mut fields);
    }
    let instruction = format.instruction();
    let defaults = Defaults::new(&fields, system, instruction.as_deref());
    if args.r#override {
        let system = system.is_some() && ["system", "system_file"].iter().all(is_typed(context));
        let overriding = Overriding { fields: typed, system };
        return Ok((defaults.with_overriding(overriding), OverriddenOptions(None)));
    }
    Ok((defaults, OverriddenOptions(Some(OverriddenFields::new(typed).into()))))
}

fn is_typed(context: &Context) -> impl Fn(&&str) -> bool {
    |name| context.is_typed(name)
}

/// The names of those fields of [`fields::from_options`] whose options were typed.
fn typed_fields(args: &BatchArgs, fields: &Object, context: &Context) -> Vec<String> {
    let is_typed = |name: &&String| match name.as_str() {
        "model" => args.model.model.is_some() && context.is_typed("model"),
        "response_format" => {
            ["schema", "json_object", "choose", "yes_no"].iter().all(is_typed(context))
        }
        name => context.is_typed(name),
    };
    fields.keys().filter(is_typed).cloned().collect()
}

/// Typed options that every line may override. `None` if they override the lines.
pub struct OverriddenOptions(Option<Arc<OverriddenFields>>);

impl OverriddenOptions {
    /// Looks at all lines of a file.
    ///
    /// # Errors
    /// [`Error::Unreadable`].
    pub fn watch_file(&self, input: &Records, options: &ReadOptions) -> Result<()> {
        match &self.0 {
            Some(fields) if input.is_rereadable() => fields.see_file(input, options),
            _ => Ok(()),
        }
    }

    /// What must see each line that is sent, of an input that cannot be read twice.
    pub fn watched(&self, input: &Records) -> Option<Arc<OverriddenFields>> {
        self.0.as_ref().filter(|_| !input.is_rereadable()).map(Arc::clone)
    }

    /// Tells which options have no effect, once.
    pub fn tell(&self, notes: &Notes) {
        let overridden = self.0.as_ref().and_then(|fields| fields.take());
        let Some((lines, fields)) = overridden else {
            return;
        };
        let is_model = fields == ["model"];
        let lines = match (lines, is_model) {
            (1, true) => "1 line names its".to_owned(),
            (1, false) => "1 line has its".to_owned(),
            (count, true) => format!("{} lines name their", grouped(count)),
            (count, false) => format!("{} lines have their", grouped(count)),
        };
        let typed = if is_model { "the -m that was typed" } else { "what was typed" };
        let fields = fields.join(", ");
        notes.note(format_args!("{lines} own {fields}; --override uses {typed}"));
    }
}
