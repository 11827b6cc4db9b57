//! Markdown of replies, rendered on a terminal while they stream.

use std::fs;
use std::num::NonZero;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Sender;

use nix::sys::signal::Signal;

use crate::support::server::{Script, Server, Step, chunk, events, gate, stream_head};
use crate::support::terminal::Terminal;
use crate::support::{DONE, ask, finish, run, signal, token};

const ROWS: u16 = 150;

fn screen(columns: u16) -> vt100::Parser {
    let size = |number| NonZero::new(number).expect("not zero");
    vt100::Parser::new(size(ROWS), size(columns), 0)
}

/// A reply in parts, each sent when the test opens its gate.
struct Stream {
    server: Server,
    gates: Vec<Sender<()>>,
}

impl Stream {
    /// The stream of these texts, and what comes after the last.
    fn new(texts: &[&str], end: Script) -> Self {
        let mut script = vec![stream_head()];
        let mut gates = Vec::new();
        for text in texts {
            let (open, wait) = gate();
            gates.push(open);
            script.extend([wait, chunk(token(text))]);
        }
        let (open, wait) = gate();
        gates.push(open);
        script.push(wait);
        script.extend(end);
        Self { server: Server::once(script), gates }
    }

    fn whole(texts: &[&str]) -> Self {
        Self::new(texts, vec![chunk(DONE), Step::LastChunk, Step::End])
    }

    /// Sends the next text.
    fn go_on(&mut self) {
        drop(self.gates.remove(0));
    }
}

/// A terminal with gravix on it, and what its screen shows.
struct Screen {
    terminal: Terminal,
    child: Child,
    parser: vt100::Parser,
}

impl Screen {
    fn start(
        server: &Server,
        columns: u16,
        adapt: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        let terminal = Terminal::with_rows(ROWS, columns);
        let mut command = ask(server, &["hi"]);
        command.env("TERM", "xterm-256color");
        adapt(&mut command);
        let child = command.stdout(terminal.stream()).spawn().expect("gravix starts");
        Self { terminal, child, parser: screen(columns) }
    }

    /// Waits until the terminal has got this text.
    fn wait_for(&mut self, text: &str) -> String {
        let shown = self.terminal.read_past(text);
        self.parser.process(shown.as_bytes());
        self.text()
    }

    fn text(&self) -> String {
        let text = self.parser.screen().contents();
        text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    }

    /// What the screen shows after gravix has ended, whether the terminal's style is
    /// the default again, and all that was written.
    fn end(mut self) -> (String, String) {
        let status = self.child.wait().expect("gravix ends");
        let rest = self.terminal.read_to_end();
        self.parser.process(rest.as_bytes());
        let screen = self.parser.screen();
        let default = vt100::Color::Default;
        assert_eq!((screen.fgcolor(), screen.bgcolor()), (default, default), "{status}");
        let styles = [screen.bold(), screen.dim(), screen.italic(), screen.underline()];
        assert_eq!(styles, [false; 4], "{status}");
        let text = screen.contents();
        (text.lines().map(|line| line.trim_end().to_owned() + "\n").collect(), rest)
    }
}

/// What is written for a whole reply on a terminal of 80 columns.
fn written(text: &str, adapt: impl FnOnce(&mut Command) -> &mut Command) -> String {
    let server = Server::once(events(&[token(text), DONE.to_owned()]));
    let (_, written) = Screen::start(&server, 80, adapt).end();
    written.replace("\r\n", "\n")
}

#[test]
fn every_block_is_laid_out_for_the_width_of_the_terminal() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/markdown");
    let reply = fs::read_to_string(cases.join("reply.md")).expect("the case can be read");
    let tokens: Vec<String> =
        reply.split_inclusive(' ').map(token).chain([DONE.to_owned()]).collect();
    for columns in [80, 40] {
        let server = Server::once(events(&tokens));
        let (shown, _) = Screen::start(&server, columns, |command| command).end();
        let file = cases.join(format!("{columns}-columns.txt"));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&file, &shown).expect("the file can be written");
        }
        let expected = fs::read_to_string(&file).expect("the case can be read");
        assert_eq!(shown, expected, "{columns} columns:\n{shown}");
    }
}

#[test]
fn words_appear_before_their_paragraph_ends() {
    let mut stream = Stream::whole(&["One two **three fo", "ur** five", " six\n"]);
    let mut screen = Screen::start(&stream.server, 80, |command| command);
    stream.go_on();
    assert_eq!(screen.wait_for("two"), "One two\n");
    stream.go_on();
    assert_eq!(screen.wait_for(" four\u{1b}[0m"), "One two three four\n");
    stream.go_on();
    assert_eq!(screen.wait_for("five"), "One two three four five\n");
    stream.go_on();
    assert_eq!(screen.end().0, "One two three four five six\n");
}

#[test]
fn code_appears_line_by_line_and_without_anything_around_it() {
    let mut stream = Stream::whole(&["- a\n  ```sh\n  if tr", "ue\n  # no", "te\n  ```\n"]);
    let mut screen = Screen::start(&stream.server, 80, |command| command);
    stream.go_on();
    assert_eq!(screen.wait_for("if\u{1b}[0m "), "• a\nsh\nif\n");
    stream.go_on();
    assert_eq!(
        screen.wait_for("true\r\n\u{1b}[2m#\u{1b}[0m\u{1b}[2m \u{1b}[0m"),
        "• a\nsh\nif true\n#\n"
    );
    stream.go_on();
    stream.go_on();
    assert_eq!(screen.end().0, "• a\nsh\nif true\n# note\n");
}

#[test]
fn a_table_appears_when_it_is_complete() {
    let rows = "See:\n| a | b |\n|---|---|\n| long cell | c |\n";
    let mut stream = Stream::whole(&[rows, "\n", "End "]);
    let mut screen = Screen::start(&stream.server, 80, |command| command);
    stream.go_on();
    assert_eq!(screen.wait_for("See:"), "See:\n");
    stream.go_on();
    let table = "See:\na         │ b\n──────────┼──\nlong cell │ c\n";
    assert_eq!(screen.wait_for("c\r\n"), table);
    stream.go_on();
    stream.go_on();
    assert_eq!(screen.end().0, format!("{table}\nEnd\n"));
}

#[test]
fn what_follows_a_change_of_the_windows_size_has_its_width() {
    let words = "word ".repeat(8);
    let mut stream = Stream::whole(&[&words, "x ", &words]);
    let mut screen = Screen::start(&stream.server, 30, |command| command);
    stream.go_on();
    screen.wait_for("word\r\nword word");
    let mut stty = Command::new("stty");
    let status = stty.args(["cols", "12"]).stdin(screen.terminal.stream()).status();
    assert!(status.expect("stty runs").success());
    drop(stty);
    stream.go_on();
    screen.wait_for("x");
    stream.go_on();
    stream.go_on();
    let (_, rest) = screen.end();
    let lines: Vec<&str> = rest.split("\r\n").collect();
    assert_eq!(lines, ["", "word word", "word word", "word word", "word word", ""]);
}

#[test]
fn colours_and_styles_are_those_that_the_terminal_and_the_user_want() {
    let reply = "# H\n**b** `c` [l](u)\n```py\nif 'a'\n```\n";
    let coloured = "\u{1b}[1;4;36mH\u{1b}[0m\n\u{1b}[1mb\u{1b}[0m \u{1b}[36mc\u{1b}[0m \
        \u{1b}[4ml\u{1b}[0m\u{1b}[2m (u)\u{1b}[0m\n\u{1b}[2mpy\u{1b}[0m\n\
        \u{1b}[35mif\u{1b}[0m \u{1b}[32m'\u{1b}[0m\u{1b}[32ma'\u{1b}[0m\n";
    let plain_colours = "\u{1b}[1;4mH\u{1b}[0m\n\u{1b}[1mb\u{1b}[0m `c` \
        \u{1b}[4ml\u{1b}[0m\u{1b}[2m (u)\u{1b}[0m\n\u{1b}[2mpy\u{1b}[0m\nif 'a'\n";
    let dumb = "# H\nb `c` l (u)\npy\nif 'a'\n";
    assert_eq!(written(reply, |command| command), coloured);
    assert_eq!(written(reply, |command| command.env("NO_COLOR", "1")), plain_colours);
    assert_eq!(written(reply, |command| command.env("TERM", "dumb")), dumb);
    assert_eq!(written(reply, |command| command.env_remove("TERM")), dumb);
}

#[test]
fn a_reply_stays_as_it_is_with_never_and_with_raw() {
    for option in ["--markdown=never", "--raw"] {
        assert_eq!(written("**a**\n\n\n* b", |command| command.arg(option)), "**a**\n\n\n* b\n");
    }
}

#[test]
fn a_reply_is_rendered_once_it_is_whole_without_a_stream() {
    let server = Server::replying(&["**a**"]);
    let (shown, _) = Screen::start(&server, 80, |command| command.arg("--no-stream")).end();
    assert_eq!(shown, "a\n");
}

#[test]
fn an_interrupt_leaves_no_style_on() {
    let mut stream = Stream::whole(&["a **bold** ```x", ""]);
    let mut screen = Screen::start(&stream.server, 80, |command| command);
    stream.go_on();
    screen.wait_for("bold\u{1b}[0m");
    signal(&screen.child, Signal::SIGINT);
    assert_eq!(screen.end().0, "a bold\n");
}

#[test]
fn a_reply_that_breaks_off_shows_what_came() {
    let mut stream = Stream::new(&["a **bold *wor"], vec![Step::Reset]);
    let screen = Screen::start(&stream.server, 80, |command| command.stderr(Stdio::null()));
    stream.go_on();
    stream.go_on();
    assert_eq!(screen.end().0, "a **bold *wor\n");
}

#[test]
fn control_characters_and_entities_are_harmless() {
    let hostile =
        "\u{1b}[31ma &#27;[31m `\u{9b}31m` [\u{7}](\u{1b}]8;;x)\n```\u{1b}c\n\u{1b}[2J\n```\n";
    let shown = written(hostile, |command| command.env("TERM", "dumb"));
    assert!(!shown.contains(['\u{1b}', '\u{9b}', '\u{7}']), "{shown:?}");
    assert!(shown.starts_with("^[[31ma ^[[31m `<U+009B>31m` "), "{shown:?}");
    assert!(shown.ends_with("^[c\n^[[2J\n"), "{shown:?}");
}

#[test]
fn a_pipe_gets_the_source_unless_markdown_is_asked_for() {
    let reply = format!("**a** {}", "word ".repeat(60));
    for (arguments, columns, expected) in [
        (&[][..], None, None),
        (&["--stream"], Some("40"), None),
        (&["--markdown=auto"], None, None),
        (&["--markdown"], None, Some(80)),
        (&["--markdown=always", "--stream"], Some("40"), Some(40)),
    ] {
        let server = match arguments.contains(&"--stream") {
            true => Server::once(events(&[token(&reply), DONE.to_owned()])),
            false => Server::replying(&[&reply]),
        };
        let mut command = ask(&server, &["hi"]);
        command.args(arguments).env("TERM", "xterm");
        columns.map(|columns| command.env("COLUMNS", columns));
        let shown = String::from_utf8(run(&mut command).exits(0).stdout).expect("UTF-8");
        match expected {
            None => assert_eq!(shown, format!("{reply}\n"), "{arguments:?}"),
            Some(columns) => {
                assert!(shown.starts_with("\u{1b}[1ma\u{1b}[0m word"), "{arguments:?}: {shown}");
                let widest = shown.lines().skip(1).map(str::len).max();
                let fits = (columns - 5..=columns).contains(&widest.unwrap_or_default());
                assert!(fits, "{arguments:?}: {shown}");
            }
        }
    }
}

#[test]
fn a_pipe_to_a_pager_has_the_columns_of_the_terminal_that_stderr_is_on() {
    for (columns, expected) in [(None, 50), (Some("40"), 40)] {
        let server = Server::replying(&["word ".repeat(60).as_str()]);
        let terminal = Terminal::with_width(50);
        let mut command = ask(&server, &["hi", "--markdown"]);
        columns.map(|columns| command.env("COLUMNS", columns));
        let command = command.stdout(Stdio::piped()).stderr(terminal.stream());
        let output = finish(command.spawn().expect("gravix starts"));
        let shown = String::from_utf8(output.stdout).expect("UTF-8");
        let widest = shown.lines().map(str::len).max().unwrap_or_default();
        assert!((expected - 5..=expected).contains(&widest), "{shown}");
    }
}

#[test]
fn a_rule_is_no_wider_than_any_terminal_whatever_the_columns_are_said_to_be() {
    for columns in ["1000000", "10000000000", "18446744073709551615"] {
        let server = Server::replying(&["---"]);
        let mut command = ask(&server, &["hi", "--markdown"]);
        let rule = "─".repeat(65_535) + "\n";
        run(command.env("COLUMNS", columns).env("TERM", "dumb")).exits(0).prints(rule);
    }
}

#[test]
fn a_file_gets_the_source() {
    let directory = tempfile::tempdir().expect("a directory is created");
    let file = directory.path().join("reply.md");
    let server = Server::replying(&["**a**"]);
    let screen = Screen::start(&server, 80, |command| command.arg("-o").arg(&file));
    assert_eq!(screen.end().0, "");
    assert_eq!(fs::read_to_string(file).expect("the file is there"), "**a**\n");
}

#[test]
fn a_reply_that_is_data_is_not_rendered() {
    for (arguments, reply, shown) in [
        (&["--json-object"][..], "{\"a\": \"*b*\"}", "{\"a\": \"*b*\"}\n"),
        (&["-x"], "```\n*a*\n\n\n```", "*a*\n\n\n"),
        (&["--choose", "*a*,b"], "*a*", "*a*\n"),
        (&["--param", "response_format={\"type\":\"text\"}", "--no-stream"], "*a*", "*a*\n"),
    ] {
        let server = Server::replying(&[reply]);
        let (_, written) = Screen::start(&server, 80, |command| command.args(arguments)).end();
        assert_eq!(written.replace("\r\n", "\n"), shown, "{arguments:?}");
    }
}

#[test]
fn markdown_cannot_be_asked_for_where_a_reply_is_data() {
    let server = Server::new(Vec::new());
    for other in ["--json", "--events", "-x", "--json-object", "--yes-no", "--raw", "-ofile"] {
        let run = run(ask(&server, &["hi"]).args(["--markdown", other]));
        run.exits(2).prints("").says(&["--markdown"]);
    }
    assert!(server.requests().is_empty());
}

#[test]
fn the_configuration_says_when_markdown_is_rendered() {
    let directory = tempfile::tempdir().expect("a directory is created");
    let file = directory.path().join("config.toml");
    fs::write(&file, "markdown = \"never\"\n[profiles.always]\nmarkdown = \"always\"\n")
        .expect("the file is written");
    let shown = written("**a**", |command| command.arg("--config").arg(&file));
    assert_eq!(shown, "**a**\n");
    for (arguments, shown) in [
        (&["-p", "always"][..], "\u{1b}[1ma\u{1b}[0m\n"),
        (&["-p", "always", "--raw"], "**a**\n"),
        (&["-p", "always", "--markdown=auto"], "**a**\n"),
    ] {
        let server = Server::replying(&["**a**"]);
        let mut command = ask(&server, &["hi"]);
        command.arg("--config").arg(&file).args(arguments).env("TERM", "xterm");
        let output = finish(crate::support::start(&mut command));
        assert_eq!(String::from_utf8_lossy(&output.stdout), shown, "{arguments:?}");
    }
}
