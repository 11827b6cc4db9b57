//! Histories in other formats, and of other kinds than files.

use std::fs;
use std::path::Path;

use crate::support::conversation::{ASSISTANT, USER, chat_file};
use crate::support::server::Server;
use crate::support::{ask, ask_mock, gravix, run, shell, skip};

const CONVERSATION: &str =
    r#""conversations":[{"from":"human","value":"a"},{"from":"gpt","value":"b"}]"#;

/// The command after ` with ` in a message.
#[track_caller]
fn command_in(message: &str) -> &str {
    message.trim_end().split_once(" with ").expect("there is a command").1
}

#[test]
fn other_formats_get_the_command_that_makes_a_history_of_them() {
    if !Path::new("/usr/bin/jq").exists() {
        skip("jq is not installed");
        return;
    }
    let (user, assistant) = (USER.trim_end(), ASSISTANT.trim_end());
    let system = "{\"role\":\"system\",\"content\":\"s\"}\n";
    let turn = format!("{USER}{ASSISTANT}");
    for (text, history) in [
        (format!("{{\"messages\":[{user},{assistant}]}}\n"), turn.clone()),
        (format!("{{\n  \"messages\": [\n{user},\n{assistant}\n]}}\n"), turn.clone()),
        (format!("[{user},{assistant}]\n"), turn.clone()),
        (format!("[\n  {user},\n  {assistant}\n]\n"), turn.clone()),
        (format!("{USER}[{assistant}]\n"), turn.clone()),
        ("{\n\"role\":\"user\",\n\"content\":\"a\"}\n".to_owned(), USER.to_owned()),
        (format!("{{{CONVERSATION}}}\n"), turn.clone()),
        (format!("{{\"id\":1,{CONVERSATION},\"system\":\"s\"}}\n"), format!("{system}{turn}")),
        ("{\"from\":\"human\",\"value\":\"a\"}\n".to_owned(), USER.to_owned()),
    ] {
        let (directory, _) = chat_file();
        let file = directory.path().join("it's a chat.jsonl");
        fs::write(&file, &text).expect("the file is written");
        for turns in [&[][..], &["--turns", "1"]] {
            let mut command = ask_mock(&["-n", "hi", "-q", "--history"]);
            let refused = run(command.arg(&file).args(turns)).exits(65).prints("");
            assert!(!refused.stderr.contains("history repair"), "{}", refused.stderr);
            let mut converter = shell("sh", command_in(&refused.stderr));
            run(&mut converter).exits(0).prints(&history).says_nothing();
            assert_eq!(fs::read_to_string(&file).expect("the file is readable"), text);
        }
        let mut check = gravix();
        let checked = run(check.args(["history", "check"]).arg(&file)).exits(65);
        let report = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert!(report.contains("; make a history of it with jq -c "), "{report}");
        assert!(!checked.stderr.contains("history repair"), "{}", checked.stderr);
    }
}

#[test]
fn a_history_in_utf_16_is_neither_torn_nor_moved() {
    let units = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let texts = [
        format!("\u{feff}{USER}{ASSISTANT}"),
        "\u{feff}{\"role\":\"user\"}".to_owned(),
        USER.to_owned(),
    ];
    for content in texts.map(|text| units(&text)) {
        let (directory, file) = chat_file();
        fs::write(&file, &content).expect("the file is written");
        for turns in [&[][..], &["--turns", "1"]] {
            let mut command = ask_mock(&["-n", "hi", "-q", "--history"]);
            let run = run(command.arg(&file).args(turns)).exits(65).prints("");
            run.says(&["chat.jsonl:1: ", "looks like UTF-16", "iconv -f UTF-16 -t UTF-8 /"]);
        }
        for command in ["show", "undo", "repair"] {
            run(gravix().args(["history", command]).arg(&file)).exits(65).says(&["iconv"]);
        }
        let checked = run(gravix().args(["history", "check"]).arg(&file)).exits(65);
        assert!(String::from_utf8_lossy(&checked.stdout).contains("iconv -f UTF-16"));
        assert_eq!(fs::read(&file).expect("the file is readable"), content);
        assert_eq!(fs::read_dir(directory.path()).expect("it is readable").count(), 1);
    }
}

#[test]
fn what_cannot_be_a_history_is_called_by_its_kind() {
    let (directory, _) = chat_file();
    let fifo = directory.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("the FIFO is created");
    let server = Server::replying(&[]);
    for (path, reason) in [
        (fifo.as_path(), "it is a FIFO, not a file"),
        (directory.path(), "is a directory"),
        (Path::new("/dev/zero"), "it is a device, not a file"),
    ] {
        for (save, status) in [(&[][..], 73), (&["--no-save"], 66)] {
            let mut command = ask(&server, &["hi", "--history"]);
            run(command.arg(path).args(save)).exits(status).prints("").says(&[reason]);
        }
    }
    assert!(server.requests().is_empty());
}
