//! Attached images as content parts, and text files as code blocks.

use std::ffi::OsStr;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::chat::code_block;
use crate::chat::message::{ContentPart, ImageUrl};
use crate::error::{Error, Result, TextOrigin};
use crate::files::text::{self, Encoding};
use crate::output::sanitize::push_sanitized;

/// The image at a URL, which the server fetches, or in a file, which is sent
/// inline.
///
/// # Errors
/// [`Error::Unreadable`] if the file cannot be read, [`Error::Input`] if it is
/// not an image and `media_type` is not given, [`Error::Usage`] for a URL with
/// a media type.
pub fn image(location: &OsStr, media_type: Option<&str>) -> Result<ContentPart> {
    if let Some(url) = location.to_str().filter(|location| is_url(location)) {
        if media_type.is_some() {
            let message = "--attach-type is only for files: the server finds out the type of a URL";
            return Err(Error::Usage(message.to_owned()));
        }
        return Ok(image_part(url.to_owned()));
    }
    let bytes = text::read(location.as_ref())?;
    inline_image(&bytes, &location.display().to_string(), media_type)
}

/// The image in `bytes` as a data URL; `what` names it in messages.
///
/// # Errors
/// [`Error::Input`] if it is not an image and `media_type` is not given.
pub fn inline_image(bytes: &[u8], what: &str, media_type: Option<&str>) -> Result<ContentPart> {
    let media_type = match media_type {
        Some(given) => given,
        None => image_type(bytes).ok_or_else(|| {
            let problem = if bytes.is_empty() { "empty" } else { "not an image gravix recognizes" };
            Error::Input(format!(
                "{what}: {problem}; use -f for a text file, or --attach-type to name the media type"
            ))
        })?,
    };
    Ok(image_part(format!("data:{media_type};base64,{}", BASE64_STANDARD.encode(bytes))))
}

/// The text of a file in a code block, preceded by the file's name.
///
/// # Errors
/// [`Error::Usage`] for the path `-`, [`Error::Unreadable`] if the file cannot
/// be read, [`Error::Input`] if it is an image, [`Error::NotText`] if it is not
/// text and `encoding` is strict.
pub fn text_file(path: &Path, encoding: Encoding) -> Result<String> {
    if path.as_os_str() == "-" {
        let message = "-f cannot read '-': standard input is part of the prompt already; for a file named -, use ./-";
        return Err(Error::Usage(message.to_owned()));
    }
    let mut name = Vec::new();
    push_sanitized(&mut name, &path.display().to_string().replace(['\n', '\t'], " "));
    let name = String::from_utf8_lossy(&name);
    let bytes = text::read(path)?;
    ensure_not_image(&bytes, &name, "-a attaches it")?;
    let text = encoding.decode(bytes, TextOrigin::File(path.to_owned()))?;
    let is_language = |c: char| c.is_ascii_alphanumeric() || "+#_-".contains(c);
    let language = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    let language = if language.chars().all(is_language) { language } else { "" };
    Ok(format!("{name}:\n\n{}", code_block::fence(language, &text)))
}

/// Rejects an image where text is expected.
///
/// # Errors
/// [`Error::Input`] with `advice` if `bytes` are an image.
pub fn ensure_not_image(bytes: &[u8], what: &str, advice: &str) -> Result<()> {
    match image_type(bytes).filter(|_| std::str::from_utf8(bytes).is_err()) {
        Some(kind) => Err(Error::Input(format!("{what} is not text but {kind}; {advice}"))),
        None => Ok(()),
    }
}

/// Whether the location of an image is a URL.
pub fn is_url(location: &str) -> bool {
    ["http://", "https://", "data:"].iter().any(|scheme| {
        location.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// The media type of an image, from its first bytes.
fn image_type(bytes: &[u8]) -> Option<&'static str> {
    let kind = infer::get(bytes).filter(|kind| kind.matcher_type() == infer::MatcherType::Image)?;
    // Text can start with BM too. In a bitmap, four zero bytes follow the size.
    let is_bitmap = || bytes.get(6..10) == Some(&[0; 4]);
    Some(kind.mime_type()).filter(|name| *name != "image/bmp" || is_bitmap())
}

fn image_part(url: String) -> ContentPart {
    ContentPart::ImageUrl { image_url: ImageUrl { url } }
}
