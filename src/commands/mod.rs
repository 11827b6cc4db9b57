//! One file a subcommand, each a use case that reads from top to bottom.

pub mod ask;
pub mod batch;
pub mod config;
pub mod documents;
pub mod history;
pub mod models;
