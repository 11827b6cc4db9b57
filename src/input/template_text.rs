//! The text of a template, as typed or read from a file, which may begin with settings
//! between two lines of `---`.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::error::{Error, Result};
use crate::files::text;
use crate::template::Template;

/// The line before and after the settings.
const FENCE: &str = "---";

#[derive(Debug)]
pub struct TemplateText {
    /// `None` if the text was typed.
    path: Option<PathBuf>,
    /// The TOML at the start, after an empty line in place of the first fence.
    settings: Option<String>,
    body: String,
    /// How many lines of the file come before the body.
    lines_before: usize,
}

impl TemplateText {
    /// A text that was typed. It has no settings.
    pub fn typed(text: &str) -> Self {
        Self { path: None, settings: None, body: text.to_owned(), lines_before: 0 }
    }

    /// Reads the template in a file.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::NotText`], and [`Error::Config`] if the settings
    /// do not end.
    pub fn read(path: &Path) -> Result<Self> {
        let text = text::read_text(path)?;
        let is_fence = |line: &str| line.trim_end() == FENCE;
        let mut lines = text.split_inclusive('\n');
        if !lines.next().is_some_and(is_fence) {
            return Ok(Self { path: Some(path.to_owned()), ..Self::typed(&text) });
        }
        let settings: Vec<&str> = lines.by_ref().take_while(|line| !is_fence(line)).collect();
        let lines_before = settings.len() + 2;
        if lines_before > text.split_inclusive('\n').count() {
            let path = path.display();
            let reason = "the settings that begin with --- do not end with a line of ---";
            return Err(Error::Config(anyhow!("{path}:1: {reason}")));
        }
        let settings = Some("\n".to_owned() + &settings.concat());
        let body = lines.collect();
        Ok(Self { path: Some(path.to_owned()), settings, body, lines_before })
    }

    /// The path of the file and the TOML at its start, whose lines have the numbers of
    /// the file's; `None` if there is none.
    pub fn settings(&self) -> Option<(&Path, &str)> {
        self.path.as_deref().zip(self.settings.as_deref())
    }

    /// The first line of the body that is not blank.
    pub fn first_line(&self) -> &str {
        self.body.lines().find(|line| !line.trim().is_empty()).unwrap_or_default()
    }

    /// The template.
    ///
    /// # Errors
    /// [`Error::Input`] with the line of a file, and [`Error::Usage`] for a typed text.
    pub fn parse(&self) -> Result<Template> {
        Template::parse(&self.body).map_err(|flaw| match &self.path {
            Some(path) => {
                let line = self.lines_before + flaw.line;
                Error::Input(format!("{}:{line}: {flaw}", path.display()))
            }
            None => Error::Usage(format!("--template: {flaw}")),
        })
    }
}
