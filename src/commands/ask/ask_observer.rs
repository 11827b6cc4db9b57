//! What `ask` does while a reply arrives: it prints the reply, logs each
//! request, and says why it asks again.

use crate::chat::event::Event;
use crate::chat::schema::SchemaPattern;
use crate::commands::ask::display::Display;
use crate::commands::ask::log::QuestionLog;
use crate::commands::schema_notes;
use crate::error::Result;
use crate::exchange::{AskAgain, Attempt, ReplyObserver};
use crate::output::notes::Notes;

pub struct AskObserver<'a> {
    display: Display<'a>,
    log: Option<&'a mut QuestionLog>,
    notes: &'a Notes,
    /// Whether the end of a whole reply could be printed. It is kept apart
    /// from the reply, which is then complete and can be saved.
    pub streamed: Result<()>,
}

impl<'a> AskObserver<'a> {
    pub fn new(display: Display<'a>, log: Option<&'a mut QuestionLog>, notes: &'a Notes) -> Self {
        Self { display, log, notes, streamed: Ok(()) }
    }
}

impl ReplyObserver for AskObserver<'_> {
    fn event(&mut self, event: &Event) -> Result<()> {
        self.display.show(event)
    }

    fn received(&mut self, received: Result<()>) -> Result<()> {
        match received {
            Ok(()) => {
                self.streamed = self.display.finish();
                Ok(())
            }
            Err(error) => Err(self.display.abort(error)),
        }
    }

    fn attempted(&mut self, attempt: &Attempt<'_>) {
        self.notes.detail(attempt.reply.summary());
        if let Some(log) = &mut self.log {
            log.record(attempt, self.notes);
        }
    }

    fn unchecked(&mut self, patterns: &[SchemaPattern]) {
        for pattern in patterns {
            self.notes.warn(schema_notes::too_slow(pattern));
        }
    }

    fn asking_again(&mut self, why: &AskAgain<'_>) {
        match why {
            AskAgain::WithoutSchema(error) => {
                self.notes.detail(schema_notes::without_schema(error));
            }
            AskAgain::WithoutStrict(error) => {
                self.notes.note(schema_notes::without_strict(error));
            }
            AskAgain::Invalid(problem) => {
                let problem = self.notes.secrets().mask(problem.to_string());
                self.notes.note(format_args!(
                    "the reply is not what was asked for: {problem}; asking again"
                ));
            }
        }
        self.display.wait_again();
    }
}
