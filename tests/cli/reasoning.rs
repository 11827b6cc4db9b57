//! The model's reasoning: beside the text, and as thoughts at its beginning.

use serde_json::json;

use crate::support::batch_lines::input;
use crate::support::conversation::chat_file;
use crate::support::home::Home;
use crate::support::server::{Server, Step, answer, chunk, events, gate, stream_head, whole_reply};
use crate::support::service::{Reply, Service};
use crate::support::terminal::Terminal;
use crate::support::{DONE, ask, batch, finish, json_lines, run, start, token};

/// A chunk with reasoning in this field.
fn reasoning(field: &str, text: &str) -> String {
    let choice = json!({"index": 0, "delta": {field: text}, "finish_reason": null});
    format!("data: {}\n\n", json!({ "choices": [choice] }))
}

#[test]
fn reasoning_is_dropped_unless_stderr_is_asked_for() {
    for field in ["reasoning_content", "reasoning"] {
        let stream = || {
            events(&[reasoning(field, "It is "), reasoning(field, "7."), token("7"), DONE.into()])
        };
        for arguments in [&["--stream"][..], &["--stream", "--reasoning", "drop"], &[]] {
            let server = Server::once(stream());
            run(ask(&server, arguments).arg("hi")).exits(0).prints("7\n").says_nothing();
        }
        for arguments in [&["--stream"][..], &[], &["--json"]] {
            let server = Server::once(stream());
            let mut command = ask(&server, &["--reasoning", "stderr", "-q", "hi"]);
            let result = run(command.args(arguments)).exits(0);
            assert_eq!(result.stderr, "It is 7.\n");
        }
    }
}

#[test]
fn reasoning_is_printed_while_the_reply_is_awaited() {
    let (go_on, wait) = gate();
    let script = vec![
        stream_head(),
        chunk(reasoning("reasoning_content", "Hm.")),
        wait,
        chunk(token("7") + DONE),
        Step::LastChunk,
        Step::End,
    ];
    let server = Server::once(script);
    let mut child = start(&mut ask(&server, &["--stream", "--reasoning", "stderr", "hi"]));
    let mut first = [0; 3];
    let stderr = child.stderr.as_mut().expect("stderr is a pipe");
    std::io::Read::read_exact(stderr, &mut first).expect("the reasoning arrives");
    assert_eq!(&first, b"Hm.");
    go_on.send(()).expect("the server waits");
    let output = finish(child);
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"7\n"[..], &b"\n"[..]));
}

#[test]
fn thoughts_in_the_text_go_where_they_are_sent_and_are_not_saved() {
    let pieces = ["<thi", "nk>is it 7?</", "think>\n\n", "7", " it is"];
    let stream = || {
        let mut stream: Vec<String> = pieces.iter().map(|piece| token(piece)).collect();
        stream.push(DONE.to_owned());
        events(&stream)
    };
    for (arguments, stdout, stderr) in [
        (&["--stream"][..], "<think>is it 7?</think>\n\n7 it is\n", ""),
        (&["--stream", "--reasoning", "drop"], "7 it is\n", ""),
        (&["--stream", "--reasoning", "stderr"], "7 it is\n", "is it 7?\n"),
        (&["--reasoning", "drop"], "7 it is\n", ""),
        (&["--reasoning", "stderr"], "7 it is\n", "is it 7?\n"),
    ] {
        let (_directory, file) = chat_file();
        let server = Server::once(stream());
        let mut command = ask(&server, arguments);
        let result = run(command.arg("hi").arg("--history").arg(&file)).exits(0).prints(stdout);
        assert_eq!(result.stderr, stderr, "{arguments:?}");
        assert_eq!(json_lines(&file)[1]["content"].as_str(), stdout.strip_suffix('\n'));
    }
}

#[test]
fn thoughts_without_their_opening_tag_are_taken_off_a_reply_that_is_held() {
    let server = Server::once(whole_reply("is it 7?\n</think>\n\n7"));
    let result = run(&mut ask(&server, &["--reasoning", "stderr", "hi"])).exits(0).prints("7\n");
    assert_eq!(result.stderr, "is it 7?\n");
}

#[test]
fn a_reply_of_thoughts_alone_has_no_text() {
    let (_directory, file) = chat_file();
    for arguments in [
        &["--choose", "oak,elm"][..],
        &["-x"],
        &["--schema", "{}"],
        &["--json-object"],
        &["--reasoning", "drop"],
        &["--reasoning", "drop", "--stream"],
    ] {
        let server = Server::once(whole_reply("<think>oak\n\n```sh\nrm x\n```\n{}"));
        let mut command = ask(&server, arguments);
        run(command.arg("hi").arg("--history").arg(&file))
            .exits(3)
            .prints("")
            .says(&["no text after its thoughts"]);
        assert!(!file.exists() || json_lines(&file).is_empty());
    }
}

#[test]
fn json_that_mentions_the_tag_is_not_cut() {
    let body = r#"{"tag":"</think>"}"#;
    let server = Server::once(whole_reply(body));
    run(&mut ask(&server, &["--json-object", "hi"])).exits(0).prints(format!("{body}\n"));
    let code = "```py\nreply.split('</think>')\n```";
    let server = Server::once(whole_reply(code));
    run(&mut ask(&server, &["-x", "hi"])).exits(0).prints("reply.split('</think>')\n");
}

#[test]
fn the_response_keeps_the_thoughts() {
    let stream = events(&[token("<think>a</think>"), token("{}"), DONE.to_owned()]);
    let server = Server::once(stream);
    let arguments = ["--json", "--stream", "--json-object", "hi"];
    let response = run(&mut ask(&server, &arguments)).exits(0).stdout;
    let response: serde_json::Value = serde_json::from_slice(&response).expect("JSON");
    assert_eq!(response["choices"][0]["message"]["content"], "<think>a</think>{}");
}

#[test]
fn a_batch_checks_without_thoughts_and_prints_texts_without_them() {
    let reply = "<think>is it {}?</think>\n{\"n\":1}";
    let service = Service::new(move |_, _| Reply::text(reply));
    let (_directory, file) = input(&["a"]);
    for (arguments, stdout) in [
        (&["--json-object"][..], "{\\\"n\\\":1}\n"),
        (&["--reasoning", "drop"], "{\\\"n\\\":1}\n"),
        (&[], "<think>is it {}?</think>\\n{\\\"n\\\":1}\n"),
    ] {
        let mut command = batch(&service.base_url(), &["--lines", "--text", "-q"]);
        run(command.args(arguments).arg(&file)).exits(0).prints(stdout);
    }
    let typed = ["--lines", "--reasoning", "stderr"];
    run(batch(&service.base_url(), &typed).arg(&file)).exits(2).says(&["--reasoning drop"]);
    let home = Home::new("reasoning = \"stderr\"\n");
    let configured = ["batch", "--lines", "--text", "-q", "--base-url", &service.base_url()];
    run(home.gravix(&configured).arg(&file)).exits(0).prints("{\\\"n\\\":1}\n");
    let output = run(batch(&service.base_url(), &["--lines", "-q", "--json-object"]).arg(&file));
    assert!(String::from_utf8_lossy(&output.stdout).contains("<think>"));
}

#[test]
fn reasoning_is_dim_on_a_terminal() {
    for (term, expected) in [("xterm", "\x1b[2mHm.\x1b[0m\r\n"), ("dumb", "Hm.\r\n")] {
        let stream = [reasoning("reasoning_content", "Hm."), token("7"), DONE.to_owned()];
        let server = Server::once(events(&stream));
        let terminal = Terminal::open();
        let mut command = ask(&server, &["--stream", "--reasoning", "stderr", "hi"]);
        command.env("TERM", term).stderr(terminal.stream()).stdout(std::process::Stdio::piped());
        let output = command.spawn().expect("gravix starts").wait_with_output();
        drop(command);
        assert_eq!(output.expect("gravix ends").stdout, b"7\n");
        assert_eq!(terminal.read_to_end(), expected);
    }
}

#[test]
fn reasoning_cannot_harm_a_terminal_and_an_answer_may_lack_it() {
    let body = json!({"choices": [{"message": {"reasoning": "a\u{1b}[31m", "content": "7"}}]});
    let server = Server::once(answer("200 OK", "application/json", body.to_string()));
    let result = run(&mut ask(&server, &["--reasoning", "stderr", "hi"])).exits(0);
    assert_eq!(result.stderr, "a^[[31m\n");
    let server = Server::once(whole_reply("7"));
    run(&mut ask(&server, &["--reasoning", "stderr", "hi"])).exits(0).says_nothing();
}
