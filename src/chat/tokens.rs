//! How many tokens a request takes: counted by the server, or estimated from bytes.

/// A token of English text has about four bytes, a rule of thumb of OpenAI's.
pub const BYTES_PER_TOKEN: u64 = 4;

/// The tokens of a prompt and of its reply.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct TokenCount {
    pub prompt: u64,
    pub completion: u64,
}

impl TokenCount {
    /// Counts may be anything that a server or a file says.
    pub fn add(&mut self, more: Self) {
        self.prompt = self.prompt.saturating_add(more.prompt);
        self.completion = self.completion.saturating_add(more.completion);
    }

    pub fn total(self) -> u64 {
        self.prompt.saturating_add(self.completion)
    }
}

/// About how many tokens so many bytes are.
pub fn estimate(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN)
}
