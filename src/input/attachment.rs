//! Images made into content parts, and text files into code blocks.

use std::ffi::OsStr;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::chat::code_block;
use crate::chat::message::{ContentPart, ImageUrl};
use crate::error::{Error, Result};
use crate::files::text::{self, Encoding};
use crate::output::sanitize::push_sanitized;

/// The image at a place that is a URL or a file. A URL is left to the server.
///
/// # Errors
/// [`Error::Unreadable`], and [`Error::Input`] for what is no image.
pub fn image(place: &OsStr, media_type: Option<&str>) -> Result<ContentPart> {
    if let Some(url) = place.to_str().filter(|place| is_url(place)) {
        if media_type.is_some() {
            let message = "--attach-type is for files: who fetches a URL is told the type";
            return Err(Error::Usage(message.to_owned()));
        }
        return Ok(part(url.to_owned()));
    }
    let bytes = text::read(place.as_ref())?;
    inline(&bytes, &place.display().to_string(), media_type)
}

/// The image that these bytes are, as a data URL; `what` stands for it in
/// messages.
///
/// # Errors
/// [`Error::Input`] for what is no image, unless its media type is given.
pub fn inline(bytes: &[u8], what: &str, media_type: Option<&str>) -> Result<ContentPart> {
    let media_type = match media_type {
        Some(given) => given,
        None => image_type(bytes).ok_or_else(|| {
            let found = if bytes.is_empty() { "empty" } else { "not an image that gravix knows" };
            Error::Input(format!(
                "{what}: {found}; -f takes files of text, and --attach-type names a media type"
            ))
        })?,
    };
    Ok(part(format!("data:{media_type};base64,{}", BASE64_STANDARD.encode(bytes))))
}

/// A file's text in a code block, headed by its name.
///
/// # Errors
/// [`Error::Unreadable`], and [`Error::Input`] for what is no text.
pub fn text(path: &Path, encoding: Encoding) -> Result<String> {
    if path.as_os_str() == "-" {
        let message = "-f takes no '-': standard input is part of the prompt as it is; a file of that name is ./-";
        return Err(Error::Usage(message.to_owned()));
    }
    let mut name = Vec::new();
    push_sanitized(&mut name, &path.display().to_string().replace(['\n', '\t'], " "));
    let name = String::from_utf8_lossy(&name);
    let bytes = text::read(path)?;
    ensure_no_image(&bytes, &name, "-a attaches it")?;
    let text = encoding.decode(bytes, &name)?;
    let is_language = |c: char| c.is_ascii_alphanumeric() || "+#_-".contains(c);
    let language = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    let language = if language.chars().all(is_language) { language } else { "" };
    Ok(format!("{name}:\n\n{}", code_block::fence(language, &text)))
}

/// # Errors
/// [`Error::Input`] with `advice` for bytes that are no text, but an image.
pub fn ensure_no_image(bytes: &[u8], what: &str, advice: &str) -> Result<()> {
    match image_type(bytes).filter(|_| std::str::from_utf8(bytes).is_err()) {
        Some(kind) => Err(Error::Input(format!("{what}: this is {kind}; {advice}"))),
        None => Ok(()),
    }
}

/// Whether a place of an image is a URL.
pub fn is_url(place: &str) -> bool {
    ["http://", "https://", "data:"].iter().any(|scheme| {
        place.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
    })
}

/// The media type of an image, by its first bytes.
fn image_type(bytes: &[u8]) -> Option<&'static str> {
    let kind = infer::get(bytes).filter(|kind| kind.matcher_type() == infer::MatcherType::Image)?;
    // Texts begin with BM too; a bitmap has four bytes of zero behind its size.
    let is_bitmap = || bytes.get(6..10) == Some(&[0; 4]);
    Some(kind.mime_type()).filter(|name| *name != "image/bmp" || is_bitmap())
}

fn part(url: String) -> ContentPart {
    ContentPart::ImageUrl { image_url: ImageUrl { url } }
}
