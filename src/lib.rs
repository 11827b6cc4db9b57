//! gravix asks a chat-completions API from the shell.
//!
//! This library is everything but the `main` of the `gravix` program, so that
//! tests and benchmarks can reach each part. Its API is not stable: any release
//! may change it.
//!
//! Modules, from the command line down to the wire; imports point downward:
//!
//! - [`commands`]: one use case per subcommand, and hints about errors
//! - [`cli`]: the command line as typed (clap)
//! - [`settings`]: options, environment and configuration file, merged
//! - [`batch`]: many requests: reading them, pacing them, writing their results
//! - [`input`]: prompts, attachments and request fields
//! - [`output`]: stdout, notes on stderr, and output files
//! - [`exchange`]: sends a prompt, checks the reply, and asks again if it is invalid
//! - [`net`]: HTTP: connections, timeouts, retries and rate limits
//! - [`wire`]: request bodies, server-sent events and chunks
//! - [`chat`]: messages, events, replies and the format they must have
//! - [`history`]: the JSONL file of a conversation
//! - [`files`]: appending, reading lines, and paths
//! - [`error`]: every error, its text and its exit status
//! - [`blame`]: whether a failure is the fault of the request, the account or the world
//! - [`interrupt`]: Ctrl-C that ends a turn of a session, not the process
//! - [`json`]: merging, compacting and leniently parsing JSON
//! - [`secret`]: keys, and masking them in text
//! - [`signals`]: Unix signals
//! - [`template`]: text with variables
//! - [`time_limit`]: limits of waits that do not count while the process is stopped
//! - [`wtf8`]: JSON strings with lone surrogates

pub mod batch;
pub mod blame;
pub mod chat;
pub mod cli;
pub mod commands;
pub mod error;
pub mod exchange;
pub mod files;
pub mod headroom;
pub mod history;
pub mod input;
pub mod interrupt;
pub mod json;
pub mod net;
pub mod output;
pub mod secret;
pub mod settings;
pub mod signals;
pub mod template;
pub mod time_limit;
pub mod wire;
pub mod wtf8;
