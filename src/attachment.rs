//! Images made into content parts, and text files into code blocks.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::api::request::{ContentPart, ImageUrl};
use crate::code_block;
use crate::encoding::Encoding;
use crate::error::{Error, Result};

/// The image at a place that is a URL or a file. A URL is left to the server.
///
/// # Errors
/// [`Error::Unreadable`], and [`Error::Input`] for what is no image.
pub fn image(place: &OsStr, media_type: Option<&str>) -> Result<ContentPart> {
    if let Some(url) = place.to_str().filter(|place| is_url(place)) {
        if media_type.is_some() {
            let message = format!("{url}: --attach-type is for files; a server asks the URL");
            return Err(Error::Usage(message));
        }
        return Ok(part(url.to_owned()));
    }
    let bytes = read(place.as_ref())?;
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
    let name = path.display().to_string();
    let bytes = read(path)?;
    if let Some(media_type) = image_type(&bytes) {
        return Err(Error::Input(format!("{name}: this is {media_type}; -a attaches images")));
    }
    let text = encoding.decode(bytes, &name)?;
    let language = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    Ok(format!("{name}:\n\n{}", code_block::fence(language, &text)))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    if path.as_os_str() == "-" {
        let message = "-f takes no '-': standard input is part of the prompt as it is; a file of that name is ./-";
        return Err(Error::Usage(message.to_owned()));
    }
    fs::read(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })
}

fn is_url(place: &str) -> bool {
    ["http://", "https://", "data:"].iter().any(|scheme| {
        place.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
    })
}

/// The media type of an image, by its first bytes.
fn image_type(bytes: &[u8]) -> Option<&'static str> {
    infer::get(bytes)
        .filter(|kind| kind.matcher_type() == infer::MatcherType::Image)
        .map(|kind| kind.mime_type())
}

fn part(url: String) -> ContentPart {
    ContentPart::ImageUrl { image_url: ImageUrl { url } }
}
