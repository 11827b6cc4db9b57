//! A faulty server, and what gravix must make of it.

use std::fs;
use std::time::{Duration, Instant};

use super::server::{Script, Server, Step, raw};
use super::{ask, run};

/// What a faulty server sends, and the result that is expected of gravix.
pub struct Fault {
    name: &'static str,
    scripts: Vec<Script>,
    arguments: &'static [&'static str],
    stdout: &'static str,
    stderr: &'static [&'static str],
    status: i32,
    requests: usize,
}

impl Fault {
    /// Expects one request, no output and exit status 75.
    pub fn new(name: &'static str, script: Script) -> Self {
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

    pub fn stream(self) -> Self {
        Self { arguments: &["--retries", "0", "--idle-timeout", "0.4", "--stream"], ..self }
    }

    pub fn with(self, arguments: &'static [&'static str]) -> Self {
        Self { arguments, ..self }
    }

    pub fn exits(self, status: i32) -> Self {
        Self { status, ..self }
    }

    pub fn prints(self, stdout: &'static str) -> Self {
        Self { stdout, ..self }
    }

    pub fn says(self, stderr: &'static [&'static str]) -> Self {
        Self { stderr, ..self }
    }

    #[track_caller]
    pub fn check(self) {
        let directory = tempfile::tempdir().expect("a temporary directory is created");
        let file = directory.path().join("chat.jsonl");
        let server = Server::new(self.scripts);
        let mut command = ask(&server, &[self.name, "--history"]);
        let began = Instant::now();
        let run =
            run(command.arg(&file).args(self.arguments)).exits(self.status).prints(self.stdout);
        // Far above every timeout in use, so that only a hang fails.
        assert!(began.elapsed() < Duration::from_secs(10), "{} took too long", self.name);
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

pub const HEAD: &str = "HTTP/1.1 200 OK\r\n";

/// The headers of a body that ends with the connection.
pub fn until_closed() -> Step {
    raw("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
}

/// The headers of a body of this length.
pub fn of_length(length: usize) -> Step {
    raw(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"))
}
