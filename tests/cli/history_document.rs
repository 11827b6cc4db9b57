//! `gravix history show --document`.

use std::fs;

use crate::support::conversation::chat_file;
use crate::support::terminal::Terminal;
use crate::support::{gravix, run};

/// Five messages in two turns.
const CHAT: &str = concat!(
    r#"{"role":"system","content":"Be brief."}"#,
    "\n",
    r##"{"role":"user","content":"# Mine\n\n| a | b |\n"}"##,
    "\n",
    r#"{"role":"assistant","content":"```sh\nls\n"}"#,
    "\n",
    r#"{"role":"user","content":[{"type":"text","text":"é\u001b[31m"},{"type":"image_url","image_url":{"url":"https://x.example/a.png"}}]}"#,
    "\n",
    r#"{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"look","arguments":"{\"at\":1}"}}]}"#,
    "\n",
    r#"{"role":"tool","tool_call_id":"1","content":"<a>\n# b"}"#,
    "\n",
);

const SYSTEM: &str = "## System\n\nBe brief.\n\n";
const FIRST: &str = "## User\n\n# Mine\n\n| a | b |\n\n## Assistant\n\n```sh\nls\n```\n\n";
const SECOND: &str = concat!(
    "## User\n\né\u{1b}[31m\n\n![image_url](<https://x.example/a.png>)\n\n",
    "## Assistant\n\nCalls `look`:\n\n```json\n{\"at\":1}\n```\n\n",
    "## Tool\n\n```\n<a>\n# b\n```\n",
);

#[test]
fn a_pipe_gets_the_conversation_as_a_document_with_exact_texts() {
    let (_directory, file) = chat_file();
    fs::write(&file, CHAT).expect("the file is written");
    let show = |arguments: &[&str]| {
        let mut command = gravix();
        command.args(["history", "show", "--document"]).args(arguments).arg(&file);
        // The pager is for terminals.
        run(command.env("PATH", "/usr/bin:/bin").env("PAGER", "false")).exits(0).says_nothing()
    };
    show(&[]).prints(format!("{SYSTEM}{FIRST}{SECOND}"));
    show(&["--last", "1"]).prints(format!("{SYSTEM}{SECOND}"));
}

#[test]
fn a_terminal_gets_no_control_characters_and_no_colour() {
    let (_directory, file) = chat_file();
    fs::write(&file, CHAT).expect("the file is written");
    let terminal = Terminal::open();
    let mut command = gravix();
    command.args(["history", "show", "--document", "--last", "1"]).arg(&file);
    // Without a pager all goes to the terminal.
    command.env("PATH", "/nowhere").stdout(terminal.stream());
    assert!(command.status().expect("gravix runs").success());
    drop(command);
    let shown = terminal.read_to_end();
    let expected = format!("{SYSTEM}{SECOND}").replace('\u{1b}', "^[").replace('\n', "\r\n");
    assert_eq!(shown, expected);
}
