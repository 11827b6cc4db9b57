//! What bytes that are not text look like, from their first ones.

use infer::MatcherType;
use memchr::memmem;

use crate::error::{Likeness, WideEncoding};

/// How many bytes are looked at where the whole input is not needed: 4 KiB.
pub const SAMPLE_BYTES: usize = 4 << 10;

const ZIP: &[u8] = b"PK\x03\x04";

/// The first bytes of Microsoft's compound files ([MS-CFB] 2.2), such as .doc.
const COMPOUND_FILE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// Names inside a ZIP archive, and the extension of such office files. The
/// first three and the last are from ECMA-376, the others are media types of
/// OpenDocument and EPUB.
const ZIPPED: &[(&[u8], &str)] = &[
    (b"word/document", "docx"),
    (b"xl/workbook", "xlsx"),
    (b"ppt/presentation", "pptx"),
    (b"application/vnd.oasis.opendocument.text", "odt"),
    (b"application/vnd.oasis.opendocument.spreadsheet", "ods"),
    (b"application/vnd.oasis.opendocument.presentation", "odp"),
    (b"application/epub+zip", "epub"),
    // One of the first three, cut before its parts.
    (b"[Content_Types].xml", "docx"),
];

/// Names of streams in a compound file, which holds them in UTF-16, and the
/// extension of such office files.
const COMPOUND: &[(&str, &str)] =
    &[("Workbook", "xls"), ("PowerPoint Document", "ppt"), ("WordDocument", "doc")];

/// What `bytes` look like; [`Likeness::Text`] if nothing else is recognized.
/// They need not be complete, but must be the first ones.
pub fn of(bytes: &[u8]) -> Likeness {
    if is_pdf(bytes) {
        return Likeness::Pdf;
    }
    if let Some(extension) = office_file(bytes) {
        return Likeness::Office(extension);
    }
    let sample = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    if let Some(form) = marked_unicode(sample).or_else(|| unmarked_utf_16(sample)) {
        return Likeness::Unicode(form);
    }
    if is_mostly_text(sample) {
        return Likeness::Text;
    }
    // A text matcher's result would contradict what was just found out.
    let known = infer::get(bytes).filter(|kind| kind.matcher_type() != MatcherType::Text);
    Likeness::Binary(known.map(|kind| kind.mime_type()))
}

/// Whether `bytes` begin as a PDF does, which can be valid UTF-8.
pub fn is_pdf(bytes: &[u8]) -> bool {
    bytes.strip_prefix(b"%PDF-").and_then(<[u8]>::first).is_some_and(u8::is_ascii_digit)
}

fn office_file(bytes: &[u8]) -> Option<&'static str> {
    let has = |name: &[u8]| memmem::find(bytes, name).is_some();
    let in_utf_16 = |name: &str| name.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    if bytes.starts_with(ZIP) {
        return ZIPPED.iter().find(|(name, _)| has(name)).map(|(_, extension)| *extension);
    }
    if !bytes.starts_with(COMPOUND_FILE) {
        return None;
    }
    let known = COMPOUND.iter().find(|(name, _)| has(&in_utf_16(name)));
    Some(known.map_or("doc", |(_, extension)| extension))
}

fn marked_unicode(sample: &[u8]) -> Option<WideEncoding> {
    match sample {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some(WideEncoding::Utf32),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some(WideEncoding::Utf16),
        _ => None,
    }
}

/// UTF-16 without a byte order mark. The high bytes of its line ends, spaces and
/// Latin letters are NUL, at least two of them, and few of its low bytes are.
fn unmarked_utf_16(sample: &[u8]) -> Option<WideEncoding> {
    let units = sample.chunks_exact(2).map(|unit| [unit[0], unit[1]]);
    let first_nuls = units.clone().filter(|[first, _]| *first == 0).count();
    let second_nuls = units.clone().filter(|[_, second]| *second == 0).count();
    let (form, nuls) = match () {
        () if second_nuls > 4 * first_nuls => (WideEncoding::Utf16, second_nuls),
        () if first_nuls > 4 * second_nuls => (WideEncoding::Utf16BigEndian, first_nuls),
        () => return None,
    };
    let decode: fn([u8; 2]) -> u16 = match form {
        WideEncoding::Utf16 => u16::from_le_bytes,
        _ => u16::from_be_bytes,
    };
    // The sample may end between the halves of a surrogate pair.
    let mut characters: Vec<_> = char::decode_utf16(units.map(decode)).collect();
    characters.pop_if(|last| last.is_err());
    let is_text = characters.iter().all(|c| c.as_ref().is_ok_and(|c| !is_binary_control(*c)));
    // ASCII with a stray NUL could be read as Chinese and one Latin letter.
    let is_letter = |b: &u8| *b == 0 || (b.is_ascii() && !is_binary_control(char::from(*b)));
    let is_ascii = sample.iter().all(is_letter) && nuls < sample.len() / 2;
    let is_likely = is_text && !is_ascii && nuls >= 2 && nuls * 20 >= sample.len() / 2;
    is_likely.then_some(form)
}

/// Whether at most half of the bytes are NUL, and at most one in fifty of the
/// others is a control character that text does not have.
fn is_mostly_text(sample: &[u8]) -> bool {
    let nuls = memchr::memchr_iter(0, sample).count();
    let others = sample.len() - nuls;
    let is_control = |b: &&u8| b.is_ascii() && is_binary_control(char::from(**b));
    let controls = sample.iter().filter(is_control).count() - nuls;
    nuls <= others && controls * 50 <= others
}

/// Control characters other than tab, line ends, form feed and escape.
fn is_binary_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\x0c' | '\x1b')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_16(text: &str, encode: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(encode).collect()
    }

    #[test]
    fn utf_16_is_recognized_with_and_without_its_mark() {
        for text in ["hi!", "Grüße, 😀!\r\n", "Привет, мир\n", "{\"prompt\":\"日本語\"}\n"]
        {
            let marked = format!("\u{feff}{text}");
            let unicode = |form| Likeness::Unicode(form);
            for (bytes, form) in [
                (utf_16(&marked, u16::to_le_bytes), WideEncoding::Utf16),
                (utf_16(&marked, u16::to_be_bytes), WideEncoding::Utf16),
                (utf_16(text, u16::to_le_bytes), WideEncoding::Utf16),
                (utf_16(text, u16::to_be_bytes), WideEncoding::Utf16BigEndian),
            ] {
                assert_eq!(of(&bytes), unicode(form), "{text}");
                assert_eq!(of(&bytes[..bytes.len() - 1]), unicode(form), "{text}, cut");
            }
        }
    }

    #[test]
    fn text_in_other_encodings_is_text() {
        for text in [
            &b"caf\xe9"[..],
            b"\xff",
            b"\x93quoted\x94 \x80 10",
            b"\xc8\xcf\xcc\xcf\xc4\xce\xcf\n",
            b"a\0b",
            b"a.txt\0b.txt\0",
            b"one line\nwith a stray \0 in it\n",
            b"\x1b[31mred\x1b[0m \xff\n",
            b"<html>\xff</html>",
        ] {
            assert_eq!(of(text), Likeness::Text, "{text:?}");
        }
    }

    #[test]
    fn documents_and_other_binary_files_are_recognized() {
        let doc = [COMPOUND_FILE, &[0; 500], &utf_16("WordDocument", u16::to_le_bytes)].concat();
        let xls = [COMPOUND_FILE, &[0; 500], &utf_16("Workbook", u16::to_le_bytes)].concat();
        let zip =
            |name: &[u8]| [b"PK\x03\x04\x14\0\0\0\x08\0", &[7; 20][..], name, b"\xff\0"].concat();
        for (bytes, likeness) in [
            (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec(), Likeness::Pdf),
            (zip(b"word/document.xml"), Likeness::Office("docx")),
            (zip(b"[Content_Types].xml...xl/workbook.xml"), Likeness::Office("xlsx")),
            (zip(b"mimetypeapplication/vnd.oasis.opendocument.text"), Likeness::Office("odt")),
            (zip(b"a.txt"), Likeness::Binary(Some("application/zip"))),
            (doc, Likeness::Office("doc")),
            (xls, Likeness::Office("xls")),
            (b"\x1f\x8b\x08\0\0\0\0\0".to_vec(), Likeness::Binary(Some("application/gzip"))),
            (vec![0; 100], Likeness::Binary(None)),
            (vec![1, 2, 3, 0xff], Likeness::Binary(None)),
        ] {
            assert_eq!(of(&bytes), likeness, "{bytes:?}");
        }
        assert!(!is_pdf(b"%PDF- is how a PDF begins"));
    }
}
