//! Inputs that are not text: which are refused, and what is said about them.

use std::fs;
use std::path::PathBuf;

use crate::support::server::Server;
use crate::support::{ask, ask_mock, batch, gravix, run, run_with, shell};

/// A temporary directory with a file of this name and content.
fn file_of(name: &str, content: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join(name);
    fs::write(&file, content).expect("the file is written");
    (directory, file)
}

/// `text` in UTF-16, each code unit encoded by `encode`.
fn utf_16(text: &str, encode: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(encode).collect()
}

/// The command after `with ` in a message, run in a shell.
#[track_caller]
fn pasted(message: &str) -> Vec<u8> {
    let (_, command) = message.trim_end().rsplit_once(" with ").expect("there is a command");
    run(&mut shell("sh", command)).exits(0).stdout
}

#[test]
fn utf_16_is_refused_with_the_command_that_converts_it() {
    for content in [
        utf_16("\u{feff}Grüße, 日本\n", u16::to_le_bytes),
        utf_16("\u{feff}Grüße, 日本\n", u16::to_be_bytes),
        utf_16("plain ASCII\n", u16::to_le_bytes),
        utf_16("plain ASCII\n", u16::to_be_bytes),
    ] {
        let (_directory, file) = file_of("it's.txt", &content);
        let run = run(ask_mock(&["-n", "-f"]).arg(&file)).exits(65).prints("");
        let run = run.says(&["byte offset", "looks like UTF-16", "iconv -f UTF-16"]);
        let converted = String::from_utf8(pasted(&run.stderr)).expect("iconv prints UTF-8");
        assert!(converted.ends_with("ASCII\n") || converted.ends_with("日本\n"), "{converted}");
        run_with(&mut ask_mock(&[]), &content).exits(65).prints("").says(&["iconv", "UTF-16"]);
    }
}

#[test]
fn documents_are_refused_with_a_program_that_reads_them() {
    let server = Server::replying(&[]);
    let compound = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0";
    for (name, content, command) in [
        ("a b.pdf", &b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"[..], "pdftotext "),
        // A PDF can be valid UTF-8.
        ("a.pdf", b"%PDF-1.4\n1 0 obj\n", "pdftotext "),
        ("a.docx", b"PK\x03\x04\x14\0\x06\0\xff\xffword/document.xml", "pandoc -f docx -t plain "),
        (
            "a.odt",
            b"PK\x03\x04\xff mimetypeapplication/vnd.oasis.opendocument.text",
            "pandoc -f odt",
        ),
        ("a.xlsx", b"PK\x03\x04\xff[Content_Types].xml xl/workbook.xml", "libreoffice"),
        ("a.pptx", b"PK\x03\x04\xff ppt/presentation.xml", "&& pdftotext a.pdf -"),
        ("a.doc", compound, "libreoffice --headless --convert-to txt:Text "),
    ] {
        let (_directory, file) = file_of(name, content);
        let run = run(ask(&server, &["-n", "hi", "-f"]).arg(&file)).exits(65).prints("");
        assert!(!run.says(&["it looks like", command]).stderr.contains("--lossy"), "{name}");
        let run = run_with(&mut ask(&server, &["hi"]), content).exits(65).prints("");
        run.says(&["standard input", command.split(' ').next().expect("a program")]);
    }
    assert!(server.requests().is_empty());
}

#[test]
fn other_binary_files_are_called_so() {
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff\x01\x02";
    let run = run_with(&mut ask_mock(&[]), gzip).exits(65).prints("");
    let run =
        run.says(&["byte offset 1", "a binary file (application/gzip); pipe it through gzip -dc"]);
    assert!(!run.stderr.contains("--lossy"), "{}", run.stderr);
    run_with(&mut ask_mock(&[]), &[0; 64])
        .exits(65)
        .prints("")
        .says(&["offset 0", "a binary file"]);
}

#[test]
fn nul_and_bad_bytes_are_replaced_if_asked_for() {
    let (_directory, file) = file_of("x", b"a\0b\xff");
    run_with(&mut ask_mock(&[]), b"ab\0c")
        .exits(65)
        .prints("")
        .says(&["has a NUL character at byte offset 2; use --lossy"]);
    run_with(&mut ask_mock(&["--lossy"]), b"a\0b\xff").exits(0).prints("a\u{fffd}b\u{fffd}\n");
    let system = |more: &[&str]| {
        let mut command = ask_mock(&["-n", "hi", "--dry-run", "--system-file"]);
        command.arg(&file).args(more);
        command
    };
    run(&mut system(&[])).exits(65).prints("").says(&["offset 3", "--lossy"]);
    let run = run(&mut system(&["--lossy"])).exits(0);
    assert!(String::from_utf8_lossy(&run.stdout).contains("a\u{fffd}b\u{fffd}"));
}

#[test]
fn the_system_prompt_of_the_command_line_is_text_too() {
    use std::os::unix::ffi::OsStrExt;
    let word = std::ffi::OsStr::from_bytes(b"a\xffb");
    run(ask_mock(&["-n", "hi", "-s"]).arg(word))
        .exits(65)
        .prints("")
        .says(&["--system", "offset 1"]);
    let mut lossy = ask_mock(&["-n", "hi", "--lossy", "--dry-run", "-s"]);
    let run = run(lossy.arg(word)).exits(0);
    assert!(String::from_utf8_lossy(&run.stdout).contains("a\u{fffd}b"));
}

#[test]
fn lossy_is_named_only_where_it_helps() {
    let (_directory, file) = file_of("x.json", b"{\"a\":\"\xe9\"}");
    for arguments in
        [["ask", "-n", "--base-url=mock:", "hi", "--schema"], ["ask", "-n", "hi", "-q", "--tools"]]
    {
        let run = run(gravix().args(arguments).arg(&file)).exits(65).prints("");
        let run = run.says(&["x.json", "offset 6", "another encoding"]);
        assert!(!run.stderr.contains("--lossy"), "{}", run.stderr);
    }
    let run = run(batch("mock:", &["--system-file"]).arg(&file)).exits(65).prints("");
    assert!(!run.says(&["offset 6"]).stderr.contains("--lossy"));
}

#[test]
fn a_byte_order_mark_is_dropped_from_every_text_file() {
    let with_mark = |text: &str| format!("\u{feff}{text}");
    let (_d1, config) = file_of("c.toml", with_mark("model = \"tiny\"\n"));
    let (_d2, system) = file_of("s", with_mark("Be brief.\n"));
    let (_d3, schema) = file_of("schema", with_mark("{\"title\":\"t\"}"));
    let (_d4, text) = file_of("t", with_mark("text\n"));
    let (_d5, body) = file_of("b", with_mark("{\"n\":1}"));
    let mut command = ask_mock(&["-n", "--dry-run"]);
    for (option, path) in [
        ("--config", &config),
        ("--system-file", &system),
        ("--schema", &schema),
        ("-f", &text),
        ("--body", &body),
    ] {
        command.arg(option).arg(path);
    }
    let run = run(&mut command).exits(0);
    let request = String::from_utf8(run.stdout).expect("stdout is UTF-8");
    assert!(!request.contains('\u{feff}') && request.contains("tiny"), "{request}");
    let (_d6, key) = file_of("key", with_mark("sesame-sesame\n"));
    let (_d7, keyed) = file_of("k.toml", format!("api_key_file = \"{}\"\n", key.display()));
    let server = Server::replying(&["ok"]);
    let profile =
        format!("{}base_url = \"{}\"\n", fs::read_to_string(&keyed).unwrap(), server.base_url());
    fs::write(&keyed, profile).expect("the file is written");
    let mut asking = gravix();
    crate::support::run(asking.args(["ask", "-q", "-n", "hi", "--config"]).arg(&keyed)).exits(0);
    assert_eq!(server.request().header("authorization"), Some("Bearer sesame-sesame"));
}

#[test]
fn settings_that_are_not_text_are_refused_with_their_converter() {
    let config = utf_16("\u{feff}model = \"x\"\n", u16::to_le_bytes);
    let (_directory, file) = file_of("c.toml", config);
    run(gravix().args(["config", "--config"]).arg(&file))
        .exits(78)
        .says(&["iconv -f UTF-16 -t UTF-8 /"]);
}

#[test]
fn a_device_or_a_pipe_without_an_end_is_not_read_for_ever() {
    for arguments in [
        &["ask", "-n", "hi", "--base-url", "mock:", "-f", "/dev/zero"][..],
        &["ask", "-n", "hi", "--base-url", "mock:", "-f", "/dev/full"],
        &["ask", "-n", "hi", "--base-url", "mock:", "-a", "/dev/zero"],
        &["ask", "-n", "hi", "--base-url", "mock:", "--system-file", "/dev/urandom"],
        &["ask", "-n", "hi", "--base-url", "mock:", "--schema", "/dev/zero"],
        &["ask", "-n", "hi", "--base-url", "mock:", "--config", "/dev/zero"],
        &["batch", "--base-url", "mock:", "/dev/zero"],
    ] {
        run(gravix().args(arguments)).exits(66).prints("").says(&["it is a device, not a file"]);
    }
    let endless = format!("yes | {} ask --base-url mock:", env!("CARGO_BIN_EXE_gravix"));
    run(&mut shell("sh", &endless)).exits(66).prints("").says(&["longer than 256 MiB"]);
    run(&mut ask_mock(&["-n", "-f", "/dev/null", "hi"])).exits(0).says_nothing();
}

#[test]
fn a_batch_that_is_not_text_is_one_error() {
    let lines = "\u{feff}{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}\n";
    let content = utf_16(lines, u16::to_le_bytes);
    let (_directory, file) = file_of("in.jsonl", &content);
    for skip in [&[][..], &["--skip-bad"], &["--lines"]] {
        run(batch("mock:", skip).arg(&file)).exits(65).prints("").says(&["in.jsonl", "iconv"]);
        let run = run_with(&mut batch("mock:", &[&["-q"], skip].concat()), &content).exits(65);
        run.prints("").says(&["standard input", "pipe it through iconv"]);
    }
    let (_directory, pdf) = file_of("in.pdf", b"%PDF-1.4\n1 0 obj\n");
    run(batch("mock:", &["--lines"]).arg(&pdf)).exits(65).prints("").says(&["pdftotext /"]);
    run_with(&mut batch("mock:", &["-q", "--lines"]), b"a\0b\n")
        .exits(65)
        .says(&["NUL", "offset 1"]);
    run_with(&mut batch("mock:", &["-q", "-0", "--text"]), b"a\0").exits(0).prints("a\0");
}
