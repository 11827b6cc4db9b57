//! The models of the server that the command line would ask.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use clap::Command as ClapCommand;

use crate::cli::Command;
use crate::commands::completions::models_cache::ModelsCache;
use crate::commands::completions::slot::TypedOption;
use crate::commands::observers::NetworkLog;
use crate::error::Result;
use crate::net::base_url::BaseUrl;
use crate::net::client::Client;
use crate::net::endpoint::{Endpoint, Timeouts};
use crate::output::notes::Notes;
use crate::output::sanitize::is_harmful;
use crate::settings::environment::Environment;
use crate::settings::key::KeySource;
use crate::settings::{self, network};

/// How long the server may take.
const LIMIT: Duration = Duration::from_millis(900);

/// The names of the models, from the cache or from the server. None of them if the
/// options are not valid, or if a command would have to print the key: it might ask
/// for a passphrase.
pub fn names(
    root: &ClapCommand,
    options: &[TypedOption],
    environment: &Environment,
    notes: &Notes,
) -> Vec<String> {
    ask(models_line(root, options), environment, notes).ok().flatten().unwrap_or_default()
}

/// `gravix models` with those of the options that it has.
fn models_line(root: &ClapCommand, options: &[TypedOption]) -> Vec<OsString> {
    let models = root.find_subcommand("models");
    let known: Vec<&str> = models
        .into_iter()
        .flat_map(ClapCommand::get_arguments)
        .filter_map(|arg| arg.get_long())
        .collect();
    let typed = options.iter().filter_map(|option| {
        let long = option.arg.get_long().filter(|long| known.contains(long) && *long != "json")?;
        Some(match &option.value {
            Some(value) => format!("--{long}={value}"),
            None => format!("--{long}"),
        })
    });
    ["gravix", "models"].into_iter().map(str::to_owned).chain(typed).map(Into::into).collect()
}

/// `None` if the server may not be asked.
fn ask(
    line: Vec<OsString>,
    environment: &Environment,
    notes: &Notes,
) -> Result<Option<Vec<String>>> {
    let Ok(arguments) = settings::parse_command_line(line, environment)? else {
        return Ok(None);
    };
    let (Command::Models(args), context) = arguments.into_command(environment, notes) else {
        return Ok(None);
    };
    let mut endpoint = network::resolve(&args.network, environment, notes.secrets())?;
    let cache = cache_of(&endpoint, environment);
    if let Some(names) = cache.as_ref().and_then(ModelsCache::read) {
        return Ok(Some(names));
    }
    if matches!(context.key, KeySource::Command(_)) && network::sends_key(&endpoint, &context) {
        return Ok(None);
    }
    network::load_key(&mut endpoint, args.network.allow_http, &context, notes)?;
    Ok(Some(fetch(endpoint, cache, notes)))
}

/// The names of the models of `endpoint`, whose key is loaded, from the cache or from
/// the server.
pub fn of_endpoint(endpoint: Endpoint, environment: &Environment, notes: &Notes) -> Vec<String> {
    let cache = cache_of(&endpoint, environment);
    let cached = cache.as_ref().and_then(ModelsCache::read);
    cached.unwrap_or_else(|| fetch(endpoint, cache, notes))
}

fn cache_of(endpoint: &Endpoint, environment: &Environment) -> Option<ModelsCache> {
    match &endpoint.base_url {
        BaseUrl::Mock => None,
        BaseUrl::Http(url) => ModelsCache::new(&url.to_string(), environment),
    }
}

/// Asks the server, within the limit. No names if it fails.
fn fetch(mut endpoint: Endpoint, cache: Option<ModelsCache>, notes: &Notes) -> Vec<String> {
    endpoint.timeouts = Timeouts { connect: LIMIT, idle: LIMIT, deadline: Some(LIMIT) };
    endpoint.retries = 0;
    let names = request(&endpoint, notes).unwrap_or_default();
    if let Some(cache) = cache {
        cache.write(&names);
    }
    names
}

fn request(endpoint: &Endpoint, notes: &Notes) -> Result<Vec<String>> {
    let observer = Arc::new(NetworkLog { notes: notes.clone() });
    let names = Client::new(endpoint, observer)?.models()?.names;
    let names = names.into_iter().map(|name| notes.secrets().mask(name));
    Ok(names.filter(|name| !name.contains(is_harmful)).collect())
}
