use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, getsockname, listen, socket,
};

use crate::support::server::{Script, Server, Step, answer, chunk, events, raw, stream_head};
use crate::support::{DONE, ask, completion, gravix, run, token};

/// One fault: what a server does, and what gravix makes of it.
struct Fault {
    name: &'static str,
    scripts: Vec<Script>,
    arguments: &'static [&'static str],
    stdout: &'static str,
    stderr: &'static [&'static str],
    status: i32,
    requests: usize,
}

impl Fault {
    /// A fault that is met once, with nothing printed and status 75.
    fn new(name: &'static str, script: Script) -> Self {
        Self {
            name,
            scripts: vec![script],
            arguments: &["--retries", "0", "--idle-timeout", "0.4"],
            stdout: "",
            stderr: &[],
            status: 75,
            requests: 1,
        }
    }

    fn stream(self) -> Self {
        Self { arguments: &["--retries", "0", "--idle-timeout", "0.4", "--stream"], ..self }
    }

    fn with(self, arguments: &'static [&'static str]) -> Self {
        Self { arguments, ..self }
    }

    fn exits(self, status: i32) -> Self {
        Self { status, ..self }
    }

    fn prints(self, stdout: &'static str) -> Self {
        Self { stdout, ..self }
    }

    fn says(self, stderr: &'static [&'static str]) -> Self {
        Self { stderr, ..self }
    }

    #[track_caller]
    fn check(self) {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("chat.jsonl");
        let server = Server::new(self.scripts);
        let mut command = ask(&server, &[self.name, "--history"]);
        let began = Instant::now();
        let run =
            run(command.arg(&file).args(self.arguments)).exits(self.status).prints(self.stdout);
        // Ten times what a stalled server is given: a hang, not a slow machine.
        assert!(began.elapsed() < Duration::from_secs(10), "{} took its time", self.name);
        if self.status == 0 {
            run.says_nothing();
        } else {
            run.says(self.stderr);
        }
        assert_eq!(server.requests().len(), self.requests, "{}", self.name);
        let saved = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(saved.is_empty(), self.status != 0, "{}: {saved}", self.name);
    }
}

const HEAD: &str = "HTTP/1.1 200 OK\r\n";

/// The head of a body that ends with the connection.
fn until_closed() -> Step {
    raw("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
}

/// The head of a body of this length.
fn of_length(length: usize) -> Step {
    raw(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"))
}

#[test]
fn a_server_that_says_nothing_useful_is_an_error() {
    for fault in [
        Fault::new("closes before the status", vec![]).says(&["without an answer"]),
        Fault::new("resets before the status", vec![Step::Reset]).says(&["without an answer"]),
        Fault::new("closes in the status", vec![raw("HTTP/1.1 2")]).says(&["without an answer"]),
        // A status was seen, so that nothing is asked twice.
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
        Fault::new("sends a status alone", vec![raw("HTTP/1.1 204 No Content\r\n\r\n"), Step::End])
            .says(&["before the reply"]),
    ] {
        fault.check();
    }
}

#[test]
fn a_server_that_stalls_is_left_when_the_user_says_so() {
    let silent: &[&str] = &["silent for 0.4 s", "--idle-timeout"];
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
    // No pause is as long as the limit of 2 s; all of them are longer.
    for _ in 0..4 {
        script.extend([raw(&role[..]), Step::Pause(Duration::from_millis(700))]);
    }
    script.extend([raw(token("a")), raw(DONE), Step::End]);
    let limit: &[&str] = &["--stream", "--idle-timeout", "2"];
    Fault::new("slow but alive", script).with(limit).exits(0).prints("a\n").check();
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
            Fault::new(name, script(vec![until_closed(), raw(body)])).says(cut).check();
            Fault::new(name, script(vec![of_length(whole.len()), raw(body)])).says(cut).check();
            if !body.is_empty() {
                Fault::new(name, script(vec![stream_head(), chunk(body)])).says(cut).check();
            }
        }
        Fault::new(name, script(vec![stream_head()])).says(cut).check();
        // A chunk that ends in its middle.
        Fault::new(name, script(vec![stream_head(), raw("ff\r\ndata: {")])).says(cut).check();
        for head in [stream_head, until_closed, || of_length(5000)] {
            let token = token("a");
            let is_chunked =
                matches!(head(), Step::Raw(bytes) if bytes.ends_with(b"chunked\r\n\r\n"));
            let body = if is_chunked { chunk(token) } else { raw(token) };
            Fault::new(name, script(vec![head(), body])).says(cut).check();
        }
    }
    // What was printed stays printed, and is not called a success.
    Fault::new("closed", vec![until_closed(), raw(token("a")), Step::End])
        .stream()
        .exits(4)
        .prints("a\n")
        .says(cut)
        .check();
}

#[test]
fn unusual_but_whole_replies_are_understood() {
    let body = token("a") + DONE;
    let length = format!("{:x}", body.len());
    for fault in [
        Fault::new("1xx first", {
            let mut script = vec![raw("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")];
            script.extend(events(&[&body]));
            script
        }),
        Fault::new("HTTP/1.0", vec![raw("HTTP/1.0 200 OK\r\n\r\n"), raw(&body), Step::End]),
        Fault::new("chunk extensions and trailers", {
            let framed = format!("{length};x=y\r\n{body}\r\n0\r\nTrailer: x\r\n\r\n");
            vec![stream_head(), raw(framed), Step::End]
        }),
        Fault::new("no last chunk after DONE", vec![stream_head(), chunk(&body)]),
        Fault::new("reset after DONE", vec![stream_head(), chunk(&body), Step::Reset]),
        Fault::new("no final CRLF", {
            vec![stream_head(), raw(format!("{length}\r\n{body}\r\n0\r\n")), Step::End]
        }),
        Fault::new("a finish reason, then silence", {
            let done = DONE.split_inclusive("\n\n").next().expect("the finish reason");
            vec![stream_head(), chunk(token("a")), chunk(done), Step::Stall]
        }),
        Fault::new("a finish reason, then garbage", {
            let done = DONE.split_inclusive("\n\n").next().expect("the finish reason");
            vec![stream_head(), chunk(token("a") + done + "data: {nope\n\n"), Step::Stall]
        }),
    ] {
        fault.stream().exits(0).prints("a\n").check();
    }
}

#[test]
fn a_whole_json_reply_counts_though_its_framing_is_missing() {
    let whole = completion("a");
    let longer = || of_length(whole.len() + 10);
    for script in [
        vec![stream_head(), chunk(&whole)],
        vec![stream_head(), chunk(&whole), Step::Reset],
        vec![longer(), raw(&whole)],
        vec![longer(), raw(&whole), Step::Stall],
    ] {
        Fault::new("whole", script).exits(0).prints("a\n").check();
    }
}

#[test]
fn odd_metadata_does_not_cost_a_reply() {
    for usage in ["{\"prompt_tokens\":5.5}", "{\"total_tokens\":\"7\"}", "[]", "\"x\"", "null"] {
        let body = completion("a").replacen('{', &format!("{{\"usage\":{usage},"), 1);
        let body = body.replace("\"chat.completion\"", "1");
        let script = answer("200 OK", "application/json", body);
        Fault::new("odd metadata", script).exits(0).prints("a\n").check();
    }
}

#[test]
fn the_head_of_an_answer_is_a_sign_of_life() {
    // Neither pause is as long as the limit of 2 s; both are longer.
    let pause = || Step::Pause(Duration::from_millis(1200));
    let whole = completion("a");
    let script = vec![pause(), of_length(whole.len()), pause(), raw(&whole), Step::End];
    Fault::new("late", script).with(&["--idle-timeout", "2"]).exits(0).prints("a\n").check();
}

#[test]
fn a_server_that_does_not_read_is_left_in_time() {
    // More than the sockets hold between them.
    let prompt = vec![b'x'; 16 << 20];
    for (option, told) in [("--idle-timeout", "silent for 2 s"), ("--deadline", "deadline of 2 s")]
    {
        // Connections stand in the listener's queue, and nobody reads.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
        let port = listener.local_addr().expect("an address").port();
        let url = format!("http://127.0.0.1:{port}/v1");
        let mut command = gravix();
        command.args(["ask", "--retries", "0", "--base-url", &url, option, "2"]);
        let began = Instant::now();
        crate::support::run_with(&mut command, &prompt).exits(75).prints("").says(&[told]);
        assert!(began.elapsed() < Duration::from_secs(10), "{option} took its time");
    }
}

#[test]
fn bodies_over_the_limits_are_errors_and_do_not_fill_the_memory() {
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
fn odd_payloads_are_errors_or_replies_and_never_a_crash() {
    let deep = "[".repeat(200_000);
    let event = |data: &str| events(&[format!("data: {data}\n\n"), DONE.to_owned()]);
    for (data, stdout, status) in [
        (format!("{{\"choices\":{deep}}}"), "", 76),
        (deep, "", 76),
        ("{\"choices\":[{\"index\":NaN}]}".to_owned(), "", 76),
        ("{\"choices\":[{\"delta\":{\"content\":\"\\ud83d\"}}]}".to_owned(), "\u{fffd}\n", 0),
        ("{\"choices\":[{\"delta\":{\"content\":\"\\u0000\"}}]}".to_owned(), "\0\n", 0),
        ("{\"choices\":[{\"delta\":{\"content\":5}}]}".to_owned(), "", 76),
    ] {
        Fault::new("odd", event(&data)).stream().prints(stdout).exits(status).check();
    }
}

#[test]
fn a_refusal_of_a_body_that_is_still_being_sent_is_read() {
    // The server answers before it has read: gravix meets a closed socket.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
    let port = listener.local_addr().expect("an address").port();
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut connection, _) = listener.accept().expect("a connection");
        connection.read_exact(&mut [0; 1000]).expect("the head");
        let body = "{\"error\":{\"message\":\"too big\"}}";
        let head = format!("HTTP/1.1 413 Too Large\r\nContent-Length: {}\r\n\r\n", body.len());
        connection.write_all((head + body).as_bytes()).expect("the answer");
        // A FIN, then nothing: what comes is neither read nor reset.
        connection.shutdown(std::net::Shutdown::Write).expect("a shutdown");
        std::io::copy(&mut connection, &mut std::io::sink()).expect("the rest");
    });
    let mut command = gravix();
    command.args(["ask", "--base-url", &format!("http://127.0.0.1:{port}/v1")]);
    let prompt = vec![b'x'; 8 << 20];
    crate::support::run_with(&mut command, &prompt)
        .exits(69)
        .prints("")
        .says(&["413", "too big", "shorten"]);
    server.join().expect("the server does not panic");
}

#[test]
fn a_connection_that_does_not_come_about_is_given_up() {
    // A listener with a full queue, which drops what else comes.
    let full =
        socket(AddressFamily::Inet, SockType::Stream, SockFlag::empty(), None).expect("a socket");
    bind(full.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).expect("a loopback port");
    listen(&full, Backlog::new(0).expect("a backlog")).expect("a listener");
    let address: SockaddrIn = getsockname(full.as_raw_fd()).expect("an address");
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
    let mut queue = Vec::new();
    while let Ok(waiting) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        queue.push(waiting);
    }
    let url = format!("http://{address}/v1");
    for (limit, parts) in [
        (["--connect-timeout", "0.3"], ["no connection within 0.3 s", "--connect-timeout"]),
        (["--deadline", "0.3"], ["the deadline of 0.3 s", "passed"]),
    ] {
        let mut command = gravix();
        command.args(["ask", "hi", "--retries", "0", "--base-url", &url]).args(limit);
        run(&mut command).exits(75).prints("").says(&parts);
    }
}

#[test]
fn redirects_are_named_and_not_followed() {
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let elsewhere = Server::new(vec![]);
        let location = format!("{}/chat/completions", elsewhere.base_url());
        let head =
            format!("HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        let server = Server::once(vec![raw(head), Step::End]);
        let mut command = ask(&server, &["hi"]);
        run(command.env("GRAVIXLAYER_API_KEY", "k")).exits(76).prints("").says(&[&location]);
        assert!(elsewhere.requests().is_empty());
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn headers_of_the_users_are_sent_and_those_of_gravix_kept() {
    let server = Server::once(answer("200 OK", "application/json", completion("ok")));
    let headers = ["-H", "X-Title: a b", "-H", "accept: x/y", "--header", "Empty:"];
    let mut command = ask(&server, &["hi"]);
    run(command.args(headers).env("GRAVIXLAYER_API_KEY", "k")).exits(0);
    let request = server.request();
    assert_eq!(request.header("x-title"), Some("a b"));
    assert_eq!(request.header("accept"), Some("x/y"));
    assert_eq!(request.header("empty"), Some(""));
    assert_eq!(request.header("authorization"), Some("Bearer k"));
    for header in
        ["Authorization: Bearer x", "content-length: 5", "no colon", ": x", "a b: c", "a: \u{7}"]
    {
        run(&mut ask(&server, &["hi", "-H", header])).exits(2).prints("").says(&[]);
    }
    run(&mut ask(&server, &["hi", "-H", "authorization: x"]))
        .exits(2)
        .says(&["GRAVIXLAYER_API_KEY"]);
}

#[test]
fn limits_must_be_positive_numbers() {
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
