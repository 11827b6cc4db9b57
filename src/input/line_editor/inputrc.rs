//! The keys that GNU readline's configuration file asks for.

/// Whether `inputrc`, the text of `~/.inputrc`, asks for the keys of vi. The last
/// setting counts, as in readline. Those for single programs or terminals, between
/// `$if` and `$endif`, are left out.
pub fn uses_vi_keys(inputrc: &str) -> bool {
    let (mut depth, mut is_vi) = (0_usize, false);
    for line in inputrc.lines() {
        let words: Vec<String> = line.split_whitespace().map(str::to_ascii_lowercase).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["$if", ..] => depth += 1,
            ["$endif", ..] => depth = depth.saturating_sub(1),
            ["set", "editing-mode", mode, ..] if depth == 0 => is_vi = mode == "vi",
            _ => {}
        }
    }
    is_vi
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_setting_for_all_programs_counts() {
        for (inputrc, is_vi) in [
            ("", false),
            ("set editing-mode vi\n", true),
            ("# set editing-mode vi\n", false),
            ("  Set  Editing-Mode  VI # keys\nset bell-style none\n", true),
            ("set editing-mode vi\nset editing-mode emacs\n", false),
            ("$if Bash\nset editing-mode vi\n$endif\n", false),
            ("$if Bash\n$if term=xterm\n$endif\n$endif\nset editing-mode vi\n", true),
        ] {
            assert_eq!(uses_vi_keys(inputrc), is_vi, "{inputrc:?}");
        }
    }
}
