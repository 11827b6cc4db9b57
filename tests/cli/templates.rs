//! Templates of prompts: where they are found, what their variables stand for, and the
//! settings at their start.

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;

use crate::support::terminal::Terminal;
use crate::support::{gravix, json_lines, refuses, run, run_with};

/// A home directory with these templates.
fn home(templates: &[(&str, &str)]) -> TempDir {
    let home = tempfile::tempdir().expect("a temporary directory is created");
    let prompts = home.path().join(".config/gravix/prompts");
    fs::create_dir_all(&prompts).expect("the directory is made");
    for (name, text) in templates {
        fs::write(prompts.join(name), text).expect("the template is written");
    }
    home
}

fn ask(home: &Path, arguments: &[&str]) -> Command {
    let mut command = gravix();
    command.env("HOME", home).current_dir(home).args(["ask", "--base-url", "mock:"]);
    command.args(arguments);
    command
}

/// The request that is sent for these arguments.
fn request(home: &Path, arguments: &[&str]) -> serde_json::Value {
    let run = run(ask(home, arguments).arg("--dry-run")).exits(0).says_nothing();
    serde_json::from_slice(&run.stdout).expect("the request is JSON")
}

#[test]
fn words_and_standard_input_stand_where_the_template_says() {
    let home = home(&[
        ("review.md", "Review this:\n\n{{input}}\n"),
        ("both.md", "{{ prompt }} of {{input}}, {{prompt}}"),
        ("plain.md", "Be kind.\n"),
    ]);
    for (arguments, reply) in [
        (&["-T", "review"][..], "Review this:\n\ndraft\n"),
        (&["-T", "review.md"], "Review this:\n\ndraft\n"),
        (&["-T", "review", "In", "short."], "Review this:\n\ndraft\n\nIn short.\n"),
        (&["-T", "both", "A", "b"], "A b of draft, A b\n"),
        (&["-T", "plain"], "Be kind.\n\ndraft\n"),
        (&["-T", "plain", "Read", "-", "now"], "Be kind.\n\nRead\n\ndraft\n\nnow\n"),
        (&["-T", "./.config/gravix/prompts/plain.md"], "Be kind.\n\ndraft\n"),
        (&["-T", "<{{prompt}}>", "a", "-", "b"], "<a b>\n\ndraft\n"),
    ] {
        let run = run_with(&mut ask(home.path(), arguments), b"draft\n");
        run.exits(0).prints(reply).says_nothing();
    }
    // Neither words nor standard input are needed.
    run(&mut ask(home.path(), &["-T", "plain"])).exits(0).prints("Be kind.\n");
}

#[test]
fn files_follow_the_template_in_their_order() {
    let home = home(&[]);
    fs::write(home.path().join("a.txt"), "A\n").expect("the file is written");
    let arguments = ["-T", "Compare: {{prompt}}", "x", "-f", "a.txt", "y"];
    let reply = "Compare: x y\n\na.txt:\n\n```txt\nA\n```\n";
    run(&mut ask(home.path(), &arguments)).exits(0).prints(reply);
}

#[test]
fn only_the_template_is_expanded_and_only_once() {
    let home = home(&[("t.md", r"{{a}} {{prompt}} {{input}} \{{a}}")]);
    fs::write(home.path().join("f.md"), "{{a}}\n").expect("the file is written");
    let history = home.path().join("h.jsonl");
    fs::write(&history, "{\"role\":\"user\",\"content\":\"{{a}}\"}\n").expect("it is written");
    let arguments = ["-T", "t", "--var", "a={{prompt}}", "{{a}}", "-f", "f.md", "--history"];
    let mut command = ask(home.path(), &arguments);
    let run = run_with(command.arg(&history), b"{{b}}");
    run.exits(0).prints("{{prompt}} {{a}} {{b}} {{a}}\n\nf.md:\n\n```md\n{{a}}\n```\n");
    assert_eq!(json_lines(&history)[0]["content"], "{{a}}");
    // Without a template, braces are text.
    let run = run_with(&mut ask(home.path(), &["{{a}}"]), b"{{b}}\n");
    run.exits(0).prints("{{a}}\n\n{{b}}\n");
}

#[test]
fn variables_that_do_not_fit_the_template_are_usage_errors() {
    let home = home(&[("t.md", "{{lang}} {{tone of voice}}\n"), ("i.md", "{{input}}")]);
    for (arguments, message) in [
        (
            &["-T", "t", "--var", "lang=a"][..],
            "the template needs a value for {{tone of voice}}: add --var 'tone of voice=VALUE'",
        ),
        (
            &["-T", "t", "--var", "lang=a", "--var", "lng=b"],
            "--var lng: the template has no {{lng}} (it has lang, tone of voice)",
        ),
        (&["-T", "{{a}}", "--var", "a=", "--var", "a="], "--var a is set twice"),
        (&["-T", "i", "--var", "x="], "--var x: the template has no {{x}}"),
        (
            &["-T", "{{a}}", "--var", "input=x"],
            "--var input: {{input}} stands for standard input; give the variable another name",
        ),
        (&["-T", "a {{prompt}}"], "the template has {{prompt}} in it: give the prompt as words"),
        (&["-T", "i", "-n"], "{{input}} is standard input, which --no-stdin leaves unread"),
        (&["-T", "i", "-"], "{{input}} in the template is standard input already: leave out '-'"),
        (&["-T", "i"], "standard input is empty, but {{input}} asks for it; nothing was sent"),
        (&["--var", "a=b", "x"], "--var needs --template; see gravix ask --help"),
        (
            &["-T", "{{a}}", "--var", "a"],
            "invalid value 'a' for '--var <NAME=VALUE>': not in the form NAME=VALUE, such as lang=French; see gravix ask --help",
        ),
        (
            &["-T", "{{#if a}}"],
            r"--template: {{#if a}} is not a variable, and templates have nothing else; for the braces themselves, write \{{",
        ),
    ] {
        refuses(run(&mut ask(home.path(), arguments)), 2, message);
    }
    let blank = ["-T", "t", "--var", "lang = a=b", "--var", "tone of voice="];
    run(&mut ask(home.path(), &blank)).exits(0).prints(" a=b \n");
}

#[test]
fn a_template_with_a_place_for_standard_input_does_not_wait_for_a_terminal() {
    let home = home(&[]);
    let mut command = ask(home.path(), &["-T", "Sum up: {{input}}"]);
    let message = "{{input}} is standard input: pipe something in, or use < FILE";
    let terminal = Terminal::open();
    refuses(run(command.stdin(terminal.stream())), 2, message);
}

#[test]
fn a_missing_template_names_a_similar_one_or_the_list() {
    let home = home(&[("review.md", "x"), ("sum.md", "y")]);
    let prompts = home.path().join(".config/gravix/prompts");
    let missing = |name: &str, way_out: &str| {
        let path = prompts.join(name);
        format!("cannot read {}: there is no such template; {way_out}", path.display())
    };
    fs::write(home.path().join("here.md"), "z").expect("the file is written");
    for (name, message) in [
        ("reviw", missing("reviw.md", "did you mean review?")),
        ("xyz", missing("xyz.md", "list the templates with gravix templates")),
        (
            "Sum up {text}",
            missing("Sum up {text}.md", "a text needs a variable in it, such as {{text}}"),
        ),
        ("here.md", missing("here.md", "for the file here.md here, use -T ./here.md")),
        ("./no.md", "cannot read ./no.md: no such file or directory".to_owned()),
    ] {
        refuses(run(&mut ask(home.path(), &["-T", name, "x"])), 66, &message);
    }
}

#[test]
fn a_flaw_in_a_template_names_its_line() {
    let home = home(&[("t.md", "---\nseed = 1\n---\na\n{{b\n")]);
    let path = home.path().join(".config/gravix/prompts/t.md");
    let message = format!(
        "{}:5: {{{{ has no }}}} on its line; for the braces themselves, write \\{{{{",
        path.display()
    );
    refuses(run(&mut ask(home.path(), &["-T", "t"])), 65, &message);
}

#[test]
fn settings_at_the_start_come_after_what_was_typed_and_before_a_profile() {
    let text = "---\nmodel = \"m1\"\ntemperature = 0.5\nsystem = \"Be terse.\"\n[param]\ntop_k = 4\n---\nHi\n";
    let home = home(&[("t.md", text)]);
    let config = "model = \"m3\"\nseed = 3\n[profiles.p]\nmodel = \"m2\"\ntemperature = 1\nparam.top_k = 5\n";
    fs::write(home.path().join(".config/gravix/config.toml"), config).expect("it is written");
    let sent = request(home.path(), &["-T", "t", "-p", "p"]);
    assert_eq!(sent["model"], "m1");
    assert_eq!(sent["temperature"], 0.5);
    assert_eq!(sent["top_k"], 4);
    assert_eq!(sent["seed"], 3);
    assert_eq!(sent["messages"][0]["content"], "Be terse.");
    assert_eq!(sent["messages"][1]["content"], "Hi");
    let sent = request(home.path(), &["-T", "t", "-m", "m0", "-s", "", "--param", "top_k=6"]);
    assert_eq!(sent["model"], "m0");
    assert_eq!(sent["top_k"], 6);
    let mut command = ask(home.path(), &["-T", "t", "--dry-run"]);
    let run = run(command.env("GRAVIX_MODEL", "m9")).exits(0);
    assert!(run.stdout.starts_with(b"{\"model\":\"m1\""));
}

#[test]
fn the_system_prompt_of_a_template_counts_as_typed() {
    let home = home(&[("t.md", "---\nsystem = \"New.\"\n---\nHi\n")]);
    let history = home.path().join("h.jsonl");
    let old = "{\"role\":\"system\",\"content\":\"Old.\"}\n";
    fs::write(&history, old).expect("the history is written");
    let path = history.to_str().expect("the path is UTF-8");
    let sent = request(home.path(), &["-q", "-T", "t", "--history", path]);
    assert_eq!(sent["messages"][0]["content"], "New.");
}

#[test]
fn paths_in_the_settings_begin_at_the_template() {
    let home = home(&[("t.md", "---\nschema = \"s.json\"\nrepair = 0\n---\nHi\n")]);
    let schema = home.path().join(".config/gravix/prompts/s.json");
    fs::write(schema, r#"{"type":"object"}"#).expect("the schema is written");
    let sent = request(home.path(), &["-T", "t"]);
    assert_eq!(sent["response_format"]["json_schema"]["schema"]["type"], "object");
}

#[test]
fn a_template_sets_neither_the_server_nor_a_key_nor_a_file_to_write() {
    let home = home(&[]);
    let prompts = home.path().join(".config/gravix/prompts");
    for (setting, name) in [
        ("base_url = \"http://x\"", "base_url"),
        ("api_key_command = \"touch ran\"", "api_key_command"),
        ("header = [\"A: b\"]", "header"),
        ("allow_http = true", "allow_http"),
        ("history = \"h\"", "history"),
        ("output = \"o\"", "output"),
        ("log = \"l\"", "log"),
        ("file = [\"f\"]", "file"),
        ("system_file = \"f\"", "system_file"),
        ("raw = true", "raw"),
        ("price = [1, 2]", "price"),
    ] {
        let path = prompts.join("t.md");
        fs::write(&path, format!("---\n{setting}\n---\nHi\n")).expect("it is written");
        let way_out = match name {
            "api_key_command" => "say in the configuration file where the key is",
            "price" => "put it into the configuration file",
            _ => "type it, or put it into the configuration file",
        };
        let message = format!("{}:2:1: a template cannot set {name}; {way_out}", path.display());
        refuses(run(&mut ask(home.path(), &["-T", "t"])), 78, &message);
    }
    assert!(!home.path().join("ran").exists());
}

#[test]
fn settings_that_are_not_valid_name_their_place() {
    let home = home(&[]);
    let path = home.path().join(".config/gravix/prompts/t.md");
    for (text, message) in [
        (
            "---\nmodel: x\n---\n",
            ":2:8: key with no value, expected `=`; settings are TOML, such as",
        ),
        ("---\n\ntemperature = 9\n---\n", ":3:1: temperature: not between 0 and 2"),
        (
            "---\ntemprature = 1\n---\n",
            ":2:1: unknown setting temprature; did you mean temperature?",
        ),
        ("---\nseed = 1\n", ":1: the settings that begin with --- do not end with a line of ---"),
        ("---\n[profiles.a]\nseed = 1\n---\n", ": [profiles.a]: a template has no profiles"),
    ] {
        fs::write(&path, text).expect("the template is written");
        let run = run(&mut ask(home.path(), &["-T", "t"])).exits(78).prints("");
        let start = format!("gravix: {}{message}", path.display());
        assert!(run.stderr.starts_with(&start), "{}", run.stderr);
    }
}

#[test]
fn a_template_cannot_be_set_in_the_configuration_or_used_with_continue() {
    let home = home(&[("t.md", "x")]);
    let config = home.path().join(".config/gravix/config.toml");
    fs::write(&config, "template = \"t\"\n").expect("the file is written");
    run(&mut ask(home.path(), &["x"])).exits(78).says(&["unknown setting template"]);
    fs::remove_file(config).expect("the file is removed");
    let arguments = ["-T", "t", "--history", "h", "--continue"];
    run(&mut ask(home.path(), &arguments)).exits(2).says(&["--template", "--continue"]);
}

#[test]
fn the_list_has_each_template_with_its_first_line() {
    let home = home(&[
        ("b.md", "---\nseed = 1\n---\n\n  Second\tline\nmore\n"),
        ("a.md", "First"),
        ("empty.md", ""),
        ("other.txt", "no"),
        (".hidden.md", "no"),
    ]);
    let mut templates = gravix();
    templates.env("HOME", home.path()).arg("templates");
    run(&mut templates).exits(0).prints("a\tFirst\nb\t  Second\\tline\nempty\t\n").says_nothing();
    let other = home.path().join("other");
    fs::create_dir_all(&other).expect("the directory is made");
    let mut templates = gravix();
    templates.arg("templates").arg("--config").arg(other.join("config.toml"));
    let path = other.join("prompts/NAME.md");
    let note = format!("gravix: no templates yet: gravix ask -T NAME reads {}\n", path.display());
    let run = run(&mut templates).exits(0).prints("");
    assert_eq!(run.stderr, note);
}

#[test]
fn a_template_that_cannot_be_read_costs_no_other_one() {
    let home = home(&[("a.md", "A"), ("c.md", "C")]);
    let prompts = home.path().join(".config/gravix/prompts");
    fs::create_dir(prompts.join("b.md")).expect("it is made");
    mkfifo(&prompts.join("d.md"), Mode::S_IRWXU).expect("the FIFO is made");
    let mut templates = gravix();
    templates.env("HOME", home.path()).arg("templates");
    let listed = run(&mut templates).exits(66).prints("a\tA\nc\tC\n");
    listed.tells(&["b.md: is a directory", "d.md: it is a FIFO, not a file"]);
}

#[test]
fn the_list_on_a_terminal_is_cut_and_harmless() {
    let home = home(&[("a.md", "one two three four five six"), ("long-name.md", "\u{1b}[31mred")]);
    let terminal = Terminal::with_width(24);
    let mut templates = gravix();
    templates.env("HOME", home.path()).arg("templates").stdout(terminal.stream());
    assert!(templates.status().expect("gravix starts").success());
    drop(templates);
    let screen = terminal.read_to_end();
    assert_eq!(screen, "a          one two thre…\r\nlong-name  ^[[31mred\r\n");
}
