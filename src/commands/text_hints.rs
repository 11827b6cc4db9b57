//! What the user can do with an input in another format: the programs that make
//! text of it, or a history.

use std::path::{Path, PathBuf};

use crate::error::{Likeness, LineFormat, NotText, TextOrigin, WideEncoding};
use crate::files::paths::is_descriptor;
use crate::files::shell;

/// A command that makes text of the input, or `--lossy`, which only `ask` has.
pub fn for_not_text(not_text: &NotText, is_ask: bool) -> Option<String> {
    let NotText { origin, likeness, is_replaceable, .. } = not_text;
    let file = match origin {
        TextOrigin::File(path) => Some(path.as_path()),
        TextOrigin::StandardInput | TextOrigin::CommandLine(_) => None,
    };
    match likeness {
        Likeness::Text if *is_replaceable && is_ask => {
            Some("use --lossy to replace bad bytes with U+FFFD".to_owned())
        }
        _ => to_text(*likeness, file.filter(|path| !is_descriptor(path))),
    }
}

/// The command that removes the last prompt of the history at `path`.
pub fn for_unanswered(path: &Path) -> String {
    let word = shell::path_word(path);
    format!(
        "the last prompt in {} has no answer: remove it with gravix history undo {word}",
        path.display()
    )
}

/// A command that makes a history of the file at `path`.
pub fn for_history(format: LineFormat, path: &Path) -> Option<String> {
    let file = Some(path).filter(|path| !is_descriptor(path));
    let program = match format {
        LineFormat::NotText(likeness) => return to_text(likeness, file),
        // Each leaves messages beside it as they are.
        LineFormat::Array => ARRAY.to_owned(),
        LineFormat::Messages => MESSAGES.to_owned(),
        LineFormat::Multiline => format!("{ARRAY} | {MESSAGES}"),
        LineFormat::ShareGptTurn => SHARE_GPT_TURN.to_owned(),
        LineFormat::ShareGpt { has_system: false } => {
            format!(".conversations[] | {SHARE_GPT_TURN}")
        }
        LineFormat::ShareGpt { has_system: true } => {
            let system = r#"{role: "system", content: .system}"#;
            format!("{system}, (.conversations[] | {SHARE_GPT_TURN})")
        }
    };
    let command = format!("jq -c {}", shell::quoted(&program));
    Some(match file {
        Some(path) => format!("make a history of it with {command} {}", shell::path_word(path)),
        None => format!("pipe it through {command}"),
    })
}

// Programs for jq.

const ARRAY: &str = r#"if type == "array" then .[] else . end"#;

const MESSAGES: &str = ".messages // [.] | .[]";

/// Roles that the API has, such as `system`, are kept.
const SHARE_GPT_TURN: &str =
    r#"{role: ({human: "user", gpt: "assistant"}[.from] // .from), content: .value}"#;

/// A command that makes text of an input that looks like `likeness`.
fn to_text(likeness: Likeness, file: Option<&Path>) -> Option<String> {
    match likeness {
        Likeness::Binary(Some("application/gzip")) => Some(converter("gzip -dc", file)),
        Likeness::Text | Likeness::Binary(_) => None,
        Likeness::Unicode(form) => Some(converter(&iconv(form), file)),
        Likeness::Pdf => Some(match file {
            Some(path) => format!("make text of it with pdftotext {} -", shell::path_word(path)),
            None => "pipe it through pdftotext - -".to_owned(),
        }),
        Likeness::Office(extension @ ("docx" | "odt" | "epub")) => {
            Some(converter(&format!("pandoc -f {extension} -t plain"), file))
        }
        Likeness::Office(extension) => Some(office_converter(extension, file)),
    }
}

fn iconv(form: WideEncoding) -> String {
    let encoding = match form {
        WideEncoding::Utf16 => "UTF-16",
        WideEncoding::Utf16BigEndian => "UTF-16BE",
        WideEncoding::Utf32 => "UTF-32",
    };
    format!("iconv -f {encoding} -t UTF-8")
}

/// A hint to use `command`, which reads a file or standard input.
fn converter(command: &str, file: Option<&Path>) -> String {
    match file {
        Some(path) => format!("make text of it with {command} {}", shell::path_word(path)),
        None => format!("pipe it through {command}"),
    }
}

/// A hint to use LibreOffice, which reads only files. It writes another one, into
/// the current directory.
fn office_converter(extension: &str, file: Option<&Path>) -> String {
    let unnamed = PathBuf::from(format!("FILE.{extension}"));
    let path = file.unwrap_or(&unnamed);
    let convert = |to| {
        let word = shell::path_word(path);
        format!("make text of it with libreoffice --headless --convert-to {to} {word}")
    };
    match extension {
        "doc" => convert("txt:Text"),
        "xls" | "xlsx" | "ods" => convert("csv"),
        _ => {
            let pdf = path.with_extension("pdf");
            let pdf = shell::path_word(pdf.file_name().map_or(&pdf, Path::new));
            format!("{} && pdftotext {pdf} -", convert("pdf"))
        }
    }
}
