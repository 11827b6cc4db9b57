//! TCP connections whose timeouts limit a whole call. ureq's own transport
//! limits each system call, and a long write makes many.

use std::fmt::{self, Debug};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
};

/// 32 KiB, less than ureq's 128 KiB: the idle timeout applies to one call, so a
/// slow upload must not put too much into it.
const OUTPUT_SIZE: usize = 32 << 10;

/// Opens a TCP connection unless a proxy layer has already made one.
#[derive(Debug)]
pub struct TcpConnector;

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
        let stream = open(&details.addrs, details.timeout)?;
        stream.set_nodelay(true)?;
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), OUTPUT_SIZE);
        Ok(Some(Either::B(TcpSocket { stream, buffers, read_timeout: None, write_timeout: None })))
    }
}

/// Tries one address after another. Each gets half of the remaining time, the
/// last one all of it.
fn open(addresses: &[SocketAddr], timeout: NextTimeout) -> Result<TcpStream, ureq::Error> {
    let began = Instant::now();
    let mut last_error = ureq::Error::HostNotFound;
    for (index, address) in addresses.iter().enumerate() {
        let left = timeout.after.saturating_sub(began.elapsed());
        let share = if index + 1 == addresses.len() { left } else { left / 2 };
        if share.is_zero() {
            return Err(ureq::Error::Timeout(timeout.reason));
        }
        last_error = match TcpStream::connect_timeout(address, share) {
            Ok(stream) => return Ok(stream),
            Err(error) if is_timeout(&error) => ureq::Error::Timeout(timeout.reason),
            Err(error) => ureq::Error::Io(error),
        };
    }
    Err(last_error)
}

pub struct TcpSocket {
    stream: TcpStream,
    buffers: LazyBuffers,
    /// The timeouts set on the socket, to save system calls.
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
}

impl TcpSocket {
    fn write_within(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let began = Instant::now();
        let mut rest = &self.buffers.output()[..amount];
        while !rest.is_empty() {
            let spent = if rest.len() == amount { Duration::ZERO } else { began.elapsed() };
            let left = left(timeout, spent)?;
            if self.write_timeout != Some(left) {
                self.stream.set_write_timeout(Some(left))?;
                self.write_timeout = Some(left);
            }
            match self.stream.write(rest) {
                Ok(0) => return Err(io::Error::from(ErrorKind::WriteZero).into()),
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => {
                    return Err(ureq::Error::Timeout(timeout.reason));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl Transport for TcpSocket {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.write_within(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let began = Instant::now();
        let mut spent = Duration::ZERO;
        loop {
            let left = left(timeout, spent)?;
            if self.read_timeout != Some(left) {
                self.stream.set_read_timeout(Some(left))?;
                self.read_timeout = Some(left);
            }
            match self.stream.read(self.buffers.input_append_buf()) {
                Ok(read) => {
                    self.buffers.input_appended(read);
                    return Ok(read > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => spent = began.elapsed(),
                Err(error) if is_timeout(&error) => {
                    return Err(ureq::Error::Timeout(timeout.reason));
                }
                Err(error) => return Err(error.into()),
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

/// What is left of a timeout, or the timeout error if that is zero, which a
/// socket would reject.
fn left(timeout: NextTimeout, spent: Duration) -> Result<Duration, ureq::Error> {
    match timeout.after.checked_sub(spent) {
        Some(left) if !left.is_zero() => Ok(left),
        _ => Err(ureq::Error::Timeout(timeout.reason)),
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
