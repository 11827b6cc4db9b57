//! What holds for any text that is rendered: CommonMark's own examples, documents made
//! of pieces, and hostile ones.

use std::collections::BTreeSet;

use proptest::prelude::*;

use gravix::output::markdown::Renderer;
use gravix::output::markdown::style::Look;
use gravix::output::markdown::width::width;
use gravix::output::sanitize::is_harmful;

const EXAMPLES: &str = include_str!("cases/commonmark.jsonl");

/// The document rendered at once.
fn rendered(text: &str, look: Look, columns: usize) -> String {
    rendered_in_parts(&[text], look, columns)
}

fn rendered_in_parts(parts: &[&str], look: Look, columns: usize) -> String {
    let mut renderer = Renderer::new(look, columns);
    let mut out = Vec::new();
    parts.iter().for_each(|part| renderer.push(part, &mut out));
    renderer.finish(&mut out);
    String::from_utf8(out).expect("UTF-8")
}

/// `text` in parts that end at each of `cuts`, fractions of its length.
fn cut<'a>(text: &'a str, cuts: &[f64]) -> Vec<&'a str> {
    let at = |cut: &f64| (cut * text.len() as f64) as usize;
    let mut ends: Vec<usize> = cuts.iter().map(at).collect();
    ends.push(text.len());
    ends.sort_unstable();
    let mut start = 0;
    let part = |end: usize| {
        let end = (end..).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
        let part = &text[start..end.max(start)];
        start = end.max(start);
        part
    };
    ends.into_iter().map(part).collect()
}

fn examples() -> Vec<(u64, String)> {
    EXAMPLES
        .lines()
        .map(|line| {
            let example: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let text = example["markdown"].as_str().expect("a text").to_owned();
            (example["number"].as_u64().expect("a number"), text)
        })
        .collect()
}

/// `text` without the escape sequences that this renderer writes. Fails for others.
fn without_styles(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (codes, rest) = part.split_once('m').expect("a style");
        let codes = codes.strip_prefix('[').expect("a style");
        assert!(codes.bytes().all(|byte| byte.is_ascii_digit() || byte == b';'), "{part:?}");
        plain += rest;
    }
    let is_bad = |c: char| is_harmful(c) && c != '\n' && c != '\t';
    assert!(!plain.contains(is_bad), "{plain:?}");
    plain
}

/// The first word of `source` that is not in `shown` after those before it.
fn missing_word<'a>(source: &'a str, shown: &str) -> Option<&'a str> {
    let shown: String = shown.chars().filter(|c| c.is_alphanumeric()).collect();
    let mut rest = shown.as_str();
    let words = source.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.into_iter().find(|word| match rest.split_once(*word) {
        Some((_, after)) => {
            rest = after;
            false
        }
        None => true,
    })
}

/// The letters and digits of `text`, and where there is space between them.
fn letters(text: &str) -> (String, BTreeSet<usize>) {
    let (mut letters, mut gaps) = (String::new(), BTreeSet::new());
    for c in text.chars() {
        if c.is_alphanumeric() {
            letters.push(c);
        } else if c.is_whitespace() {
            gaps.insert(letters.len());
        }
    }
    gaps.remove(&0);
    gaps.remove(&letters.len());
    (letters, gaps)
}

/// `text` without its entities.
fn without_entities(text: &str) -> String {
    let mut parts = text.split('&');
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '#');
        match part.split_once(';') {
            Some((name, rest)) if is_name(name) => kept = kept + " " + rest,
            _ => kept = kept + "&" + part,
        }
    }
    kept
}

/// The examples whose links have titles, which are not shown.
const WITH_TITLES: [u64; 10] = [22, 32, 482, 505, 506, 507, 509, 510, 572, 579];

#[test]
fn every_word_of_commonmarks_examples_is_shown() {
    for (number, text) in examples().iter().filter(|(number, _)| !WITH_TITLES.contains(number)) {
        let shown = without_styles(&rendered(text, Look::Colours, 1000));
        let missing = missing_word(&without_entities(text), &shown).map(str::to_owned);
        assert_eq!(missing, None, "{number}: {text:?} {shown:?}");
    }
}

#[test]
fn commonmarks_examples_look_the_same_wherever_they_are_cut() {
    for (number, text) in examples() {
        let whole = rendered(&text, Look::Colours, 40);
        let single: Vec<String> = text.chars().map(String::from).collect();
        let single: Vec<&str> = single.iter().map(String::as_str).collect();
        assert_eq!(rendered_in_parts(&single, Look::Colours, 40), whole, "{number}: {text:?}");
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let parts = [&text[..at], &text[at..]];
            assert_eq!(rendered_in_parts(&parts, Look::Colours, 40), whole, "{number} at {at}");
        }
    }
}

/// Pieces of documents, right and wrong.
const PIECES: &[&str] = &[
    "word ",
    "two words ",
    "\n",
    "\n\n",
    "# Heading\n",
    "\n## Another ##\n",
    "- item ",
    "\n- item\n",
    "\n  - nested by two ",
    "\n    - nested by four\n",
    "\n1. first\n",
    "\n2. second ",
    "   ",
    "\n- [ ] open\n- [x] done\n",
    "> quote ",
    "\n> > nested quote\n",
    "```python\nverbatim = 'a string' # comment\n```\n",
    "\n```\nverbatim\n",
    "\n   ```\n",
    "~~~",
    "\n    verbatim indented\n",
    "---\n",
    "\n***\n",
    "\n===\n",
    "**bold** ",
    "*italic* ",
    "***both***",
    "_under_",
    "snake_case_word ",
    "**",
    "*",
    "~~struck~~ ",
    "`code` ",
    "``a ` b``",
    "`",
    "[link](https://example.com/a_b) ",
    "[",
    "](",
    "![image](a.png)",
    "<https://example.com>",
    "https://example.com/a_b_c ",
    "<b>bold</b>",
    "<div>\n",
    "<br>",
    "&amp;",
    "&",
    "$x_1*y_1*z$ ",
    "$5 ",
    "\\(a_b\\)",
    "\n$$\nx = 1\n$$\n",
    "\\*escaped\\* ",
    "\\",
    "\n| one | two |\n|---|:-:|\n| three | four |\n",
    "| five | six |\n",
    "|",
    "日本語のテキスト。",
    "🙂👩\u{200d}👩\u{200d}👧",
    "e\u{301}",
    "\u{1b}[31m",
    "\u{9b}31m",
    "&#27;[31m",
    "\u{202e}",
    "&#x202e;",
    "\r\n",
    "\r",
    "\t",
    "unbreakableunbreakableunbreakableunbreakableunbreakable ",
    "[^1]",
    "\n[^1]: note\n",
    "\n[ref]: https://example.com\n",
    "<!-- comment -->\n",
];

fn document_of(pieces: Vec<&'static str>) -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(pieces);
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn document() -> impl Strategy<Value = String> {
    document_of(PIECES.to_vec())
}

/// A document without what is shown as something else: control characters, entities and
/// code in backticks, which loses the spaces at its ends.
fn verbatim_document() -> impl Strategy<Value = String> {
    let is_changed = |piece: &str| {
        ["`", "&", "<br>", "\r", "\u{9b}", "\u{202e}"].iter().any(|part| piece.contains(part))
    };
    document_of(PIECES.iter().copied().filter(|piece| !is_changed(piece)).collect())
}

/// A text of signs that mean something.
fn signs() -> impl Strategy<Value = String> {
    let signs: Vec<char> =
        "`*_~[]()<>!#&$\\|-+=.:;>\"'\n\n\n  \t\rab1h日🙂\u{301}".chars().collect();
    let sign = proptest::sample::select(signs);
    proptest::collection::vec(sign, 0..60).prop_map(|signs| signs.into_iter().collect())
}

/// A document without code and tables, which may be wider than the terminal.
fn narrow_document() -> impl Strategy<Value = String> {
    let is_wide = |piece: &str| ["```", "~~~", "   ", "\t", "|"].iter().any(|s| piece.contains(s));
    document_of(PIECES.iter().copied().filter(|piece| !is_wide(piece)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_word_is_shown(text in document()) {
        let shown = without_styles(&rendered(&text, Look::Colours, 1000));
        let source = without_entities(&text).replace("<br>", " ");
        prop_assert_eq!(missing_word(&source, &shown), None, "{}", shown);
    }

    #[test]
    fn every_word_is_shown_in_a_narrow_window(
        text in narrow_document(),
        columns in 3..60usize,
    ) {
        let shown = without_styles(&rendered(&text, Look::Colours, columns));
        let source = without_entities(&text).replace("<br>", " ");
        prop_assert_eq!(missing_word(&source, &shown), None, "{}", shown);
    }

    #[test]
    fn no_word_is_added_or_joined_to_the_next(
        text in verbatim_document(),
        columns in prop_oneof![3..60usize, Just(1000)],
    ) {
        // In a table that is too wide, a cell of more than 20 columns goes on below the
        // cells beside it.
        let wraps = |line: &str| line.contains('|') && line.split('|').any(|cell| width(cell) > 20);
        let columns = if text.lines().any(wraps) { 1000 } else { columns };
        let shown = without_styles(&rendered(&text, Look::Colours, columns));
        let ((letters_shown, gaps_shown), (letters, gaps)) = (letters(&shown), letters(&text));
        prop_assert_eq!(letters_shown, letters, "{}", shown);
        prop_assert!(gaps.is_subset(&gaps_shown), "{}", shown);
    }

    #[test]
    fn a_stream_looks_the_same_wherever_it_is_cut(
        text in prop_oneof![document(), signs()],
        cuts in proptest::collection::vec(0.0..1.0, 0..20),
        columns in 1..100usize,
    ) {
        let whole = rendered(&text, Look::Colours, columns);
        let parts = cut(&text, &cuts);
        prop_assert_eq!(parts.concat(), text.as_str());
        prop_assert_eq!(rendered_in_parts(&parts, Look::Colours, columns), whole);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal(text in narrow_document(), columns in 10..100usize) {
        // Pieces can make a fence together.
        prop_assume!(!text.contains("```") && !text.contains("~~~"));
        let shown = without_styles(&rendered(&text, Look::NoColours, columns));
        let is_wide = |line: &&str| width(line) > columns;
        prop_assert_eq!(shown.lines().find(is_wide), None, "{}", shown);
    }

    #[test]
    fn a_plain_terminal_gets_no_escape_sequence(text in document()) {
        let shown = rendered(&text, Look::Plain, 80);
        prop_assert!(!shown.contains(char::from(0x1b)), "{:?}", shown);
    }
}

/// Texts of about 50 kB that make bad renderers slow or hold everything back.
fn hostile_texts() -> Vec<String> {
    let count = 25_000;
    vec![
        "*".repeat(2 * count),
        "[".repeat(2 * count),
        ">".repeat(2 * count),
        "> ".repeat(count),
        "- ".repeat(count),
        " ".repeat(2 * count),
        "`".repeat(2 * count),
        "$".repeat(2 * count),
        "#".repeat(2 * count),
        "<".repeat(2 * count),
        "&".repeat(2 * count),
        "|".repeat(2 * count),
        "\\".repeat(2 * count),
        "x".repeat(2 * count),
        "*a ".repeat(count),
        "**a *b ".repeat(count / 4),
        "*a_".repeat(count),
        "[a](b".repeat(count / 2),
        "[a](".repeat(count / 2),
        "[a](<b".repeat(count / 2),
        "`a ``b ```c ".repeat(count / 10),
        "$a ".repeat(count),
        "<a ".repeat(count),
        "\\(a ".repeat(count / 2),
        "![a ".repeat(count / 2),
        "~~a ".repeat(count / 2),
        "日本".repeat(count / 4),
        "e\u{301}".repeat(count / 2),
        "\u{301}".repeat(count),
        "👩\u{200d}".repeat(count / 4),
        "- a\n".repeat(count / 2),
        "> a\n".repeat(count / 2),
        "| a |\n".repeat(count / 4),
        format!("| a |\n|---|\n{}", "| b |\n".repeat(count / 4)),
        format!("|{}\n|{}\n", "a|".repeat(20_000), "-|".repeat(20_000)),
        format!("```c\n{}", "x".repeat(2 * count)),
        format!("```c\n/*{}", "*".repeat(2 * count)),
        format!("```py\n'{}", "\\".repeat(2 * count)),
        format!("```\n{}", "`".repeat(2 * count)),
        format!("<div>\n{}", "<".repeat(2 * count)),
        format!("# a {}", "#".repeat(2 * count)),
        format!("a<br>{}", " ".repeat(2 * count)),
        (0..400).map(|depth| "  ".repeat(depth) + "- a\n").collect(),
        (0..400).map(|depth| "> ".repeat(depth) + "a\n").collect(),
    ]
}

/// That this test ends says that the time grows no faster than the text.
#[test]
fn a_hostile_text_is_rendered_as_it_comes() {
    for text in hostile_texts() {
        let mut renderer = Renderer::new(Look::Colours, 80);
        let mut out = Vec::new();
        let single: Vec<String> = text.chars().map(String::from).collect();
        single.iter().for_each(|part| renderer.push(part, &mut out));
        renderer.finish(&mut out);
        assert_eq!(String::from_utf8(out).expect("UTF-8"), rendered(&text, Look::Colours, 80));
    }
}

#[test]
fn a_sign_that_closes_nothing_does_not_hold_back_a_long_paragraph() {
    for sign in ["*", "**", "_", "~~", "`", "[", "![", "[a](", "$x", "\\(", "<a", "&", "|", "```"] {
        let mut renderer = Renderer::new(Look::Plain, 80);
        let mut out = Vec::new();
        renderer.push(&format!("A text {sign}b "), &mut out);
        for number in 0..2000 {
            renderer.push(&format!("word{number} "), &mut out);
        }
        let shown = String::from_utf8(out).expect("UTF-8");
        assert!(shown.contains("word1700"), "{sign}: {shown:?}");
    }
}
