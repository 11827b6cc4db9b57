//! Character classes of patterns, in the syntax of the engine.

/// All characters, as they are written inside a class.
pub const ANY: &str = r"\u{0}-\u{10FFFF}";

/// One element of a class.
pub enum ClassItem {
    /// A code point. Surrogates, which no text holds, are possible.
    Char(u32),
    /// A set, as it is written inside a class.
    Set(String),
}

/// The characters of `\d`, `\w` and `\s`, and those of `\D`, `\W` and `\S`.
pub fn set(name: char) -> &'static str {
    match name {
        'd' => "0-9",
        'D' => r"\u{0}-\u{2F}\u{3A}-\u{10FFFF}",
        'w' => "0-9A-Z_a-z",
        'W' => r"\u{0}-\u{2F}\u{3A}-\u{40}\u{5B}-\u{5E}\u{60}\u{7B}-\u{10FFFF}",
        's' => {
            r"\u{9}-\u{D}\u{20}\u{A0}\u{1680}\u{2000}-\u{200A}\u{2028}\u{2029}\u{202F}\u{205F}\u{3000}\u{FEFF}"
        }
        _ => {
            r"\u{0}-\u{8}\u{E}-\u{1F}\u{21}-\u{9F}\u{A1}-\u{167F}\u{1681}-\u{1FFF}\u{200B}-\u{2027}\u{202A}-\u{202E}\u{2030}-\u{205E}\u{2060}-\u{2FFF}\u{3001}-\u{FEFE}\u{FF00}-\u{10FFFF}"
        }
    }
}

/// A character as it is written in a class. Punctuation is written as its
/// number, because the engine knows operators that ECMA-262 does not, such as
/// `&&`.
pub fn escaped(code: u32) -> String {
    match char::from_u32(code) {
        Some(c) if c.is_ascii_alphanumeric() => c.to_string(),
        Some(_) => format!(r"\u{{{code:X}}}"),
        None => String::new(),
    }
}

pub fn push_item(set: &mut String, item: ClassItem) {
    match item {
        ClassItem::Char(code) => *set += &escaped(code),
        ClassItem::Set(other) => *set += &other,
    }
}

/// Adds a range without its surrogates; `None` if it ends before it begins.
pub fn push_range(set: &mut String, low: u32, high: u32) -> Option<()> {
    if low > high {
        return None;
    }
    let is_surrogate = |code| (0xD800..0xE000).contains(&code);
    let low = if is_surrogate(low) { 0xE000 } else { low };
    let high = if is_surrogate(high) { 0xD7FF } else { high };
    if low <= high {
        *set += &format!(r"\u{{{low:X}}}-\u{{{high:X}}}");
    }
    Some(())
}
