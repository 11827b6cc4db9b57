//! Results that are written together, because the file was in use when they came.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::batch_lines::{by_id, input, prompts};
use crate::support::service::{Reply, Service, prompt};
use crate::support::{batch, run, strace};

/// `command` under strace, where each look at the file at `output` takes so long
/// that all other workers wait for it. strace writes the calls that are made on the
/// file to `log`.
fn with_slow_file(
    command: &Command,
    output: &Path,
    log: &Path,
    faults: &[&str],
) -> Option<Command> {
    let mut options = vec!["-P".to_owned(), output.display().to_string()];
    options.extend(["-o".to_owned(), log.display().to_string()]);
    let faults = ["inject=statx:delay_enter=100000"].iter().chain(faults);
    options.extend(faults.flat_map(|fault| ["-e".to_owned(), (*fault).to_owned()]));
    strace(command, &options)
}

/// How many writes strace has seen.
fn writes(log: &Path) -> usize {
    let log = fs::read_to_string(log).expect("strace has written its log");
    log.lines().filter(|line| line.contains(" write(")).count()
}

#[test]
fn results_that_come_while_the_file_is_in_use_are_written_together() {
    for options in [&["--lines", "-o"][..], &["--lines", "--ordered", "-o"]] {
        let service = Service::echo();
        let (directory, file) = input(&prompts(24));
        let (output, log) = (directory.path().join("out.jsonl"), directory.path().join("log"));
        let mut gravix = batch(&service.base_url(), options);
        gravix.arg(&output).arg(&file);
        let Some(mut slow) = with_slow_file(&gravix, &output, &log, &[]) else {
            return;
        };
        run(&mut slow).exits(0).says(&["24 done, 0 failed"]);
        let saved = fs::read(&output).expect("the output is readable");
        assert_eq!(by_id(&saved).len(), 24);
        assert!((1..20).contains(&writes(&log)), "{} writes", writes(&log));
        if options.contains(&"--ordered") {
            let saved = String::from_utf8(saved).expect("the output is UTF-8");
            let ids = saved.lines().map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).expect("it is JSON");
                line["custom_id"].as_str().map(str::to_owned)
            });
            let expected = (1..=24).map(|number: u32| Some(number.to_string()));
            assert_eq!(ids.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        }
    }
}

#[test]
fn results_that_cannot_be_written_together_are_all_printed() {
    let service = Service::echo();
    let (directory, file) = input(&prompts(24));
    let (output, log) = (directory.path().join("out.jsonl"), directory.path().join("log"));
    let mut gravix = batch(&service.base_url(), &["--lines", "-o"]);
    gravix.arg(&output).arg(&file);
    let faults = ["inject=write:error=ENOSPC:when=2+"];
    let Some(mut slow) = with_slow_file(&gravix, &output, &log, &faults) else {
        return;
    };
    let failed = run(&mut slow).exits(73);
    assert!(failed.stderr.contains("out.jsonl: no space left on device"), "{}", failed.stderr);
    let saved = by_id(&fs::read(&output).expect("the output is readable"));
    let printed = by_id(&failed.stdout);
    assert!(printed.len() > 1, "{} printed", printed.len());
    assert_eq!(saved.len() + printed.len(), service.seen().len());
}

#[test]
fn failures_that_are_written_together_go_to_their_own_file() {
    let service = Service::new(|request, _| match prompt(request).as_str() {
        "3" | "7" | "20" => Reply::new("400 Bad Request", r#"{"error":"no"}"#),
        _ => Reply::text("fine"),
    });
    let (directory, file) = input(&prompts(24));
    let path = |name: &str| directory.path().join(name);
    let mut gravix = batch(&service.base_url(), &["--lines", "--errors"]);
    gravix.arg(path("errors.jsonl")).arg("-o").arg(path("out.jsonl")).arg(&file);
    let Some(mut slow) = with_slow_file(&gravix, &path("out.jsonl"), &path("log"), &[]) else {
        return;
    };
    run(&mut slow).exits_with_one_of(&[4, 69]).says(&["21 done, 3 failed"]);
    let saved = by_id(&fs::read(path("out.jsonl")).expect("the output is readable"));
    let failed = by_id(&fs::read(path("errors.jsonl")).expect("the failures are readable"));
    assert_eq!(saved.len(), 21);
    assert_eq!(failed.keys().collect::<Vec<_>>(), ["21", "4", "8"]);
}
