//! The buffers of a connection. They are allocated when they are first needed, and
//! the input grows: ureq parses the head of a response only as a whole, and it
//! takes an input buffer that is full for the end of the connection.

use ureq::config::Config;
use ureq::unversioned::transport::Buffers;

/// How much the input can grow to, in bytes. ureq refuses heads of responses over
/// 64 KiB.
const MAX_INPUT: usize = 128 << 10;

#[derive(Debug)]
pub struct GrowingBuffers {
    /// In bytes, at first; at most [`MAX_INPUT`].
    input_size: usize,
    output_size: usize,
    input: Vec<u8>,
    /// The part of `input` that has arrived and is not used yet.
    start: usize,
    end: usize,
    output: Vec<u8>,
    /// The last parser used a part of the input, so that the next one may go on.
    has_progressed: bool,
}

impl GrowingBuffers {
    pub fn new(config: &Config) -> Self {
        Self {
            input_size: config.input_buffer_size().min(MAX_INPUT),
            output_size: config.output_buffer_size(),
            input: Vec::new(),
            start: 0,
            end: 0,
            output: Vec::new(),
            has_progressed: false,
        }
    }

    /// Makes room for input, if there is none.
    fn make_room(&mut self) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.start > 0 && self.end > self.input.len() / 2 {
            self.input.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.input.len() && self.end < MAX_INPUT {
            let size = (2 * self.end).clamp(self.input_size, MAX_INPUT);
            // Zeroed when it is allocated, so that pages that are never used cost
            // no memory.
            let mut input = vec![0; size];
            input[..self.end].copy_from_slice(&self.input);
            self.input = input;
        }
    }

    fn ensure_output(&mut self) {
        if self.output.is_empty() {
            self.output = vec![0; self.output_size];
        }
    }
}

impl Buffers for GrowingBuffers {
    fn output(&mut self) -> &mut [u8] {
        self.ensure_output();
        &mut self.output
    }

    fn input(&self) -> &[u8] {
        &self.input[self.start..self.end]
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.make_room();
        &mut self.input[self.end..]
    }

    fn input_appended(&mut self, amount: usize) {
        self.end += amount;
    }

    fn input_consume(&mut self, amount: usize) {
        self.has_progressed = amount > 0;
        self.start += amount;
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        self.make_room();
        self.ensure_output();
        (&mut self.input[self.end..], &mut self.output)
    }

    fn can_use_input(&self) -> bool {
        self.start < self.end && self.has_progressed
    }
}

#[cfg(test)]
mod tests {
    use ureq::Agent;

    use super::*;

    fn buffers(size: usize) -> GrowingBuffers {
        GrowingBuffers::new(&Agent::config_builder().input_buffer_size(size).build())
    }

    fn append(buffers: &mut GrowingBuffers, bytes: &[u8]) {
        buffers.input_append_buf()[..bytes.len()].copy_from_slice(bytes);
        buffers.input_appended(bytes.len());
    }

    #[test]
    fn input_that_is_not_used_grows_the_buffer_up_to_its_limit() {
        let mut buffers = buffers(4);
        append(&mut buffers, b"abcd");
        append(&mut buffers, b"efgh");
        assert_eq!(buffers.input(), b"abcdefgh");
        while !buffers.input_append_buf().is_empty() {
            let room = buffers.input_append_buf().len();
            buffers.input_appended(room);
        }
        assert_eq!(buffers.input().len(), MAX_INPUT);
        assert!(buffers.input().starts_with(b"abcdefgh"));
    }

    #[test]
    fn room_of_used_input_is_used_again() {
        let mut buffers = buffers(4);
        append(&mut buffers, b"abcd");
        assert!(!buffers.can_use_input());
        buffers.input_consume(3);
        assert!(buffers.can_use_input());
        append(&mut buffers, b"efg");
        assert_eq!(buffers.input(), b"defg");
        buffers.input_consume(4);
        assert_eq!(buffers.input_append_buf().len(), 4);
    }
}
