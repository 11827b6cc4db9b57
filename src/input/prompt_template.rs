//! The template of a prompt, with the values of its variables.

use crate::cli::values::Variable;
use crate::error::{Error, Result, TextOrigin};
use crate::files::shell;
use crate::files::text::Encoding;
use crate::template::Template;

/// The variable in place of the words of the prompt.
pub const PROMPT: &str = "prompt";

/// The variable in place of standard input.
pub const INPUT: &str = "input";

#[derive(Debug)]
pub struct PromptTemplate {
    template: Template,
    /// Names and values.
    values: Vec<(String, String)>,
}

impl PromptTemplate {
    /// # Errors
    /// [`Error::Usage`] if a variable of the template is not set, or one that is set
    /// is set twice or not in the template; [`Error::NotText`] if a value is not text
    /// and `encoding` is strict.
    pub fn new(template: Template, vars: &[Variable], encoding: Encoding) -> Result<Self> {
        let mut values: Vec<(String, String)> = Vec::new();
        for (name, value) in vars {
            if [PROMPT, INPUT].contains(&name.as_str()) {
                let source =
                    if name == PROMPT { "the words of the prompt" } else { "standard input" };
                return Err(Error::Usage(format!(
                    "--var {name}: {{{{{name}}}}} stands for {source}; give the variable another name"
                )));
            }
            if values.iter().any(|(known, _)| known == name) {
                return Err(Error::Usage(format!("--var {name} is set twice")));
            }
            if !template.has(name) {
                return Err(Error::Usage(format!(
                    "--var {name}: the template has no {{{{{name}}}}}{}",
                    list(&template)
                )));
            }
            let bytes = value.as_encoded_bytes().to_vec();
            let value = encoding.decode(bytes, TextOrigin::CommandLine("--var"))?;
            values.push((name.clone(), value));
        }
        let is_set = |name: &str| {
            [PROMPT, INPUT].contains(&name) || values.iter().any(|(known, _)| known == name)
        };
        if let Some(name) = template.variables().find(|name| !is_set(name)) {
            let option = shell::word(&format!("{name}=VALUE"));
            return Err(Error::Usage(format!(
                "the template needs a value for {{{{{name}}}}}: add --var {option}"
            )));
        }
        Ok(Self { template, values })
    }

    /// Whether the words of the prompt have a place in the template.
    pub fn takes_words(&self) -> bool {
        self.template.has(PROMPT)
    }

    /// Whether standard input has a place in the template.
    pub fn takes_input(&self) -> bool {
        self.template.has(INPUT)
    }

    /// The text with the values, the words of the prompt and standard input.
    pub fn expand(&self, words: &str, input: &str) -> String {
        self.template.expand(|name| match name {
            PROMPT => words,
            INPUT => input,
            name => {
                let value = self.values.iter().find(|(known, _)| known == name);
                value.map_or("", |(_, value)| value)
            }
        })
    }
}

/// The variables that can be set, for a message; empty if there are none.
fn list(template: &Template) -> String {
    let mut names: Vec<&str> = template.variables().collect();
    names.retain(|name| ![PROMPT, INPUT].contains(name));
    names.sort_unstable();
    names.dedup();
    match names.is_empty() {
        true => String::new(),
        false => format!(" (it has {})", names.join(", ")),
    }
}
