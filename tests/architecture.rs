//! Who may import whom: the rules of ARCHITECTURE.md, held against the `use`
//! lines of every source file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What everything else stands on.
const GROUND: &[&str] = &["error", "files", "json", "secret", "signals", "wtf8"];

/// Each room, and the rooms beside [`GROUND`] that it may import from. The
/// ground's own order is checked as that of files: there are no cycles.
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

/// Rooms that print nothing and name no option.
const SILENT: &[&str] = &["net", "wire", "chat", "history", "files", "exchange"];

/// Crates that only these rooms may name.
const CRATES: &[(&str, &[&str])] =
    &[("ureq", &["net"]), ("rustls", &["net"]), ("clap", &["cli", "settings", "commands"])];

/// A source file as far as the rules look at it.
struct Source {
    /// From `src/` on, with `/`.
    path: String,
    text: String,
}

impl Source {
    fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The lines of the file that are code, with their numbers from 1.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The imports of the crate's own modules, each with its line: the paths
    /// behind `use crate::`, one for each name in braces.
    fn imports(&self) -> Vec<(usize, Vec<String>)> {
        let mut imports = Vec::new();
        let mut open: Option<(usize, String)> = None;
        for (number, line) in self.code() {
            let line = line.trim();
            let (begin, mut statement) = match open.take() {
                Some((begin, statement)) => (begin, statement + line),
                None => match line.strip_prefix("pub ").unwrap_or(line).strip_prefix("use crate::")
                {
                    Some(path) => (number, path.to_owned()),
                    None => continue,
                },
            };
            match statement.find(';') {
                Some(end) => {
                    statement.truncate(end);
                    for path in expand(&statement) {
                        imports.push((begin, path.split("::").map(str::to_owned).collect()));
                    }
                }
                None => open = Some((begin, statement)),
            }
        }
        imports
    }

    fn violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        let room = self.room();
        let mut report = |line: usize, rule: String| {
            found.push(format!("src/{}:{line}: {rule}", self.path));
        };
        if room != "lib" && room != "main" {
            let allowed = ROOMS.iter().find(|(name, _)| *name == room);
            let is_ground = GROUND.contains(&room);
            if allowed.is_none() && !is_ground {
                report(1, format!("the room {room} is not on the map"));
            }
            let beside = allowed.map_or(&[][..], |(_, rooms)| rooms);
            for (line, path) in self.imports() {
                let other = path[0].as_str();
                let is_allowed = other == room
                    || beside.contains(&other)
                    || (GROUND.contains(&other) && room != "cli");
                if !is_allowed {
                    report(line, format!("{room} may not import {other}"));
                }
            }
        }
        for (line, text) in self.code() {
            let is_relative = ["use super::", "use self::"].iter().any(|way| text.contains(way));
            if is_relative && !text.ends_with("use super::*;") {
                report(line, "write imports from crate:: on".to_owned());
            }
            for (name, rooms) in CRATES {
                let is_named = text.contains(&format!("{name}::"));
                if is_named && !rooms.contains(&room) {
                    report(line, format!("only {} may name {name}", rooms.join(", ")));
                }
            }
            if SILENT.contains(&room) {
                let prints = ["print!(", "println!(", "stderr()", "stdout()", "Notes"];
                if let Some(name) = prints.iter().find(|name| text.contains(**name)) {
                    report(line, format!("{room} prints nothing, but has {name}"));
                }
                if let Some(option) = option_in(text) {
                    report(line, format!("{room} names no option, but has {option}"));
                }
            }
        }
        found
    }
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

/// A word in a string of this line that looks like an option.
fn option_in(line: &str) -> Option<&str> {
    let (_, text) = line.split_once('"')?;
    let at = text.find("--").filter(|at| {
        let is_begin = !text[..*at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
        is_begin && text[at + 2..].starts_with(|c: char| c.is_ascii_lowercase())
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
                let relative = path.strip_prefix(&root).expect("it is in src");
                let text = fs::read_to_string(&path).expect("source is UTF-8");
                sources.push(Source { path: relative.display().to_string(), text });
            }
        }
    }
    sources
}

/// The file that a path of modules leads to, as in `src/`: the longest part of
/// the path that is a file.
fn file_of(path: &[String], files: &BTreeSet<PathBuf>) -> Option<PathBuf> {
    (1..=path.len()).rev().find_map(|length| {
        let base: PathBuf = path[..length].iter().collect();
        let candidates = [base.with_extension("rs"), base.join("mod.rs")];
        candidates.into_iter().find(|candidate| files.contains(candidate))
    })
}

/// Files that import one another, as a path that ends where it began.
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

fn visit(
    file: &Path,
    graph: &BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    way: &mut Vec<PathBuf>,
    done: &mut BTreeSet<PathBuf>,
    found: &mut Vec<String>,
) {
    if let Some(begin) = way.iter().position(|known| known == file) {
        let names = way[begin..].iter().map(|file| file.display().to_string());
        found.push(names.chain([file.display().to_string()]).collect::<Vec<_>>().join(" -> "));
        return;
    }
    if done.contains(file) {
        return;
    }
    way.push(file.to_owned());
    graph[file].iter().for_each(|next| visit(next, graph, way, done, found));
    way.pop();
    done.insert(file.to_owned());
}

#[test]
fn every_file_keeps_the_import_rules() {
    let found: Vec<String> = sources().iter().flat_map(Source::violations).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn no_files_import_one_another_in_a_circle() {
    let found = cycles(&sources());
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_file_opens_with_what_it_owns() {
    let without: Vec<String> = sources()
        .into_iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| source.path)
        .collect();
    assert!(without.is_empty(), "these do not open with a //!: {without:?}");
}

#[test]
fn each_rule_is_broken_by_its_own_example() {
    for (path, text, rule) in [
        ("net/x.rs", "use crate::batch::run::Run;", "net may not import batch"),
        ("wire/x.rs", "use crate::net::{client, tls};", "wire may not import net"),
        ("cli/x.rs", "use crate::error::Result;", "cli may not import error"),
        ("batch/x.rs", "use crate::cli::BatchArgs;", "batch may not import cli"),
        ("output/x.rs", "pub use crate::{\n    chat,\n};", "output may not import chat"),
        ("attic/x.rs", "", "the room attic is not on the map"),
        ("wire/x.rs", "use ureq::Agent;", "only net may name ureq"),
        ("batch/x.rs", "fn f(e: rustls::Error) {}", "only net may name rustls"),
        ("input/x.rs", "use clap::Arg;", "only cli, settings, commands may name clap"),
        ("history/x.rs", "use crate::output::notes::Notes;", "history prints nothing"),
        ("chat/x.rs", "println!(\"hi\");", "chat prints nothing"),
        ("wire/x.rs", "use super::chunk;", "write imports from crate:: on"),
        ("files/x.rs", "Err(\"see --no-save\")", "files names no option, but has --no-save"),
    ] {
        let source = Source { path: path.to_owned(), text: text.to_owned() };
        let found = source.violations();
        assert!(found.iter().any(|found| found.contains(rule)), "{text}: {found:?}");
    }
    let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let circle = [
        source("a.rs", "use crate::b::c::X;"),
        source("b/c.rs", "use crate::b::d;"),
        source("b/d.rs", "use crate::a::Y;"),
    ];
    assert_eq!(cycles(&circle), ["a.rs -> b/c.rs -> b/d.rs -> a.rs"]);
}
