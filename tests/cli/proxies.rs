//! HTTP and SOCKS proxies.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::server::{Server, listen_on_loopback, receive, whole_reply};
use crate::support::{ask, gravix, run};

/// A proxy that answers CONNECT with `status`, relays bytes after 200, and
/// records the request lines.
fn proxy(status: &'static str) -> (u16, Arc<Mutex<Vec<String>>>) {
    let (listener, port) = listen_on_loopback();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&seen);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let lines = Arc::clone(&lines);
            thread::spawn(move || drop(tunnel(client, status, &lines)));
        }
    });
    (port, seen)
}

fn tunnel(mut client: TcpStream, status: &str, lines: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let request = receive(&mut client)?;
    let target = request.head[0].split(' ').nth(1).unwrap_or_default().to_owned();
    lines.lock().expect("no thread panicked").push(request.head[0].clone());
    client.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes())?;
    if !status.starts_with("200") {
        return Ok(());
    }
    relay(client, TcpStream::connect(target)?)
}

/// A SOCKS5 proxy without authentication (RFC 1928), for one client.
fn socks() -> u16 {
    let (listener, port) = listen_on_loopback();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a client connects");
        client.read_exact(&mut [0; 3]).expect("the greeting arrives");
        client.write_all(&[5, 0]).expect("the answer is sent");
        // Version, CONNECT, reserved, IPv4, the address and the port.
        let mut request = [0; 10];
        client.read_exact(&mut request).expect("the request arrives");
        assert_eq!(request[..8], [5, 1, 0, 1, 127, 0, 0, 1]);
        let port = u16::from_be_bytes([request[8], request[9]]);
        client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).expect("the answer is sent");
        let server =
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the server is reachable");
        drop(relay(client, server));
    });
    port
}

/// Relays bytes both ways until the client has closed.
fn relay(mut client: TcpStream, mut server: TcpStream) -> std::io::Result<()> {
    let (mut from, mut to) = (server.try_clone()?, client.try_clone()?);
    let back = thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        to.shutdown(std::net::Shutdown::Write)
    });
    std::io::copy(&mut client, &mut server)?;
    server.shutdown(std::net::Shutdown::Write)?;
    let _ = back.join();
    let _ = client.read(&mut [0]);
    Ok(())
}

#[test]
fn a_proxy_passes_the_request_on() {
    let server = Server::replying(&["ok"; 2]);
    let (port, seen) = proxy("200 OK");
    run(ask(&server, &["hi"]).env("http_proxy", format!("127.0.0.1:{port}")))
        .exits(0)
        .prints("ok\n");
    let target = server.base_url().replace("http://", "").replace("/v1", "");
    assert_eq!(*seen.lock().expect("no thread panicked"), [format!("CONNECT {target} HTTP/1.1")]);
}

#[test]
fn a_request_is_retried_through_a_proxy_too() {
    let server = Server::new(vec![vec![], whole_reply("ok")]);
    let (port, _) = proxy("200 OK");
    let mut command = ask(&server, &["hi"]);
    command.env("http_proxy", format!("127.0.0.1:{port}"));
    run(&mut command).exits(0).prints("ok\n").says(&["without a response", "try 2"]);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_socks_proxy_passes_the_request_on() {
    let server = Server::replying(&["ok"; 2]);
    let proxy = format!("socks5://127.0.0.1:{}", socks());
    run(ask(&server, &["hi"]).env("all_proxy", proxy)).exits(0).prints("ok\n").says_nothing();
}

#[test]
fn a_stalled_proxy_times_out() {
    let (_listener, port) = listen_on_loopback();
    for scheme in ["http", "socks5"] {
        let mut command = ask(
            &Server::replying(&["ok"; 2]),
            &["hi", "--retries", "0", "--connect-timeout", "0.3"],
        );
        command.env("all_proxy", format!("{scheme}://127.0.0.1:{port}"));
        run(&mut command).exits(75).prints("").says(&["cannot connect within 0.3 s"]);
    }
}

#[test]
fn an_unreachable_proxy_is_named_without_its_password() {
    let (listener, port) = listen_on_loopback();
    drop(listener);
    for (proxy, reason) in [
        (format!("http://u:hunter2@127.0.0.1:{port}"), "the proxy 127.0.0.1"),
        (format!("socks5://u:hunter2@127.0.0.1:{port}"), "the proxy 127.0.0.1"),
        ("http://u:hunter2@no..such:1".to_owned(), "cannot connect through the proxy"),
    ] {
        let mut command = ask(&Server::replying(&["ok"; 2]), &["hi", "--retries", "0", "-v"]);
        let run = run(command.env("all_proxy", proxy)).exits(75).prints("");
        assert!(run.stderr.contains(reason) && !run.stderr.contains("hunter2"), "{}", run.stderr);
    }
}

#[test]
fn a_key_is_not_sent_through_a_proxy_in_the_clear() {
    let server = Server::replying(&["ok"; 2]);
    let (port, seen) = proxy("200 OK");
    let mut command = ask(&server, &["hi"]);
    command.env("http_proxy", format!("127.0.0.1:{port}")).env("GRAVIXLAYER_API_KEY", "k");
    run(&mut command).exits(78).prints("").says(&["in the clear", "--allow-http"]);
    assert!(seen.lock().expect("no thread panicked").is_empty());
}

#[test]
fn hosts_of_no_proxy_are_reached_directly() {
    let server = Server::replying(&["ok"; 2]);
    let (port, seen) = proxy("200 OK");
    let mut command = ask(&server, &["hi"]);
    command.env("all_proxy", format!("http://127.0.0.1:{port}")).env("no_proxy", " x , 127.0.0.1 ");
    run(&mut command).exits(0).prints("ok\n");
    assert!(seen.lock().expect("no thread panicked").is_empty());
}

#[test]
fn a_proxy_that_refuses_is_reported_and_not_bypassed() {
    let server = Server::replying(&["ok"; 2]);
    for (status, reason) in [("403 Forbidden", "403"), ("407 Proxy Authentication Required", "407")]
    {
        let (port, _) = proxy(status);
        let mut command = ask(&server, &["hi"]);
        command.env("http_proxy", format!("http://u:hunter2@127.0.0.1:{port}"));
        let run = run(&mut command).exits(75).prints("").says(&["proxy", reason]);
        assert!(!run.stderr.contains("hunter2"));
    }
    assert!(server.requests().is_empty());
}

#[test]
fn allow_http_permits_a_key_in_the_clear() {
    let (port, seen) = proxy("403 Forbidden");
    let mut command = gravix();
    command.args(["ask", "hi", "--retries", "0", "--allow-http", "--base-url", "http://h.test/v1"]);
    command.env("GRAVIXLAYER_API_KEY", "k").env("http_proxy", format!("127.0.0.1:{port}"));
    // The request gets as far as the proxy, which refuses it.
    run(&mut command).exits(75).prints("").says(&["proxy"]);
    assert_eq!(*seen.lock().expect("no thread panicked"), ["CONNECT h.test:80 HTTP/1.1"]);
}

#[test]
fn an_invalid_proxy_is_an_error_and_not_skipped() {
    let server = Server::replying(&["ok"; 2]);
    for url in ["http://:80", "ftp://h", "http://h:99999", "http://u:hunter2@"] {
        let run = run(ask(&server, &["hi"]).env("http_proxy", url)).exits(78).prints("");
        assert!(
            run.stderr.contains("http_proxy") && !run.stderr.contains("hunter2"),
            "{}",
            run.stderr
        );
    }
    assert!(server.requests().is_empty());
}

#[test]
fn the_mock_needs_no_proxy() {
    let mut command = gravix();
    command.args(["ask", "--base-url", "mock:", "hi"]).env("all_proxy", "http://127.0.0.1:1");
    run(&mut command).exits(0).prints("hi\n");
}
