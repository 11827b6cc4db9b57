//! Patterns of a JSON Schema, which are ECMA-262 regular expressions, in the
//! syntax of the engine that matches them.

use crate::chat::schema::char_class::{ANY, ClassItem, escaped, push_item, push_range, set};

/// What `.` does not match.
const LINE_ENDS: &str = r"\u{A}\u{D}\u{2028}\u{2029}";

/// Where a word begins or ends. The engine's `\b` knows the words of all scripts,
/// ECMA's only those of ASCII.
const BOUNDARY: &str = "(?:(?<=[0-9A-Z_a-z])(?![0-9A-Z_a-z])|(?<![0-9A-Z_a-z])(?=[0-9A-Z_a-z]))";
const NO_BOUNDARY: &str = "(?:(?<=[0-9A-Z_a-z])(?=[0-9A-Z_a-z])|(?<![0-9A-Z_a-z])(?![0-9A-Z_a-z]))";

/// An empty look-ahead. The validator translates patterns too, but hands on
/// those with look-around as they are.
const AS_IT_IS: &str = "(?=)";

/// Translates a pattern; `None` if it is not one of ECMA-262, with its `u` flag
/// or without. Names of groups, flags and anchors of other dialects are
/// understood where ECMA-262 gives them no other meaning. The result may still
/// be refused by the engine.
pub fn translate(pattern: &str) -> Option<String> {
    let chars: Vec<char> = pattern.chars().collect();
    let groups = group_names(&chars);
    Translator { chars: &chars, at: 0, groups, out: String::new(), is_fancy: false }.translate()
}

struct Translator<'a> {
    chars: &'a [char],
    at: usize,
    /// The name of each capturing group, empty for those without.
    groups: Vec<String>,
    out: String,
    /// The pattern has look-around or back-references.
    is_fancy: bool,
}

impl Translator<'_> {
    fn translate(mut self) -> Option<String> {
        while let Some(c) = self.next() {
            match c {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' => self.group()?,
                '.' => self.out += &format!("[^{LINE_ENDS}]"),
                '{' => self.quantifier(),
                // Neither ends anything here.
                '}' | ']' => self.push_char(c.into()),
                c => self.out.push(c),
            }
        }
        Some(if self.is_fancy { AS_IT_IS.to_owned() + &self.out } else { self.out })
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.chars[self.at..].iter().copied().take(text.len()).eq(text.chars());
        self.at += if found { text.len() } else { 0 };
        found
    }

    /// The text up to `end`, which is consumed too.
    fn until(&mut self, end: char) -> Option<String> {
        let length = self.chars[self.at..].iter().position(|&c| c == end)?;
        let text = self.chars[self.at..self.at + length].iter().collect();
        self.at += length + 1;
        Some(text)
    }

    fn push_char(&mut self, code: u32) {
        match char::from_u32(code) {
            Some(_) => self.out += &escaped(code),
            None => self.out += &format!("[^{ANY}]"),
        }
    }

    /// `{`: the beginning of a quantifier, or else the character.
    fn quantifier(&mut self) {
        let rest = &self.chars[self.at..];
        let length = rest.iter().take_while(|c| c.is_ascii_digit() || **c == ',').count();
        let text: String = rest[..length].iter().collect();
        let is_quantifier = rest.get(length) == Some(&'}')
            && text.starts_with(|c: char| c.is_ascii_digit())
            && text.matches(',').count() <= 1;
        if is_quantifier {
            self.out += &format!("{{{text}}}");
            self.at += length + 1;
        } else {
            self.push_char('{'.into());
        }
    }

    fn group(&mut self) -> Option<()> {
        let look_around = ["?=", "?!", "?<=", "?<!"];
        if let Some(kind) = look_around.into_iter().find(|kind| self.eat(kind)) {
            self.is_fancy = true;
            self.out += "(";
            self.out += kind;
        } else if self.eat("?P=") {
            let name = self.until(')')?;
            self.named_reference(&name)?;
        } else if self.eat("?<") || self.eat("?P<") {
            self.until('>')?;
            self.out.push('(');
        } else if let Some(kind) =
            ["?:", "?i)", "?i:", "?-i:"].into_iter().find(|kind| self.eat(kind))
        {
            self.out += "(";
            self.out += kind;
        } else if self.peek() == Some('?') {
            return None;
        } else {
            self.out.push('(');
        }
        Some(())
    }

    fn escape(&mut self) -> Option<()> {
        let c = self.next()?;
        match c {
            'b' | 'B' => {
                self.is_fancy = true;
                self.out += if c == 'b' { BOUNDARY } else { NO_BOUNDARY };
            }
            // Anchors that ECMA-262 does not know.
            'A' => self.out.push('^'),
            'z' => self.out.push('$'),
            'k' if self.eat("<") => {
                let name = self.until('>')?;
                self.named_reference(&name)?;
            }
            '1'..='9' => {
                let mut number = c.to_digit(10)?;
                while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
                    number = number.checked_mul(10)?.checked_add(digit)?;
                    self.at += 1;
                }
                self.reference(usize::try_from(number).ok()?)?;
            }
            _ => match self.class_escape(c)? {
                ClassItem::Char(code) => self.push_char(code),
                ClassItem::Set(set) => self.out += &format!("[{set}]"),
            },
        }
        Some(())
    }

    fn named_reference(&mut self, name: &str) -> Option<()> {
        let index = self.groups.iter().position(|group| group == name && !name.is_empty())?;
        self.reference(index + 1)
    }

    fn reference(&mut self, number: usize) -> Option<()> {
        if number > self.groups.len() {
            return None;
        }
        self.is_fancy = true;
        self.out += &if self.may_skip_groups() {
            format!(r"(?({number})\{number}|)")
        } else {
            format!(r"(?:\{number})")
        };
        Some(())
    }

    /// Whether a match may pass over a group. A reference to such a group matches
    /// the empty text, for which the engine has a syntax of its own.
    fn may_skip_groups(&self) -> bool {
        let is_optional = |pair: &[char]| matches!(pair, [')', '?' | '*' | '{']);
        self.chars.contains(&'|') || self.chars.windows(2).any(is_optional)
    }

    fn class(&mut self) -> Option<()> {
        let is_negated = self.eat("^");
        let mut set = String::new();
        while !self.eat("]") {
            let first = self.class_item()?;
            let is_range = self.peek() == Some('-')
                && self.chars.get(self.at + 1).is_some_and(|&next| next != ']');
            if !is_range {
                push_item(&mut set, first);
                continue;
            }
            self.at += 1;
            match (first, self.class_item()?) {
                (ClassItem::Char(low), ClassItem::Char(high)) => push_range(&mut set, low, high)?,
                (first, last) => {
                    push_item(&mut set, first);
                    push_item(&mut set, ClassItem::Char('-'.into()));
                    push_item(&mut set, last);
                }
            }
        }
        // The engine refuses an empty class.
        let (is_negated, set) =
            if set.is_empty() { (!is_negated, ANY) } else { (is_negated, set.as_str()) };
        self.out += &format!("[{}{set}]", if is_negated { "^" } else { "" });
        Some(())
    }

    fn class_item(&mut self) -> Option<ClassItem> {
        match self.next()? {
            '\\' => match self.next()? {
                'b' => Some(ClassItem::Char(8)),
                c => self.class_escape(c),
            },
            c => Some(ClassItem::Char(c.into())),
        }
    }

    /// An escape that means the same inside a class and outside. `c` is what
    /// follows the backslash.
    fn class_escape(&mut self, c: char) -> Option<ClassItem> {
        let code = match c {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => return Some(ClassItem::Set(set(c).to_owned())),
            'p' | 'P' if self.eat("{") => {
                let property = self.until('}')?;
                return Some(ClassItem::Set(format!(r"\{c}{{{property}}}")));
            }
            't' => 9,
            'n' => 10,
            'v' => 11,
            'f' => 12,
            'r' => 13,
            '0' if !self.peek().is_some_and(|c| c.is_ascii_digit()) => 0,
            'c' => u32::from(self.next().filter(char::is_ascii_alphabetic)?) % 32,
            'x' => self.hex(2)?,
            'u' if self.eat("{") => u32::from_str_radix(&self.until('}')?, 16).ok()?,
            'u' => self.utf16()?,
            c if c.is_ascii_alphanumeric() => return None,
            c => c.into(),
        };
        Some(ClassItem::Char(code))
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        let text: String = self.chars.get(self.at..self.at + digits)?.iter().collect();
        self.at += digits;
        u32::from_str_radix(&text, 16).ok()
    }

    /// `\uXXXX`, or two of them that are a surrogate pair.
    fn utf16(&mut self) -> Option<u32> {
        let high = self.hex(4)?;
        let before = self.at;
        if (0xD800..0xDC00).contains(&high) && self.eat("\\u") {
            match self.hex(4) {
                Some(low @ 0xDC00..0xE000) => {
                    return Some(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
                }
                _ => self.at = before,
            }
        }
        Some(high)
    }
}

/// The names of the capturing groups, which references may precede.
fn group_names(chars: &[char]) -> Vec<String> {
    let mut names = Vec::new();
    let (mut at, mut in_class) = (0, false);
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 1,
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => names.extend(group_name(&chars[at + 1..])),
            _ => {}
        }
        at += 1;
    }
    names
}

/// The name of the group whose text after the parenthesis is `rest`; `None` if it
/// does not capture.
fn group_name(rest: &[char]) -> Option<String> {
    let name = match rest {
        ['?', '<', '=' | '!', ..] => return None,
        ['?', '<', name @ ..] | ['?', 'P', '<', name @ ..] => name,
        ['?', ..] => return None,
        _ => &[],
    };
    Some(name.iter().take_while(|c| **c != '>').collect())
}
