//! HTTP and SOCKS proxies.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::json;

use crate::support::batch_lines::input;
use crate::support::certificates::Issuer;
use crate::support::held::relay;
use crate::support::server::{Server, answer, listen_on_loopback, receive, whole_reply};
use crate::support::service::{Reply, Service};
use crate::support::{ask, batch, completion, gravix, run};

/// A proxy that answers CONNECT with `status`, relays bytes after 200, and
/// records the request lines.
pub fn proxy(status: &'static str) -> (u16, Arc<Mutex<Vec<String>>>) {
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

/// A SOCKS proxy without authentication, for one client. It speaks version 5
/// (RFC 1928) or version 4, and closes when it is asked for the other.
fn socks(version: u8) -> u16 {
    let (listener, port) = listen_on_loopback();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut asked = [0];
            client.read_exact(&mut asked).expect("the version arrives");
            if asked[0] != version {
                continue;
            }
            let port = if version == 5 { greet_5(&mut client) } else { greet_4(&mut client) };
            let server =
                TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the server is reachable");
            drop(relay(client, server));
        }
    });
    port
}

/// Answers a SOCKS5 client and returns the port that it asks for.
fn greet_5(client: &mut TcpStream) -> u16 {
    client.read_exact(&mut [0; 2]).expect("the methods arrive");
    client.write_all(&[5, 0]).expect("the answer is sent");
    // Version, CONNECT, reserved, IPv4, the address and the port.
    let mut request = [0; 10];
    client.read_exact(&mut request).expect("the request arrives");
    assert_eq!(request[..8], [5, 1, 0, 1, 127, 0, 0, 1]);
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).expect("the answer is sent");
    u16::from_be_bytes([request[8], request[9]])
}

/// Answers a SOCKS4 client and returns the port that it asks for.
fn greet_4(client: &mut TcpStream) -> u16 {
    // CONNECT, the port, the address and an empty user.
    let mut request = [0; 8];
    client.read_exact(&mut request).expect("the request arrives");
    assert_eq!((request[0], &request[3..]), (1, &[127, 0, 0, 1, 0][..]));
    client.write_all(&[0, 90, 0, 0, 0, 0, 0, 0]).expect("the answer is sent");
    u16::from_be_bytes([request[1], request[2]])
}

/// A SOCKS5 proxy that accepts no method of authentication that is offered.
fn socks_with_login() -> u16 {
    let (listener, port) = listen_on_loopback();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let _ = client.read(&mut [0; 9]);
            let _ = client.write_all(&[5, 0xff]);
        }
    });
    port
}

/// gravix, asking an `http` server that only the proxy knows.
fn ask_through(proxy: &str, arguments: &[&str]) -> Command {
    let mut command = gravix();
    command.args(["ask", "-n", "hi", "--base-url", "http://h.test:81/v1"]).args(arguments);
    command.env("http_proxy", proxy);
    command
}

/// `host:port` of a server that stands in for a proxy.
fn address(server: &Server) -> String {
    server.base_url().replace("http://", "").replace("/v1", "")
}

#[test]
fn an_http_proxy_gets_requests_in_absolute_form() {
    let proxy = Server::replying(&["ok"]);
    run(&mut ask_through(&address(&proxy), &[])).exits(0).prints("ok\n").says_nothing();
    let request = proxy.request();
    assert_eq!(request.head[0], "POST http://h.test:81/v1/chat/completions HTTP/1.1");
    assert_eq!(request.header("host"), Some("h.test:81"));
    assert_eq!(request.header("proxy-authorization"), None);
    assert_eq!(request.json()["messages"][0]["content"], "hi");

    let proxy = Server::replying(&["ok"]);
    let url = format!("http://us%40er:pass@{}/", address(&proxy));
    let run = run(&mut ask_through(&url, &["-v"])).exits(0).prints("ok\n");
    // "us@er:pass" in base64.
    let login = "Basic dXNAZXI6cGFzcw==";
    assert_eq!(proxy.request().header("proxy-authorization"), Some(login));
    assert!(!run.stderr.contains("pass") && !run.stderr.contains(login), "{}", run.stderr);
    assert!(run.stderr.contains("> proxy-authorization: (redacted)"), "{}", run.stderr);
}

#[test]
fn each_request_over_a_connection_to_a_proxy_is_in_absolute_form() {
    let proxy = Service::new(|_, _| Reply::text("ok"));
    let prompt = json!({"prompt": "x".repeat(100_000)}).to_string();
    let (_directory, file) = input(&[&prompt, &prompt, &prompt]);
    let mut command = batch("http://h.test/v1?a=1", &["-q", "-j", "1"]);
    run(command.arg(file).env("http_proxy", proxy.base_url())).exits(0);
    let requests = proxy.seen();
    assert_eq!(requests.len(), 3);
    for seen in requests {
        let line = "POST http://h.test/v1/chat/completions?a=1 HTTP/1.1";
        assert_eq!((seen.request.head[0].as_str(), seen.connection), (line, 0));
        assert_eq!(seen.request.json()["messages"][0]["content"], "x".repeat(100_000));
    }
}

#[test]
fn an_https_server_is_reached_through_a_tunnel() {
    let issuer = Issuer::new();
    let body = completion("safe");
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let server = issuer.serve("localhost", false, &answer);
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let authorities = directory.path().join("ca.pem");
    fs::write(&authorities, issuer.pem()).expect("the file is written");
    let (port, seen) = proxy("200 OK");
    let mut command = gravix();
    command.args(["ask", "-n", "hi", "--base-url", &format!("https://localhost:{server}/v1")]);
    command.arg("--ca-cert").arg(authorities).env("https_proxy", format!("127.0.0.1:{port}"));
    run(command.env("GRAVIXLAYER_API_KEY", "sesame42")).exits(0).prints("safe\n").says_nothing();
    let line = format!("CONNECT localhost:{server} HTTP/1.1");
    assert_eq!(*seen.lock().expect("no thread panicked"), [line]);
}

#[test]
fn a_request_is_retried_through_a_proxy_too() {
    let proxy = Server::new(vec![vec![], whole_reply("ok")]);
    run(&mut ask_through(&address(&proxy), &[]))
        .exits(0)
        .prints("ok\n")
        .says(&["without a response", "try 2"]);
    assert_eq!(proxy.requests().len(), 2);
}

#[test]
fn a_socks_proxy_passes_the_request_on() {
    for (scheme, version) in [
        ("socks5", 5),
        ("socks5h", 5),
        ("SOCKS5", 5),
        ("socks4", 4),
        ("socks4a", 4),
        // The scheme does not say which.
        ("socks", 4),
        ("socks", 5),
    ] {
        let server = Server::replying(&["ok"]);
        let proxy = format!("{scheme}://127.0.0.1:{}/", socks(version));
        run(ask(&server, &["hi"]).env("all_proxy", proxy)).exits(0).prints("ok\n").says_nothing();
    }
}

#[test]
fn a_socks4_proxy_is_sent_an_ipv4_address() {
    let server = Server::replying(&["ok"]);
    let base_url = server.base_url().replace("127.0.0.1", "localhost");
    let mut command = gravix();
    command.args(["ask", "-n", "hi", "--base-url", &base_url]);
    command.env("all_proxy", format!("socks4://127.0.0.1:{}", socks(4)));
    run(&mut command).exits(0).prints("ok\n").says_nothing();
}

#[test]
fn a_proxy_that_wants_a_password_is_a_matter_of_configuration() {
    let required = "407 Proxy Authentication Required";
    let (connect, _) = proxy(required);
    let socks = socks_with_login();
    for (variable, login, hint) in [
        (
            "http_proxy",
            "",
            "asks for a user and password (407); set http_proxy to http://USER:PASSWORD@127.0.0.1:",
        ),
        (
            "http_proxy",
            "u:hunter2@",
            "refused the user and password (407); check the user and password in http_proxy",
        ),
        (
            "https_proxy",
            "",
            "asks for a user and password (407); set https_proxy to http://USER:PASSWORD@127.0.0.1:",
        ),
        (
            "https_proxy",
            "u:hunter2@",
            "refused the user and password (407); check the user and password in https_proxy",
        ),
        (
            "ALL_PROXY",
            "",
            "asks for a user and password; set ALL_PROXY to socks5h://USER:PASSWORD@127.0.0.1:",
        ),
        (
            "ALL_PROXY",
            "u:hunter2@",
            "refused the user and password; check the user and password in ALL_PROXY",
        ),
    ] {
        let forward = Server::once(answer(required, "text/html", "<html>Login</html>"));
        let (scheme, proxy) = match variable {
            "http_proxy" => ("http", format!("http://{login}{}", address(&forward))),
            "https_proxy" => ("https", format!("http://{login}127.0.0.1:{connect}")),
            _ => ("https", format!("socks5h://{login}127.0.0.1:{socks}")),
        };
        let mut command = gravix();
        command.args(["ask", "-n", "hi", "--base-url", &format!("{scheme}://h.test/v1")]);
        let run = run(command.env(variable, proxy))
            .exits(78)
            .prints("")
            .says(&["the proxy 127.0.0.1:", hint]);
        assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    }
}

#[test]
fn a_stalled_proxy_times_out() {
    let (_listener, port) = listen_on_loopback();
    for scheme in ["http", "socks5", "socks"] {
        let mut command = gravix();
        command.args(["ask", "-n", "hi", "--retries", "0", "--connect-timeout", "0.3"]);
        command.args(["--base-url", "https://127.0.0.1:1/v1"]);
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
fn a_proxy_that_refuses_a_tunnel_is_reported_and_not_bypassed() {
    let (port, _) = proxy("403 Forbidden");
    let mut command = gravix();
    command.args(["ask", "-n", "hi", "--base-url", "https://127.0.0.1:1/v1"]);
    command.env("https_proxy", format!("http://u:hunter2@127.0.0.1:{port}"));
    let run = run(&mut command).exits(75).prints("").says(&["through the proxy", "403"]);
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
}

#[test]
fn allow_http_permits_a_key_in_the_clear() {
    let proxy = Server::replying(&["ok"]);
    let mut command = ask_through(&address(&proxy), &["--allow-http"]);
    run(command.env("GRAVIXLAYER_API_KEY", "k")).exits(0).prints("ok\n");
    assert_eq!(proxy.request().header("authorization"), Some("Bearer k"));
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
