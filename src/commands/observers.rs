//! Observers that report what happens during a request or the opening of a
//! history on stderr.

use std::borrow::Cow;

use crate::history::notice::HistoryNotice;
use crate::net::observer::{NetEvent, NetObserver};
use crate::output::notes::Notes;
use crate::output::wait_line;
use crate::secret::header::{is_secret_header, is_secret_name};
use crate::secret::spelling::REDACTED;

/// Reports retries, and with `--verbose` connections and headers.
pub struct NetworkLog {
    pub notes: Notes,
}

impl NetObserver for NetworkLog {
    fn observe(&self, event: &NetEvent<'_>) {
        let notes = &self.notes;
        match event {
            NetEvent::Retrying { error, wait, attempt, attempts } => {
                wait_line::retry_in(*wait);
                notes.note(format_args!(
                    "{error}; retrying in {:.1} s (try {attempt} of {attempts})",
                    wait.as_secs_f64()
                ));
            }
            // The rest is printed with --verbose only.
            _ if !notes.is_verbose() => {}
            NetEvent::Connecting { target, addresses } => {
                let mut names = vec![(*target).to_owned()];
                let addresses = addresses.iter().map(ToString::to_string);
                names.extend(addresses.filter(|address| address != target));
                notes.detail(format_args!("* connecting to {}", names.join(", ")));
            }
            NetEvent::Connected { address } => {
                notes.detail(format_args!("* connected to {address}"));
            }
            NetEvent::Secured { host, version } => {
                notes.detail(format_args!("* {host} speaks {version}"));
            }
            NetEvent::Reconnecting => {
                notes.detail("* the server had closed the connection; reconnecting");
            }
            NetEvent::Request { line, headers } => {
                notes.detail(format_args!("> {line}"));
                for (name, value) in headers.iter() {
                    let is_secret = is_secret_header(name, &value);
                    self.log_header(">", name, Some(value).filter(|_| !is_secret));
                }
            }
            NetEvent::Response { line, headers } => {
                notes.detail(format_args!("< {line}"));
                for (name, value) in headers.iter() {
                    self.log_header("<", name, Some(value).filter(|_| !is_secret_name(name)));
                }
            }
        }
    }
}

impl NetworkLog {
    /// Logs a header; without its value if that is a secret.
    fn log_header(&self, direction: &str, name: &str, value: Option<Cow<'_, str>>) {
        let value = match value {
            Some(value) => self.notes.secrets().mask(value.into_owned()),
            None => REDACTED.to_owned(),
        };
        self.notes.detail(format_args!("{direction} {name}: {value}"));
    }
}

/// Reports notices about a history that is being opened.
pub fn history_notices(notes: &Notes) -> impl Fn(HistoryNotice<'_>) + Sync + '_ {
    |notice| match notice {
        HistoryNotice::Waiting { path } => {
            notes.note(format_args!("waiting for another turn in {} to end", path.display()));
        }
        HistoryNotice::NoLocks { path } => notes.warn(format_args!(
            "the file system of {} has no locks: do not run two turns at once",
            path.display()
        )),
        HistoryNotice::TornMoved { path, aside } => notes.warn(format_args!(
            "the last line of {} was torn; it is in {} now",
            path.display(),
            aside.display()
        )),
        HistoryNotice::TornLeftOut { path } => {
            notes.warn(format_args!("the last line of {} is torn and left out", path.display()))
        }
    }
}
