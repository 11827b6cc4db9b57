//! Options of a batch that the configuration file sets.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::support::batch_lines::{by_id, input, prompts};
use crate::support::home::Home;
use crate::support::run;
use crate::support::service::{Reply, Service, prompt};

/// `gravix batch` with these words, under the configuration of `home`.
fn batch(home: &Home, words: &str) -> Command {
    let mut command = home.gravix(&["batch"]);
    command.args(words.split(' '));
    command
}

/// A service that echoes once so many requests have arrived, so that each of so many
/// workers sends one.
fn answering_together(count: usize) -> Service {
    let arrived = AtomicUsize::new(0);
    Service::new(move |request, _| {
        arrived.fetch_add(1, Ordering::SeqCst);
        let began = Instant::now();
        while arrived.load(Ordering::SeqCst) < count && began.elapsed().as_secs() < 10 {
            std::thread::yield_now();
        }
        Reply::text(&prompt(request))
    })
}

/// How many connections requests came over.
fn connections(service: &Service) -> usize {
    service.seen().iter().map(|seen| seen.connection).max().map_or(0, |last| last + 1)
}

#[test]
fn jobs_of_a_profile_are_used_unless_some_are_typed() {
    let home = Home::new("jobs = 3\n[profiles.one]\njobs = 1\nordered = true\n");
    let (_directory, file) = input(&prompts(30));
    for (words, most) in [("-p one", 1), ("-q", 3), ("-p one -j 2", 2)] {
        let service = answering_together(most);
        let words = format!("--lines --base-url {} {words}", service.base_url());
        let done = run(batch(&home, &words).arg(&file)).exits(0);
        assert_eq!(by_id(&done.stdout).len(), 30);
        assert_eq!(connections(&service), most, "{words}");
    }
}

#[test]
fn other_options_of_a_batch_can_be_settings() {
    let refusing = Service::new(|_, _| Reply::new("400 Bad Request", "{}"));
    let config = format!(
        "base_url = \"{}\"\njobs = 1\nrate = \"1000/s\"\nmax_failures = 2\npatience = \"90s\"\nskip_bad = true\nordered = true\n[profiles.quiet]\nprogress = \"never\"\n",
        refusing.base_url()
    );
    let home = Home::new(&config);
    let (directory, file) = input(&["{", r#"{"prompt":"a"}"#, r#"{"prompt":"b"}"#, "{", "{"]);
    let bad = run(batch(&home, "-j 1").arg(&file));
    assert!(bad.stderr.contains("stopped after 2 failures"), "{}", bad.stderr);
    assert_eq!(refusing.seen().len(), 1);
    let typed = run(batch(&home, "--max-failures 3 -p quiet").arg(&file));
    assert!(typed.stderr.contains("stopped after 3 failures"), "{}", typed.stderr);
    let listing = home.listing(&mut home.gravix(&["config", "-p", "quiet"]));
    for line in [
        "jobs = 1 # ",
        "rate = \"1000/s\" # ",
        "max_failures = 2 # ",
        "patience = \"90s\" # ",
        "skip_bad = true # ",
        "ordered = true # ",
        "progress = \"never\" # profile quiet",
    ] {
        assert!(listing.lines().any(|listed| listed.starts_with(line)), "{line}\n{listing}");
    }
    // Merging has no use for them.
    let results = directory.path().join("results.jsonl");
    fs::write(&results, typed.stdout).expect("the file is written");
    run(batch(&home, "--merge").arg(results)).exits(0);
}

#[test]
fn each_command_passes_over_the_settings_of_the_other() {
    let home = Home::new(
        "base_url = \"mock:\"\njobs = 4\nprogress = 30\nmax_failures = 1\nturns = 3\nstream = false\nlossy = true\nlog = \"log.jsonl\"\n",
    );
    run(&mut home.gravix(&["ask", "hi"])).exits(0).prints("hi\n").says_nothing();
    run(&mut home.gravix(&["models"])).exits(0).prints("mock\n").says_nothing();
    let (_directory, file) = input(&["hi"]);
    run(batch(&home, "--lines --text -q").arg(&file)).exits(0).prints("hi\n").says_nothing();
    let log = fs::read_to_string(home.path().join("log.jsonl")).expect("the log is readable");
    assert_eq!(log.lines().count(), 2);
}

#[test]
fn what_belongs_to_one_run_is_no_setting() {
    for (config, parts) in [
        ("errors = \"e\"", &["c.toml:1:1: unknown setting errors"][..]),
        ("text = true", &["unknown setting text"]),
        ("merge = true", &["unknown setting merge"]),
        ("jbos = 3", &["did you mean jobs?"]),
        ("jobs = 0", &["c.toml:1:1: jobs: ", "from 1 to"]),
        ("rate = 5", &["c.toml:1:1: rate: ", "100/m"]),
        ("progress = 0", &["c.toml:1:1: progress: "]),
    ] {
        let home = Home::new(config);
        let (_directory, file) = input(&["hi"]);
        run(batch(&home, "--lines --base-url mock:").arg(file)).exits(78).prints("").says(parts);
    }
}

#[test]
fn the_defaults_of_a_batch_are_listed() {
    let home = Home::new("");
    let listing = home.listing(&mut home.gravix(&["config"]));
    for line in ["jobs = 8 # default", "patience = 120 # default", "progress = 60 # default"] {
        assert!(listing.lines().any(|listed| listed == line), "{line}\n{listing}");
    }
}
