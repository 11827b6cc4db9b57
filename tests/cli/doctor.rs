//! `gravix doctor`: what it says about settings, and about a server that answers.

use std::fs;
use std::process::Command;

use crate::support::home::Home;
use crate::support::server::{Request, listen_on_loopback};
use crate::support::service::{Reply, Service};
use crate::support::{Run, completion_ended, full_device, gravix, run};

const LIST: &str = r#"{"data":[{"id":"llama3.2"},{"id":"llama3.1"},{"id":"qwen\u001b[31m"}]}"#;

fn doctor(base_url: &str, arguments: &[&str]) -> Command {
    let mut command = gravix();
    command.args(["doctor", "--base-url", base_url, "-m", "llama3.1"]).args(arguments);
    command
}

fn is_models(request: &Request) -> bool {
    request.head[0].starts_with("GET ")
}

/// A server with a list of models that gives this answer to a question.
fn answering(answer: impl Fn() -> Reply + Send + Sync + 'static) -> Service {
    Service::new(move |request, _| match is_models(request) {
        true => Reply::new("200 OK", LIST),
        false => answer(),
    })
}

/// The lines of the report, with runs of spaces joined.
#[track_caller]
fn lines(run: &Run) -> Vec<String> {
    let text = String::from_utf8(run.stdout.clone()).expect("stdout is UTF-8");
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Checks the lines after those that end in `before`.
#[track_caller]
fn ends(run: &Run, before: &str, expected: &[&str]) {
    let lines = lines(run);
    let at = lines.iter().position(|line| line.starts_with(before));
    let at = at.unwrap_or_else(|| panic!("{before}\n{lines:#?}"));
    let rest = &lines[at + 1..];
    assert_eq!(rest.len(), expected.len(), "{lines:#?}");
    for (line, expected) in rest.iter().zip(expected) {
        assert!(line.starts_with(expected), "{expected}\n{lines:#?}");
    }
}

#[test]
fn the_mock_server_passes_every_step() {
    let run = run(gravix().args(["doctor", "-p", "mock"])).exits(0).says_nothing();
    let lines = lines(&run);
    let expected = [
        "ok configuration no file, profile mock (-p)",
        "ok base URL mock:",
        "ok key not used",
        "ok DNS not used",
        "ok connection the mock server, 127.0.0.1:",
        "ok TLS not used",
        "ok models 1 model",
        "ok question llama3.1:8b-instruct-fp16 answered in ",
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{expected}\n{lines:#?}");
    }
}

#[test]
fn a_server_that_answers_passes_for_a_few_tokens() {
    let service = answering(|| Reply::text("ok\u{1b}[31m s3cret-key"));
    let mut command = doctor(&service.base_url(), &[]);
    let run = run(command.env("GRAVIXLAYER_API_KEY", "s3cret-key")).exits(0).says_nothing();
    ends(
        &run,
        "ok base URL http://127.0.0.1:",
        &[
            "ok key GRAVIXLAYER_API_KEY",
            "ok DNS not used: 127.0.0.1 is an address",
            "ok connection 127.0.0.1:",
            "ok TLS not used",
            "ok models 3 models, llama3.1 is one of them",
            "ok question llama3.1 answered in 0.",
        ],
    );
    let report = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(report.ends_with(" s: \"ok\\u001b[31m (redacted)\"\n"), "{report}");
    assert!(!report.contains("s3cret"), "{report}");
    let seen = service.seen();
    assert_eq!(seen.len(), 2);
    let body = seen[1].request.json();
    assert_eq!((&body["model"], &body["max_tokens"]), (&"llama3.1".into(), &16.into()));
    assert_eq!(seen[1].request.header("authorization"), Some("Bearer s3cret-key"));
}

#[test]
fn settings_are_where_the_report_says() {
    let service = answering(|| Reply::text("ok"));
    let home = Home::new("");
    let profile = format!("[profiles.own]\nbase_url = \"{}\"\n", service.base_url());
    fs::write(home.config(), profile + "model = \"llama3.2\"\napi_key_env = \"OWN\"\n")
        .expect("the file is written");
    let mut command = home.gravix(&["doctor"]);
    command.env("GRAVIX_PROFILE", "own").env("OWN", "own-key");
    let run = run(&mut command).exits(0).says_nothing();
    let lines = lines(&run);
    let file = home.config();
    let configuration =
        format!("ok configuration {}, profile own (GRAVIX_PROFILE)", file.display());
    assert_eq!(lines[0], configuration);
    assert_eq!(lines[2], "ok key OWN");
    assert!(lines[6].contains("llama3.2 is one of them"), "{lines:#?}");
}

#[test]
fn faults_of_the_settings_are_reported_on_stdout_with_what_to_do() {
    let home = Home::new("modle = \"a\"\n");
    let bad = run(&mut home.gravix(&["doctor"])).exits(78).says_nothing();
    let lines_of_bad = lines(&bad);
    assert!(lines_of_bad[0].starts_with("failed configuration "), "{lines_of_bad:#?}");
    assert!(lines_of_bad[0].contains("c.toml:1:") && lines_of_bad[0].contains("model?"));
    assert_eq!(lines_of_bad[1], "skipped base URL, key, DNS, connection, TLS, models, question");
    for arguments in [&["-p", "nope"][..], &["--config", "/nowhere/c.toml"]] {
        let run = run(gravix().arg("doctor").args(arguments)).exits_with_one_of(&[66, 78]);
        assert!(lines(&run)[0].starts_with("failed configuration "));
    }
    let run_with = |arguments: &[&str]| run(gravix().arg("doctor").args(arguments));
    ends(
        &run_with(&[]).exits(78).says_nothing(),
        "ok base URL",
        &[
            "failed key no API key for api.gravixlayer.com",
            "to do run export GRAVIXLAYER_API_KEY=YOUR_KEY first, or try --base-url mock:",
            "skipped DNS, connection, TLS, models, question",
        ],
    );
    ends(
        &run_with(&["--base-url", "localhost:1"]).exits(78),
        "ok configuration",
        &[
            "failed base URL bad base URL 'localhost:1': did you mean http://localhost:1?",
            "skipped key, DNS, connection, TLS, models, question",
        ],
    );
    let unreadable = ["--base-url", "https://localhost:1", "--ca-cert", "/nowhere.pem"];
    ends(
        &run_with(&unreadable).exits(66),
        "ok configuration",
        &[
            "failed base URL cannot read /nowhere.pem: ",
            "skipped key, DNS, connection, TLS, models, question",
        ],
    );
    let mut in_the_clear = gravix();
    in_the_clear.args(["doctor", "--base-url", "http://gravix.invalid/v1"]);
    let run = run(in_the_clear.env("GRAVIXLAYER_API_KEY", "s3cret-key")).exits(78);
    ends(
        &run,
        "ok base URL",
        &[
            "failed key the key would be sent in the clear",
            "skipped DNS, connection, TLS, models, question",
        ],
    );
}

#[test]
fn a_mistake_on_the_command_line_is_one_as_ever() {
    run(gravix().args(["doctor", "--foo"])).exits(2).prints("").says(&["--foo"]);
    run(gravix().args(["doctor", "-m", ""])).exits(2).prints("").says(&["model"]);
    run(gravix().args(["doctor", "-p", "mock"]).stdout(full_device())).exits(74);
}

#[test]
fn a_refused_key_ends_the_way_at_the_list_of_models() {
    let service = Service::new(|_, _| {
        Reply::new("401 Unauthorized", r#"{"error":{"message":"bad key s3cret-key"}}"#)
    });
    let mut command = doctor(&service.base_url(), &[]);
    let run = run(command.env("GRAVIXLAYER_API_KEY", "s3cret-key")).exits(77).says_nothing();
    ends(
        &run,
        "ok TLS not used",
        &[
            "failed models the server answered 401: bad key (redacted)",
            "to do check the key in GRAVIXLAYER_API_KEY",
            "skipped question",
        ],
    );
}

#[test]
fn a_server_without_a_list_of_models_can_still_answer() {
    for status in ["404 Not Found", "405 Method Not Allowed", "501 Not Implemented"] {
        let service = Service::new(move |request, _| match is_models(request) {
            true => Reply::new(status, ""),
            false => Reply::text("ok"),
        });
        let run = run(&mut doctor(&service.base_url(), &[])).exits(0).says_nothing();
        let warning = format!("warning models no list: the server answered {}", &status[..3]);
        ends(&run, "ok TLS not used", &[&warning, "ok question llama3.1 answered in "]);
    }
    // A wrong base URL has neither.
    let service = Service::new(|_, _| Reply::new("404 Not Found", ""));
    let base_url = service.base_url().replace("/v1", "");
    ends(
        &run(&mut doctor(&base_url, &[])).exits(69),
        "warning models no list",
        &[
            "failed question the server answered 404",
            &format!("to do does the base URL lack /v1? try --base-url {base_url}/v1"),
        ],
    );
}

#[test]
fn a_model_that_is_not_listed_is_a_warning_and_the_question_decides() {
    let service = answering(|| Reply::text("ok"));
    let with = |model: &str| {
        let mut command = gravix();
        command.args(["doctor", "--base-url", &service.base_url(), "-m", model]);
        run(&mut command).exits(0).says_nothing()
    };
    ends(
        &with("lama3.1"),
        "ok TLS not used",
        &[
            "warning models 3 models, but no lama3.1; the nearest: llama3.1, llama3.2",
            "ok question lama3.1 answered in ",
        ],
    );
    ends(
        &with("qwen"),
        "ok TLS not used",
        &["warning models 3 models, but no qwen; the nearest: qwen^[[31m", "ok question"],
    );
    let none = format!(
        "warning models 3 models, but no zzz; see gravix models --base-url {}",
        service.base_url()
    );
    ends(&with("zzz"), "ok TLS not used", &[&none, "ok question"]);
    // Ollama adds a tag to a name without one.
    let tagged = Service::new(|request, _| match is_models(request) {
        true => Reply::new("200 OK", r#"{"data":[{"id":"llama3.1:latest"}]}"#),
        false => Reply::text("ok"),
    });
    let run_tagged = run(&mut doctor(&tagged.base_url(), &[])).exits(0);
    ends(&run_tagged, "ok TLS", &["ok models 1 model, llama3.1 is one of them", "ok question"]);
    let unknown = answering(|| {
        let error = r#"{"error":{"message":"no such model","code":"model_not_found"}}"#;
        Reply::new("404 Not Found", error)
    });
    ends(
        &run(&mut doctor(&unknown.base_url(), &[])).exits(69),
        "ok models",
        &[
            "failed question the server answered 404: no such model",
            &format!("to do list the models with gravix models --base-url {}", unknown.base_url()),
        ],
    );
}

#[test]
fn a_reply_that_is_cut_at_the_small_limit_is_an_answer() {
    let cut = answering(|| Reply::new("200 OK", completion_ended("I thi", "length")));
    ends(
        &run(&mut doctor(&cut.base_url(), &[])).exits(0),
        "ok models",
        &["ok question llama3.1 answered in 0."],
    );
    let silent = answering(|| Reply::new("200 OK", completion_ended("", "length")));
    run(&mut doctor(&silent.base_url(), &[])).exits(0);
    let empty = answering(|| Reply::text(""));
    ends(
        &run(&mut doctor(&empty.base_url(), &[])).exits(3),
        "ok models",
        &["failed question the reply has no text"],
    );
}

#[test]
fn a_model_that_knows_no_max_tokens_is_asked_without() {
    let service = Service::new(|request, _| match is_models(request) {
        true => Reply::new("200 OK", LIST),
        false if request.json().get("max_tokens").is_some() => Reply::new(
            "400 Bad Request",
            r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."}}"#,
        ),
        false => Reply::text("ok"),
    });
    run(&mut doctor(&service.base_url(), &[])).exits(0).says_nothing();
    assert_eq!(service.seen().len(), 3);
}

#[test]
fn each_line_is_printed_when_it_is_known_and_an_interrupt_ends_the_run() {
    use std::io::{BufRead, BufReader};
    let (listener, port) = listen_on_loopback();
    let mut command = doctor(&format!("http://127.0.0.1:{port}/v1"), &[]);
    let mut child = crate::support::start(&mut command);
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
    let (_connection, _) = listener.accept().expect("gravix connects");
    let mut line = String::new();
    while !line.starts_with("ok       TLS") {
        line.clear();
        assert!(stdout.read_line(&mut line).expect("gravix prints") > 0);
    }
    crate::support::signal(&child, nix::sys::signal::Signal::SIGINT);
    let status = child.wait().expect("gravix ends");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(2));
}
