//! `gravix models`: what the server offers.

use serde::Deserialize;

use crate::api::client::Client;
use crate::cli::ModelsArgs;
use crate::error::{Error, Result};
use crate::output::{self, Bytes};
use crate::settings::{Environment, Network};
use crate::terminal::Terminal;

#[derive(Deserialize)]
struct List {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

pub fn run(args: ModelsArgs, environment: &Environment, terminal: Terminal) -> Result<()> {
    let network = Network::resolve(&args.network, environment)?;
    let body = Client::new(&network)?.models()?;
    let list: List = serde_json::from_slice(&body).map_err(|error| {
        Error::Protocol(format!("the server's list of models cannot be read: {error}"))
    })?;
    let bytes = if terminal.stdout { Bytes::Harmless } else { Bytes::Exact };
    if args.json {
        return output::print(&String::from_utf8_lossy(&body), bytes);
    }
    let mut ids: Vec<String> = list.data.into_iter().map(|model| model.id).collect();
    ids.sort();
    output::print(&ids.join("\n"), bytes)
}
