//! What several fuzz targets share: cutting an input into pieces.
//!
//! Where the cuts are follows from the input itself. So an input is nothing but
//! the body, the file or the text that is tested, and a case of `tests/cases/` is
//! one as it is.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind, Read};

/// A generator of random numbers whose seed is the input.
pub fn random(input: &[u8]) -> fastrand::Rng {
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    fastrand::Rng::with_seed(hasher.finish())
}

/// `input` in pieces: sometimes byte by byte, otherwise cut at a few places.
pub fn pieces(input: &[u8]) -> Vec<&[u8]> {
    let mut random = random(input);
    if random.u8(..) < 64 {
        return input.chunks(1).collect();
    }
    let mut cuts: Vec<usize> =
        (0..random.usize(1..8)).map(|_| random.usize(..=input.len())).collect();
    cuts.extend([0, input.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|at| &input[at[0]..at[1]]).filter(|piece| !piece.is_empty()).collect()
}

/// `text` in pieces, cut between characters.
pub fn text_pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut rest, mut length) = (text, 0);
    for piece in self::pieces(text.as_bytes()) {
        length += piece.len();
        if let Some((piece, after)) = rest.split_at_checked(length) {
            pieces.push(piece);
            (rest, length) = (after, 0);
        }
    }
    pieces.push(rest);
    pieces
}

/// A body that arrives in pieces, as from a socket: before each piece it says
/// once that it would block. It ends, or breaks off if `is_cut`.
pub struct Body<'a> {
    pieces: Vec<&'a [u8]>,
    is_cut: bool,
    has_announced: bool,
}

impl<'a> Body<'a> {
    pub fn new(mut pieces: Vec<&'a [u8]>, is_cut: bool) -> Self {
        pieces.retain(|piece| !piece.is_empty());
        pieces.reverse();
        Self { pieces, is_cut, has_announced: false }
    }
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.has_announced = !self.has_announced;
        if self.has_announced {
            return Err(ErrorKind::WouldBlock.into());
        }
        match self.pieces.pop() {
            None if self.is_cut => Err(ErrorKind::UnexpectedEof.into()),
            None => Ok(0),
            Some(piece) => {
                let (now, later) = piece.split_at(piece.len().min(buffer.len()));
                buffer[..now.len()].copy_from_slice(now);
                self.pieces.extend(Some(later).filter(|later| !later.is_empty()));
                Ok(now.len())
            }
        }
    }
}
