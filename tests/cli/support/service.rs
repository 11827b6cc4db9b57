//! A server that keeps its connections open and answers every request with the
//! result of a function.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::completion;
use super::server::{Request, listen_on_loopback, receive};

/// The answer of the service to one request.
pub struct Reply {
    status: &'static str,
    headers: Vec<String>,
    body: String,
    /// The connection is closed after the answer, without notice.
    closes: bool,
    /// No answer: the connection is closed after this time.
    hangs_up: Option<Duration>,
}

impl Reply {
    pub fn new(status: &'static str, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), closes: false, hangs_up: None }
    }

    /// A complete reply of the model.
    pub fn text(text: &str) -> Self {
        Self::new("200 OK", completion(text))
    }

    /// No answer: the connection is closed after this time.
    pub fn hang_up(after: Duration) -> Self {
        Self { hangs_up: Some(after), ..Self::new("", "") }
    }

    pub fn with(mut self, header: impl Into<String>) -> Self {
        self.headers.push(header.into());
        self
    }

    pub fn and_close(self) -> Self {
        Self { closes: true, ..self }
    }
}

/// A request as received.
#[derive(Debug, Clone)]
pub struct Seen {
    pub request: Request,
    pub at: Instant,
    /// The number of its connection, from 0.
    pub connection: usize,
}

impl Seen {
    /// The text of the last message.
    #[track_caller]
    pub fn prompt(&self) -> String {
        prompt(&self.request)
    }
}

/// The text of the last message of a request.
#[track_caller]
pub fn prompt(request: &Request) -> String {
    let body = request.json();
    let messages = body["messages"].as_array().expect("messages are an array");
    let content = &messages.last().expect("there is a message")["content"];
    content.as_str().expect("the content is text").to_owned()
}

/// Serves until the test ends.
pub struct Service {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Service {
    /// `answer` is given each request and its number, from 0.
    pub fn new(answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::at(listen_on_loopback().0, answer)
    }

    /// The same at a listener of the test's.
    pub fn at(
        listener: TcpListener,
        answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let port = listener.local_addr().expect("the socket has an address").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        thread::spawn(move || {
            for (number, connection) in listener.incoming().flatten().enumerate() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                // The test judges whether gravix closed too early.
                thread::spawn(move || drop(serve(connection, number, &log, &*answer)));
            }
        });
        Self { port, seen }
    }

    /// Answers each request with its own prompt.
    pub fn echo() -> Self {
        Self::new(|request, _| Reply::text(&prompt(request)))
    }

    /// Answers one request with its own prompt for each message of the sender,
    /// and all requests once the sender is dropped.
    pub fn gated() -> (Self, Sender<()>) {
        let (go_on, wait) = channel::<()>();
        let wait = Mutex::new(wait);
        let service = Self::new(move |request, _| {
            let _ = wait.lock().expect("no thread panicked").recv();
            Reply::text(&prompt(request))
        });
        (service, go_on)
    }

    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no thread panicked").clone()
    }

    /// The prompts received, sorted.
    pub fn prompts(&self) -> Vec<String> {
        let mut prompts: Vec<String> = self.seen().iter().map(Seen::prompt).collect();
        prompts.sort();
        prompts
    }

    /// Waits until `count` requests have arrived.
    pub fn wait_for(&self, count: usize) {
        while self.seen.lock().expect("no thread panicked").len() < count {
            thread::yield_now();
        }
    }
}

fn is_whole(request: &Request) -> bool {
    let is_get = request.head.first().is_some_and(|line| line.starts_with("GET "));
    let length = request.header("content-length").and_then(|length| length.parse().ok());
    length.or(is_get.then_some(0)) == Some(request.body.len())
}

fn serve(
    mut connection: TcpStream,
    number: usize,
    seen: &Mutex<Vec<Seen>>,
    answer: &dyn Fn(&Request, usize) -> Reply,
) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    loop {
        let request = receive(&mut connection)?;
        // A client that was killed may have sent only a part.
        if !is_whole(&request) {
            return Ok(());
        }
        let index = {
            let mut seen = seen.lock().expect("no thread panicked");
            let (request, at) = (request.clone(), Instant::now());
            seen.push(Seen { request, at, connection: number });
            seen.len() - 1
        };
        let Reply { status, headers, body, closes, hangs_up } = answer(&request, index);
        if let Some(after) = hangs_up {
            thread::sleep(after);
            return Ok(());
        }
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n");
        connection.write_all((head + &body).as_bytes())?;
        if closes {
            return Ok(());
        }
    }
}
