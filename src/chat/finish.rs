//! Why a reply ended, in the server's own word, and what that means.

use std::fmt;

/// A finish reason as the server sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishReason {
    pub kind: FinishKind,
    /// The server's own word.
    pub word: String,
}

/// What a finish reason means, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FinishKind {
    /// The reply is whole.
    Stop,
    /// The reply is whole, and calls tools.
    ToolCalls,
    /// The meaning is not known. The reply counts as whole.
    Unknown,
    /// The reply was cut off at a length limit.
    Length,
    /// A filter ended the reply, or the model refused.
    ContentFilter,
    /// The server failed in the middle of the reply.
    Failed,
}

/// The words that servers use: those of OpenAI, Anthropic, Gemini, vLLM, SGLang,
/// TGI, Mistral, DeepSeek, Zhipu and OpenRouter.
const WORDS: &[(FinishKind, &[&str])] = &[
    (
        FinishKind::Stop,
        &["stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed"],
    ),
    (FinishKind::ToolCalls, &["tool_calls", "tool_use", "function_call"]),
    (
        FinishKind::Length,
        &[
            "length",
            "max_tokens",
            "max_output_tokens",
            "model_length",
            "model_context_window_exceeded",
        ],
    ),
    (
        FinishKind::ContentFilter,
        &[
            "safety",
            "recitation",
            "blocklist",
            "prohibited_content",
            "spii",
            "sensitive",
            "refusal",
        ],
    ),
    (
        FinishKind::Failed,
        &[
            "error",
            "abort",
            "aborted",
            "cancelled",
            "canceled",
            "timeout",
            "network_error",
            "insufficient_system_resource",
            "overloaded",
            "malformed_function_call",
        ],
    ),
];

impl FinishReason {
    /// The finish reason for the server's word, compared without case. `None` for
    /// an empty word and for `null`, which some servers send as a text.
    pub fn new(word: &str) -> Option<Self> {
        let word = word.trim();
        if word.is_empty() || word.eq_ignore_ascii_case("null") {
            return None;
        }
        Some(Self { kind: FinishKind::of(word), word: word.to_owned() })
    }

    /// The worse of two finish reasons of one reply; of equals, the first. Some
    /// servers end every reply with `stop`, even after `length`.
    pub fn worst(earlier: Option<Self>, next: Self) -> Self {
        earlier.filter(|earlier| earlier.kind >= next.kind).unwrap_or(next)
    }
}

impl fmt::Display for FinishReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word)
    }
}

impl FinishKind {
    fn of(word: &str) -> Self {
        let word = word.to_ascii_lowercase();
        // Proxies add the reason: `content_filter: SAFETY`.
        if word.starts_with("content_filter") {
            return Self::ContentFilter;
        }
        let is_among = |(_, words): &&(Self, &[&str])| words.contains(&word.as_str());
        WORDS.iter().find(is_among).map_or(Self::Unknown, |(kind, _)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_compared_without_case_and_null_is_none() {
        for (word, kind) in [
            ("stop", Some(FinishKind::Stop)),
            ("EOS_Token", Some(FinishKind::Stop)),
            ("Tool_Use", Some(FinishKind::ToolCalls)),
            ("MAX_TOKENS", Some(FinishKind::Length)),
            ("content_filter: SAFETY", Some(FinishKind::ContentFilter)),
            ("Content_Filtered", Some(FinishKind::ContentFilter)),
            ("SPII", Some(FinishKind::ContentFilter)),
            ("Canceled", Some(FinishKind::Failed)),
            ("MALFORMED_FUNCTION_CALL", Some(FinishKind::Failed)),
            ("wandered_off", Some(FinishKind::Unknown)),
            ("", None),
            (" ", None),
            ("null", None),
            ("NULL", None),
        ] {
            assert_eq!(FinishReason::new(word).map(|reason| reason.kind), kind, "{word}");
        }
    }

    #[test]
    fn the_worse_reason_wins_in_any_order() {
        let words = ["stop", "tool_calls", "wandered_off", "length", "SAFETY", "abort"];
        let reason = |word| FinishReason::new(word).expect("a reason");
        for (position, worse) in words.iter().enumerate() {
            for better in &words[..=position] {
                let worst =
                    |earlier, next| FinishReason::worst(Some(reason(earlier)), reason(next));
                assert_eq!(worst(worse, better).word, *worse);
                assert_eq!(worst(better, worse).word, *worse);
            }
        }
    }
}
