//! Statuses that are neither 200 nor an error.

use crate::support::server::{Server, Step, answer, raw};
use crate::support::{ask, completion, gravix, run};

#[test]
fn a_status_that_promises_no_reply_is_told_and_not_tried_again() {
    for (status, reason) in [
        (
            "101 Switching Protocols",
            "answered 101 Switching Protocols, which gravix did not ask for; check",
        ),
        ("204 No Content", "answered 204 No Content, with an empty body; check the base URL\n"),
        ("205 Reset Content", "205 Reset Content, with an empty body"),
        ("202 Accepted", "202 Accepted, with an empty body"),
        ("299 Odd", "the server answered 299, with an empty body"),
    ] {
        let script = || {
            let length = if status < "2" { "" } else { "Content-Length: 0\r\n" };
            vec![raw(format!("HTTP/1.1 {status}\r\n{length}\r\n")), Step::End]
        };
        for arguments in [&["-n", "hi"][..], &["-n", "--stream", "hi"]] {
            let server = Server::new(vec![script(), script()]);
            run(&mut ask(&server, arguments)).exits(76).prints("").says(&[reason]);
            assert_eq!(server.requests().len(), 1);
        }
        let server = Server::once(script());
        let mut models = gravix();
        run(models.args(["models", "--base-url", &server.base_url()]))
            .exits(76)
            .prints("")
            .says(&[reason]);
    }
    let head = "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n";
    let server = Server::once(vec![raw(head), Step::LastChunk, Step::End]);
    run(&mut ask(&server, &["-n", "hi"])).exits(76).says(&["with an empty body"]);
    for blank in ["", "\r\n \n"] {
        let server = Server::once(answer("200 OK", "application/json", blank));
        let empty = "gravix: the server answered with an empty body\n";
        run(&mut ask(&server, &["-n", "hi"])).exits(75).prints("").says(&[empty]);
    }
    // What is cut off may be whole next time.
    let server = Server::once(vec![raw("HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\n")]);
    run(&mut ask(&server, &["-n", "hi"])).exits(75).says(&["before the reply was complete"]);
}

#[test]
fn a_reply_counts_whatever_its_success_is_called_and_what_announces_it() {
    let reply = completion("fine");
    for status in ["201 Created", "202 Accepted", "203 Changed", "206 Partial Content", "299 Odd"] {
        let server = Server::once(answer(status, "application/json", &reply));
        run(&mut ask(&server, &["-n", "hi"])).exits(0).prints("fine\n").says_nothing();
        let stream = format!("data: {reply}\n\ndata: [DONE]\n\n");
        let server = Server::once(answer(status, "text/event-stream", stream));
        run(&mut ask(&server, &["-n", "--stream", "hi"])).exits(0).prints("fine\n").says_nothing();
    }
    for announcement in ["100 Continue", "102 Processing", "103 Early Hints"] {
        let mut script = vec![raw(format!("HTTP/1.1 {announcement}\r\n\r\n"))];
        script.extend(answer("200 OK", "application/json", &reply));
        run(&mut ask(&Server::once(script), &["-n", "hi"])).exits(0).prints("fine\n");
    }
}
