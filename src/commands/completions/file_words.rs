//! Words that files define: tools, templates and their variables. What is no regular
//! file is not read: a pipe could be read only once, and by the command itself.

use std::path::Path;

use crate::cli::SettingsArgs;
use crate::files::text;
use crate::input::prompt_template::{INPUT, PROMPT};
use crate::input::template_text::TemplateText;
use crate::json;
use crate::settings::environment::Environment;
use crate::settings::templates;

/// The names of the tools that a file defines; none if it cannot be read.
pub fn tools(path: &Path) -> Vec<String> {
    if !path.is_file() {
        return Vec::new();
    }
    let Ok(tools) = text::read_text(path).and_then(|text| json::parse_input(&text, "tools")) else {
        return Vec::new();
    };
    let tools = tools.as_array().into_iter().flatten();
    let names = tools.filter_map(|tool| tool["function"]["name"].as_str());
    names.map(str::to_owned).collect()
}

/// The names of the templates, and the first line of each.
pub fn templates(args: &SettingsArgs, environment: &Environment) -> Vec<(String, String)> {
    let Some(directory) = templates::directory(args, environment) else {
        return Vec::new();
    };
    let names = templates::names(&directory).unwrap_or_default().into_iter();
    let files = names.map(|name| (templates::file(&directory, &name), name));
    let described = files.filter(|(path, _)| path.is_file()).map(|(path, name)| {
        let template = TemplateText::read(&path);
        (name, template.map(|template| template.first_line().to_owned()).unwrap_or_default())
    });
    described.collect()
}

/// The variables of the template that was typed, each once; none if it cannot be read.
pub fn variables(typed: &str, args: &SettingsArgs, environment: &Environment) -> Vec<String> {
    let Some(template) = find(typed, args, environment).and_then(|found| found.parse().ok()) else {
        return Vec::new();
    };
    let mut names: Vec<String> = Vec::new();
    for name in template.variables().filter(|name| ![PROMPT, INPUT].contains(name)) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn find(typed: &str, args: &SettingsArgs, environment: &Environment) -> Option<TemplateText> {
    let file = match typed.contains('/') {
        true => typed.into(),
        false => templates::file(&templates::directory(args, environment)?, typed),
    };
    if typed.contains("{{") || file.is_file() {
        return templates::find(typed, args, environment).ok();
    }
    None
}
