//! Fenced code blocks in Markdown (CommonMark 0.31, section 4.5), also inside
//! lists and quotes.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodeBlock {
    /// The first word of the info string; empty if there is none.
    pub language: String,
    /// The lines between the fences, each with its newline.
    pub content: String,
}

/// Languages with several names, all of which models use.
const ALIASES: &[&[&str]] = &[
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

/// Other languages that models name on fences.
const OTHERS: &[&str] = &[
    "awk",
    "c",
    "clojure",
    "cmake",
    "css",
    "csv",
    "dart",
    "diff",
    "dockerfile",
    "elixir",
    "erlang",
    "fish",
    "fortran",
    "graphql",
    "groovy",
    "haskell",
    "hcl",
    "html",
    "ini",
    "java",
    "json",
    "jsonl",
    "julia",
    "jq",
    "kotlin",
    "latex",
    "lua",
    "makefile",
    "matlab",
    "nix",
    "ocaml",
    "perl",
    "php",
    "protobuf",
    "r",
    "scala",
    "sql",
    "svg",
    "swift",
    "terraform",
    "toml",
    "vim",
    "xml",
    "zig",
];

/// Whether `word` is the name of a language, in any case.
pub fn is_language(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    ALIASES.iter().chain([&OTHERS]).any(|names| names.contains(&word.as_str()))
}

impl CodeBlock {
    /// Whether the block is in `language`. Case is ignored, and aliases such as
    /// `sh` and `bash` are equal.
    pub fn is_in(&self, language: &str) -> bool {
        let normalized = |name: &str| {
            let name = name.to_ascii_lowercase();
            ALIASES.iter().position(|aliases| aliases.contains(&name.as_str())).ok_or(name)
        };
        normalized(&self.language) == normalized(language)
    }
}

/// The fenced code blocks in `text`, in order.
pub fn find_all(text: &str) -> Vec<CodeBlock> {
    let mut blocks = Vec::new();
    let mut open: Option<CodeBlock> = None;
    for event in Parser::new(text) {
        match (event, &mut open) {
            (Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))), _) => {
                let is_separator = |c: char| c.is_whitespace() || matches!(c, ',' | '{');
                let language = info.split(is_separator).next().unwrap_or_default().to_owned();
                open = Some(CodeBlock { language, content: String::new() });
            }
            (Event::Text(text), Some(block)) => block.content += &text,
            (Event::End(TagEnd::CodeBlock), _) => blocks.extend(open.take()),
            _ => {}
        }
    }
    blocks
}

/// The content of the code block that makes up all of `text`, if there is
/// exactly one and nothing else.
pub fn unwrap(text: &str) -> Option<String> {
    let text = text.trim();
    let fence = ["```", "~~~"].into_iter().find(|fence| text.starts_with(fence))?;
    match <[CodeBlock; 1]>::try_from(find_all(text)) {
        Ok([block]) if text.ends_with(fence) => Some(block.content),
        _ => None,
    }
}

/// The fence that `text` lacks at its end, where a code block is still open.
pub fn missing_fence(text: &str) -> Option<String> {
    // A paragraph behind an open block becomes a part of it.
    let followed = format!("{text}\n\nnext");
    let is_fenced =
        |event: &Event| matches!(event, Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))));
    let blocks = Parser::new(&followed).into_offset_iter().filter(|(event, _)| is_fenced(event));
    let (_, range) = blocks.last().filter(|(_, range)| range.end == followed.len())?;
    let mut opening = followed[range.start..].chars();
    let mark = opening.next()?;
    let length = 1 + opening.take_while(|c| *c == mark).count();
    Some(mark.to_string().repeat(length))
}

/// `content` as a code block, with a fence longer than any run of backticks in
/// the content.
pub fn fence(language: &str, content: &str) -> String {
    let longest = content.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let newline = if content.is_empty() || content.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{language}\n{content}{newline}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The language and content of each block.
    fn blocks(text: &str) -> Vec<(String, String)> {
        find_all(text).into_iter().map(|block| (block.language, block.content)).collect()
    }

    #[test]
    fn fenced_blocks_are_found_at_any_nesting() {
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
            assert_eq!(blocks(text), [block], "{text}");
        }
        assert_eq!(blocks("    indented\n\n`inline`"), []);
    }

    #[test]
    fn a_language_matches_its_aliases_in_any_case() {
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
    fn unwrap_returns_the_content_of_a_sole_code_block() {
        assert_eq!(unwrap("\n```json\n{}\n```\n"), Some("{}\n".to_owned()));
        for text in ["{}", "Here: ```json\n{}\n```", "```\na\n```\nb\n```\nc\n```", "```\n{}"] {
            assert_eq!(unwrap(text), None, "{text}");
        }
    }

    #[test]
    fn fenced_content_is_parsed_back_unchanged() {
        for content in ["a", "a\n", "```\nb\n```\n", "", "x ````` y"] {
            let blocks = blocks(&fence("rust", content));
            assert_eq!(blocks.len(), 1);
            assert_eq!(blocks[0].1.trim_end_matches('\n'), content.trim_end_matches('\n'));
        }
    }
}
