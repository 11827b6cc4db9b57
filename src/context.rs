//! What a command meets when it begins.

use crate::environment::Environment;
use crate::key::KeySource;
use crate::notes::Notes;
use crate::terminal::Terminal;

#[derive(Debug)]
pub struct Context<'a> {
    pub environment: &'a Environment,
    pub terminal: Terminal,
    pub notes: &'a Notes,
    /// Where the configuration says that the key is.
    pub key: KeySource,
}
