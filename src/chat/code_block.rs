//! Fenced code blocks in Markdown (CommonMark 4.5), also inside lists and
//! quotations.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodeBlock {
    /// The first word after the fence; may be empty.
    pub language: String,
    /// Its lines, each with its newline.
    pub content: String,
}

/// Names of one language; a fence may have any of them.
const NAMES: &[&[&str]] = &[
    &["c#", "cs", "csharp"],
    &["c++", "cpp", "cxx"],
    &["go", "golang"],
    &["javascript", "js"],
    &["markdown", "md"],
    &["powershell", "ps1", "pwsh"],
    &["py", "python", "python3"],
    &["rb", "ruby"],
    &["rs", "rust"],
    &["bash", "sh", "shell", "zsh"],
    &["ts", "typescript"],
    &["yaml", "yml"],
];

impl CodeBlock {
    /// Whether it is in `language`, by whichever of its names.
    pub fn is_in(&self, language: &str) -> bool {
        let names = |name: &str| {
            let name = name.to_ascii_lowercase();
            NAMES.iter().position(|names| names.contains(&name.as_str())).ok_or(name)
        };
        names(&self.language) == names(language)
    }
}

/// The fenced code blocks of `text`, in their order.
pub fn all(text: &str) -> Vec<CodeBlock> {
    let mut blocks = Vec::new();
    let mut open: Option<CodeBlock> = None;
    for event in Parser::new(text) {
        match (event, &mut open) {
            (Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))), _) => {
                let ends = |c: char| c.is_whitespace() || matches!(c, ',' | '{');
                let language = info.split(ends).next().unwrap_or_default().to_owned();
                open = Some(CodeBlock { language, content: String::new() });
            }
            (Event::Text(text), Some(block)) => block.content += &text,
            (Event::End(TagEnd::CodeBlock), _) => blocks.extend(open.take()),
            _ => {}
        }
    }
    blocks
}

/// What is inside the one code block that makes up all of `text`.
pub fn unwrap(text: &str) -> Option<String> {
    let text = text.trim();
    let fence = ["```", "~~~"].into_iter().find(|fence| text.starts_with(fence))?;
    match <[CodeBlock; 1]>::try_from(all(text)) {
        Ok([block]) if text.ends_with(fence) => Some(block.content),
        _ => None,
    }
}

/// `content` in a code block: its fence is longer than any in the content.
pub fn fence(language: &str, content: &str) -> String {
    let longest = content.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let newline = if content.is_empty() || content.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{language}\n{content}{newline}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(text: &str) -> Vec<(String, String)> {
        all(text).into_iter().map(|block| (block.language, block.content)).collect()
    }

    #[test]
    fn blocks_are_found_where_markdown_has_them() {
        for (text, language, content) in [
            ("a\n```rust\nfn f() {}\n```\nb", "rust", "fn f() {}\n"),
            ("~~~~ sh -e\n```\nx\n~~~~", "sh", "```\nx\n"),
            ("1. Do this:\n\n   ```sh\n   ls\n     -l\n   ```\n", "sh", "ls\n  -l\n"),
            ("> ```\n> quoted\n> ```", "", "quoted\n"),
            ("```\n```", "", ""),
            ("```rust,ignore\nx\n```", "rust", "x\n"),
            ("```py\nunclosed", "py", "unclosed"),
        ] {
            let block = (language.to_owned(), content.to_owned());
            assert_eq!(contents(text), [block], "{text}");
        }
        assert_eq!(contents("    indented\n\n`inline`"), []);
    }

    #[test]
    fn a_language_goes_by_several_names() {
        let is_in = |fence: &str, language: &str| {
            CodeBlock { language: fence.to_owned(), content: String::new() }.is_in(language)
        };
        for (fence, language) in [("bash", "sh"), ("Python", "py"), ("zig", "ZIG"), ("", "")] {
            assert!(is_in(fence, language), "{fence} {language}");
        }
        for (fence, language) in [("bash", "python"), ("", "sh"), ("c", "c++")] {
            assert!(!is_in(fence, language), "{fence} {language}");
        }
    }

    #[test]
    fn a_fence_around_everything_is_taken_off() {
        assert_eq!(unwrap("\n```json\n{}\n```\n"), Some("{}\n".to_owned()));
        for text in ["{}", "Here: ```json\n{}\n```", "```\na\n```\nb\n```\nc\n```", "```\n{}"] {
            assert_eq!(unwrap(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_fenced_comes_out_again() {
        for content in ["a", "a\n", "```\nb\n```\n", "", "x ````` y"] {
            let blocks = contents(&fence("rust", content));
            assert_eq!(blocks.len(), 1);
            assert_eq!(blocks[0].1.trim_end_matches('\n'), content.trim_end_matches('\n'));
        }
    }
}
