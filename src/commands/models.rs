//! `gravix models`: list the server's models.

use std::sync::Arc;

use crate::cli::ModelsArgs;
use crate::commands::observers::NetworkLog;
use crate::error::Result;
use crate::net::client::Client;
use crate::output::sanitize::visible;
use crate::output::stdout;
use crate::secret::Secrets;
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
    let lines = list.names.iter().map(|name| line(name, notes.secrets()));
    stdout::print(&lines.collect::<String>(), mode)
}

/// A model's name as a line: what would end it earlier is made visible, in a pipe
/// too. A secret in it is masked.
fn line(name: &str, secrets: &Secrets) -> String {
    let mut line = String::new();
    for c in secrets.mask(name.to_owned()).chars() {
        match c {
            // For Python and JavaScript, these two end a line as well.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => line += &visible(c),
            c => line.push(c),
        }
    }
    line.push('\n');
    line
}
