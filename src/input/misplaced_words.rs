//! Words of the prompt that were probably meant for the option before them: files behind
//! `-f FILE`, as a shell's pattern makes them, and a language behind `-x`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::chat::code_block;
use crate::cli::prompt_part::{MisplacedWords, OptionBefore};
use crate::error::{Error, Result};
use crate::files::shell;

/// # Errors
/// [`Error::Usage`] with the way out, if there are such words.
pub fn ensure_none(misplaced: &[MisplacedWords]) -> Result<()> {
    let message = misplaced.iter().find_map(|MisplacedWords { option, words }| match option {
        OptionBefore::File(file) => lost_files("-f", file, words),
        OptionBefore::Attach(file) => lost_files("-a", file, words),
        OptionBefore::Extract => lost_language("-x", &words[0]),
        OptionBefore::ExtractLast => lost_language("--extract-last", &words[0]),
    });
    message.map_or(Ok(()), |message| Err(Error::Usage(message)))
}

/// The message for words that are files, up to the first that is no path.
fn lost_files(option: &str, first: &OsStr, words: &[OsString]) -> Option<String> {
    let paths: Vec<&OsStr> =
        words.iter().map(OsString::as_os_str).take_while(|word| Path::new(word).exists()).collect();
    let files: Vec<&OsStr> = paths.into_iter().filter(|path| Path::new(path).is_file()).collect();
    let word = |path: &OsStr| shell::path_word(Path::new(path));
    let way_out = || {
        let all = [first].into_iter().chain(files.iter().copied());
        let all: Vec<String> = all.map(|file| format!("{option} {}", word(file))).collect();
        match (option, files.len()) {
            ("-f", 4..) => "quote the pattern, as in -f '*.txt'".to_owned(),
            ("-f", _) => format!("use {}, or quote a pattern, as in -f '*.txt'", all.join(" ")),
            _ => format!("use {}", all.join(" ")),
        }
    };
    let shown = match files.as_slice() {
        [] => return None,
        [file] => format!("{} is a file", word(file)),
        [file, other] => format!("{} and {} are files", word(file), word(other)),
        [file, others @ ..] => format!("{} and {} other words are files", word(file), others.len()),
    };
    Some(format!("{shown}, but {option} takes one: {}", way_out()))
}

/// The message for a word that is the name of a language.
fn lost_language(option: &str, word: &OsStr) -> Option<String> {
    let language = word.to_str().filter(|word| code_block::is_language(word))?;
    Some(format!(
        "{option} takes its language after '=': use {option}={language}, or -- before the prompt if it begins with '{language}'"
    ))
}
