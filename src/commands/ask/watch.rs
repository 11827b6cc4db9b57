//! What `ask` does while a reply comes: it prints, logs, and says why it asks
//! again.

use crate::chat::event::Event;
use crate::commands::ask::display::Display;
use crate::commands::ask::log::RequestLog;
use crate::error::{Error, Result};
use crate::exchange::{AskAgain, Attempt, ReplyObserver};
use crate::output::notes::Notes;

pub struct Watch<'a> {
    pub display: Display<'a>,
    pub log: Option<&'a mut RequestLog>,
    pub notes: &'a Notes,
    /// Standard output failed after the last token of a whole reply.
    pub fault: Option<Error>,
}

impl ReplyObserver for Watch<'_> {
    fn event(&mut self, event: &Event) -> Result<()> {
        self.display.show(event)
    }

    fn received(&mut self, received: Result<()>) -> Result<()> {
        match received {
            Ok(()) => {
                self.fault = self.display.finish().err();
                Ok(())
            }
            Err(error) => Err(self.display.break_off(error)),
        }
    }

    fn attempted(&mut self, attempt: &Attempt<'_>) {
        self.notes.detail(attempt.reply.summary());
        if let Some(log) = &mut self.log {
            log.record(attempt, self.notes);
        }
    }

    fn asking_again(&mut self, why: &AskAgain<'_>) {
        match why {
            AskAgain::WithoutSchema(error) => {
                self.notes.detail(format_args!("{error}; asking without a schema"));
            }
            AskAgain::Invalid(fault) => {
                let reason = fault.reason().unwrap_or_default();
                self.notes.note(format_args!(
                    "the reply is not what was asked for: {reason}; asking again"
                ));
            }
        }
    }
}
