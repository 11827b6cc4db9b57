//! A conversation under way: its plan, its file, and what its last turn came to.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::chat::message::{Content, ContentPart};
use crate::cli::ChatArgs;
use crate::commands::ask::answer::{self, Answered, Asker};
use crate::commands::ask::ask_turn::{Turn, warn_of_readers};
use crate::commands::ask::delivery::TurnFiles;
use crate::commands::ask::history_plan::HistoryPlan;
use crate::commands::ask::plan::AskPlan;
use crate::commands::hints::Hints;
use crate::commands::observers::{NetworkLog, history_notices};
use crate::commands::schema_notes;
use crate::error::{Error, Result};
use crate::exchange::total_usage::TotalUsage;
use crate::history::conversation::History;
use crate::input::prompt;
use crate::net::client::Client;
use crate::output::notes::Notes;
use crate::output::terminal::PasteMarks;
use crate::settings::context::Context;
use crate::settings::{chats, network};

pub struct Session<'a> {
    pub context: &'a Context<'a>,
    pub hints: &'a Hints,
    pub notes: &'a Notes,
    pub plan: AskPlan,
    /// How many bytes the file had when this session last saw it; `None` if it has not
    /// seen it yet.
    pub seen: Option<u64>,
    /// Goes with the next message.
    pub attached: Vec<ContentPart>,
    /// A question that has no answer yet.
    pub unanswered: Option<String>,
    pub last: Option<LastReply>,
    pub spent: TotalUsage,
    /// How many turns this session has added or replaced.
    pub turns: u32,
    /// The model that was typed, if one was.
    pub model: Option<String>,
}

pub struct LastReply {
    /// As it was printed.
    pub text: String,
    pub usage: String,
}

impl<'a> Session<'a> {
    /// Checks everything that can be checked before a question is typed, and finds the
    /// key.
    ///
    /// # Errors
    /// The errors of [`AskPlan::of_session`], of finding the key and of opening the file.
    pub fn open(
        args: ChatArgs,
        context: &'a Context<'a>,
        hints: &'a Hints,
        notes: &'a Notes,
    ) -> Result<Self> {
        let mut args = args.into_ask();
        let model = args.model.model.clone().filter(|_| context.is_typed("model"));
        if args.history.file.is_none() && !args.history.latest {
            args.history.file = Some(chats::new_file(SystemTime::now(), context.environment)?);
        }
        let mut plan = AskPlan::of_session(args, context)?;
        network::load_key(&mut plan.endpoint, plan.allow_http, context, notes)?;
        schema_notes::before_asking(&plan.policy.format, notes);
        let mut session = Self {
            context,
            hints,
            notes,
            plan,
            seen: None,
            attached: Vec::new(),
            unanswered: None,
            last: None,
            spent: TotalUsage::default(),
            turns: 0,
            model,
        };
        session.look()?;
        Ok(session)
    }

    /// Looks at the file for the first time, and says what is in it.
    fn look(&mut self) -> Result<()> {
        let notes = self.notes;
        let short = chats::short_name(self.path(), self.context.environment).map(PathBuf::from);
        let name = short.as_deref().unwrap_or(self.path()).display().to_string();
        if let Some(history) = self.history_plan().look(&history_notices(notes))? {
            warn_of_readers(&history, notes);
            self.seen = Some(history.scan().end);
            let turns = history.scan().turns;
            match turns {
                0 => notes.note("a new conversation; /help lists commands, Ctrl-D ends it"),
                1 => notes.note(format_args!("{name} has 1 turn; /help lists commands")),
                turns => notes.note(format_args!("{name} has {turns} turns; /help lists commands")),
            }
        }
        Ok(())
    }

    fn history_plan(&self) -> &HistoryPlan {
        self.plan.history.as_ref().expect("the plan of a session has a history")
    }

    /// The file of the conversation.
    pub fn path(&self) -> &Path {
        self.history_plan().path()
    }

    /// Goes on in another file.
    pub fn move_to(&mut self, path: PathBuf) {
        let environment = self.context.environment;
        if let Some(history) = &mut self.plan.history {
            history.move_to(path, environment);
        }
        self.mark_seen();
    }

    /// All of the file is known now.
    pub fn mark_seen(&mut self) {
        self.seen = Some(self.length());
    }

    fn length(&self) -> u64 {
        fs::metadata(self.path()).map_or(0, |metadata| metadata.len())
    }

    /// Asks what was typed, together with what is attached. Also returns what is wrong
    /// with a reply that was saved.
    ///
    /// # Errors
    /// Why there is no reply, or none that could be saved. The question is kept in
    /// `unanswered`.
    pub fn ask(&mut self, text: &str) -> Result<Option<Error>> {
        self.unanswered = Some(text.to_owned());
        let prompt = prompt::typed(text, &self.attached)?;
        let ended = self.turn(Some(prompt))?;
        self.unanswered = None;
        self.attached.clear();
        Ok(ended)
    }

    /// Asks the last question again: one that has no answer, or that of the file, whose
    /// reply is replaced by the new one.
    ///
    /// # Errors
    /// [`Error::Usage`] if there is no question; those of [`Self::ask`].
    pub fn retry(&mut self) -> Result<Option<Error>> {
        match self.unanswered.clone() {
            Some(text) => self.ask(&text),
            None => self.turn(None),
        }
    }

    /// Without a prompt, the last question of the file is asked again.
    fn turn(&mut self, prompt: Option<Content>) -> Result<Option<Error>> {
        let is_again = prompt.is_none();
        let Self { plan, notes, .. } = &*self;
        let files = TurnFiles::prepare(plan, self.hints)?;
        let client = Client::new(&plan.endpoint, Arc::new(NetworkLog { notes: (*notes).clone() }))?;
        let mut turn = Turn::open(plan, prompt, client.time_left(), notes)?;
        if let Some(history) = &mut turn.history {
            self.note_changes(history);
            if is_again && !history.rewind() {
                return Err(Error::Usage("there is no question to ask again".to_owned()));
            }
        }
        let end = turn.history.as_ref().map_or(0, |history| history.scan().end);
        // What is pasted meanwhile waits for the next line.
        let marks = plan.can_erase.then(PasteMarks::begin);
        let asked = Asker { plan, client: &client, notes }.ask(&turn, files);
        self.seen = Some(match &asked {
            Ok(Answered { saved: Ok(Some(added)), .. }) => self.length().saturating_sub(*added),
            _ => end,
        });
        drop((turn, marks));
        self.conclude(asked?)
    }

    /// Says so if another process has changed the file since the last turn.
    fn note_changes(&self, history: &History) {
        let (Some(seen), now) = (self.seen, history.scan().end) else {
            return;
        };
        let path = self.path().display();
        if now < seen {
            self.notes.note(format_args!("another process has removed messages from {path}"));
        } else if now > seen {
            self.notes.note(format_args!("another process has added messages to {path}"));
        }
    }

    fn conclude(&mut self, answered: Answered) -> Result<Option<Error>> {
        let Answered { checked, spent, saved, printed } = answered;
        self.spent.add(spent);
        let ended = printed.and(answer::conclude(&checked, false, self.notes));
        let usage = checked.reply.usage_summary().to_string();
        let text = checked.into_text();
        if !text.is_empty() {
            self.last = Some(LastReply { text, usage });
        }
        match saved? {
            Some(_) => {
                self.turns += 1;
                Ok(ended.err())
            }
            None => ended.map(|()| None),
        }
    }
}
