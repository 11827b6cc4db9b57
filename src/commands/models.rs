//! `gravix models`: what the server offers.

use std::fmt::Display;
use std::sync::Arc;

use serde::Deserialize;

use crate::cli::ModelsArgs;
use crate::commands::observers::NetworkLog;
use crate::error::{Error, Result};
use crate::net::client::Client;
use crate::output::stdout::{self, Bytes};
use crate::settings::context::Context;
use crate::settings::{network, verbosity};

#[derive(Deserialize)]
struct List {
    /// There must be a list, be it null.
    #[serde(deserialize_with = "Option::deserialize")]
    data: Option<Vec<Model>>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

pub fn run(args: ModelsArgs, context: &Context) -> Result<()> {
    let notes = context.notes.at(verbosity(&args.verbosity));
    context.warnings.iter().for_each(|warning| notes.warn(warning));
    let mut endpoint =
        network::resolve(&args.network, context.environment, context.notes.secrets())?;
    network::load_key(&mut endpoint, args.network.allow_http, context, &notes)?;
    let observer = Arc::new(NetworkLog { notes });
    let body = Client::new(&endpoint, observer)?.models()?;
    let list: List = serde_json::from_slice(&body).map_err(not_a_list)?;
    let bytes = if context.terminal.stdout { Bytes::Sanitized } else { Bytes::Exact };
    if args.json {
        let body = String::from_utf8(body).map_err(|_| not_a_list("it is not UTF-8"))?;
        return stdout::print(&body, bytes);
    }
    let mut ids: Vec<String> = list.data.into_iter().flatten().map(|model| model.id).collect();
    ids.sort();
    stdout::print(&ids.join("\n"), bytes)
}

fn not_a_list(reason: impl Display) -> Error {
    Error::Protocol(format!("the server's list of models cannot be read: {reason}"))
}
