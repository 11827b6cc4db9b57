//! TCP connections within the clock's limits. ureq's own transport limits each
//! system call, and a long write makes many.

use std::fmt::{self, Debug};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv};
use socket2::{Domain, SockRef, Socket, Type};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, NextTimeout, Transport,
};

use crate::net::buffers::GrowingBuffers;
use crate::net::clock::Clock;
use crate::net::observer::{NetEvent, NetObserver};
use crate::time_limit::TimeLimit;

/// Opens a TCP connection unless a proxy layer has already made one.
pub struct TcpConnector {
    pub clock: Arc<Clock>,
    pub observer: Arc<dyn NetObserver>,
}

impl Debug for TcpConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TcpConnector")
    }
}

impl<In: Transport> Connector<In> for TcpConnector {
    type Out = Either<In, TcpSocket>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        if let Some(chained) = chained {
            return Ok(Some(Either::A(chained)));
        }
        let stream = open(&details.addrs, &self.clock)?;
        stream.set_nodelay(true)?;
        if let Ok(address) = stream.peer_addr() {
            self.observer.observe(&NetEvent::Connected { address });
        }
        let buffers = GrowingBuffers::new(details.config);
        Ok(Some(Either::B(TcpSocket {
            stream,
            buffers,
            clock: Arc::clone(&self.clock),
            read_timeout: None,
            write_timeout: None,
        })))
    }
}

/// Tries one address after another. Each gets half of the remaining time, the
/// last one all of it.
fn open(addresses: &[SocketAddr], clock: &Clock) -> Result<TcpStream, ureq::Error> {
    let mut last_error = ureq::Error::HostNotFound;
    for (index, address) in addresses.iter().enumerate() {
        let NextTimeout { after: left, reason, .. } = clock.next_timeout();
        if left.is_zero() {
            return Err(ureq::Error::Timeout(reason));
        }
        let is_last = index + 1 == addresses.len();
        let share = TimeLimit::new(if is_last { Duration::MAX } else { *left / 2 });
        last_error = match open_one(*address, share, clock) {
            Ok(stream) => return Ok(stream),
            Err(ureq::Error::Io(error)) if is_timeout(&error) => ureq::Error::Timeout(reason),
            Err(error) => error,
        };
    }
    Err(last_error)
}

/// Connects to one address within `share` and the clock's limits. The standard
/// library would count the time in which the process is stopped.
fn open_one(
    address: SocketAddr,
    mut share: TimeLimit,
    clock: &Clock,
) -> Result<TcpStream, ureq::Error> {
    let stream = TcpStream::from(Socket::new(Domain::for_address(address), Type::STREAM, None)?);
    stream.set_nonblocking(true)?;
    match SockRef::from(&stream).connect(&address.into()) {
        Err(error) if error.raw_os_error() != Some(Errno::EINPROGRESS as i32) => {
            return Err(error.into());
        }
        _ => {}
    }
    let ready = clock.wait(|slice| {
        let (slice, began) = (slice.min(share.left()), Instant::now());
        let ready = wait_until_connected(&stream, slice);
        share.add(slice, began.elapsed());
        let is_over = share.left().is_zero();
        ready.or_else(|| is_over.then(|| Err(ErrorKind::TimedOut.into())))
    });
    ready.map_err(ureq::Error::Timeout)??;
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Waits until a connection is made or has failed. Returns `None` after `time`,
/// or if a signal comes first.
fn wait_until_connected(stream: &TcpStream, time: Duration) -> Option<io::Result<()>> {
    // poll(2) counts in milliseconds, and zero would not wait at all.
    let time = PollTimeout::try_from(time.max(Duration::from_millis(1)));
    let mut sockets = [PollFd::new(stream.as_fd(), PollFlags::POLLOUT)];
    match poll(&mut sockets, time.unwrap_or(PollTimeout::MAX)) {
        Ok(0) | Err(Errno::EINTR) => None,
        Ok(_) if sockets[0].revents() == Some(PollFlags::POLLOUT) => Some(Ok(())),
        Ok(_) => Some(stream.take_error().and_then(|error| error.map_or(Ok(()), Err))),
        Err(error) => Some(Err(error.into())),
    }
}

pub struct TcpSocket {
    stream: TcpStream,
    buffers: GrowingBuffers,
    clock: Arc<Clock>,
    /// The timeouts set on the socket, to save system calls.
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
}

impl Transport for TcpSocket {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    /// Writes within the clock's limits, and ignores ureq's.
    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let Self { stream, buffers, clock, write_timeout, .. } = self;
        let mut rest = &buffers.output()[..amount];
        while !rest.is_empty() {
            let written = clock.wait(|slice| {
                if *write_timeout != Some(slice) {
                    if let Err(error) = stream.set_write_timeout(Some(slice)) {
                        return Some(Err(error));
                    }
                    *write_timeout = Some(slice);
                }
                unless_timed_out(stream.write(rest))
            });
            match written.map_err(ureq::Error::Timeout)?? {
                0 => return Err(io::Error::from(ErrorKind::WriteZero).into()),
                written => rest = &rest[written..],
            }
        }
        Ok(())
    }

    /// Waits once. A signal ends the wait too, since the process may have been
    /// stopped in it.
    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        if self.read_timeout != Some(*timeout.after) {
            self.stream.set_read_timeout(Some(*timeout.after))?;
            self.read_timeout = Some(*timeout.after);
        }
        match unless_timed_out(self.stream.read(self.buffers.input_append_buf())) {
            None => Err(ureq::Error::Timeout(timeout.reason)),
            Some(read) => {
                let read = read?;
                self.buffers.input_appended(read);
                Ok(read > 0)
            }
        }
    }

    /// Whether the connection can be reused: the peer has neither closed it nor
    /// sent unexpected bytes.
    fn is_open(&mut self) -> bool {
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        recv(self.stream.as_raw_fd(), &mut [0], flags) == Err(Errno::EAGAIN)
    }
}

impl Debug for TcpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stream.fmt(f)
    }
}

/// `None` if a call timed out, or was ended by a signal.
fn unless_timed_out(result: io::Result<usize>) -> Option<io::Result<usize>> {
    match result {
        Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => None,
        result => Some(result),
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
