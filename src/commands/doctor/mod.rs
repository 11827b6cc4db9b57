//! `gravix doctor`: check step by step what a question needs, and say at the first fault
//! what to do.

pub mod connection_report;
pub mod models;
pub mod question;
pub mod report;

use std::ffi::OsString;
use std::sync::Arc;

use crate::cli::DoctorArgs;
use crate::commands::doctor::connection_report::ConnectionReport;
use crate::commands::doctor::report::{Finding, Report, Step};
use crate::commands::hints::Hints;
use crate::commands::observers::NetworkLog;
use crate::error::{Error, Result};
use crate::net::base_url::BaseUrl;
use crate::net::client::Client;
use crate::net::endpoint::Endpoint;
use crate::net::server::Server;
use crate::output::notes::Notes;
use crate::output::terminal::Terminal;
use crate::secret::KEY_VARIABLE;
use crate::settings::config::{self, ChosenProfile};
use crate::settings::context::Context;
use crate::settings::{model, network, verbosity};

/// Whether a command line, which may have no valid settings, is one of this command.
pub fn is_typed(line: &[OsString]) -> bool {
    line.get(1).is_some_and(|word| word == "doctor")
}

/// Reports settings that are not valid.
///
/// # Errors
/// Always: [`Error::Diagnosed`], or that standard output cannot be written.
pub fn report_settings(error: Error, hints: &Hints) -> Result<()> {
    Err(Report::open(Terminal::detect())?.fail(error, hints))
}

pub fn run(args: &DoctorArgs, context: &Context, hints: &Hints) -> Result<()> {
    let notes = context.notes.with_verbosity(verbosity(&args.verbosity));
    let model = model::name(args.model.as_deref(), context.environment)?;
    let mut report = Report::open(context.terminal)?;
    let endpoint = match prepare(args, context, &mut report, &notes) {
        Ok(endpoint) => endpoint,
        Err(error) => return Err(report.fail(error, hints)),
    };
    let connection = Arc::new(ConnectionReport::new(&endpoint, report, NetworkLog { notes }));
    connect_and_ask(&endpoint, &model, &connection, hints).map_err(|error| {
        match connection.report_steps_before(&error) {
            Ok(()) => connection.with_report(|report| report.fail(error, hints)),
            Err(error) => error,
        }
    })
}

/// The steps before anything is sent.
fn prepare(
    args: &DoctorArgs,
    context: &Context,
    report: &mut Report,
    notes: &Notes,
) -> Result<Endpoint> {
    report.print(Step::Configuration, Finding::Fine, settings_in_force(args, context)?)?;
    let mut endpoint =
        network::resolve(&args.network, context.environment, context.notes.secrets())?;
    // A failure is reported at once, not tried again, unless the user says so.
    endpoint.retries = args.network.retries.unwrap_or(0);
    if endpoint.base_url != BaseUrl::Mock {
        let unused = NetworkLog { notes: notes.clone() };
        // Checks the proxy, and the file of trusted certificates.
        Server::new(&endpoint, Arc::new(unused))?;
    }
    report.print(Step::BaseUrl, Finding::Fine, server_line(&endpoint))?;
    network::load_key(&mut endpoint, args.network.allow_http, context, notes)?;
    let key = match (&endpoint.key, &endpoint.base_url) {
        (Some(key), _) => key.origin().to_owned(),
        (None, BaseUrl::Mock) => "not used".to_owned(),
        (None, BaseUrl::Http(_)) => {
            format!("none, as {KEY_VARIABLE} is not set; the server may not need one")
        }
    };
    report.print(Step::Key, Finding::Fine, key)?;
    Ok(endpoint)
}

/// The configuration file and the profile.
fn settings_in_force(args: &DoctorArgs, context: &Context) -> Result<String> {
    let environment = context.environment;
    let path = config::path(&args.settings, environment).map(|(path, _)| path);
    let file = match path.filter(|path| path.exists()) {
        Some(path) => path.display().to_string(),
        None => "no file".to_owned(),
    };
    Ok(match ChosenProfile::find(&args.settings, environment)? {
        Some(ChosenProfile { name, by }) => format!("{file}, profile {name} ({by})"),
        None => format!("{file}, no profile"),
    })
}

/// The base URL, and the proxy without its password.
fn server_line(endpoint: &Endpoint) -> String {
    match &endpoint.proxy {
        None => endpoint.base_url.to_string(),
        Some(proxy) => {
            let (scheme, rest) = proxy.url.split_once("://").unwrap_or(("http", &proxy.url));
            let host = rest.rsplit('@').next().unwrap_or_default();
            let variable = &proxy.variable;
            format!("{}, through {scheme}://{host} ({variable})", endpoint.base_url)
        }
    }
}

/// The steps from DNS to the question.
fn connect_and_ask(
    endpoint: &Endpoint,
    model: &str,
    connection: &Arc<ConnectionReport>,
    hints: &Hints,
) -> Result<()> {
    let client = || Client::new(endpoint, Arc::clone(connection) as _);
    let (finding, detail) = match client()?.models() {
        Ok(list) if endpoint.base_url == BaseUrl::Mock => models::count(&list),
        Ok(list) => models::judge(&list, model, hints),
        Err(error) => models::without_list(error)?,
    };
    // Names and replies are the server's words.
    let masked = |text: String| endpoint.secrets.mask(text);
    connection.print(Step::Models, finding, masked(detail))?;
    let answer = question::ask(&client()?, model)?;
    connection.print(Step::Question, Finding::Fine, masked(format!("{model} {answer}")))
}
