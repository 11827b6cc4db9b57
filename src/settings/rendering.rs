//! Whether Markdown is rendered, and how: options, terminal and environment.

use crate::cli::values::MarkdownWhen;
use crate::output::markdown::style::Look;
use crate::output::stdout::{TextMode, Width};
use crate::output::terminal::Terminal;
use crate::settings::environment::Environment;

/// Columns of lines for a pipe, where `COLUMNS` does not say how many.
const COLUMNS: usize = 80;

/// How a text in Markdown is written to standard output. `when` is auto if it was not
/// said.
pub fn text_mode(
    when: Option<MarkdownWhen>,
    terminal: Terminal,
    environment: &Environment,
) -> TextMode {
    match when.unwrap_or(MarkdownWhen::Auto) {
        MarkdownWhen::Auto if terminal.stdout => {}
        MarkdownWhen::Always => {}
        MarkdownWhen::Auto | MarkdownWhen::Never => return terminal.text_mode(),
    }
    let is_dumb = environment.get("TERM").is_none_or(|term| term == "dumb");
    let look = match environment.get("NO_COLOR") {
        _ if is_dumb => Look::Plain,
        Some(_) => Look::NoColours,
        None => Look::Colours,
    };
    let columns = environment.get("COLUMNS").and_then(|columns| columns.to_str()?.parse().ok());
    let width = match terminal.stdout {
        true => Width::Terminal,
        false => Width::Columns(columns.filter(|columns| *columns > 0).unwrap_or(COLUMNS)),
    };
    TextMode::Markdown { look, width }
}
