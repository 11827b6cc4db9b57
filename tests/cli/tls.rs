//! TLS certificates that are trusted or refused.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};
use std::thread;

use crate::support::batch_lines::input;
use crate::support::certificates::{Issuer, SelfSigned};
use crate::support::server::listen_on_loopback;
use crate::support::{DONE, ask_mock, batch, completion, gravix, program, run, skip, start, token};

fn plain_answer() -> String {
    let body = completion("safe");
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A file that holds `pem`, in a directory of its own.
fn issuers_file(pem: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let path = directory.path().join("issuers.pem");
    fs::write(&path, pem).expect("the file is written");
    (directory, path)
}

fn ask(port: u16, arguments: &[&str]) -> std::process::Command {
    let mut command = gravix();
    command.args(["ask", "hi", "--base-url", &format!("https://localhost:{port}/v1")]);
    command.args(arguments);
    command
}

#[test]
fn an_unknown_issuer_is_refused_with_a_hint() {
    let port = Issuer::new().serve("localhost", false, &plain_answer());
    run(&mut ask(port, &[])).exits(78).prints("").says(&[
        "its issuer is unknown; if you expect that, save the certificate with openssl s_client -connect",
    ]);
}

#[test]
fn a_given_issuer_is_trusted() {
    let issuer = Issuer::new();
    let (_directory, path) = issuers_file(&issuer.pem());
    let port = issuer.serve("localhost", false, &plain_answer());
    run(ask(port, &["--ca-cert"]).arg(&path)).exits(0).prints("safe\n").says_nothing();
    run(ask(port, &[]).env("SSL_CERT_FILE", &path)).exits(0).prints("safe\n").says_nothing();
    run(ask(port, &["-v", "--ca-cert"]).arg(&path).env("GRAVIXLAYER_API_KEY", "k"))
        .exits(0)
        .prints("safe\n");
    let verbose = run(ask(port, &["-v", "--ca-cert"]).arg(&path)).exits(0);
    assert!(verbose.stderr.contains("speaks TLS 1.3"), "{}", verbose.stderr);
}

#[test]
fn a_stream_over_tls_must_be_complete() {
    let issuer = Issuer::new();
    let (_directory, path) = issuers_file(&issuer.pem());
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    let whole = issuer.serve("localhost", false, &format!("{head}{}{DONE}", token("a")));
    run(ask(whole, &["--stream", "--ca-cert"]).arg(&path)).exits(0).prints("a\n");
    let cut = issuer.serve("localhost", false, &format!("{head}{}", token("a")));
    run(ask(cut, &["--stream", "--ca-cert"]).arg(&path)).exits(4).prints("a\n").says(&[]);
}

#[test]
fn a_certificate_for_another_host_or_another_time_is_refused() {
    let issuer = Issuer::new();
    let (_directory, path) = issuers_file(&issuer.pem());
    let port = issuer.serve("example.org", false, &plain_answer());
    run(ask(port, &["--ca-cert"]).arg(&path))
        .exits(78)
        .prints("")
        .says(&["it is for example.org, not for localhost\n"]);
    let port = issuer.serve("localhost", true, &plain_answer());
    run(ask(port, &["--ca-cert"]).arg(&path)).exits(78).prints("").says(&["expired"]);
}

#[test]
fn a_stalled_handshake_times_out() {
    let (listener, port) = listen_on_loopback();
    // The connection waits in the queue of the listener and is never answered.
    let limits = ["--retries", "0", "--connect-timeout", "0.3"];
    run(&mut ask(port, &limits)).exits(75).prints("").says(&["cannot connect within 0.3 s"]);
    drop(listener);
}

#[test]
fn a_file_of_issuers_must_hold_a_certificate() {
    let (_directory, path) = issuers_file("no certificate\n");
    run(ask(1, &["--ca-cert"]).arg(&path)).exits(78).prints("").says(&["issuers.pem"]);
    run(&mut ask(1, &["--ca-cert", "/nowhere/x"])).exits(66).prints("").says(&["/nowhere/x"]);
    // Plain http needs no issuers, so the file is not opened.
    let mut plain = ask_mock(&["hi", "--ca-cert", "/nowhere/x"]);
    run(&mut plain).exits(0).prints("hi\n");
}

#[test]
fn a_port_without_tls_is_reported() {
    let (listener, port) = listen_on_loopback();
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a client connects");
        connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("the answer is sent");
        // Ends when gravix closes the connection.
        let _ = std::io::copy(&mut connection, &mut std::io::sink());
    });
    let mut command = ask(port, &["--retries", "0"]);
    let hint = format!(
        "does not speak TLS on this port; it may be an http:// server; try --base-url http://localhost:{port}/v1\n"
    );
    run(&mut command).exits(76).prints("").says(&[&hint]);
}

#[test]
fn a_self_signed_certificate_is_trusted_for_its_own_name_if_a_file_names_it() {
    let server = SelfSigned::serve("localhost", false, &plain_answer());
    let (_directory, path) = issuers_file(&server.pem);
    run(ask(server.port, &["--ca-cert"]).arg(&path)).exits(0).prints("safe\n").says_nothing();
    run(ask(server.port, &[]).env("SSL_CERT_FILE", &path)).exits(0).prints("safe\n");
    // Nobody has said that it can be trusted.
    run(&mut ask(server.port, &[]))
        .exits(78)
        .prints("")
        .says(&[
            "localhost is not trusted: it is self-signed, or that",
            &format!(
                "if you expect that, save the certificate with openssl s_client -connect localhost:{} </dev/null | openssl x509 > gravix-server.pem and use --ca-cert gravix-server.pem\n",
                server.port
            ),
        ]);
    let (_directory, path) = issuers_file(&Issuer::new().pem());
    let mut by_option = ask(server.port, &["--ca-cert"]);
    let mut by_variable = ask(server.port, &[]);
    for command in [by_option.arg(&path), by_variable.env("SSL_CERT_FILE", &path)] {
        run(command)
            .exits(78)
            .prints("")
            .says(&["issuers.pem does not hold it; if you expect that, save"]);
    }
    let (_directory, path) = issuers_file(&server.pem);
    let port = Issuer::new().serve("localhost", false, &plain_answer());
    run(ask(port, &["--ca-cert"]).arg(&path))
        .exits(78)
        .says(&["issuers.pem holds neither the issuer nor the certificate; if you"]);
}

#[test]
fn a_self_signed_certificate_is_not_trusted_for_another_name_or_time() {
    for (host, is_expired, reason) in [
        ("example.org", false, "it is for example.org, not for localhost"),
        ("localhost", true, "it has expired"),
    ] {
        let server = SelfSigned::serve(host, is_expired, &plain_answer());
        let (_directory, path) = issuers_file(&server.pem);
        run(ask(server.port, &["--ca-cert"]).arg(&path)).exits(78).prints("").says(&[reason]);
    }
}

#[test]
fn a_self_signed_certificate_without_a_name_is_told_how_to_get_one() {
    let server = SelfSigned::serve_nameless();
    let (_directory, path) = issuers_file(&server.pem);
    run(ask(server.port, &["--ca-cert"]).arg(&path)).exits(78).prints("").says(&[
        "it names no host",
        "give the server a certificate with its name: openssl req -x509",
        "subjectAltName=DNS:localhost; then use --ca-cert gravix-cert.pem\n",
    ]);
}

/// A port where each client gets `bytes` and then the end of the connection.
fn answering(bytes: &'static [u8]) -> u16 {
    let (listener, port) = listen_on_loopback();
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            // The beginning of the client's hello.
            let _ = connection.read(&mut [0; 1024]);
            let _ = connection.write_all(bytes);
            let _ = connection.shutdown(Shutdown::Write);
            let _ = std::io::copy(&mut connection, &mut std::io::sink());
        }
    });
    port
}

#[test]
fn what_stays_the_same_next_time_is_not_tried_again_and_what_may_pass_is() {
    // Alerts are told by their numbers.
    for (bytes, status, reason) in [
        (&[21, 3, 2, 0, 2, 2, 70][..], 78, "it supports neither TLS 1.2 nor TLS 1.3; update the"),
        (
            &[21, 3, 3, 0, 2, 2, 40],
            78,
            "it refused with the alert \"handshake failure\"; the server must offer",
        ),
        (&[21, 3, 3, 0, 2, 2, 42], 78, "it requires a client certificate; gravix has"),
        (&[21, 3, 3, 0, 2, 2, 49], 78, "the alert \"access denied\"; ask its operator why\n"),
        (&[21, 3, 3, 0, 2, 2, 112], 78, "it does not know this name; check the host"),
        (&[21, 3, 3, 0, 2, 2, 80], 75, "it refused with the alert \"internal error\"\n"),
        (&[21, 3, 3, 0, 2, 2, 200], 75, "it refused with the alert 200\n"),
        (&[22, 3, 3, 0, 5, 2, 0, 0, 1, 0], 75, "it sent a malformed message\n"),
        (&[], 75, "it closed the connection\n"),
        (b"SSH-2.0-OpenSSH\r\n", 76, "does not speak TLS"),
    ] {
        let retries = if status == 75 { "0" } else { "2" };
        let told = run(&mut ask(answering(bytes), &["--retries", retries]));
        told.exits(status).prints("").says(&["localhost", reason]);
    }
}

#[test]
fn a_demanded_client_certificate_is_told_with_either_version() {
    let issuer = Issuer::new();
    let (_directory, path) = issuers_file(&issuer.pem());
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let port = issuer.serve_with_client_certificates(version);
        run(ask(port, &["--ca-cert"]).arg(&path))
            .exits(78)
            .prints("")
            .says(&["localhost: it requires a client certificate; gravix has no client certificates; run stunnel"]);
    }
}

#[test]
fn a_batch_ends_early_if_no_connection_can_be_trusted() {
    let server = SelfSigned::serve("localhost", false, &plain_answer());
    let (_directory, file) = input(&[r#"{"prompt":"a"}"#; 40]);
    let mut command = batch(&format!("https://localhost:{}/v1", server.port), &["-j", "1"]);
    let run = run(command.arg(file));
    let lines = String::from_utf8(run.stdout.clone()).expect("stdout is UTF-8");
    assert!(lines.contains(r#""code":"tls""#) && lines.lines().count() < 40, "{lines}");
    run.exits(78);
}

/// `openssl s_server` with a certificate that `openssl req -x509` made, and its
/// port; `None` where openssl is not installed. It is killed when it is dropped.
struct OpenSsl {
    child: Child,
    /// It writes there until it ends.
    _stdout: BufReader<ChildStdout>,
}

impl OpenSsl {
    fn start(directory: &Path, options: &[&str]) -> Option<(Self, u16)> {
        let request = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem \
                       -subj /CN=localhost -addext subjectAltName=DNS:localhost";
        let mut openssl = program("openssl");
        openssl.current_dir(directory).env("PATH", "/usr/bin:/bin").args(request.split(' '));
        if !openssl.output().is_ok_and(|made| made.status.success()) {
            skip("openssl is not installed");
            return None;
        }
        let mut server = program("openssl");
        server.current_dir(directory).env("PATH", "/usr/bin:/bin").args(["s_server", "-accept"]);
        server.args(["127.0.0.1:0", "-cert", "cert.pem", "-key", "key.pem"]).args(options);
        let mut child = start(server.stdin(Stdio::piped()));
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let port = stdout
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("ACCEPT ")?.rsplit(':').next()?.parse().ok());
        let server = Self { child, _stdout: stdout };
        Some((server, port.expect("openssl says where it listens")))
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_openssl_refuses_is_told_in_words() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let certificate = directory.path().join("cert.pem");
    let client = "it requires a client certificate; gravix has no client certificates; run stunnel";
    for (options, reason) in [
        (&["-tls1_2", "-Verify", "1"][..], client),
        (&["-tls1_3", "-Verify", "1"], client),
        (
            &["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"],
            "it supports neither TLS 1.2 nor TLS 1.3; update the server",
        ),
        (
            &["-tls1_2", "-cipher", "AES128-SHA"],
            "\"handshake failure\"; the server must offer ECDHE",
        ),
    ] {
        let Some((_server, port)) = OpenSsl::start(directory.path(), options) else {
            return;
        };
        let mut command = ask(port, &["--ca-cert"]);
        run(command.arg(&certificate)).exits(78).prints("").says(&["with localhost", reason]);
    }
}
