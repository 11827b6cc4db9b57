//! Why a text is not JSON, in words for somebody who wrote it by hand.

/// What serde_json says, and what that means.
const WORDS: &[(&str, &str)] = &[
    ("expected value", "no value begins here; a text needs double quotes"),
    ("expected ident", "no value begins here; a text needs double quotes"),
    ("key must be a string", "a name needs double quotes"),
    ("trailing characters", "it goes on after the value"),
    ("trailing comma", "a comma too many"),
    ("EOF while parsing a value", "it ends where a value should be"),
    ("EOF while parsing an object", "it ends before the object does"),
    ("EOF while parsing a list", "it ends before the array does"),
    ("EOF while parsing a string", "it ends before the string does"),
    (
        "control character (\\u0000-\\u001F) found while parsing a string",
        "a control character or a line end in a string",
    ),
];

/// The reason of a parse error without its position. The position is relative to
/// the parsed text, which is misleading if that text is one line of a file.
pub fn reason(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let words = message.rsplit_once(" at line ").map_or(message.as_str(), |parts| parts.0);
    let known = WORDS.iter().find(|(known, _)| *known == words);
    known.map_or(words, |(_, words)| *words).to_owned()
}
