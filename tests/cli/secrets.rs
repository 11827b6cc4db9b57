//! The key is masked in what a server says, also in verbose output.

use serde_json::json;

use crate::support::batch_lines::{by_id, input};
use crate::support::server::{Server, answer, events, raw, whole_reply};
use crate::support::service::{Reply, Service};
use crate::support::{DONE, ask, batch, completion_ended, gravix, run, token};

const KEY: &str = "sesame42";

#[test]
fn a_key_echoed_by_the_server_is_masked_everywhere() {
    let json = |status: &str, body: &str| answer(status, "application/json", body);
    let with_header = |header: &str| {
        vec![raw(format!("HTTP/1.1 401 No\r\n{header}\r\nContent-Length: 2\r\n\r\n{{}}"))]
    };
    // Long messages are truncated, perhaps in the middle of the key.
    let cut = |length| format!("{}sesame42{}", "x".repeat(length), "y".repeat(500));
    let long: Vec<_> = (290..301)
        .flat_map(|length| {
            let message = serde_json::json!({"error": {"message": cut(length)}}).to_string();
            [json("401 No", &message), json("200 OK", &cut(length))]
        })
        .collect();
    for script in long {
        let server = Server::once(script);
        let run = run(ask(&server, &["hi"]).env("GRAVIXLAYER_API_KEY", KEY)).prints("");
        assert!(!run.stderr.contains("ses"), "{}", run.stderr);
        assert!(run.stderr.len() < 600, "{}", run.stderr);
    }
    for script in [
        json("401 No", r#"{"error":{"message":"bad key sesame42"}}"#),
        json("401 No", r#"{"error":{"message":"bad key","code":"sesame42"}}"#),
        json("401 No", r#"{"error":{"message":"no"},"meta":{"request_id":"sesame42"}}"#),
        json("200 OK", r#"{"error":{"message":"bad key sesame42","code":401}}"#),
        json("200 OK", "bad key sesame42"),
        json("200 OK", r#"{"choices":[{"message":{"refusal":"no sesame42"}}]}"#),
        with_header("x-request-id: sesame42"),
        vec![raw(
            "HTTP/1.1 302 No\r\nLocation: http://h/?key=sesame42\r\nContent-Length: 0\r\n\r\n",
        )],
        events(&["data: {\"error\":{\"message\":\"bad key sesame42\",\"code\":401}}\n\n"]),
        events(&["bad key sesame42\n\n"]),
    ] {
        let server = Server::once(script);
        let run = run(ask(&server, &["hi"]).env("GRAVIXLAYER_API_KEY", KEY)).prints("");
        assert!(run.stderr.contains("(redacted)") && !run.stderr.contains(KEY), "{}", run.stderr);
    }
    let server = Server::once(json("200 OK", r#"{"data":"sesame42"}"#));
    let mut models = gravix();
    models.args(["models", "--base-url", &server.base_url()]).env("GRAVIXLAYER_API_KEY", KEY);
    run(&mut models).exits(76).says(&["(redacted)"]);
}

#[test]
fn verbose_shows_the_exchange_without_the_key() {
    let server = Server::once(whole_reply("one two"));
    let mut command = ask(&server, &["hi", "-v", "-H", "X-Api-Key: sesame42"]);
    let run = run(command.env("GRAVIXLAYER_API_KEY", KEY)).exits(0).prints("one two\n");
    assert!(!run.stderr.contains(KEY), "{}", run.stderr);
    for part in [
        format!("> POST {}/chat/completions", server.base_url()).as_str(),
        "> authorization: (redacted)",
        "> x-api-key: (redacted)",
        "* connecting to 127.0.0.1:",
        "< HTTP/1.1 200 OK",
        "< content-type: application/json",
        "1 chunk, first after 0.",
        "s total, finish reason stop",
    ] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    assert!(run.stderr.lines().all(|line| line.starts_with("gravix: ")), "{}", run.stderr);
}

#[test]
fn verbose_counts_chunks_and_tokens() {
    let usage = r#"{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}"#;
    let usage = format!("data: {{\"choices\":[],\"usage\":{usage}}}\n\n");
    let script = [token("a"), token("b"), usage, DONE.to_owned()];
    let server = Server::once(events(&script));
    let run = run(&mut ask(&server, &["hi", "--stream", "-v"])).exits(0).prints("ab\n");
    for part in ["2 chunks", "5 prompt + 2 completion = 7 tokens", "tokens/s"] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
}

#[test]
fn verbose_and_quiet_are_mutually_exclusive() {
    run(gravix().args(["ask", "-v", "-q", "hi"])).exits(2).says(&["--verbose"]);
}

#[test]
fn a_key_echoed_to_a_batch_is_masked_in_every_field_of_the_result() {
    for error in [
        json!({"message": "no", "type": KEY}),
        json!({"message": "no", "code": KEY, "type": "t"}),
        json!({"message": KEY, "type": "t"}),
        json!({"message": "no", "param": KEY}),
    ] {
        let body = json!({ "error": error }).to_string();
        let service = Service::new(move |_, _| Reply::new("400 Bad Request", body.as_str()));
        let (_directory, file) = input(&[r#"{"prompt":"hi"}"#]);
        let mut command = batch(&service.base_url(), &[]);
        let run = run(command.arg(file).env("GRAVIXLAYER_API_KEY", KEY)).exits(69);
        let line = String::from_utf8(run.stdout.clone()).expect("stdout is UTF-8");
        assert!(line.contains("(redacted)") && !line.contains(KEY), "{line}");
        assert!(!run.stderr.contains(KEY), "{}", run.stderr);
    }
}

#[test]
fn a_key_in_a_header_of_the_user_is_masked_too() {
    for (header, echoed) in [
        ("X-Api-Key: sesame42", "sesame42"),
        ("X-Auth: Bearer sesame42", "Bearer sesame42"),
        ("X-Auth: Bearer sesame42", "sesame42"),
        ("X-Auth: Basic dTpzZXNhbWU0Mg==", "sesame42"),
        ("X-Team: Bearer sesame42", "sesame42"),
        ("X_AccessToken: sesame42", "sesame42"),
        ("Cookie: session=sesame42; theme=1", "sesame42"),
    ] {
        let body = json!({"error": {"message": format!("bad key {echoed}")}}).to_string();
        let server = Server::once(answer("401 No", "application/json", &body));
        let run = run(&mut ask(&server, &["-n", "-H", header, "hi"])).exits(77).prints("");
        assert!(run.stderr.contains("bad key (redacted)"), "{}", run.stderr);
    }
    // An ordinary header is no secret.
    let body = json!({"error": {"message": "no team sesame42"}}).to_string();
    let server = Server::once(answer("401 No", "application/json", &body));
    run(&mut ask(&server, &["-n", "-H", "X-Team: sesame42", "hi"]))
        .exits(77)
        .says(&["no team sesame42"]);
}

#[test]
fn a_key_in_a_refusal_is_masked_in_the_message_of_a_result() {
    let service = Service::new(|_, _| {
        let message = json!({"role": "assistant", "content": null, "refusal": format!("no {KEY}")});
        Reply::new("200 OK", json!({"choices": [{"index": 0, "message": message}]}).to_string())
    });
    let (_directory, file) = input(&[r#"{"prompt":"hi"}"#]);
    let mut command = batch(&service.base_url(), &["-q"]);
    let run = run(command.arg(file).env("GRAVIXLAYER_API_KEY", KEY)).exits(3);
    let line = &by_id(&run.stdout)["1"];
    assert_eq!(line["error"]["message"], "the model refused: no (redacted)");
}

#[test]
fn a_key_that_begins_another_hides_none_of_it() {
    let body = json!({"error": {"message": format!("bad key {KEY}-and-more")}}).to_string();
    let server = Server::once(answer("401 No", "application/json", &body));
    let header = format!("X-Api-Key: {KEY}-and-more");
    let mut command = ask(&server, &["-n", "-H", &header, "hi"]);
    let run = run(command.env("GRAVIXLAYER_API_KEY", KEY)).exits(77).prints("");
    assert!(run.stderr.contains("bad key (redacted)"), "{}", run.stderr);
    assert!(!run.stderr.contains("and-more"), "{}", run.stderr);
}

#[test]
fn a_key_of_less_than_eight_characters_is_a_dummy_and_not_masked() {
    let server =
        Server::once(answer("404 No", "application/json", r#"{"error":"no ollama model"}"#));
    let mut command = ask(&server, &["-n", "hi"]);
    run(command.env("GRAVIXLAYER_API_KEY", "ollama"))
        .exits(69)
        .says(&["no ollama model; list the models with gravix models --base-url"]);
}

#[test]
fn the_words_of_gravix_are_the_same_whatever_the_key_is() {
    let json = |status: &str, body: &str| answer(status, "application/json", body);
    for key in ["GRAVIXLAYER_API_KEY", "connection", "the server", "--base-url", "127.0.0.1"] {
        for (script, message) in [
            (
                json("401 No", r#"{"error":"bad"}"#),
                "answered 401: bad; check the key in GRAVIXLAYER_API_KEY",
            ),
            (json("404 No", r#"{"error":"no model"}"#), "with gravix models --base-url BASE_URL\n"),
            (answer("200 OK", "text/html", "<html>"), "check the base URL BASE_URL\n"),
            (vec![], "the server closed the connection without a response"),
        ] {
            let server = Server::once(script);
            let message = message.replace("BASE_URL", &server.base_url());
            let mut command = ask(&server, &["-n", "--retries", "0", "hi"]);
            let run = run(command.env("GRAVIXLAYER_API_KEY", key)).prints("");
            assert!(run.stderr.contains(&message), "{key}: {}", run.stderr);
        }
    }
}

#[test]
fn a_key_that_the_model_repeats_is_masked_on_stderr() {
    let server = Server::once(whole_reply(r#"{"a":"sesame42"}"#));
    let schema = r#"{"properties":{"a":{"enum":["b"]}},"required":["sesame42x"]}"#;
    let mut command = ask(&server, &["-n", "--schema", schema, "hi"]);
    let run = run(command.env("GRAVIXLAYER_API_KEY", KEY)).exits(65).prints("");
    assert!(!run.stderr.contains(KEY) && run.stderr.contains("(redacted)"), "{}", run.stderr);
}

#[test]
fn a_key_is_masked_in_what_takes_the_place_of_a_reply() {
    let abort = completion_ended("ok", "abort").replace("\"ok\"", &format!("\"{KEY}\""));
    let reasoning =
        format!(r#"{{"choices":[{{"message":{{"reasoning":"{KEY}","content":"a"}}}}]}}"#);
    for (body, status, word) in [
        (token("a") + "the key sesame42 is wrong\n\ndata: [DONE]\n\n", 75, "is wrong"),
        ("data: {\"message\":\"no sesame42\"}\n\ndata: [DONE]\n\n".to_owned(), 76, "no "),
        (abort, 75, "abort"),
        (reasoning, 0, "(redacted)"),
    ] {
        let server = Server::once(answer("200 OK", "text/event-stream", body));
        let mut command = ask(&server, &["-n", "--reasoning", "stderr", "hi"]);
        let run = run(command.env("GRAVIXLAYER_API_KEY", KEY)).exits(status);
        assert!(run.stderr.contains(word) && !run.stderr.contains(KEY), "{}", run.stderr);
    }
}

#[test]
fn a_key_in_a_finish_reason_is_masked() {
    let body = completion_ended("ok", KEY);
    let server = Server::once(answer("200 OK", "application/json", body));
    let mut command = ask(&server, &["-n", "-v", "hi"]);
    let run = run(command.env("GRAVIXLAYER_API_KEY", KEY)).exits(0).prints("ok\n");
    assert!(run.stderr.contains("(redacted)") && !run.stderr.contains(KEY), "{}", run.stderr);
}

#[test]
fn a_key_is_masked_however_the_server_escapes_it() {
    const KEY: &str = "sesame/42+x==";
    for escaped in [r"sesame\/42+x==", r"sesame/42\u002bx\u003D=", r"sesame\\\/42+x=="] {
        let body = format!(r#"{{"error":{{"message":"no","param":"{escaped}"}}}}"#);
        let service = Service::new(move |_, _| Reply::new("400 Bad Request", body.as_str()));
        let (_directory, file) = input(&[r#"{"prompt":"hi"}"#]);
        let mut command = batch(&service.base_url(), &["-H", &format!("X-Api-Key: {KEY}")]);
        let run = run(command.arg(file)).exits(69);
        let body = &by_id(&run.stdout)["1"]["response"]["body"];
        assert_eq!(body["error"]["param"], "(redacted)", "{escaped}");
    }
    let location = "Location: /login?key=sesame%2F42%2bx%3D%3D";
    let head = format!("HTTP/1.1 302 No\r\n{location}\r\nContent-Length: 0\r\n\r\n");
    let server = Server::once(vec![raw(head)]);
    run(ask(&server, &["hi"]).env("GRAVIXLAYER_API_KEY", KEY))
        .exits(76)
        .says(&["redirects to /login?key=(redacted), which"]);
}
