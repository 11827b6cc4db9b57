//! What a batch does while a server is away, and about a row that only looks so.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::batch_lines::{by_id, input, prompts};
use crate::support::server::listen_on_loopback;
use crate::support::service::{Reply, Service, prompt};
use crate::support::{Run, batch, finish, run, run_with, start};

const AWAY: &str = "503 Service Unavailable";

/// Answers with the prompt, but is away from request `first` on, until it has refused one
/// that came `time` later.
fn away_for(time: Duration, first: usize, away: fn() -> Reply) -> Service {
    let state = Mutex::new((None, false));
    Service::new(move |request, index| {
        let mut state = state.lock().expect("no thread panicked");
        let (begun, is_back) = &mut *state;
        if index >= first && !*is_back {
            *is_back = begun.get_or_insert_with(Instant::now).elapsed() >= time;
            return away();
        }
        Reply::text(&prompt(request))
    })
}

/// Runs the lines of `file`, each a prompt.
fn run_lines(service: &Service, options: &[&str], file: &Path) -> Run {
    run(batch(&service.base_url(), &["--lines"]).args(options).arg(file))
}

/// How many notes contain this text.
fn count(run: &Run, text: &str) -> usize {
    run.stderr.lines().filter(|line| line.contains(text)).count()
}

#[test]
fn an_outage_costs_no_row_and_is_told_once() {
    for (away, seconds) in [
        ((|| Reply::new(AWAY, "").with("Retry-After: 1")) as fn() -> Reply, 2.8),
        (|| Reply::hang_up(Duration::ZERO), 1.0),
    ] {
        let service = away_for(Duration::from_secs_f64(seconds), 50, away);
        let (_directory, file) = input(&prompts(200));
        let run = run_lines(&service, &["--retries", "0"], &file).exits(0);
        assert_eq!(by_id(&run.stdout).len(), 200);
        // A short one is told too if the machine is so busy that it looks long.
        let told = count(&run, "trying one request at a time for up to 2m (--patience)");
        assert!(told == 1 || (told == 0 && seconds < 2.0), "{told}");
        assert_eq!(count(&run, "the server answers again, after "), told);
        // At most eight failed together, perhaps over a second connection too, and then
        // one at a time.
        let failed = service.seen().len() - 200;
        assert!((2..=24).contains(&failed), "{failed}");
    }
}

#[test]
fn a_server_that_starts_late_is_waited_for() {
    let (listener, port) = listen_on_loopback();
    drop(listener);
    let (_directory, file) = input(&prompts(20));
    let base_url = format!("http://127.0.0.1:{port}/v1");
    let mut child = start(batch(&base_url, &["--lines", "-v"]).arg(file));
    let mut stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
    let mut line = String::new();
    while !line.contains("it will be tried again") {
        line.clear();
        assert!(stderr.read_line(&mut line).expect("stderr is UTF-8") > 0, "gravix waits");
    }
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is still free");
    let _service = Service::at(listener, |request, _| Reply::text(&prompt(request)));
    std::io::copy(&mut stderr, &mut std::io::sink()).expect("stderr is readable");
    let output = finish(child);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(by_id(&output.stdout).len(), 20);
}

#[test]
fn a_server_that_stays_away_ends_the_run_and_leaves_the_rest() {
    for (status, last) in [
        (AWAY, "the server answered 503: Service Unavailable; 20 requests are left\n"),
        (
            "429 Too Many Requests",
            "the server answered 429: Too Many Requests; try again later; 20 requests are left\n",
        ),
    ] {
        let service = Service::new(move |_, _| Reply::new(status, ""));
        let (directory, file) = input(&prompts(20));
        let output = directory.path().join("out.jsonl");
        let output = output.to_str().expect("the path is UTF-8");
        let options = ["-q", "--patience", "0.6", "-o", output];
        let run = run_lines(&service, &options, &file).exits(75).says(&[last]);
        assert!(run.stderr.starts_with("gravix: stopped after 600ms without a success"));
        assert!(!Path::new(output).exists(), "no row has a result");
    }
}

#[test]
fn a_long_wait_that_the_server_asks_for_is_cut_to_the_patience() {
    let away = || Reply::new(AWAY, "").with("Retry-After: 100");
    let service = Service::new(move |_, _| away());
    let (_directory, file) = input(&prompts(3));
    let began = Instant::now();
    run_lines(&service, &["-q", "-j1", "--patience", "0.5"], &file)
        .exits(75)
        .says(&["try again in 100 s; 3 requests are left"]);
    assert!(began.elapsed() < Duration::from_secs(60), "it took {:?}", began.elapsed());
    assert_eq!(service.seen().len(), 2, "the first try, and a last look");
}

#[test]
fn a_quota_that_comes_back_costs_no_row() {
    let service = away_for(Duration::from_secs(1), 0, || Reply::new("429 Too Many Requests", ""));
    let (_directory, file) = input(&prompts(30));
    let run = run_lines(&service, &["--retries", "0"], &file).exits(0);
    assert_eq!(by_id(&run.stdout).len(), 30);
}

#[test]
fn a_row_that_fails_while_others_succeed_is_its_own_failure() {
    for (bad, options) in [
        // The first row, the last one, and one among others.
        ("0", &["-j1"][..]),
        ("39", &["-j1"]),
        ("0", &["-j1", "--ordered"]),
        ("20", &["-j8", "--ordered"]),
        ("0", &["-j8"]),
    ] {
        for status in ["500 Internal Server Error", "429 Too Many Requests"] {
            let service = Service::new(move |request, _| match prompt(request) {
                prompt if prompt == bad => Reply::new(status, "").with("retry-after-ms: 1"),
                prompt => Reply::text(&prompt),
            });
            let (_directory, file) = input(&prompts(40));
            let options = [options, &["--patience", "2"]].concat();
            let run = run_lines(&service, &options, &file).exits(4);
            let class = &status[..3];
            let summary = format!("39 done, 1 failed ({class}: 1); ");
            assert!(run.stderr.contains(&summary), "{bad} {options:?}: {}", run.stderr);
            let tries = service.prompts().iter().filter(|prompt| *prompt == bad).count();
            // Refusals for the rate happen to good rows too.
            let expected = if status.starts_with('5') { 3..4 } else { 4..25 };
            assert!(expected.contains(&tries), "{bad} {options:?} {status}: {tries}");
        }
    }
}

#[test]
fn the_only_row_is_its_own_failure_too() {
    let service = Service::new(|_, _| Reply::new(AWAY, "").with("retry-after-ms: 1"));
    let (_directory, file) = input(&["a"]);
    run_lines(&service, &[], &file).exits(75).says(&["0 done, 1 failed (503: 1); "]);
    assert_eq!(service.seen().len(), 3);
}

#[test]
fn a_row_from_a_pipe_is_tried_again_before_more_is_read() {
    let service = Service::new(|_, index| match index {
        0 => Reply::new(AWAY, ""),
        _ => Reply::text("here"),
    });
    let mut child = batch(&service.base_url(), &["--lines", "-j2"]);
    let mut child = start(child.stdin(Stdio::piped()));
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    stdin.write_all(b"one\n").expect("gravix reads stdin");
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.as_mut().expect("stdout is a pipe"));
    stdout.read_line(&mut line).expect("stdout is UTF-8");
    assert!(line.contains("here"), "{line}");
    drop(stdin);
    assert!(finish(child).status.success());
}

#[test]
fn rows_of_a_pipe_that_were_not_answered_are_left() {
    let away = Service::new(|_, _| Reply::new(AWAY, ""));
    let refusing = Service::new(|_, _| Reply::new("400 Bad Request", ""));
    let from_pipe = |service: &Service, options: &[&str]| {
        let mut command = batch(&service.base_url(), &["--lines"]);
        run_with(command.args(options), b"a\nb\nc\n")
    };
    let run = from_pipe(&away, &["--patience", "0.5"]).exits(75);
    assert!(run.stderr.contains("0 done, 0 failed, 3 left; "), "{}", run.stderr);
    assert!(run.stderr.ends_with("; 3 requests are left\n"), "{}", run.stderr);
    // One is sent, and the others wait for the rate. Whether the end of the pipe was
    // read by then, so that their number is known, is a matter of luck.
    let run = from_pipe(&refusing, &["--max-failures", "1", "--rate", "1/m"]).exits(5);
    assert!(run.stderr.ends_with("requests are left\n"), "{}", run.stderr);
}

#[test]
fn without_patience_the_first_row_without_retries_ends_the_run() {
    let plain = Service::new(|_, _| Reply::new(AWAY, ""));
    let (_directory, many) = input(&prompts(200));
    run_lines(&plain, &["-q", "--patience", "0"], &many).exits(75);
    assert!(plain.seen().len() < 30, "{}", plain.seen().len());
    let service = Service::new(|_, _| Reply::new(AWAY, "").with("retry-after-ms: 1"));
    let (_directory, file) = input(&prompts(20));
    let options = ["--patience", "0", "-j1", "--retries", "1"];
    let run = run_lines(&service, &options, &file).exits(75);
    let last = "gravix: stopped when a request had no retries left (--patience 0): the server answered 503: Service Unavailable; try again in 1 s; 19 requests are left\n";
    assert!(run.stderr.ends_with(last), "{}", run.stderr);
    assert_eq!(by_id(&run.stdout).len(), 1);
}

#[test]
fn a_wait_for_the_server_does_not_count_against_the_deadline() {
    let service = away_for(Duration::from_millis(900), 5, || Reply::new(AWAY, ""));
    let (_directory, file) = input(&prompts(20));
    let run = run_lines(&service, &["--deadline", "0.5", "-j2"], &file).exits(0);
    assert_eq!(by_id(&run.stdout).len(), 20);
}

#[test]
fn an_invalid_reply_that_was_paid_for_is_kept_when_the_run_stops() {
    let service = Service::new(|_, index| match index {
        0 => Reply::text("not an object"),
        _ => Reply::new(AWAY, ""),
    });
    let (_directory, file) = input(&["a", "b"]);
    let options = ["--json-object", "--repair", "1", "-j1", "--patience", "0.5"];
    let run = run_lines(&service, &options, &file).exits(75);
    let lines = by_id(&run.stdout);
    assert_eq!(lines.len(), 1);
    let content = &lines["1"]["response"]["body"]["choices"][0]["message"]["content"];
    assert_eq!(content, "not an object");
    assert_ne!(lines["1"]["error"], Value::Null);
    assert!(run.stderr.ends_with("; 1 request is left\n"), "{}", run.stderr);
}

#[test]
fn refusals_of_the_requests_themselves_do_not_end_a_run() {
    let service = Service::new(|_, _| Reply::new("400 Bad Request", ""));
    let (_directory, file) = input(&prompts(40));
    run_lines(&service, &[], &file).exits(69).says(&["0 done, 40 failed (400: 40); "]);
}

#[test]
fn a_model_or_a_path_that_does_not_exist_ends_the_run() {
    for (status, body, exit) in [
        ("404 Not Found", r#"{"error":{"message":"no such model"}}"#, 69),
        ("400 Bad Request", r#"{"error":{"message":"m","code":"model_not_found"}}"#, 69),
        ("405 Method Not Allowed", "", 69),
        ("200 OK", "<html><title>Welcome</title></html>", 76),
    ] {
        let service = Service::new(move |_, _| Reply::new(status, body));
        let (_directory, file) = input(&prompts(40));
        let run = run_lines(&service, &["-j1"], &file).exits(exit);
        assert!(run.stderr.contains("stopped after 16 failures in a row: "), "{}", run.stderr);
        assert!(run.stderr.ends_with("; 24 requests are left\n"), "{}", run.stderr);
    }
}

#[test]
fn a_time_of_patience_has_a_unit_or_is_in_seconds() {
    for time in ["0", "2.5", "90s", "8h", "1h 30m", "1e300"] {
        let (_directory, file) = input(&["a"]);
        run(batch("mock:", &["--lines", "-q", "--patience", time]).arg(file)).exits(0);
    }
    for time in ["", "soon", "-1", "5x", "NaN"] {
        run(&mut batch("mock:", &[&format!("--patience={time}")]))
            .exits(2)
            .says(&["90s, 10m or 8h"]);
    }
}
