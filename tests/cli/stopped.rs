//! A process that is stopped and continued, as by Ctrl-Z, a freezer or a
//! suspended machine, loses nothing.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::support::batch_lines::{by_id, input, prompts};
use crate::support::certificates::Issuer;
use crate::support::held::Held;
use crate::support::server::{
    Script, Server, Step, chunk, full_listener, gate, listen_on_loopback, receive, stream_head,
    whole_reply,
};
use crate::support::service::Service;
use crate::support::{
    DONE, ask, batch, completion, finish, gravix, signal, skip, start, start_and_read_token, token,
};

/// The limits of every wait, in seconds.
const LIMITS: &[&str] =
    &["--idle-timeout", "1", "--connect-timeout", "1", "--retries", "0", "--allow-http"];

/// Longer than the limits.
const STOP: Duration = Duration::from_millis(1500);

/// gravix, stopped while it waits for a server, which goes on once `go_on` is
/// dropped.
struct Stopped {
    waits_for: &'static str,
    child: Child,
    go_on: Sender<()>,
    /// The exit status, and what stdout or stderr must contain.
    ends: (i32, &'static str),
    /// What the server needs until the end.
    _kept: Box<dyn std::any::Any>,
}

/// Stops every thread of `child`.
#[track_caller]
fn stop(child: &Child) {
    signal(child, Signal::SIGSTOP);
    let stopped = waitpid(Pid::from_raw(child.id().cast_signed()), Some(WaitPidFlag::WUNTRACED));
    assert!(matches!(stopped, Ok(WaitStatus::Stopped(..))), "{stopped:?}");
}

impl Stopped {
    fn new(
        waits_for: &'static str,
        child: Child,
        go_on: Sender<()>,
        kept: impl std::any::Any,
    ) -> Self {
        stop(&child);
        Self { waits_for, child, go_on, ends: (0, "whole"), _kept: Box::new(kept) }
    }

    fn let_the_server_go_on(&mut self) {
        self.go_on = channel().0;
    }

    fn ends(self, status: i32, says: &'static str) -> Self {
        Self { ends: (status, says), ..self }
    }
}

/// Waits for the answer to a request, after `arguments`.
fn answer(waits_for: &'static str, script: Script, arguments: &[&str]) -> Stopped {
    let (server, go_on) = Server::gated(script);
    let child = start(ask(&server, LIMITS).args(["hi"]).args(arguments));
    server.wait_for_request();
    Stopped::new(waits_for, child, go_on, server)
}

fn stream() -> Stopped {
    let (go_on, wait) = gate();
    let end = chunk(token("whole") + DONE);
    let script = vec![stream_head(), chunk(token("one")), wait, end, Step::LastChunk, Step::End];
    let server = Server::once(script);
    let child = start_and_read_token(ask(&server, LIMITS).args(["hi", "--stream"]));
    Stopped::new("the next token", child, go_on, server)
}

/// Waits for a connection to become ready, which `held` delays.
fn connection(waits_for: &'static str, command: &mut Command, held: (Held, Sender<()>)) -> Stopped {
    let child = start(command.args(LIMITS));
    held.0.wait_for_connection();
    Stopped::new(waits_for, child, held.1, ())
}

fn ask_at(url: &str) -> Command {
    let mut command = gravix();
    command.args(["ask", "hi", "--base-url", url]);
    command
}

fn tls() -> Stopped {
    let issuer = Issuer::new();
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let path = directory.path().join("issuer.pem");
    fs::write(&path, issuer.pem()).expect("the file is written");
    let body = completion("whole");
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let held = Held::before(issuer.serve("localhost", false, &answer));
    let mut command = ask_at(&format!("https://localhost:{}/v1", held.0.port));
    let stopped = connection("the TLS handshake", command.arg("--ca-cert").arg(&path), held);
    Stopped { _kept: Box::new(directory), ..stopped }
}

/// Answers a request with `whole`.
fn reply(client: &mut TcpStream) -> std::io::Result<()> {
    receive(client)?;
    let body = completion("whole");
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    client.write_all((head + &body).as_bytes())?;
    client.read(&mut [0]).map(drop)
}

/// A SOCKS5 proxy that is the server too.
fn proxy() -> u16 {
    let (listener, port) = listen_on_loopback();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            // gravix leaves the first connection if it connects again.
            thread::spawn(move || greet(&mut client).and_then(|()| reply(&mut client)));
        }
    });
    port
}

fn greet(client: &mut TcpStream) -> std::io::Result<()> {
    client.read_exact(&mut [0; 3])?;
    client.write_all(&[5, 0])?;
    // Up to the length of the name, the name h.test, and the port.
    client.read_exact(&mut [0; 5 + 6 + 2])?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
}

fn socks() -> Stopped {
    let held = Held::before(proxy());
    let mut command = ask_at("http://h.test/v1");
    command.env("http_proxy", format!("socks5h://127.0.0.1:{}", held.0.port));
    connection("the SOCKS proxy", &mut command, held)
}

/// Waits until the server takes more of the request than buffers can hold.
fn upload() -> Stopped {
    let server = Server::once(whole_reply("whole"));
    let (held, go_on) = Held::before(server.port);
    let mut prompt = tempfile::tempfile().expect("a temporary file is created");
    prompt.write_all(&vec![b'x'; 4 << 20]).expect("the file is written");
    std::io::Seek::rewind(&mut prompt).expect("the file is rewound");
    let mut command = gravix();
    command.args(["ask", "--base-url", &format!("http://127.0.0.1:{}/v1", held.port)]);
    let child = start(command.args(LIMITS).stdin(prompt));
    held.wait_for_connection();
    // The buffers fill up.
    thread::sleep(Duration::from_millis(100));
    Stopped::new("the upload", child, go_on, server)
}

fn workers() -> Stopped {
    let (service, go_on) = Service::gated();
    let (directory, file) = input(&prompts(20));
    let mut command = batch(&service.base_url(), &["--lines", "-j20"]);
    let child = start(command.args(LIMITS).arg(file));
    service.wait_for(20);
    Stopped::new("all workers of a batch", child, go_on, directory)
}

fn continue_all(stopped: &[Stopped]) {
    thread::sleep(STOP);
    for stopped in stopped {
        signal(&stopped.child, Signal::SIGCONT);
    }
}

#[track_caller]
fn check(stopped: Stopped) {
    let Stopped { waits_for, child, ends: (status, says), .. } = stopped;
    let output = finish(child);
    assert_eq!(output.status.code(), Some(status), "{waits_for}: {output:?}");
    if waits_for == "all workers of a batch" {
        let lines = by_id(&output.stdout);
        assert_eq!(lines.len(), 20);
        assert!(lines.values().all(|line| line["response"]["status_code"] == 200), "{lines:?}");
        return;
    }
    let text = if status == 0 { output.stdout } else { output.stderr };
    let text = String::from_utf8(text).expect("the output is UTF-8");
    assert!(text.contains(says), "{waits_for}: {text}");
}

/// Everything that gravix waits for once it is connected, or nearly so.
fn every_wait() -> Vec<Stopped> {
    let whole = answer("the answer", whole_reply("whole"), &[]);
    vec![whole, stream(), tls(), socks(), upload(), workers()]
}

#[test]
fn what_came_while_gravix_was_stopped_is_read() {
    let mut stopped = every_wait();
    let closed = answer("a closed connection", vec![Step::Reset], &[]);
    stopped.push(closed.ends(75, "closed the connection"));
    let deadline = answer("the deadline", whole_reply("whole"), &["--deadline", "1"]);
    stopped.push(deadline.ends(75, "the deadline of 1 s has passed"));
    stopped.iter_mut().for_each(Stopped::let_the_server_go_on);
    continue_all(&stopped);
    stopped.into_iter().for_each(check);
}

#[test]
fn stopped_time_is_not_the_servers_silence() {
    let mut stopped = every_wait();
    continue_all(&stopped);
    stopped.iter_mut().for_each(Stopped::let_the_server_go_on);
    stopped.into_iter().for_each(check);
}

/// Whether a connection to this port of loopback is being made.
fn is_connecting(table: &str, port: u16) -> bool {
    const SYN_SENT: &str = "02";
    let remote = format!("0100007F:{port:04X}");
    table.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(2);
        fields.next() == Some(&remote) && fields.next() == Some(SYN_SENT)
    })
}

#[test]
fn stopped_time_does_not_count_while_connecting() {
    const TABLE: &str = "/proc/net/tcp";
    if fs::metadata(TABLE).is_err() {
        return skip("there is no /proc/net/tcp");
    }
    let (listener, queue) = full_listener();
    let address = listener.local_addr().expect("the socket has an address");
    let mut command = ask_at(&format!("http://{address}/v1"));
    // Linux tries again after 1 s, and 2 or 3 s after it began.
    let child = start(command.args(["--retries", "0", "--connect-timeout", "1.6"]));
    while !is_connecting(&fs::read_to_string(TABLE).expect("it is readable"), address.port()) {
        thread::yield_now();
    }
    stop(&child);
    thread::sleep(Duration::from_millis(1700));
    signal(&child, Signal::SIGCONT);
    drop(queue);
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            thread::spawn(move || reply(&mut client));
        }
    });
    let output = finish(child);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(output.stdout, b"whole\n");
}
