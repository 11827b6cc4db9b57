//! The parts of the user's message, in the order of the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches, ValueHint};

use crate::cli::values::media_type;

/// A part of the user's message, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptPart {
    /// A word of the prompt; `-` is standard input.
    Word(OsString),
    /// A text file.
    File(PathBuf),
    /// An image: a file, a URL, or `-` for standard input. `media_type` is
    /// `None` if it was not typed.
    Attachment { source: OsString, media_type: Option<String> },
}

/// The parts in the order in which they were typed. clap keeps that order only
/// as indices, so this type implements [`Args`] by hand.
#[derive(Debug, Clone, Default)]
pub struct PromptArgs {
    pub parts: Vec<PromptPart>,
    /// Words that may have been meant for the option before them.
    pub misplaced: Vec<MisplacedWords>,
}

/// Words directly behind an option, which may have been meant for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MisplacedWords {
    pub option: OptionBefore,
    pub words: Vec<OsString>,
}

/// The option before misplaced words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionBefore {
    /// `--file`, with its value.
    File(OsString),
    /// `--attach`, with its value.
    Attach(OsString),
    /// `--extract` without a value.
    Extract,
    /// `--extract-last` without a value.
    ExtractLast,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Input")]
struct UnorderedPromptArgs {
    /// Words of the prompt, joined by spaces; '-' is stdin
    #[arg(value_name = "PROMPT")]
    words: Vec<OsString>,

    /// Words of the prompt, which may begin with '-'
    #[arg(value_name = "PROMPT", last = true, hide = true)]
    escaped_words: Vec<OsString>,

    /// Put a text file into the prompt (repeatable)
    ///
    /// The text is enclosed in a code block under the file's name. FILE may be a
    /// quoted pattern, such as 'src/**/*.rs', which stands for all files that match,
    /// sorted. Files, images and words keep the order in which they are given.
    #[arg(short, long = "file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,

    /// Attach an image (repeatable); '-' is stdin
    ///
    /// PNG, JPEG, GIF, WebP and other images are recognized by their first
    /// bytes and sent inside the request. A URL is fetched by the server.
    #[arg(
        short,
        long = "attach",
        alias = "image",
        value_name = "FILE|URL",
        value_hint = ValueHint::FilePath
    )]
    attachments: Vec<OsString>,

    /// Set the media type of the preceding --attach, such as image/png
    ///
    /// The bytes of the attachment are then sent without being checked.
    #[arg(long = "attach-type", value_name = "TYPE", value_parser = media_type, hide_short_help = true, value_hint = ValueHint::Other)]
    types: Vec<String>,
}

impl Args for PromptArgs {
    fn augment_args(command: Command) -> Command {
        UnorderedPromptArgs::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        UnorderedPromptArgs::augment_args_for_update(command)
    }
}

impl FromArgMatches for PromptArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let args = UnorderedPromptArgs::from_arg_matches(matches)?;
        let misplaced = misplaced_words(matches, &args);
        let indices = |id| matches.indices_of(id).into_iter().flatten();
        // A type that the configuration sets has no effect without an attachment.
        let is_typed = matches.value_source("types") == Some(ValueSource::CommandLine);
        let has_use = is_typed || !args.attachments.is_empty();
        let types = if has_use { args.types } else { Vec::new() };
        let words = args.words.into_iter().map(PromptPart::Word);
        let escaped_words = args.escaped_words.into_iter().map(PromptPart::Word);
        let files = args.files.into_iter().map(PromptPart::File);
        let attachments = args
            .attachments
            .into_iter()
            .map(|source| PromptPart::Attachment { source, media_type: None });
        let mut parts: Vec<(usize, PromptPart)> = indices("words")
            .zip(words)
            .chain(indices("escaped_words").zip(escaped_words))
            .chain(indices("files").zip(files))
            .chain(indices("attachments").zip(attachments))
            .collect();
        parts.sort_by_key(|(index, _)| *index);
        for (type_index, given) in indices("types").zip(types) {
            match parts.iter_mut().rev().find(|(index, part)| {
                *index < type_index && matches!(part, PromptPart::Attachment { .. })
            }) {
                Some((_, PromptPart::Attachment { media_type: media_type @ None, .. })) => {
                    *media_type = Some(given);
                }
                _ => {
                    let message = "--attach-type must follow the --attach that it describes\n";
                    return Err(clap::Error::raw(ErrorKind::ArgumentConflict, message));
                }
            }
        }
        Ok(Self { parts: parts.into_iter().map(|(_, part)| part).collect(), misplaced })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The words directly behind an option. Words behind `--` are certainly words.
fn misplaced_words(matches: &ArgMatches, args: &UnorderedPromptArgs) -> Vec<MisplacedWords> {
    let typed_indices = |id: &str| {
        let is_typed = matches.try_contains_id(id).is_ok()
            && matches.value_source(id) == Some(ValueSource::CommandLine);
        let indices = is_typed.then(|| matches.indices_of(id)).flatten();
        indices.into_iter().flatten().collect::<Vec<usize>>()
    };
    let words: Vec<_> = typed_indices("words").into_iter().zip(&args.words).collect();
    let words_after = |index: usize| -> Vec<OsString> {
        let behind = words.iter().filter(|(at, _)| *at > index).zip(index + 1..);
        let adjacent = behind.take_while(|((at, _), next)| at == next);
        adjacent.map(|((_, word), _)| (*word).clone()).collect()
    };
    let files = args.files.iter().map(|file| OptionBefore::File(file.clone().into()));
    let attachments = args.attachments.iter().cloned().map(OptionBefore::Attach);
    let mut options: Vec<(usize, OptionBefore)> = typed_indices("files")
        .into_iter()
        .zip(files)
        .chain(typed_indices("attachments").into_iter().zip(attachments))
        .collect();
    for (id, option) in
        [("extract", OptionBefore::Extract), ("extract_last", OptionBefore::ExtractLast)]
    {
        // Without a value, it is empty.
        if matches.try_get_one::<String>(id).ok().flatten().is_some_and(String::is_empty) {
            options.extend(typed_indices(id).into_iter().zip([option]));
        }
    }
    let misplaced = options
        .into_iter()
        .map(|(index, option)| MisplacedWords { option, words: words_after(index) });
    misplaced.filter(|misplaced| !misplaced.words.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(line: &[&str]) -> Result<Vec<PromptPart>, clap::Error> {
        let command = PromptArgs::augment_args(Command::new("ask").no_binary_name(true));
        let matches = command.try_get_matches_from(line)?;
        Ok(PromptArgs::from_arg_matches(&matches)?.parts)
    }

    fn image(source: &str, media_type: Option<&str>) -> PromptPart {
        let media_type = media_type.map(str::to_owned);
        PromptPart::Attachment { source: source.into(), media_type }
    }

    #[test]
    fn parts_keep_the_order_of_the_command_line() {
        let line = ["a", "-f", "b", "-a", "c", "--attach-type", "image/x", "d", "--image", "e"];
        let expected = [
            PromptPart::Word("a".into()),
            PromptPart::File("b".into()),
            image("c", Some("image/x")),
            PromptPart::Word("d".into()),
            image("e", None),
        ];
        assert_eq!(parts(&line).expect("parts"), expected);
    }

    #[test]
    fn a_media_type_without_a_preceding_attachment_is_refused() {
        let types = ["-a", "a", "--attach-type", "image/x", "--attach-type", "image/y"];
        for line in [&["--attach-type", "image/x", "-a", "a"][..], &types] {
            assert!(parts(line).is_err(), "{line:?}");
        }
    }
}
