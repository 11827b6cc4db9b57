//! The mock server behind `mock:`: a small chat-completions server on loopback
//! that replies with the last user message, or with one of the words that the
//! schema allows.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Value, json};

use crate::error::{Error, Reason};
use crate::json;
use crate::net::base_url::HttpUrl;
use crate::signals::DeferSignals;

/// The pause between words, so that a stream looks like one.
const WORD_INTERVAL: Duration = Duration::from_millis(40);

const MODEL: &str = "mock";

/// A running mock server. Its threads run until the process ends.
#[derive(Debug)]
pub struct MockServer {
    address: SocketAddr,
    /// The number of the error for which the last request was refused, or 0.
    refusal: Arc<AtomicI32>,
}

impl MockServer {
    /// Listens on an ephemeral port.
    ///
    /// # Errors
    /// Fails if no loopback port can be bound or no thread can be started.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let spare = listener.try_clone()?;
        let refusal = Arc::new(AtomicI32::new(0));
        let told = Arc::clone(&refusal);
        // The new threads inherit the mask, so the main thread gets the signals.
        let _deferred = DeferSignals::until_drop();
        thread::Builder::new().spawn(move || accept_all(&listener, spare, &told))?;
        Ok(Self { address, refusal })
    }

    /// Why the last request was refused, if `error` is what its client got.
    pub fn refusal(&self, error: &Error) -> Option<io::Error> {
        let is_refusal = matches!(error, Error::Server(server) if server.http_status == Some(503));
        is_refusal.then(|| io::Error::from_raw_os_error(self.refusal.load(Ordering::Acquire)))
    }

    pub fn base_url(&self) -> HttpUrl {
        HttpUrl::parse(&format!("http://{}/v1", self.address)).expect("an address is a host")
    }
}

/// Serves each connection in a thread. If there is no thread or no file for it, the
/// client is refused: `spare` is closed then, so that there is a file. `refusal`
/// gets the number of the error.
fn accept_all(listener: &TcpListener, spare: TcpListener, refusal: &AtomicI32) {
    let mut spare = Some(spare);
    let refuse = |connection: &TcpStream, reason: &io::Error| {
        refusal.store(reason.raw_os_error().unwrap_or_default(), Ordering::Release);
        refuse(connection, reason)
    };
    loop {
        // Errors of serving only mean that the client has disconnected.
        match listener.accept() {
            Ok((connection, _)) => {
                let connection = Arc::new(connection);
                let shared = Arc::clone(&connection);
                let started = thread::Builder::new().spawn(move || serve(&shared));
                let _ = started.map_or_else(|error| refuse(&connection, &error), |_| Ok(()));
            }
            // The client has disconnected already.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if spare.take().is_none() {
                    return;
                }
                let _ = listener.accept().and_then(|(connection, _)| refuse(&connection, &error));
                spare = listener.try_clone().ok();
            }
        }
    }
}

/// Answers one request with the reason why it is not served.
fn refuse(connection: &TcpStream, reason: &io::Error) -> io::Result<()> {
    let mut reader = BufReader::new(connection);
    reader.skip_until(b'\n')?;
    let length = read_headers(&mut reader)?;
    io::copy(&mut reader.take(length), &mut io::sink())?;
    let message = format!("it has no thread or file left: {}", Reason(reason));
    respond(connection, "503 Service Unavailable", &json!({"error": {"message": message}}))
}

/// The fields of a request that the mock server uses.
#[derive(Debug)]
struct MockRequest {
    messages: Vec<MockMessage>,
    is_stream: bool,
    has_usage: bool,
    response_format: Value,
}

#[derive(Debug)]
struct MockMessage {
    is_user: bool,
    content: Value,
}

impl MockRequest {
    /// Fails with the reason if the body is not JSON.
    fn parse(body: &[u8]) -> Result<Self, String> {
        let body = str::from_utf8(body).map_err(|error| error.to_string())?;
        let body = json::parse(body).map_err(|error| error.to_string())?;
        let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
        let message = |message: &Value| MockMessage {
            is_user: message["role"] == "user",
            content: message["content"].clone(),
        };
        Ok(Self {
            messages: messages.iter().map(message).collect(),
            is_stream: body["stream"] == true,
            has_usage: body["stream_options"]["include_usage"] == true,
            response_format: body["response_format"].clone(),
        })
    }

    fn reply(&self) -> String {
        let last = self.messages.iter().rev().find(|message| message.is_user);
        let prompt = last.map(MockMessage::text).unwrap_or_default();
        match self.choice(&prompt) {
            Some(word) => json!({ "answer": word }).to_string(),
            None => prompt,
        }
    }

    /// If the schema is a choice of words, the first of them that the prompt
    /// contains, or else the first.
    fn choice(&self, prompt: &str) -> Option<&str> {
        let words = self.response_format.pointer("/json_schema/schema/properties/answer/enum")?;
        let words: Vec<&str> = words.as_array()?.iter().filter_map(Value::as_str).collect();
        let is_in_prompt = |word: &&&str| {
            prompt
                .split(|c: char| !c.is_alphanumeric())
                .any(|candidate| candidate.eq_ignore_ascii_case(word))
        };
        words.iter().find(is_in_prompt).or(words.first()).copied()
    }

    /// Counts each word as a token.
    fn usage(&self) -> Value {
        let tokens = |text: String| text.split_whitespace().count();
        let prompt: usize = self.messages.iter().map(|message| tokens(message.text())).sum();
        let reply = tokens(self.reply());
        let total = prompt + reply;
        json!({"prompt_tokens": prompt, "completion_tokens": reply, "total_tokens": total})
    }
}

impl MockMessage {
    /// The text of the content, with the parts of an array joined.
    fn text(&self) -> String {
        match &self.content {
            Value::String(text) => text.clone(),
            Value::Array(parts) => {
                let texts = parts.iter().filter_map(|part| part["text"].as_str());
                texts.collect::<Vec<_>>().join("\n\n")
            }
            _ => String::new(),
        }
    }
}

/// Answers requests until the client closes the connection.
fn serve(connection: &TcpStream) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::new(connection);
    let mut request_line = String::new();
    while reader.read_line(&mut request_line)? > 0 {
        let length = read_headers(&mut reader)?;
        let mut body = Vec::new();
        reader.by_ref().take(length).read_to_end(&mut body)?;
        answer(connection, &request_line, &body)?;
        request_line.clear();
    }
    Ok(())
}

fn answer(connection: &TcpStream, request_line: &str, body: &[u8]) -> io::Result<()> {
    let path = request_line.split(' ').nth(1).unwrap_or_default();
    match path {
        "/v1/models" => {
            let models = json!({"object": "list", "data": [{"id": MODEL, "object": "model"}]});
            respond(connection, "200 OK", &models)
        }
        "/v1/chat/completions" => match MockRequest::parse(body) {
            Ok(request) => complete(connection, &request),
            Err(message) => {
                respond(connection, "400 Bad Request", &json!({"error": {"message": message}}))
            }
        },
        _ => respond(connection, "404 Not Found", &json!({"error": {"message": "no such path"}})),
    }
}

/// Reads the headers and the empty line behind them. Returns the Content-Length.
fn read_headers(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut length = 0;
    for line in reader.lines() {
        let line = line?;
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap_or(0);
            }
            Some(_) => {}
            None => break,
        }
    }
    Ok(length)
}

fn complete(connection: &TcpStream, request: &MockRequest) -> io::Result<()> {
    if request.is_stream {
        return stream(connection, request);
    }
    let message = json!({"role": "assistant", "content": request.reply()});
    let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
    let usage = request.usage();
    let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let reply = json!({
        "id": "chatcmpl-mock",
        "object": "chat.completion",
        "created": created,
        "model": MODEL,
        "choices": [choice],
        "usage": usage,
    });
    respond(connection, "200 OK", &reply)
}

fn stream(mut connection: &TcpStream, request: &MockRequest) -> io::Result<()> {
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    connection.write_all(head.as_bytes())?;
    let send = |delta: Value, finish: Option<&str>| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        let chunk = json!({"object": "chat.completion.chunk", "model": MODEL, "choices": [choice]});
        send_chunk(connection, &format!("data: {chunk}\n\n"))
    };
    for (index, word) in request.reply().split_inclusive(' ').enumerate() {
        if index > 0 {
            thread::sleep(WORD_INTERVAL);
        }
        send(json!({"content": word}), None)?;
    }
    send(json!({}), Some("stop"))?;
    if request.has_usage {
        let chunk = json!({"object": "chat.completion.chunk", "model": MODEL, "choices": [], "usage": request.usage()});
        send_chunk(connection, &format!("data: {chunk}\n\n"))?;
    }
    send_chunk(connection, "data: [DONE]\n\n")?;
    connection.write_all(b"0\r\n\r\n")
}

fn send_chunk(mut connection: &TcpStream, data: &str) -> io::Result<()> {
    connection.write_all(format!("{:x}\r\n{data}\r\n", data.len()).as_bytes())
}

fn respond(mut connection: &TcpStream, status: &str, body: &impl Serialize) -> io::Result<()> {
    let body = serde_json::to_string(body)?;
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    connection.write_all((head + &body).as_bytes())
}
