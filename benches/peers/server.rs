//! A loopback server that answers from memory, in threads that are there
//! already: what is measured is the client. The URL's first part says what it
//! answers.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

/// How many tokens a stream has.
pub const TOKENS: usize = 1_000_000;

/// How many tokens a paced stream has: four seconds of them.
pub const PACED_TOKENS: usize = 2_000;

/// From one token of a paced stream to the next: 500 a second.
const PACE: Duration = Duration::from_millis(2);

/// Eight clients at once, and those before may not have closed yet.
const THREADS: usize = 16;

/// So many tokens differ; a stream repeats them.
const WORDS: usize = 1_000;

const STREAM_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
const DONE: &str = "data: [DONE]\n\n";

/// What the server answers.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// A short reply in one JSON object.
    Prompt,
    /// The same to each request of a connection.
    Kept,
    /// [`TOKENS`], each in an HTTP chunk of its own as servers send them.
    Stream,
    /// The same up to the end of the connection, without chunks.
    Unchunked,
    /// [`PACED_TOKENS`] in their time. The text of each is the time at which
    /// it left, in nanoseconds since [`Server::epoch`], and a newline.
    Paced,
}

impl Answer {
    const ALL: [Self; 5] = [Self::Prompt, Self::Kept, Self::Stream, Self::Unchunked, Self::Paced];

    fn path(self) -> &'static str {
        match self {
            Answer::Prompt => "/prompt",
            Answer::Kept => "/kept",
            Answer::Stream => "/stream",
            Answer::Unchunked => "/unchunked",
            Answer::Paced => "/paced",
        }
    }
}

/// Serves as long as the process lives.
pub struct Server {
    port: u16,
    pub epoch: Instant,
}

/// Answers, made before anybody waits for them.
struct Answers {
    epoch: Instant,
    prompt: Vec<u8>,
    /// [`WORDS`] events, with and without their chunks.
    chunks: Vec<u8>,
    events: Vec<u8>,
}

impl Server {
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let epoch = Instant::now();
        let answers = Arc::new(Answers::new(epoch));
        for _ in 0..THREADS {
            let (listener, answers) = (listener.try_clone()?, Arc::clone(&answers));
            thread::spawn(move || {
                // A client that fails is seen by its exit status.
                listener.incoming().flatten().for_each(|client| drop(answers.serve(client)));
            });
        }
        Ok(Self { port, epoch })
    }

    pub fn base_url(&self, answer: Answer) -> String {
        format!("http://127.0.0.1:{}{}", self.port, answer.path())
    }
}

impl Answers {
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
        let answer = Answer::ALL.into_iter().find(|answer| path.starts_with(answer.path()));
        match answer.ok_or(io::ErrorKind::NotFound)? {
            Answer::Prompt => connection.write_all(&self.prompt)?,
            Answer::Kept => loop {
                connection.write_all(&self.prompt)?;
                if receive(&connection)?.is_empty() {
                    return Ok(());
                }
            },
            Answer::Stream => {
                begin_chunks(&mut connection)?;
                repeat(&mut connection, &self.chunks)?;
                end_chunks(&mut connection)?;
            }
            Answer::Unchunked => {
                connection.write_all(STREAM_HEAD)?;
                connection.write_all(b"Connection: close\r\n\r\n")?;
                repeat(&mut connection, &self.events)?;
                return connection.write_all(stop().as_bytes());
            }
            Answer::Paced => {
                begin_chunks(&mut connection)?;
                self.pace(&mut connection)?;
                end_chunks(&mut connection)?;
            }
        }
        // The client closes when it has read all.
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

/// The bytes of text that a stream holds.
pub fn text_length() -> usize {
    (0..WORDS).map(|number| word(number).len()).sum::<usize>() * TOKENS / WORDS
}

/// A whole reply as one JSON object.
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

/// One token as vLLM sends it.
fn event(text: &str) -> String {
    let text = json!(text);
    format!(
        "data: {{\"id\":\"chatcmpl-0123456789abcdef0123456789abcdef\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,\"model\":\"llama3.1:8b-instruct-fp16\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{text}}},\"logprobs\":null,\"finish_reason\":null}}]}}\n\n"
    )
}

/// The end of a reply, and of the stream.
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

/// Reads a request, and gives its path.
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
