//! Whether Markdown is rendered, and how: options, terminal and environment.

use crate::cli::values::MarkdownWhen;
use crate::output::markdown::style::Look;
use crate::output::stdout::{TextMode, Width};
use crate::output::terminal::Terminal;
use crate::output::window;
use crate::settings::environment::Environment;

/// Columns of lines for a pipe, where neither `COLUMNS` nor a terminal says how many.
const COLUMNS: usize = 80;

/// No terminal is wider, and a rule or a table fills so many columns.
const MAX_COLUMNS: usize = 65_535;

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
    let look = match environment.get("NO_COLOR") {
        _ if environment.has_dumb_terminal() => Look::Plain,
        Some(_) => Look::NoColours,
        None => Look::Colours,
    };
    let width = match terminal.stdout {
        true => Width::Terminal,
        false => Width::Columns(columns_for_pipe(environment)),
    };
    TextMode::Markdown { look, width }
}

/// The reader of a pipe, such as less, is likely on the terminal that stderr is on.
fn columns_for_pipe(environment: &Environment) -> usize {
    let columns = environment.get("COLUMNS").and_then(|columns| columns.to_str()?.parse().ok());
    let columns = columns.filter(|columns| *columns > 0);
    columns.or_else(window::width_of_stderr).unwrap_or(COLUMNS).min(MAX_COLUMNS)
}
