//! A scripted server that answers each connection with the next script, byte
//! for byte, and records the requests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, listen, socket,
};

use super::completion;

/// One step of a script. The connection is dropped after the last step, even
/// without [`Step::End`].
pub enum Step {
    /// Sends bytes unchanged.
    Raw(Vec<u8>),
    /// Sends bytes as one chunk of a chunked body.
    Chunk(Vec<u8>),
    /// Waits until the test sends through the [`gate`].
    Wait(Receiver<()>),
    /// Repeats the bytes, one at a time, until the client closes.
    Drip(Vec<u8>),
    /// Sends nothing for this time, or until the client closes.
    Pause(Duration),
    /// Sends nothing more until the client closes.
    Stall,
    /// Resets the connection.
    Reset,
    /// Ends a chunked body.
    LastChunk,
    /// Closes the connection in an orderly way.
    End,
}

/// The pause between the bytes of [`Step::Drip`].
const DRIP: Duration = Duration::from_millis(50);

/// A listener on a free port of loopback, and that port.
pub fn listen_on_loopback() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the port is bound");
    let port = listener.local_addr().expect("the socket has an address").port();
    (listener, port)
}

/// A listener whose queue is full, so that further connections are not made until
/// one is accepted, and the connections in the queue.
pub fn full_listener() -> (TcpListener, Vec<TcpStream>) {
    let full = socket(AddressFamily::Inet, SockType::Stream, SockFlag::empty(), None)
        .expect("a socket is created");
    bind(full.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).expect("the port is bound");
    listen(&full, Backlog::new(0).expect("the backlog is valid")).expect("the socket listens");
    let full = TcpListener::from(full);
    let address = full.local_addr().expect("the socket has an address");
    let mut queue = Vec::new();
    while let Ok(waiting) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        queue.push(waiting);
    }
    (full, queue)
}

/// One connection's script.
pub type Script = Vec<Step>;

/// A step that waits, and the sender that ends the wait.
pub fn gate() -> (Sender<()>, Step) {
    let (open, wait) = channel();
    (open, Step::Wait(wait))
}

pub fn raw(bytes: impl AsRef<[u8]>) -> Step {
    Step::Raw(bytes.as_ref().to_vec())
}

pub fn chunk(bytes: impl AsRef<[u8]>) -> Step {
    Step::Chunk(bytes.as_ref().to_vec())
}

/// The head of a chunked event stream.
pub fn stream_head() -> Step {
    raw("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
}

/// A complete answer with a Content-Length.
pub fn answer(status: &str, content_type: &str, body: impl AsRef<[u8]>) -> Script {
    let length = body.as_ref().len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
    );
    vec![raw(head), raw(body), Step::End]
}

/// A complete reply of the model, for a plain request.
pub fn whole_reply(text: &str) -> Script {
    answer("200 OK", "application/json", completion(text))
}

/// A complete event stream, one chunk per event.
pub fn events(events: &[impl AsRef<[u8]>]) -> Script {
    let mut script = vec![stream_head()];
    script.extend(events.iter().map(chunk));
    script.extend([Step::LastChunk, Step::End]);
    script
}

/// A request as received.
#[derive(Debug, Clone)]
pub struct Request {
    /// The request line and the headers, as lines.
    pub head: Vec<String>,
    pub body: Vec<u8>,
}

impl Request {
    /// The value of the header `name`, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the request's body is JSON")
    }
}

/// Serves until it is dropped.
pub struct Server {
    pub port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers the first connection with the first script, and so on. Further
    /// connections are dropped.
    pub fn new(scripts: Vec<Script>) -> Self {
        let (listener, port) = listen_on_loopback();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            let mut scripts = scripts.into_iter();
            for connection in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                let script = scripts.next().unwrap_or_default();
                // The test judges whether gravix closed too early.
                thread::spawn(move || drop(serve(connection, script, &seen)));
            }
        });
        Self { port, requests }
    }

    /// Answers one connection.
    pub fn once(script: Script) -> Self {
        Self::new(vec![script])
    }

    /// Waits for the test before it sends this answer to the only connection.
    pub fn gated(answer: Script) -> (Self, Sender<()>) {
        let (go_on, wait) = gate();
        let mut script = vec![wait];
        script.extend(answer);
        (Self::once(script), go_on)
    }

    /// Replies to one connection after another with these texts.
    pub fn replying(texts: &[&str]) -> Self {
        Self::new(texts.iter().map(|text| whole_reply(text)).collect())
    }

    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no thread panicked").clone()
    }

    /// Waits until the first request has arrived.
    pub fn wait_for_request(&self) {
        while self.requests().is_empty() {
            thread::yield_now();
        }
    }

    /// The only request.
    #[track_caller]
    pub fn request(&self) -> Request {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "requests: {requests:#?}");
        requests.into_iter().next().expect("there is one request")
    }
}

fn serve(
    mut connection: TcpStream,
    script: Script,
    seen: &Mutex<Vec<Request>>,
) -> std::io::Result<()> {
    seen.lock().expect("no thread panicked").push(receive(&mut connection)?);
    play(&mut connection, script)
}

/// Reads one request.
pub fn receive(connection: &mut impl Read) -> std::io::Result<Request> {
    let mut reader = BufReader::new(connection);
    let mut head = Vec::new();
    for line in reader.by_ref().lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let mut request = Request { head, body: Vec::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap_or(0));
    reader.take(length).read_to_end(&mut request.body)?;
    Ok(request)
}

fn play(connection: &mut TcpStream, script: Script) -> std::io::Result<()> {
    for step in script {
        match step {
            Step::Raw(bytes) => connection.write_all(&bytes)?,
            Step::Chunk(bytes) => {
                connection.write_all(format!("{:x}\r\n", bytes.len()).as_bytes())?;
                connection.write_all(&bytes)?;
                connection.write_all(b"\r\n")?;
            }
            Step::Wait(go_on) => drop(go_on.recv()),
            Step::Drip(bytes) => {
                connection.set_read_timeout(Some(DRIP))?;
                for byte in bytes.iter().cycle() {
                    connection.write_all(&[*byte])?;
                    // The pause ends early when the client closes.
                    if matches!(connection.read(&mut [0]), Ok(0)) {
                        break;
                    }
                }
            }
            Step::Pause(time) => {
                connection.set_read_timeout(Some(time))?;
                let _ = connection.read(&mut [0]);
                connection.set_read_timeout(None)?;
            }
            Step::Stall => drop(std::io::copy(connection, &mut std::io::sink())),
            Step::Reset => {
                let linger = nix::libc::linger { l_onoff: 1, l_linger: 0 };
                nix::sys::socket::setsockopt(
                    connection,
                    nix::sys::socket::sockopt::Linger,
                    &linger,
                )?;
                return Ok(());
            }
            Step::LastChunk => connection.write_all(b"0\r\n\r\n")?,
            Step::End => {
                connection.shutdown(Shutdown::Write)?;
                // The client closes when it has read everything.
                std::io::copy(connection, &mut std::io::sink())?;
                return Ok(());
            }
        }
    }
    Ok(())
}
