//! Error bodies: no body takes long or gives a message that is longer than what
//! the server sent, and plain words are shown as they are.

#![no_main]

use gravix::wire::{error_body, markup};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|body: &[u8]| {
    let text = String::from_utf8_lossy(body);
    let error = error_body::parse(body);
    // Words between the messages of several fields are added.
    let limit = 64 + 4 * text.len();
    for words in
        [Some(&error.message), error.kind.as_ref(), error.code.as_ref()].into_iter().flatten()
    {
        assert!(words.len() <= limit, "{words:?}");
    }
    assert!(!error.message.contains('\n'), "{:?}", error.message);
    assert!(error_body::words(body).len() <= limit);
    markup::is_html(&text);

    let words: String =
        text.chars().filter(|c| c.is_alphanumeric() || " .,:-\n".contains(*c)).collect();
    let plain = words.lines().map(str::trim).filter(|line| !line.is_empty());
    let plain = plain.collect::<Vec<_>>().join(" ");
    if !plain.contains(char::is_alphanumeric) {
        return;
    }
    for body in [
        json!({"error": {"message": words}}),
        json!({"message": words}),
        json!([{"error": {"message": words}}]),
    ] {
        let message = error_body::parse(body.to_string().as_bytes()).message;
        assert_eq!(message, plain, "{body}");
    }
});
