//! `gravix models`: list the server's models.

use std::fmt::Display;
use std::sync::Arc;

use serde::Deserialize;

use crate::cli::ModelsArgs;
use crate::commands::observers::NetworkLog;
use crate::error::{Error, Result};
use crate::net::client::Client;
use crate::output::stdout;
use crate::settings::context::Context;
use crate::settings::{network, verbosity};

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct ModelList {
    /// The field is required, but may be null.
    #[serde(deserialize_with = "Option::deserialize")]
    data: Option<Vec<Model>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Model {
    id: String,
}

pub fn run(args: ModelsArgs, context: &Context) -> Result<()> {
    let notes = context.notes.with_verbosity(verbosity(&args.verbosity));
    context.warnings.iter().for_each(|warning| notes.warn(warning));
    let mut endpoint =
        network::resolve(&args.network, context.environment, context.notes.secrets())?;
    network::load_key(&mut endpoint, args.network.allow_http, context, &notes)?;
    let observer = Arc::new(NetworkLog { notes });
    let body = Client::new(&endpoint, observer)?.models()?;
    let list: ModelList = serde_json::from_slice(&body).map_err(invalid_list)?;
    let mode = context.terminal.text_mode();
    if args.json {
        let body = String::from_utf8(body).map_err(|_| invalid_list("it is not UTF-8"))?;
        return stdout::print(&body, mode);
    }
    let mut ids: Vec<String> = list.data.into_iter().flatten().map(|model| model.id).collect();
    ids.sort();
    stdout::print(&ids.join("\n"), mode)
}

fn invalid_list(reason: impl Display) -> Error {
    Error::Protocol(format!("cannot read the server's list of models: {reason}"))
}
