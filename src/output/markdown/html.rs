//! Where a block of HTML begins and ends (CommonMark 0.31, section 4.6). It is shown
//! as text.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HtmlEnd {
    BlankLine,
    /// A line with this text.
    Text(&'static str),
}

/// Elements that end with their own end tag.
const RAW: [(&str, &str); 4] = [
    ("pre", "</pre>"),
    ("script", "</script>"),
    ("style", "</style>"),
    ("textarea", "</textarea>"),
];

/// Elements that end at a blank line, and that models write.
const BLOCKS: &str = " address article aside blockquote body caption center col colgroup dd \
    details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 head header \
    hr html iframe legend li link main menu nav ol optgroup option p param search section summary \
    table tbody td tfoot th thead title tr track ul ";

/// How the block ends that a line with `text` begins. The inner `None` is no block, and
/// the outer one means that more of the line decides. Within a paragraph, only some
/// elements begin one.
pub fn start(text: &str, is_whole: bool, goes_on: bool) -> Option<Option<HtmlEnd>> {
    for (start, end) in [("<!--", "-->"), ("<?", "?>")] {
        if text.starts_with(start) {
            return Some(Some(HtmlEnd::Text(end)));
        }
        if start.starts_with(text) && !is_whole {
            return None;
        }
    }
    let inner = &text[1..];
    let name = inner.strip_prefix('/').unwrap_or(inner);
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let end = end.or(is_whole.then_some(name.len()))?;
    let (name, rest) = (name[..end].to_ascii_lowercase(), &name[end..]);
    if name.is_empty() || !(rest.is_empty() || rest.starts_with([' ', '\t', '>', '/'])) {
        return Some(None);
    }
    let is_end_tag = inner.starts_with('/');
    if let Some((_, end)) = RAW.iter().find(|(raw, _)| *raw == name && !is_end_tag) {
        return Some(Some(HtmlEnd::Text(end)));
    }
    if BLOCKS.contains(&format!(" {name} ")) {
        return Some(Some(HtmlEnd::BlankLine));
    }
    // Any other tag that is alone on its line.
    match rest.split_once('>') {
        _ if goes_on => Some(None),
        Some((_, after)) if !after.trim().is_empty() => Some(None),
        Some(_) if is_whole && name != "br" => Some(Some(HtmlEnd::BlankLine)),
        _ if is_whole => Some(None),
        _ => None,
    }
}
