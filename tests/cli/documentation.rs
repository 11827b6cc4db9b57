//! The commands, sessions and settings in README.md and in docs/ work.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::page::{Page, bash, example_directory, has_tools, path, stand_ins};
use crate::support::service::{Reply, Service, prompt};
use crate::support::{gravix, run};

/// What standard error may say: the summary of a batch or a copy, what an installation
/// still needs, and, on a busy machine, that the program before the pipe takes long.
const EXPECTED: &[&str] =
    &[" done, ", " needs this line in ", " copied ", "waiting for standard input"];

/// Complains if a block leaves its directory: a reader pastes the next one into the same shell.
const STAYS: &str =
    "start=$PWD; trap '[ \"$PWD\" = \"$start\" ] || echo the directory changed >&2' EXIT\n";

/// Runs a command, which must succeed and say nothing unexpected.
#[track_caller]
fn succeeds(page: &Page, script: &str, command: &mut Command) {
    let output: Output = command.output().expect("bash runs");
    assert!(output.status.success(), "{}: {script}\n{output:?}", page.name);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let is_unexpected = |line: &&str| !EXPECTED.iter().any(|words| line.contains(words));
    let more: Vec<&str> = stderr.lines().filter(is_unexpected).collect();
    assert!(more.is_empty(), "{}: {script}\n{more:?}", page.name);
}

/// An example directory that is a git repository with one commit and a staged change.
fn example_repository() -> TempDir {
    let directory = example_directory();
    let script = "git init -q . && git add draft.txt && \
        git -c user.name=a -c user.email=a@example.com commit -qm a && git add app.log";
    if has_tools(script) {
        let output = bash(directory.path(), script).output().expect("bash runs");
        assert!(output.status.success(), "{output:?}");
    }
    directory
}

/// The script with the mock server in place of a real one.
fn with_mock(script: &str) -> String {
    let mut script = script.to_owned();
    for (real, mock) in [
        ("http://localhost:11434/v1", "mock:"),
        ("-p ollama", "-p mock"),
        ("-p openai", "-p mock"),
        ("-p work", "-p mock"),
    ] {
        script = script.replace(real, mock);
    }
    script
}

#[test]
fn every_command_works() {
    let mut cargo = 0;
    for page in Page::all() {
        let directory = example_repository();
        for block in page.blocks("sh") {
            // The CI script runs these.
            if block.starts_with("cargo ") {
                cargo += 1;
            // engines.rs runs these.
            } else if !block.starts_with("duckdb ") && has_tools(&block) {
                let script = format!("{STAYS}{}", with_mock(&block));
                succeeds(&page, &script, &mut bash(directory.path(), &script));
            }
        }
        if page.name == "recipes.md" {
            let summary = fs::read_to_string(directory.path().join("summary.txt"));
            let summary = summary.expect("the summary is readable");
            assert_eq!(summary, "Sum this up:\n\nA 404 means no.\n");
        }
    }
    assert_eq!(cargo, 3, "the README runs cargo to try, install and test gravix");
}

#[test]
fn every_script_for_other_machines_and_programs_works_with_stand_ins() {
    let stand_ins = stand_ins();
    for page in Page::all() {
        let directory = example_repository();
        if let Some(job) = page.job() {
            succeeds(&page, &job, &mut bash(directory.path(), &job));
        }
        for block in page.blocks("bash").into_iter().chain(kubernetes(&page)) {
            if !has_tools(&block) {
                continue;
            }
            let block = block.replace("/data", &directory.path().display().to_string());
            let mut command = bash(directory.path(), &block);
            if block.starts_with("#!") {
                let script = directory.path().join("script");
                fs::write(&script, &block).expect("the script is written");
                command = bash(directory.path(), "bash script message.txt");
            }
            command
                .env("PATH", format!("{}:{}", stand_ins.path().display(), path()))
                .env("SLURM_ARRAY_TASK_ID", "1")
                .env("JOB_COMPLETION_INDEX", "0")
                .env("OPENAI_API_KEY", "the-key-of-a-test");
            succeeds(&page, &block, &mut command);
        }
        if page.name == "cluster.md" {
            // Slurm counts from 1, and the others from 0.
            for name in ["out.0.csv", "out.1.csv", "out.15.csv"] {
                assert!(directory.path().join(name).exists(), "{name}");
            }
        }
    }
}

/// The command of the Kubernetes Job on a page.
fn kubernetes(page: &Page) -> Option<String> {
    let yaml = page.blocks("yaml").into_iter().find(|yaml| yaml.contains("kind: Job"))?;
    let (_, rest) = yaml.split_once("- >-\n").expect("the job has a command");
    let (command, _) = rest.split_once("volumeMounts").expect("the job has a volume");
    Some(command.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What the model in the README's session answers to a prompt with these words.
const REPLIES: &[(&str, &str)] = &[
    ("commit message", "Return 404 for an unknown user"),
    ("How bad", "high"),
    ("Describe this city", r#"{"city":"Paris","country":"France"}"#),
    ("mutex", "A mutex is a lock that only one thread can hold at a time."),
    ("semaphore", "A semaphore lets up to N threads in at once."),
    ("sky", "Because air scatters blue light more than red."),
    ("moon", "About 384,400 km."),
];

#[test]
fn the_example_session_prints_what_it_shows() {
    let model = Service::new(|request, _| {
        let prompt = prompt(request);
        let reply = REPLIES.iter().find(|(words, _)| prompt.contains(words));
        Reply::text(reply.expect("the model knows the prompt").1)
    });
    let sessions = Page::named("README.md").blocks("console");
    assert!(!sessions.is_empty(), "the README has a session");
    for session in sessions.iter().filter(|session| has_tools(session)) {
        let directory = example_repository();
        let mut script = "set +e; exec 2>&1\n".to_owned();
        for command in session.lines().filter_map(|line| line.strip_prefix("$ ")) {
            script += &format!("cat <<'END'\n$ {command}\nEND\n{command}\n");
        }
        let mut bash = bash(directory.path(), &script);
        let printed = run(bash.env("GRAVIX_BASE_URL", model.base_url())).stdout;
        assert_eq!(String::from_utf8_lossy(&printed).trim_end(), session);
    }
}

#[test]
fn the_example_settings_are_valid() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("config.toml");
    let mut count = 0;
    for block in Page::all().iter().flat_map(|page| page.blocks("toml")) {
        count += 1;
        fs::write(&file, &block).expect("the file is written");
        let mut command = gravix();
        let run = run(command.args(["config", "-p", "work", "--config"]).arg(&file));
        let listing = String::from_utf8(run.exits(0).stdout).expect("stdout is UTF-8");
        assert!(listing.contains("# profile work"), "{listing}");
    }
    assert!(count > 0, "no page has settings");
}

#[test]
fn the_exit_statuses_match_the_help() {
    let help = run(gravix().args(["ask", "--help"])).exits(0);
    let help = String::from_utf8(help.stdout).expect("stdout is UTF-8");
    let (_, statuses) = help.split_once("Exit status:\n").expect("help lists the exit statuses");
    let page = Page::named("network.md");
    for line in statuses.lines() {
        let (status, meaning) = line.trim().split_once("  ").expect("the line has two columns");
        let row = format!("| {} | {}", status.trim(), meaning.trim());
        let row = row.split(" (").next().expect("the row is not empty");
        assert!(page.text.contains(row), "{row}");
    }
}

#[test]
fn links_between_the_pages_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for page in Page::all() {
        let directory = if page.name == "README.md" { root.to_owned() } else { root.join("docs") };
        for link in page.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            if file.contains("://") {
                continue;
            }
            count += 1;
            let path = directory.join(file);
            let target = if file.is_empty() {
                page.text.clone()
            } else {
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{link}: {error}"))
            };
            assert!(
                heading.is_empty() || headings(&target).any(|known| known == heading),
                "{link}"
            );
        }
    }
    assert!(count > 0, "no page has links");
}

/// The names by which links reach the headings of a page.
fn headings(page: &str) -> impl Iterator<Item = String> {
    page.lines().filter(|line| line.starts_with('#')).map(|line| {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || [' ', '-'].contains(c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}
