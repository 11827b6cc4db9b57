//! Pages of HTML or XML that come in place of JSON.

/// The elements whose text says what a page is about. S3 and its like send XML
/// with a `Message`.
const ELEMENTS: [&str; 2] = ["title", "message"];

/// How much of a page is searched for its beginning, in characters.
const HEAD: usize = 1024;

/// Where an HTML page begins in `text`.
pub fn html_start(text: &str) -> Option<usize> {
    ["<!doctype html", "<html"].iter().filter_map(|tag| find(text, tag)).min()
}

/// Whether `text` is an HTML page, whose first tags may be missing.
pub fn is_html(text: &str) -> bool {
    let start = text.trim_start();
    let end = start.char_indices().nth(HEAD).map_or(start.len(), |(end, _)| end);
    let head = &start[..end];
    start.starts_with('<') && (html_start(head).is_some() || !start.starts_with("<?xml"))
}

/// The words of a page's title, or of an XML error's message.
pub fn words(page: &str) -> Option<String> {
    ELEMENTS.iter().find_map(|name| {
        let inside = &page[find(page, &format!("<{name}"))?..];
        let (tag, rest) = inside.split_once('>')?;
        // Not the beginning of a longer name.
        let is_element = tag[1 + name.len()..].chars().next().is_none_or(char::is_whitespace);
        let text = rest.split('<').next().filter(|_| is_element)?;
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = words.replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&");
        (!words.is_empty()).then_some(words)
    })
}

/// Where `wanted`, in lower case, is in `text`, in any case.
fn find(text: &str, wanted: &str) -> Option<usize> {
    let is_there = |window: &[u8]| window.eq_ignore_ascii_case(wanted.as_bytes());
    text.as_bytes().windows(wanted.len()).position(is_there)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_told_by_its_title() {
        for (page, title) in [
            ("<html><head><title>One\n moment</title></head>", Some("One moment")),
            ("<!DOCTYPE html><TITLE lang=en>A &amp; B</TITLE>", Some("A & B")),
            ("<title></title><h1>x</h1>", None),
            ("<titles>x</titles>", None),
            ("<?xml version='1.0'?><Error><Message>No access</Message></Error>", Some("No access")),
            ("<html><title>cut o", Some("cut o")),
            ("<html><tit", None),
        ] {
            assert_eq!(words(page).as_deref(), title, "{page}");
        }
    }

    #[test]
    fn xml_is_not_html() {
        for html in ["<html>", " <!doctype HTML>", "<head>", "<?xml version='1.0'?>\n<html>"] {
            assert!(is_html(html), "{html}");
        }
        for other in ["", "a <html>", "{\"a\":\"<html>\"}", "<?xml version='1.0'?><Error>"] {
            assert!(!is_html(other), "{other}");
        }
    }
}
