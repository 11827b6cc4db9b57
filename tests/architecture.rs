//! Which modules may import which, checked against the `use` lines and paths
//! of every source file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Whether this is one of the modules of the ground, which every room except `cli` may
/// import. They may import one another, but not in a cycle.
fn is_ground(module: &str) -> bool {
    const GROUND: &str =
        "blame error files headroom interrupt json secret signals template time_limit wtf8";
    GROUND.split(' ').any(|known| known == module)
}

/// Each room, a top-level module of `src/`, and the rooms besides the ground that
/// it may import.
const ROOMS: &[(&str, &[&str])] = &[
    ("cli", &[]),
    ("output", &[]),
    ("chat", &[]),
    ("history", &[]),
    ("wire", &["chat", "history"]),
    ("net", &["wire", "chat", "history"]),
    ("exchange", &["net", "wire", "chat", "history"]),
    ("input", &["cli", "output", "exchange", "net", "wire", "chat", "history"]),
    ("batch", &["output", "exchange", "net", "wire", "chat", "history"]),
    ("settings", &["cli", "output", "input", "exchange", "net", "wire", "chat", "history"]),
    (
        "commands",
        &[
            "cli", "output", "settings", "batch", "input", "exchange", "net", "wire", "chat",
            "history",
        ],
    ),
];

/// Rooms that may not print, or name a command-line option.
const SILENT: &[&str] = &["net", "wire", "chat", "history", "files", "exchange"];

/// Crates that only these rooms may name.
const CRATES: &[(&str, &[&str])] = &[
    ("ureq", &["net"]),
    ("rustls", &["net"]),
    ("clap", &["cli", "settings", "commands"]),
    ("rustyline", &["input"]),
];

/// Types of values that may be anything. serde_json reads objects with its private
/// keys as something else, so only `json` makes these from a text.
const VALUES: &[&str] = &["Value", "Object", "Map", "Number"];

/// A source file.
struct Source {
    /// Relative to `src/`.
    path: String,
    text: String,
}

impl Source {
    fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The lines that are not comments, numbered from 1.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The paths after `crate::`, one for each name in the braces of a `use`,
    /// with their line numbers.
    fn imports(&self) -> Vec<(usize, Vec<String>)> {
        let mut imports = Vec::new();
        let mut unfinished: Option<(usize, String)> = None;
        for (number, line) in self.code() {
            let line = line.trim();
            let (start, mut statement) = match unfinished.take() {
                Some((start, statement)) => (start, statement + line),
                None => match line.strip_prefix("pub ").unwrap_or(line).strip_prefix("use crate::")
                {
                    Some(path) => (number, path.to_owned()),
                    None => {
                        imports.extend(inline_paths(line).map(|path| (number, path)));
                        continue;
                    }
                },
            };
            match statement.find(';') {
                Some(end) => {
                    statement.truncate(end);
                    for path in expand(&statement) {
                        imports.push((start, path.split("::").map(str::to_owned).collect()));
                    }
                }
                None => unfinished = Some((start, statement)),
            }
        }
        imports
    }

    fn violations(&self) -> Vec<String> {
        let mut found = self.import_violations();
        found.extend(self.json_violations());
        for (line, text) in self.code() {
            found.extend(self.line_violations(text).into_iter().map(|rule| (line, rule)));
        }
        found.into_iter().map(|(line, rule)| format!("src/{}:{line}: {rule}", self.path)).collect()
    }

    /// Imports from a room that this file's room may not see, with their lines.
    fn import_violations(&self) -> Vec<(usize, String)> {
        let room = self.room();
        let mut found = Vec::new();
        if room == "lib" || room == "main" {
            return found;
        }
        let allowed = ROOMS.iter().find(|(name, _)| *name == room);
        if allowed.is_none() && !is_ground(room) {
            found.push((1, format!("the room {room} is not in ROOMS")));
        }
        let others = allowed.map_or(&[][..], |(_, rooms)| rooms);
        for (line, path) in self.imports() {
            let other = path[0].as_str();
            let is_allowed =
                other == room || others.contains(&other) || (is_ground(other) && room != "cli");
            if !is_allowed {
                found.push((line, format!("{room} may not import {other}")));
            }
        }
        found
    }

    /// Where a text is read as one of [`VALUES`] outside of `json` and of tests. A
    /// line that reads JSON must name the type, and the types for it have no such
    /// fields.
    fn json_violations(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        let mut is_derived = false;
        for (number, line) in self.code().take_while(|(_, line)| !line.contains("#[cfg(test)]")) {
            is_derived |= line.contains("derive(") && line.contains("Deserialize");
            if is_derived && names_value(line) {
                found.push((number, "a type that is read from JSON has a Value".to_owned()));
            }
            is_derived &= !line.trim_end().ends_with(['}', ';']);
            if reads_value(line) {
                found.push((number, "only json may read a Value".to_owned()));
            }
            if line.contains("serde_json::Deserializer") && self.room() != "wtf8" {
                found.push((number, "only json, wtf8 may name a Deserializer".to_owned()));
            }
        }
        found.retain(|_| self.room() != "json");
        found
    }

    /// The rules that one line of code breaks.
    fn line_violations(&self, text: &str) -> Vec<String> {
        let room = self.room();
        let mut found = Vec::new();
        let is_relative = ["use super::", "use self::"].iter().any(|start| text.contains(start));
        if is_relative && !text.ends_with("use super::*;") {
            found.push("write imports from crate::, not relative".to_owned());
        }
        if let Some(call) = ["thread::spawn(", "scope.spawn("].iter().find(|c| text.contains(**c)) {
            found.push(format!("{call}) panics if there is no thread: use thread::Builder"));
        }
        for (name, rooms) in CRATES {
            if text.contains(&format!("{name}::")) && !rooms.contains(&room) {
                found.push(format!("only {} may name {name}", rooms.join(", ")));
            }
        }
        if SILENT.contains(&room) {
            let prints = ["print!(", "println!(", "stderr()", "stdout()", "Notes"];
            if let Some(name) = prints.iter().find(|name| text.contains(**name)) {
                found.push(format!("{room} prints nothing, but has {name}"));
            }
            if let Some(option) = option_in(text) {
                found.push(format!("{room} names no option, but has {option}"));
            }
        }
        found
    }
}

fn names_value(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|word| VALUES.contains(&word))
}

/// Whether a line reads JSON as one of [`VALUES`], or does not say as what.
fn reads_value(line: &str) -> bool {
    let is_typed = |read: &str| match read.split_once("::<") {
        Some(("str" | "slice" | "reader", kind)) => {
            !names_value(kind.split_once(">(").map_or(kind, |(kind, _)| kind))
        }
        _ => false,
    };
    let reads_itself = |value: &&str| {
        [
            format!("parse::<{value}>"),
            format!("{value}::from_str("),
            format!("{value}::deserialize("),
        ]
        .iter()
        .any(|call| line.contains(call))
    };
    line.split("serde_json::from_").skip(1).any(|read| !is_typed(read))
        || (line.contains("use serde_json::") && line.contains("from_"))
        // It reads the text of a raw value again.
        || line.contains("serde_json::to_value")
        || VALUES.iter().any(reads_itself)
}

/// The paths after `crate::` in a line that is not a `use`.
fn inline_paths(line: &str) -> impl Iterator<Item = Vec<String>> {
    line.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && !"_:".contains(c));
        let path = &rest[..end.unwrap_or(rest.len())];
        path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect()
    })
}

/// The paths of a `use` statement: `a::{b, c::{self, d}}` is `a::b`, `a::c`
/// and `a::c::d`.
fn expand(statement: &str) -> Vec<String> {
    let Some((head, group)) = statement.split_once('{') else {
        let path = statement.split(" as ").next().unwrap_or_default().trim();
        return vec![path.strip_suffix("::self").unwrap_or(path).to_owned()];
    };
    let group = group.rsplit_once('}').map_or(group, |(inside, _)| inside);
    let mut depth = 0;
    let separate = |c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    };
    let names = group.split(separate).map(str::trim).filter(|name| !name.is_empty());
    names.flat_map(|name| expand(&format!("{head}{name}"))).collect()
}

/// The first option named in a string on this line.
fn option_in(line: &str) -> Option<&str> {
    let (_, text) = line.split_once('"')?;
    let at = text.find("--").filter(|at| {
        let is_start = !text[..*at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
        is_start && text[at + 2..].starts_with(|c: char| c.is_ascii_lowercase())
    })?;
    let end = text[at..].find([' ', '"', ';', ',']).map_or(text.len(), |end| at + end);
    Some(&text[at..end])
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src can be listed") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(&root).expect("the path is in src");
                let text = fs::read_to_string(&path).expect("source is UTF-8");
                sources.push(Source { path: relative.display().to_string(), text });
            }
        }
    }
    sources
}

/// The file of the innermost module in `path`, relative to `src/`.
fn file_of(path: &[String], files: &BTreeSet<PathBuf>) -> Option<PathBuf> {
    (1..=path.len()).rev().find_map(|length| {
        let base: PathBuf = path[..length].iter().collect();
        let candidates = [base.with_extension("rs"), base.join("mod.rs")];
        candidates.into_iter().find(|candidate| files.contains(candidate))
    })
}

/// Import cycles, as `a.rs -> b.rs -> a.rs`.
fn cycles(sources: &[Source]) -> Vec<String> {
    let files: BTreeSet<PathBuf> =
        sources.iter().map(|source| source.path.clone().into()).collect();
    let mut graph: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
    for source in sources {
        let from = PathBuf::from(&source.path);
        let imports = source.imports();
        let to = imports.iter().filter_map(|(_, path)| file_of(path, &files));
        graph.entry(from.clone()).or_default().extend(to.filter(|to| *to != from));
    }
    let mut done = BTreeSet::new();
    let mut found = Vec::new();
    for file in graph.keys() {
        visit(file, &graph, &mut Vec::new(), &mut done, &mut found);
    }
    found
}

/// Follows the imports of `file`, depth first. `path` are the files that lead
/// to it.
fn visit(
    file: &Path,
    graph: &BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    path: &mut Vec<PathBuf>,
    done: &mut BTreeSet<PathBuf>,
    found: &mut Vec<String>,
) {
    if let Some(start) = path.iter().position(|known| known == file) {
        let names = path[start..].iter().map(|file| file.display().to_string());
        found.push(names.chain([file.display().to_string()]).collect::<Vec<_>>().join(" -> "));
        return;
    }
    if done.contains(file) {
        return;
    }
    path.push(file.to_owned());
    graph[file].iter().for_each(|next| visit(next, graph, path, done, found));
    path.pop();
    done.insert(file.to_owned());
}

#[test]
fn every_file_follows_the_rules() {
    let found: Vec<String> = sources().iter().flat_map(Source::violations).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn there_are_no_import_cycles() {
    let found = cycles(&sources());
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_file_opens_with_a_module_comment() {
    let without: Vec<String> = sources()
        .into_iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| source.path)
        .collect();
    assert!(without.is_empty(), "no //! at the top of {without:?}");
}

#[test]
fn each_rule_finds_its_violation() {
    for (path, text, rule) in [
        ("net/x.rs", "use crate::batch::run::Run;", "net may not import batch"),
        ("wire/x.rs", "use crate::net::{client, tls};", "wire may not import net"),
        ("cli/x.rs", "use crate::error::Result;", "cli may not import error"),
        ("batch/x.rs", "use crate::cli::BatchArgs;", "batch may not import cli"),
        ("output/x.rs", "pub use crate::{\n    chat,\n};", "output may not import chat"),
        ("attic/x.rs", "", "the room attic is not in ROOMS"),
        ("wire/x.rs", "use ureq::Agent;", "only net may name ureq"),
        ("batch/x.rs", "fn f(e: rustls::Error) {}", "only net may name rustls"),
        ("input/x.rs", "use clap::Arg;", "only cli, settings, commands may name clap"),
        ("history/x.rs", "use crate::output::notes::Notes;", "history prints nothing"),
        ("chat/x.rs", "println!(\"hi\");", "chat prints nothing"),
        ("wire/x.rs", "fn f() -> crate::net::Client {", "wire may not import net"),
        ("wire/x.rs", "use super::chunk;", "write imports from crate::, not relative"),
        ("net/x.rs", "thread::spawn(|| work());", "thread::spawn() panics"),
        ("files/x.rs", "Err(\"see --no-save\")", "files names no option, but has --no-save"),
        ("wire/x.rs", "serde_json::from_str(text)", "only json may read a Value"),
        ("wire/x.rs", "serde_json::from_slice::<Vec<Value>>(text)", "only json may read a Value"),
        ("wire/x.rs", "serde_json::from_value::<Call>(value)", "only json may read a Value"),
        ("chat/x.rs", "serde_json::to_value(message)", "only json may read a Value"),
        ("chat/x.rs", "use serde_json::{Value, from_str};", "only json may read a Value"),
        ("chat/x.rs", "text.parse::<Value>()", "only json may read a Value"),
        ("chat/x.rs", "Number::from_str(text)", "only json may read a Value"),
        ("chat/x.rs", "serde_json::Deserializer::from_str(text)", "may name a Deserializer"),
        (
            "chat/x.rs",
            "#[derive(Debug, Deserialize)]\nstruct Call {\n    fields: Option<Object>,\n}",
            "a type that is read from JSON has a Value",
        ),
    ] {
        let source = Source { path: path.to_owned(), text: text.to_owned() };
        let found = source.violations();
        assert!(found.iter().any(|found| found.contains(rule)), "{text}: {found:?}");
    }
    let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    for text in [
        "serde_json::from_str::<&RawValue>(text)",
        "#[derive(Deserialize)]\nstruct Call(Cow<str>);\nfn call(value: Value) {}",
        "#[cfg(test)]\nserde_json::from_str(text)",
    ] {
        assert_eq!(source("chat/x.rs", text).violations(), [""; 0]);
    }
    let cycle = [
        source("a.rs", "use crate::b::c::X;"),
        source("b/c.rs", "use crate::b::d;"),
        source("b/d.rs", "use crate::a::Y;"),
    ];
    assert_eq!(cycles(&cycle), ["a.rs -> b/c.rs -> b/d.rs -> a.rs"]);
}
