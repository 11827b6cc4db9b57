//! A loopback server that answers from memory in threads started beforehand, so
//! that the client is what is measured. The first part of the URL's path selects
//! the response.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::json;

/// The number of tokens in a stream.
pub const TOKENS: usize = 1_000_000;

/// The number of tokens in a paced stream, which takes four seconds.
pub const PACED_TOKENS: usize = 2_000;

/// The time between the tokens of a paced stream: 500 per second.
const PACE: Duration = Duration::from_millis(2);

/// Enough for eight clients at once while earlier connections still close.
const THREADS: usize = 16;

/// Files that this process has open besides the connections of a server.
const OTHER_FILES: u64 = 100;

/// The number of different tokens, which a stream repeats.
const WORDS: usize = 1_000;

const STREAM_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
const DONE: &str = "data: [DONE]\n\n";

/// A path of the server, named after its response.
#[derive(Debug, Clone, Copy)]
pub enum Route {
    /// A short reply in one JSON object.
    Prompt,
    /// The same reply to each request of a kept connection.
    Kept,
    /// A stream of [`TOKENS`], one HTTP chunk each, as servers send them.
    Stream,
    /// The same stream without HTTP chunks, ended by closing the connection.
    Unchunked,
    /// A stream of [`PACED_TOKENS`], one every [`PACE`]. The text of each is its
    /// sending time in nanoseconds since [`BenchServer::epoch`], and a newline.
    Paced,
}

impl Route {
    const ALL: [Self; 5] = [Self::Prompt, Self::Kept, Self::Stream, Self::Unchunked, Self::Paced];

    fn path(self) -> &'static str {
        match self {
            Route::Prompt => "/prompt",
            Route::Kept => "/kept",
            Route::Stream => "/stream",
            Route::Unchunked => "/unchunked",
            Route::Paced => "/paced",
        }
    }
}

/// A server that runs until the process ends.
pub struct BenchServer {
    port: u16,
    pub epoch: Instant,
}

/// The responses, prepared before they are measured.
struct Responses {
    epoch: Instant,
    prompt: Vec<u8>,
    /// [`WORDS`] events, one HTTP chunk each.
    chunks: Vec<u8>,
    /// The same events without HTTP chunks.
    events: Vec<u8>,
}

impl BenchServer {
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let epoch = Instant::now();
        let responses = Arc::new(Responses::new(epoch));
        for _ in 0..THREADS {
            let (listener, responses) = (listener.try_clone()?, Arc::clone(&responses));
            thread::spawn(move || {
                // A failure of the client shows in its exit status.
                listener.incoming().flatten().for_each(|client| drop(responses.serve(client)));
            });
        }
        Ok(Self { port, epoch })
    }

    pub fn base_url(&self, route: Route) -> String {
        format!("http://127.0.0.1:{}{}", self.port, route.path())
    }
}

/// Starts a server that answers `count` requests, each on a connection of its own,
/// once all of them have arrived. Returns its base URL.
pub fn answer_together(count: usize) -> Result<String> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let needed = count as u64 + OTHER_FILES;
    if soft < needed {
        setrlimit(Resource::RLIMIT_NOFILE, needed, hard)?;
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        let response = Responses::new(Instant::now()).prompt;
        let arrived = |client: TcpStream| receive(&client).is_ok().then_some(client);
        let clients: Vec<_> =
            listener.incoming().flatten().filter_map(arrived).take(count).collect();
        // A failure of the client shows in its exit status.
        clients.into_iter().for_each(|mut client| drop(client.write_all(&response)));
    });
    Ok(format!("http://127.0.0.1:{port}"))
}

impl Responses {
    fn new(epoch: Instant) -> Self {
        let body = completion();
        let length = body.len();
        let prompt = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let events: Vec<_> = (0..WORDS).map(|number| event(&word(number))).collect();
        Self {
            epoch,
            prompt: prompt.into_bytes(),
            chunks: events.iter().flat_map(|event| chunk(event)).collect(),
            events: events.concat().into_bytes(),
        }
    }

    fn serve(&self, mut connection: TcpStream) -> io::Result<()> {
        connection.set_nodelay(true)?;
        let path = receive(&connection)?;
        let route = Route::ALL.into_iter().find(|route| path.starts_with(route.path()));
        match route.ok_or(io::ErrorKind::NotFound)? {
            Route::Prompt => connection.write_all(&self.prompt)?,
            Route::Kept => loop {
                connection.write_all(&self.prompt)?;
                if receive(&connection)?.is_empty() {
                    return Ok(());
                }
            },
            Route::Stream => {
                begin_chunks(&mut connection)?;
                repeat(&mut connection, &self.chunks)?;
                end_chunks(&mut connection)?;
            }
            Route::Unchunked => {
                connection.write_all(STREAM_HEAD)?;
                connection.write_all(b"Connection: close\r\n\r\n")?;
                repeat(&mut connection, &self.events)?;
                return connection.write_all(stop().as_bytes());
            }
            Route::Paced => {
                begin_chunks(&mut connection)?;
                self.pace(&mut connection)?;
                end_chunks(&mut connection)?;
            }
        }
        // The client closes the connection after the response.
        io::copy(&mut connection, &mut io::sink()).map(drop)
    }

    fn pace(&self, connection: &mut TcpStream) -> io::Result<()> {
        let mut next = Instant::now();
        for _ in 0..PACED_TOKENS {
            next += PACE;
            thread::sleep(next.saturating_duration_since(Instant::now()));
            let now = self.epoch.elapsed().as_nanos();
            connection.write_all(&chunk(&event(&format!("{now}\n"))))?;
        }
        Ok(())
    }
}

/// The length in bytes of a stream's text.
pub fn text_length() -> usize {
    (0..WORDS).map(|number| word(number).len()).sum::<usize>() * TOKENS / WORDS
}

/// A complete reply as one JSON object.
pub fn completion() -> String {
    let message = json!({"role": "assistant", "content": "Hello! How can I help you today?"});
    let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
    json!({
        "id": "chatcmpl-0123456789abcdef0123456789abcdef",
        "object": "chat.completion",
        "created": 1_764_000_000,
        "model": "llama3.1:8b-instruct-fp16",
        "choices": [choice],
        "usage": {"prompt_tokens": 11, "completion_tokens": 9, "total_tokens": 20},
    })
    .to_string()
}

fn word(number: usize) -> String {
    format!(" t{number:03}")
}

/// A token as vLLM sends it.
fn event(text: &str) -> String {
    let text = json!(text);
    format!(
        "data: {{\"id\":\"chatcmpl-0123456789abcdef0123456789abcdef\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,\"model\":\"llama3.1:8b-instruct-fp16\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{text}}},\"logprobs\":null,\"finish_reason\":null}}]}}\n\n"
    )
}

/// The finish reason and `[DONE]`.
fn stop() -> String {
    let last = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    format!("data: {last}\n\n{DONE}")
}

fn chunk(bytes: &str) -> Vec<u8> {
    format!("{:x}\r\n{bytes}\r\n", bytes.len()).into_bytes()
}

fn begin_chunks(connection: &mut TcpStream) -> io::Result<()> {
    connection.write_all(&[STREAM_HEAD, b"Transfer-Encoding: chunked\r\n\r\n"].concat())
}

fn end_chunks(connection: &mut TcpStream) -> io::Result<()> {
    connection.write_all(&[chunk(&stop()), b"0\r\n\r\n".to_vec()].concat())
}

fn repeat(connection: &mut TcpStream, block: &[u8]) -> io::Result<()> {
    (0..TOKENS / WORDS).try_for_each(|_| connection.write_all(block))
}

/// Reads a request and returns its path. Empty if the connection was closed.
fn receive(connection: &TcpStream) -> io::Result<String> {
    let mut reader = BufReader::with_capacity(64 << 10, connection);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    while !line.trim_end().is_empty() {
        line.clear();
        reader.read_line(&mut line)?;
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    io::copy(&mut reader.take(length), &mut io::sink())?;
    Ok(path)
}
