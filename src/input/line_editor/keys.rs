//! Keys besides those of rustyline: a new line, the text editor, and where a paste
//! begins.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::history::History;
use rustyline::{
    Cmd, ConditionalEventHandler, Editor, Event, EventContext, EventHandler, Helper, KeyCode,
    KeyEvent, Modifiers, RepeatCount,
};

/// What keys said about the line that is being typed.
#[derive(Debug, Default)]
pub struct Marks {
    begins_with_paste: AtomicBool,
    continues: AtomicBool,
    wants_text_editor: AtomicBool,
}

impl Marks {
    /// For a new line.
    pub fn clear(&self) {
        self.begins_with_paste.store(false, Ordering::Relaxed);
        self.wants_text_editor.store(false, Ordering::Relaxed);
    }

    pub fn begins_with_paste(&self) -> bool {
        self.begins_with_paste.load(Ordering::Relaxed)
    }

    /// Whether the backslash at the cursor is to become a new line. Returns true once.
    pub fn take_continuation(&self) -> bool {
        self.continues.swap(false, Ordering::Relaxed)
    }

    pub fn wants_text_editor(&self) -> bool {
        self.wants_text_editor.load(Ordering::Relaxed)
    }

    /// A paste that was deleted counts no more. Only a slash at its start matters.
    pub fn line_changed(&self, line: &str) {
        if !line.starts_with('/') {
            self.begins_with_paste.store(false, Ordering::Relaxed);
        }
    }
}

/// Binds the keys.
pub fn bind<H: Helper, I: History>(editor: &mut Editor<H, I>, marks: &Arc<Marks>) {
    let key = |code, modifiers| Event::from(KeyEvent(code, modifiers));
    editor.bind_sequence(key(KeyCode::Enter, Modifiers::ALT), EventHandler::Simple(Cmd::Newline));
    let continues = EventHandler::Conditional(Box::new(Continuation(Arc::clone(marks))));
    editor.bind_sequence(key(KeyCode::Enter, Modifiers::NONE), continues);
    let paste = EventHandler::Conditional(Box::new(PasteStart(Arc::clone(marks))));
    editor.bind_sequence(key(KeyCode::BracketedPasteStart, Modifiers::NONE), paste);
    let keys = Event::KeySeq(vec![KeyEvent::ctrl('X'), KeyEvent::ctrl('E')]);
    let edit = EventHandler::Conditional(Box::new(TextEditor(Arc::clone(marks))));
    editor.bind_sequence(keys, edit);
}

/// Enter behind a backslash replaces it with a new line. Of the commands of rustyline,
/// only a completion replaces text and moves the cursor behind it.
struct Continuation(Arc<Marks>);

impl ConditionalEventHandler for Continuation {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext) -> Option<Cmd> {
        let before = &context.line()[..context.pos()];
        let backslashes = before.len() - before.trim_end_matches('\\').len();
        let is_continued = backslashes % 2 == 1 && context.pos() == context.line().len();
        is_continued.then(|| {
            self.0.continues.store(true, Ordering::Relaxed);
            Cmd::Complete
        })
    }
}

struct PasteStart(Arc<Marks>);

impl ConditionalEventHandler for PasteStart {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext) -> Option<Cmd> {
        if context.pos() == 0 {
            self.0.begins_with_paste.store(true, Ordering::Relaxed);
        }
        // The default command inserts it.
        None
    }
}

struct TextEditor(Arc<Marks>);

impl ConditionalEventHandler for TextEditor {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext) -> Option<Cmd> {
        self.0.wants_text_editor.store(true, Ordering::Relaxed);
        Some(Cmd::AcceptLine)
    }
}
