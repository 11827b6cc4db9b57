//! Responses that are cut, oversized or not HTTP.

use std::io::{Read, Write};

use crate::support::fault::{Fault, HEAD, of_length, until_closed};
use crate::support::server::{Step, answer, chunk, listen_on_loopback, raw, stream_head};
use crate::support::{completion, gravix, run_with, token};

#[test]
fn a_response_without_a_reply_is_an_error() {
    for fault in [
        Fault::new("closes before the status", vec![]).says(&["without a response"]),
        Fault::new("resets before the status", vec![Step::Reset]).says(&["without a response"]),
        Fault::new("closes in the status", vec![raw("HTTP/1.1 2")]).says(&["without a response"]),
        // A status line was received, so the request is not retried.
        Fault::new("closes in the headers", vec![raw(HEAD), raw("Content-")])
            .with(&["--retries", "2"])
            .says(&["before the reply"]),
        Fault::new("resets in the headers", vec![raw(HEAD), raw("Content-"), Step::Reset])
            .with(&["--retries", "2"])
            .says(&["before the reply"]),
        Fault::new("speaks no HTTP", vec![raw("SSH-2.0-OpenSSH_9.2\r\n\r\n"), Step::End])
            .exits(76)
            .says(&["HTTP"]),
        Fault::new("sends too many headers", {
            let header = format!("X: {}\r\n", "x".repeat(70_000));
            vec![raw(HEAD), raw(header), raw("\r\n"), Step::Stall]
        })
        .exits(76)
        .says(&["headers"]),
        Fault::new("encodes its reply", {
            let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n";
            vec![raw(head), raw([0x1f, 0x8b]), Step::End]
        })
        .exits(76)
        .says(&["gzip"]),
        Fault::new("sends a body that is not HTTP", {
            vec![stream_head(), chunk(token("a")), raw("nonsense\r\n"), Step::End]
        })
        .exits(76)
        .says(&["HTTP"]),
        Fault::new("sends JSON that is no chunk", vec![stream_head(), chunk("data: \"x\"\n\n")])
            .exits(76)
            .says(&["expected an object"]),
        Fault::new("sends a status alone", vec![raw("HTTP/1.1 204 No Content\r\n\r\n"), Step::End])
            .exits(76)
            .says(&["204 No Content, with an empty body"]),
    ] {
        fault.check();
    }
}

#[test]
fn a_reply_that_breaks_off_is_never_a_success() {
    let whole = completion("abc");
    let (half, _) = whole.split_at(whole.len() / 2);
    let cut: &[&str] = &["before the reply was complete"];
    for name in ["closed", "dropped", "reset"] {
        let end = || match name {
            "closed" => vec![Step::End],
            "dropped" => vec![],
            _ => vec![Step::Reset],
        };
        let script = |mut steps: Vec<Step>| {
            steps.extend(end());
            steps
        };
        for body in ["", half] {
            let told: &[&str] = match (body, name) {
                ("", "closed") => &["answered with an empty body"],
                // A reset shows as the end or as an error.
                ("", _) => &[],
                _ => cut,
            };
            Fault::new(name, script(vec![until_closed(), raw(body)])).says(told).check();
            Fault::new(name, script(vec![of_length(whole.len()), raw(body)])).says(cut).check();
            if !body.is_empty() {
                Fault::new(name, script(vec![stream_head(), chunk(body)])).says(cut).check();
            }
        }
        Fault::new(name, script(vec![stream_head()])).says(cut).check();
        // The connection ends inside a chunk.
        Fault::new(name, script(vec![stream_head(), raw("ff\r\ndata: {")])).says(cut).check();
        for head in [stream_head, until_closed, || of_length(5000)] {
            let token = token("a");
            let is_chunked =
                matches!(head(), Step::Raw(bytes) if bytes.ends_with(b"chunked\r\n\r\n"));
            let body = if is_chunked { chunk(token) } else { raw(token) };
            Fault::new(name, script(vec![head(), body])).says(cut).check();
        }
    }
    // Tokens that were printed do not make the run a success.
    Fault::new("closed", vec![until_closed(), raw(token("a")), Step::End])
        .stream()
        .exits(4)
        .prints("a\n")
        .says(cut)
        .check();
}

#[test]
fn oversized_bodies_are_errors_and_do_not_fill_the_memory() {
    let limits = |script: Vec<Step>, stdout: &'static str, status| {
        Fault::new("too much", script)
            .with(&["--retries", "0", "--stream"])
            .prints(stdout)
            .exits(status)
    };
    let mebibyte = "x".repeat(1 << 20);
    let endless = |first: &str| {
        let mut script = vec![until_closed(), raw(first)];
        script.extend((0..70).map(|_| raw(&mebibyte)));
        script
    };
    limits(endless("data: "), "", 76).says(&["64 MiB"]).check();
    limits(endless("{\"x\":\""), "", 76).says(&["64 MiB"]).check();
    limits(endless(&(token("a") + "data: ")), "a\n", 4).says(&["64 MiB"]).check();
    let error = answer("400 Bad Request", "text/plain", mebibyte.repeat(2));
    limits(error, "", 69).says(&["400: xxx", "xxx…"]).check();
}

#[test]
fn an_early_refusal_is_read_while_the_body_is_being_sent() {
    // The server answers before it has read the body.
    let (listener, port) = listen_on_loopback();
    let server = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a client connects");
        connection.read_exact(&mut [0; 1000]).expect("the headers arrive");
        let body = "{\"error\":{\"message\":\"too big\"}}";
        let head = format!("HTTP/1.1 413 Too Large\r\nContent-Length: {}\r\n\r\n", body.len());
        connection.write_all((head + body).as_bytes()).expect("the answer is sent");
        // A FIN without a reset, while the rest of the body is discarded.
        connection.shutdown(std::net::Shutdown::Write).expect("the socket is shut down");
        std::io::copy(&mut connection, &mut std::io::sink()).expect("the rest is read");
    });
    let mut command = gravix();
    command.args(["ask", "--base-url", &format!("http://127.0.0.1:{port}/v1")]);
    let prompt = vec![b'x'; 8 << 20];
    run_with(&mut command, &prompt).exits(69).prints("").says(&["413", "too big", "shorten"]);
    server.join().expect("the server does not panic");
}
