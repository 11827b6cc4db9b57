//! Connections that are accepted and then held until the test lets them go on.

use std::io::Read;
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use nix::sys::socket::{setsockopt, sockopt};

use super::server::listen_on_loopback;

/// Accepts connections for a server, and relays nothing until the sender that
/// comes with it is dropped.
pub struct Held {
    pub port: u16,
    accepted: Receiver<()>,
}

impl Held {
    /// Holds the connections to this port of loopback.
    pub fn before(server: u16) -> (Self, Sender<()>) {
        let (listener, port) = listen_on_loopback();
        // A large upload fills what Linux would otherwise make megabytes of.
        setsockopt(&listener, sockopt::RcvBuf, &(64 << 10)).expect("the buffer can be small");
        let (seen, accepted) = channel();
        let (go_on, wait) = channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (seen, wait) = (seen.clone(), Arc::clone(&wait));
                thread::spawn(move || {
                    // The test may have ended.
                    let _ = seen.send(());
                    let _ = wait.lock().expect("no thread panicked").recv();
                    drop(relay(client, TcpStream::connect((Ipv4Addr::LOCALHOST, server))?));
                    std::io::Result::Ok(())
                });
            }
        });
        (Self { port, accepted }, go_on)
    }

    /// Waits until a connection is held.
    pub fn wait_for_connection(&self) {
        self.accepted.recv().expect("the listener is running");
    }
}

/// Relays bytes both ways until the client has closed.
pub fn relay(mut client: TcpStream, mut server: TcpStream) -> std::io::Result<()> {
    let (mut from, mut to) = (server.try_clone()?, client.try_clone()?);
    let back = thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        to.shutdown(Shutdown::Write)
    });
    std::io::copy(&mut client, &mut server)?;
    server.shutdown(Shutdown::Write)?;
    let _ = back.join();
    let _ = client.read(&mut [0]);
    Ok(())
}
