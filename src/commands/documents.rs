//! The man pages and the scripts of shells, which the program holds compressed.

use miniz_oxide::inflate::decompress_to_vec;

/// The path of each document and its length in bytes, in the order in which they are
/// compressed.
const DOCUMENTS: &[(&str, usize)] = include!(concat!(env!("OUT_DIR"), "/documents.rs"));

const COMPRESSED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/documents"));

/// The document at `path` in the source of gravix, such as `man/gravix.1`.
pub fn document(path: &str) -> String {
    let texts = decompress_to_vec(COMPRESSED).expect("what was compressed can be decompressed");
    let mut begin = 0;
    for (known, length) in DOCUMENTS {
        if *known == path {
            let text = texts[begin..begin + length].to_vec();
            return String::from_utf8(text).expect("it was text");
        }
        begin += length;
    }
    unreachable!("no document {path}")
}
