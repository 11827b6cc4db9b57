//! A reply that is one line of shell: how to ask for it, and how to find it.

use crate::chat::code_block;
use crate::files::text::is_harmful;

/// What the model is told, for this shell.
pub fn instruction(shell: &str) -> String {
    let system = match std::env::consts::OS {
        "macos" => "macOS",
        "linux" => "Linux",
        other => other,
    };
    format!(
        "You turn requests into shell commands. Answer with one command line for the shell {shell} on {system} that does what the user asks: a single line, without explanation, comments or Markdown. If it takes several commands, join them on that line."
    )
}

/// The line of shell in `reply`: its only line, or that of its only code block, without
/// the decoration that models put around one.
///
/// # Errors
/// The reason why there is not exactly one line, or why it must not be typed.
pub fn find(reply: &str) -> Result<String, String> {
    let blocks = code_block::find_all(reply);
    let text = match blocks.as_slice() {
        [] => reply,
        [block] => &block.content,
        blocks => return Err(format!("it has {} code blocks, not one", blocks.len())),
    };
    let text = text.trim();
    if text.contains(|c: char| c != '\n' && c != '\r' && is_harmful(c)) {
        return Err("it has a control character".to_owned());
    }
    let line = match text.split(['\n', '\r']).filter(|line| !line.is_empty()).count() {
        1 => undecorated(text),
        0 => "",
        lines => return Err(format!("it has {lines} lines, not one")),
    };
    match line {
        "" => Err("it has no command".to_owned()),
        line => Ok(line.to_owned()),
    }
}

/// `line` without the marks of inline code, and without the prompt `$ `.
fn undecorated(line: &str) -> &str {
    let code = ["```", "``", "`"].into_iter().find_map(|mark| {
        let inner = line.strip_prefix(mark)?.strip_suffix(mark)?;
        Some(inner).filter(|inner| !inner.contains(mark))
    });
    let line = code.unwrap_or(line).trim();
    match line.strip_prefix('$') {
        Some(rest) if rest.is_empty() || rest.starts_with(' ') => rest.trim_start(),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_found_with_or_without_decoration() {
        for (reply, line) in [
            ("ls -l", "ls -l"),
            (" ls -l \n", "ls -l"),
            ("`ls -l`", "ls -l"),
            ("``echo `date` ``", "echo `date`"),
            ("```ls -l```", "ls -l"),
            ("`date` +%s `date`", "`date` +%s `date`"),
            ("$ ls", "ls"),
            ("`$ ls`", "ls"),
            ("$HOME/x", "$HOME/x"),
            ("```\nls -l\n```", "ls -l"),
            ("```sh\n$ ls -l\n```\n", "ls -l"),
            ("~~~fish\r\nls -l\r\n~~~", "ls -l"),
            ("Use this:\n\n```bash\nls -l\n```\n\nIt lists files.", "ls -l"),
            ("echo 'ä*b*' # x", "echo 'ä*b*' # x"),
        ] {
            assert_eq!(find(reply), Ok(line.to_owned()), "{reply}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_reason() {
        for (reply, reason) in [
            ("a\nb", "it has 2 lines, not one"),
            ("a\r\n\r\nb", "it has 2 lines, not one"),
            ("a\rb", "it has 2 lines, not one"),
            ("```\na\nb\n```", "it has 2 lines, not one"),
            ("```\na\n```\n```\nb\n```", "it has 2 code blocks, not one"),
            ("```\n```", "it has no command"),
            ("\n", "it has no command"),
            ("``", "it has no command"),
            ("$ ", "it has no command"),
            ("a\u{1b}[31m", "it has a control character"),
            ("a\tb", "it has a control character"),
            ("a\u{202e}b", "it has a control character"),
        ] {
            assert_eq!(find(reply), Err(reason.to_owned()), "{reply:?}");
        }
    }
}
