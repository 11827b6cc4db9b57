//! Timeouts and deadlines, wherever a connection stalls.

use std::time::{Duration, Instant};

use crate::support::fault::{Fault, HEAD, of_length, until_closed};
use crate::support::server::{Step, chunk, full_listener, listen_on_loopback, raw, stream_head};
use crate::support::{DONE, completion, gravix, run, run_with, token};

#[test]
fn the_idle_timeout_ends_every_kind_of_stall() {
    let silent: &[&str] = &["no data for 0.4 s", "--idle-timeout"];
    let half = token("x").split_off(10);
    for fault in [
        Fault::new("before the status", vec![Step::Stall]).says(silent),
        Fault::new("in the headers", vec![raw(HEAD), Step::Stall]).says(silent),
        Fault::new("dripping headers", vec![raw(HEAD), Step::Drip(b"X".to_vec())]).says(silent),
        Fault::new("before the body", vec![of_length(5), Step::Stall]).says(silent),
        Fault::new("in a plain body", vec![of_length(500), raw("{\"choices\""), Step::Stall])
            .says(silent),
        Fault::new("dripping a plain body", vec![of_length(5000), Step::Drip(b"x".to_vec())])
            .says(silent),
        Fault::new("dripping white space", vec![of_length(5000), Step::Drip(b"\n".to_vec())])
            .says(silent),
        Fault::new("in an error's body", {
            vec![raw("HTTP/1.1 400 Bad\r\nContent-Length: 9\r\n\r\n{"), Step::Stall]
        })
        .exits(69)
        .says(&["400"]),
        Fault::new("in a chunk", vec![stream_head(), raw("ff\r\nda"), Step::Stall])
            .stream()
            .says(silent),
        Fault::new("in a chunk's length", vec![stream_head(), raw("f"), Step::Stall])
            .stream()
            .says(silent),
        Fault::new("in an event", vec![stream_head(), chunk(half), Step::Stall])
            .stream()
            .says(silent),
        Fault::new(
            "dripping an event",
            vec![until_closed(), raw("data: "), Step::Drip(b"x".to_vec())],
        )
        .stream()
        .says(silent),
        Fault::new("with comments alone", vec![until_closed(), Step::Drip(b": ping\n\n".to_vec())])
            .stream()
            .says(silent),
        Fault::new("with events that have no data", {
            vec![until_closed(), Step::Drip(b"event: ping\n\n".to_vec())]
        })
        .stream()
        .says(silent),
        Fault::new("after a token", vec![stream_head(), chunk(token("a")), Step::Stall])
            .stream()
            .exits(4)
            .prints("a\n")
            .says(silent),
        Fault::new("with comments after a token", {
            vec![until_closed(), raw(token("a")), Step::Drip(b":\n\n".to_vec())]
        })
        .stream()
        .exits(4)
        .prints("a\n")
        .says(silent),
    ] {
        fault.check();
    }
}

#[test]
fn a_deadline_holds_wherever_the_server_stalls() {
    let arguments: &[&str] = &["--retries", "0", "--deadline", "1", "--stream"];
    let passed: &[&str] = &["the deadline of 1 s has passed"];
    for fault in [
        Fault::new("before the status", vec![Step::Stall]).says(passed),
        Fault::new("dripping headers", vec![raw(HEAD), Step::Drip(b"X".to_vec())]).says(passed),
        Fault::new("dripping comments", vec![until_closed(), Step::Drip(b":\n\n".to_vec())])
            .says(passed),
        Fault::new("dripping tokens", vec![until_closed(), Step::Drip(token("a").into_bytes())])
            .says(passed),
        Fault::new("after a token", vec![stream_head(), chunk(token("a")), Step::Stall])
            .exits(4)
            .prints("a\n")
            .says(passed),
    ] {
        fault.with(arguments).check();
    }
}

#[test]
fn events_with_data_keep_a_slow_reply_alive() {
    let role = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n";
    let mut script = vec![until_closed()];
    // Each pause is shorter than the limit of 2 s, their sum is longer.
    for _ in 0..4 {
        script.extend([raw(&role[..]), Step::Pause(Duration::from_millis(700))]);
    }
    script.extend([raw(token("a")), raw(DONE), Step::End]);
    let limit: &[&str] = &["--stream", "--idle-timeout", "2"];
    Fault::new("slow but alive", script).with(limit).exits(0).prints("a\n").check();
}

#[test]
fn response_headers_restart_the_idle_timeout() {
    // Each pause is shorter than the limit of 2 s, their sum is longer.
    let pause = || Step::Pause(Duration::from_millis(1200));
    let whole = completion("a");
    let script = vec![pause(), of_length(whole.len()), pause(), raw(&whole), Step::End];
    Fault::new("late", script).with(&["--idle-timeout", "2"]).exits(0).prints("a\n").check();
}

#[test]
fn a_server_that_does_not_read_times_out() {
    // More than the buffers of both sockets can hold.
    let prompt = vec![b'x'; 16 << 20];
    for (option, reason) in
        [("--idle-timeout", "no data for 2 s"), ("--deadline", "deadline of 2 s")]
    {
        // Connections wait in the queue of the listener and are never read.
        let (_listener, port) = listen_on_loopback();
        let url = format!("http://127.0.0.1:{port}/v1");
        let mut command = gravix();
        command.args(["ask", "--retries", "0", "--base-url", &url, option, "2"]);
        let began = Instant::now();
        run_with(&mut command, &prompt).exits(75).prints("").says(&[reason]);
        assert!(began.elapsed() < Duration::from_secs(10), "{option} took too long");
    }
}

#[test]
fn a_connection_that_is_never_accepted_times_out() {
    let (listener, _queue) = full_listener();
    let address = listener.local_addr().expect("the socket has an address");
    let url = format!("http://{address}/v1");
    for (limit, parts) in [
        (["--connect-timeout", "0.3"], ["cannot connect within 0.3 s", "--connect-timeout"]),
        (["--deadline", "0.3"], ["the deadline of 0.3 s", "passed"]),
    ] {
        let mut command = gravix();
        command.args(["ask", "hi", "--retries", "0", "--base-url", &url]).args(limit);
        run(&mut command).exits(75).prints("").says(&parts);
    }
}

#[test]
fn a_short_time_to_connect_holds_with_a_proxy_too() {
    // It accepts connections and says nothing.
    let (_proxy, port) = listen_on_loopback();
    let mut command = gravix();
    command.args(["ask", "-n", "hi", "--retries", "0", "--base-url", "http://10.0.0.1/v1"]);
    command.args(["--connect-timeout", "0.002"]);
    command.env("http_proxy", format!("socks5://127.0.0.1:{port}"));
    run(&mut command).exits(75).prints("").says(&["cannot connect within 0.002 s"]);
}

#[test]
fn timeouts_must_be_positive_numbers() {
    for option in ["--connect-timeout", "--idle-timeout", "--deadline"] {
        let mut command = gravix();
        command.args(["ask", "hi", "--base-url", "mock:", option, "1e19"]);
        run(&mut command).exits(0).prints("hi\n").says_nothing();
        for value in ["0", "-1", "NaN", "inf", "1e400", "x", ""] {
            let mut command = gravix();
            command.args(["ask", "hi", "--base-url", "mock:", &format!("{option}={value}")]);
            run(&mut command).exits(2).prints("").says(&[option]);
        }
    }
}
