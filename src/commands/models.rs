//! `gravix models`: list the server's models.

use std::sync::Arc;

use crate::cli::ModelsArgs;
use crate::commands::observers::NetworkLog;
use crate::error::Result;
use crate::net::client::Client;
use crate::output::stdout;
use crate::settings::context::Context;
use crate::settings::{network, verbosity};

pub fn run(args: ModelsArgs, context: &Context) -> Result<()> {
    let notes = context.notes.with_verbosity(verbosity(&args.verbosity));
    stdout::ensure_open()?;
    let mut endpoint =
        network::resolve(&args.network, context.environment, context.notes.secrets())?;
    network::load_key(&mut endpoint, args.network.allow_http, context, &notes)?;
    let observer = Arc::new(NetworkLog { notes: notes.clone() });
    let list = Client::new(&endpoint, observer)?.models()?;
    let mode = context.terminal.text_mode();
    if args.json {
        return stdout::print(&list.text, mode);
    }
    match list.nameless {
        0 => {}
        1 => notes.warn("1 entry of the list names no model"),
        count => notes.warn(format_args!("{count} entries of the list name no model")),
    }
    stdout::print(&list.names.join("\n"), mode)
}
