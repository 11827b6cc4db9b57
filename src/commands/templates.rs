//! `gravix templates`: list the templates of prompts.

use std::path::Path;

use textwrap::core::display_width;

use crate::cli::{SettingsArgs, TemplatesArgs};
use crate::commands::hints::Hints;
use crate::error::{Error, Result};
use crate::files::input::not_a_file;
use crate::input::template_text::TemplateText;
use crate::output::one_line::{cut, escaped, on_one_line};
use crate::output::stdout;
use crate::settings::context::Context;
use crate::settings::templates;

/// Lists every template, also after a file that cannot be read. The first such file is
/// the error of the whole command.
pub fn run(args: TemplatesArgs, context: &Context, hints: &Hints) -> Result<()> {
    stdout::ensure_open()?;
    let settings = SettingsArgs { profile: None, config: args.config };
    let directory = templates::require_directory(&settings, context.environment)?;
    let names = templates::names(&directory)
        .map_err(|source| Error::Unreadable { path: directory.clone(), source })?;
    if names.is_empty() {
        let example = templates::file(&directory, "NAME");
        context
            .notes
            .note(format_args!("no templates yet: gravix ask -T NAME reads {}", example.display()));
    }
    let name_width = names.iter().map(|name| display_width(name)).max().unwrap_or(0);
    let (mut list, mut failure) = (String::new(), None);
    for name in names {
        let template = match read(&templates::file(&directory, &name)) {
            Ok(template) => template,
            Err(error) => {
                if let Some(earlier) = failure.replace(error) {
                    context.notes.print(hints.message(&earlier));
                }
                continue;
            }
        };
        let first_line = template.first_line();
        list += &match context.terminal.size() {
            Some(size) => {
                let padding = " ".repeat(name_width - display_width(&name));
                let line = format!("{name}{padding}  {}", on_one_line(first_line));
                cut(line.trim_end(), size.width)
            }
            None => format!("{}\t{}", escaped(&name), escaped(first_line)),
        };
        list.push('\n');
    }
    stdout::print(&list, context.terminal.text_mode())?;
    failure.map_or(Ok(()), Err)
}

/// Reads a template, unless it is a FIFO, whose writer might never come.
fn read(path: &Path) -> Result<TemplateText> {
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() => {
            Err(Error::Unreadable { path: path.to_owned(), source: not_a_file(&metadata) })
        }
        _ => TemplateText::read(path),
    }
}
