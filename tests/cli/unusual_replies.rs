//! Unusual or odd responses that still hold a reply.

use crate::support::fault::{Fault, of_length};
use crate::support::server::{Step, answer, chunk, events, raw, stream_head};
use crate::support::{DONE, completion, token};

#[test]
fn unusual_but_complete_replies_are_accepted() {
    let body = token("a") + DONE;
    let length = format!("{:x}", body.len());
    for fault in [
        Fault::new("1xx first", {
            let mut script = vec![raw("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")];
            script.extend(events(&[&body]));
            script
        }),
        Fault::new("HTTP/1.0", vec![raw("HTTP/1.0 200 OK\r\n\r\n"), raw(&body), Step::End]),
        Fault::new("chunk extensions and trailers", {
            let framed = format!("{length};x=y\r\n{body}\r\n0\r\nTrailer: x\r\n\r\n");
            vec![stream_head(), raw(framed), Step::End]
        }),
        Fault::new("no last chunk after DONE", vec![stream_head(), chunk(&body)]),
        Fault::new("reset after DONE", vec![stream_head(), chunk(&body), Step::Reset]),
        Fault::new("no final CRLF", {
            vec![stream_head(), raw(format!("{length}\r\n{body}\r\n0\r\n")), Step::End]
        }),
        Fault::new("a finish reason, then silence", {
            let done =
                DONE.split_inclusive("\n\n").next().expect("the first event has the finish reason");
            vec![stream_head(), chunk(token("a")), chunk(done), Step::Stall]
        }),
        Fault::new("a finish reason, then garbage", {
            let done =
                DONE.split_inclusive("\n\n").next().expect("the first event has the finish reason");
            vec![stream_head(), chunk(token("a") + done + "data: {nope\n\n"), Step::Stall]
        }),
    ] {
        fault.stream().exits(0).prints("a\n").check();
    }
}

#[test]
fn a_complete_json_reply_is_accepted_without_its_framing() {
    let whole = completion("a");
    let longer = || of_length(whole.len() + 10);
    for script in [
        vec![stream_head(), chunk(&whole)],
        vec![stream_head(), chunk(&whole), Step::Reset],
        vec![longer(), raw(&whole)],
        vec![longer(), raw(&whole), Step::Stall],
    ] {
        Fault::new("whole", script).exits(0).prints("a\n").check();
    }
}

#[test]
fn odd_metadata_does_not_lose_the_reply() {
    for usage in ["{\"prompt_tokens\":5.5}", "{\"total_tokens\":\"7\"}", "[]", "\"x\"", "null"] {
        let body = completion("a").replacen('{', &format!("{{\"usage\":{usage},"), 1);
        let body = body.replace("\"chat.completion\"", "1");
        let script = answer("200 OK", "application/json", body);
        Fault::new("odd metadata", script).exits(0).prints("a\n").check();
    }
}

#[test]
fn odd_payloads_are_errors_or_replies_and_never_a_crash() {
    let deep = "[".repeat(200_000);
    let event = |data: &str| events(&[format!("data: {data}\n\n"), DONE.to_owned()]);
    for (data, stdout, status) in [
        (format!("{{\"choices\":{deep}}}"), "", 76),
        (deep, "", 76),
        ("{\"choices\":[{\"index\":NaN}]}".to_owned(), "", 3),
        ("{\"choices\":[{\"delta\":{\"content\":\"\\ud83d\"}}]}".to_owned(), "\u{fffd}\n", 0),
        ("{\"choices\":[{\"delta\":{\"content\":\"\\u0000\"}}]}".to_owned(), "\0\n", 0),
        ("{\"choices\":[{\"delta\":{\"content\":5}}]}".to_owned(), "5\n", 0),
    ] {
        Fault::new("odd", event(&data)).stream().prints(stdout).exits(status).check();
    }
}
