//! gravix asks a chat-completions API from the shell.

pub mod batch;
pub mod chat;
pub mod cli;
pub mod commands;
pub mod error;
pub mod exchange;
pub mod files;
pub mod history;
pub mod input;
pub mod json;
pub mod net;
pub mod output;
pub mod secret;
pub mod settings;
pub mod signals;
pub mod wire;
pub mod wtf8;
