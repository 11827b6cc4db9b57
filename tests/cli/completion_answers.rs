//! What gravix answers the completion scripts of shells, without a shell.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::support::home::Home;
use crate::support::server::{Server, Step, listen_on_loopback};
use crate::support::service::{Reply, Service};
use crate::support::{gravix, run};

/// The profiles that need no file.
const BUILT_IN: &[&str] = &["gravix", "openai", "openrouter", "ollama", "mock"];

/// A server with this model.
fn server_of(model: &str) -> Service {
    let list = serde_json::json!({"data": [{"id": model}]}).to_string();
    Service::new(move |_, _| Reply::new("200 OK", list.clone()))
}

/// The kind of the answer for `line`, and its candidates. Nothing else is printed.
#[track_caller]
fn answer(command: &mut Command, line: &str) -> (String, Vec<String>) {
    let run = run(command.args(["__complete", "fish", "--", line])).exits(0).says_nothing();
    let text = String::from_utf8(run.stdout).expect("the answer is UTF-8");
    let mut lines = text.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned());
    (lines.next().unwrap_or_default(), lines.collect())
}

#[track_caller]
fn candidates(command: &mut Command, line: &str) -> Vec<String> {
    answer(command, line).1
}

/// The only file below `directory`, which has directories with one entry each.
#[track_caller]
fn only_file(directory: &Path) -> PathBuf {
    let mut path = directory.to_owned();
    while path.is_dir() {
        let mut entries = fs::read_dir(&path).expect("the directory can be listed");
        path = entries.next().expect("there is an entry").expect("it can be read").path();
        assert!(entries.next().is_none(), "another file beside {}", path.display());
    }
    path
}

fn set_age(path: &Path, age: Duration) {
    let file = fs::File::options().write(true).open(path).expect("the file can be opened");
    file.set_modified(SystemTime::now() - age).expect("the time is set");
}

#[test]
fn models_are_kept_for_ten_minutes_in_a_private_file() {
    let home = Home::new("");
    let cache = home.path().join("cache");
    let server = server_of("m:1");
    let ask = || {
        let mut command = home.gravix(&[]);
        command.env("XDG_CACHE_HOME", &cache);
        candidates(&mut command, &format!("gravix ask --base-url {} -m ", server.base_url()))
    };
    assert_eq!(ask(), ["m:1"]);
    let file = only_file(&cache);
    let mode = |path: &Path| fs::metadata(path).expect("it exists").permissions().mode() & 0o777;
    assert_eq!((mode(&cache.join("gravix")), mode(&file)), (0o700, 0o600));
    assert!(!file.display().to_string().contains("127.0.0.1"));
    set_age(&file, Duration::from_secs(9 * 60));
    assert_eq!((ask(), server.seen().len()), (vec!["m:1".to_owned()], 1));
    set_age(&file, Duration::from_secs(10 * 60 + 1));
    assert_eq!((ask(), server.seen().len()), (vec!["m:1".to_owned()], 2));
    assert_eq!(only_file(&cache), file);
}

#[test]
fn without_an_absolute_cache_directory_models_are_kept_at_home_or_not_at_all() {
    let home = Home::new("");
    let server = server_of("m");
    let line = format!("gravix ask --base-url {} -m ", server.base_url());
    let mut command = home.gravix(&[]);
    command.env("XDG_CACHE_HOME", "relative").current_dir(home.path());
    assert_eq!(candidates(&mut command, &line), ["m"]);
    assert!(home.path().join(".cache/gravix").is_dir());
    let elsewhere = tempfile::tempdir().expect("a temporary directory is created");
    let mut homeless = gravix();
    homeless.current_dir(elsewhere.path());
    assert_eq!(candidates(&mut homeless, &line), ["m"]);
    assert_eq!(fs::read_dir(elsewhere.path()).expect("it can be listed").count(), 0);
}

#[test]
fn each_base_url_has_its_own_models() {
    let home = Home::new("");
    let (one, other) = (server_of("one"), server_of("other"));
    for (server, model) in [(&one, "one"), (&other, "other"), (&one, "one")] {
        let line = format!("gravix batch --base-url={} -qm ", server.base_url());
        assert_eq!(candidates(&mut home.gravix(&[]), &line), [model]);
    }
}

#[test]
fn a_server_that_fails_is_left_alone_for_half_a_minute() {
    let home = Home::new("");
    let server = Service::new(|_, _| Reply::new("500 Internal Server Error", "{}"));
    let line = format!("gravix ask --base-url {} -m ", server.base_url());
    let ask = || candidates(&mut home.gravix(&[]), &line);
    assert_eq!((ask(), ask(), server.seen().len()), (vec![], vec![], 1));
    set_age(&only_file(&home.path().join(".cache")), Duration::from_secs(31));
    assert_eq!((ask(), server.seen().len()), (vec![], 2));
}

#[test]
fn a_server_that_takes_too_long_gives_no_models() {
    let home = Home::new("");
    let (_listener, port) = listen_on_loopback();
    // Bytes that keep coming do not make it quick.
    let slow = Server::new(vec![vec![
        Step::Raw(b"HTTP/1.1 200 OK\r\nX: ".into()),
        Step::Drip(b"x".into()),
    ]]);
    for url in [format!("http://127.0.0.1:{port}/v1"), slow.base_url()] {
        let line = format!("gravix ask --base-url {url} -m ");
        assert_eq!(answer(&mut home.gravix(&[]), &line), ("values".to_owned(), vec![]));
    }
}

#[test]
fn a_file_without_end_holds_nobody_up() {
    let home = Home::new("");
    let fifo = home.path().join("fifo");
    mkfifo(&fifo, Mode::S_IRWXU).expect("the FIFO is made");
    let line = format!("gravix ask --config {} -p ", fifo.display());
    assert_eq!(answer(&mut home.gravix(&[]), &line), (String::new(), vec![]));
    let line = format!("gravix ask --tools {} --tool-choice re", fifo.display());
    assert_eq!(candidates(&mut home.gravix(&[]), &line), ["auto", "none", "required"]);
}

#[test]
fn models_are_asked_for_as_the_command_would_ask() {
    let server = server_of("m");
    let url = server.base_url();
    let home = Home::new(&format!(
        "header = [\"X-Team: blue\"]\n[profiles.work]\nbase_url = \"{url}\"\napi_key_env = \"WORK_KEY\"\n"
    ));
    let environment = |variables: &[(&str, &str)]| {
        let mut command = home.gravix(&[]);
        // Each time the server is asked.
        command.env_remove("HOME").envs(variables.iter().copied());
        command
    };
    let key = &("WORK_KEY", "work-key-123");
    let other = &("GRAVIX_PROFILE", "work");
    for (variables, line) in [
        (&[*key][..], "gravix ask -p work -m "),
        (&[*key], "gravix ask --profile=work hello --model="),
        (&[*key, *other], "gravix ask -m "),
        (&[*key, *other], &format!("gravix ask --base-url {url}/ -m ")),
    ] {
        let names = candidates(&mut environment(variables), line);
        assert!(names == ["m"] || names == ["--model=m"], "{line} {names:?}");
        let seen = server.seen();
        let request = &seen.last().expect("the server was asked").request;
        assert_eq!(request.header("authorization"), Some("Bearer work-key-123"), "{line}");
        assert_eq!(request.header("x-team"), Some("blue"));
    }
    // The key of the profile is not for other servers, and must be there.
    let elsewhere = server_of("m");
    let line = format!("gravix ask -p work --base-url {} -m ", elsewhere.base_url());
    assert_eq!(candidates(&mut environment(&[*key]), &line), ["m"]);
    assert_eq!(elsewhere.seen()[0].request.header("authorization"), None);
    assert_eq!(candidates(&mut environment(&[]), "gravix ask -p work -m "), [""; 0]);
    assert_eq!(candidates(&mut environment(&[*key]), "gravix ask -p none -m "), [""; 0]);
}

#[test]
fn a_key_command_is_not_run_but_models_in_the_cache_are_shown() {
    let server = server_of("m");
    let url = server.base_url();
    let home =
        Home::new(&format!("base_url = \"{url}\"\napi_key_command = \"touch ran; echo k\"\n"));
    let ask = |line: &str| candidates(home.gravix(&[]).current_dir(home.path()), line);
    assert_eq!(ask("gravix ask -m "), [""; 0]);
    assert_eq!(server.seen().len(), 0);
    fs::write(home.config(), format!("base_url = \"{url}\"\n")).expect("the file is written");
    assert_eq!(ask("gravix ask -m "), ["m"]);
    fs::write(home.config(), format!("base_url = \"{url}\"\napi_key_command = \"touch ran\"\n"))
        .expect("the file is written");
    assert_eq!((ask("gravix ask -m "), server.seen().len()), (vec!["m".to_owned()], 1));
    assert!(!home.path().join("ran").exists());
}

#[test]
fn a_key_is_not_sent_in_the_clear_for_models() {
    let mut command = gravix();
    command.env("GRAVIXLAYER_API_KEY", "secret-key-1");
    assert_eq!(candidates(&mut command, "gravix ask --base-url http://192.0.2.1 -m "), [""; 0]);
}

#[test]
fn names_that_would_harm_a_terminal_are_left_out() {
    let list = serde_json::json!({"data": [{"id": "a\u{1b}[2J"}, {"id": "b\nc"}, {"id": "d"}]});
    let server = Service::new(move |_, _| Reply::new("200 OK", list.to_string()));
    let home = Home::new("[profiles.\"a\\u001b[2J\"]\n");
    let line = format!("gravix ask --base-url {} -m ", server.base_url());
    for _ in 0..2 {
        assert_eq!(candidates(&mut home.gravix(&[]), &line), ["d"]);
    }
    assert_eq!(candidates(&mut home.gravix(&[]), "gravix ask -p "), BUILT_IN);
}

#[test]
fn tools_are_those_of_the_file_on_the_line() {
    let home = Home::new("");
    let tools = r#"[{"type":"function","function":{"name":"weather"}},{"function":{}}]"#;
    fs::write(home.path().join("my tools.json"), tools).expect("the file is written");
    let ask = |line: &str| candidates(home.gravix(&[]).current_dir(home.path()), line);
    let all = ["auto", "none", "required", "weather"];
    assert_eq!(ask("gravix ask --tools 'my tools.json' --tool-choice "), all);
    assert_eq!(ask("gravix ask --tools ~/my\\ tools.json --tool-choice "), all);
    assert_eq!(ask("gravix ask --tool-choice "), all[..3]);
    for other in ["none.json", "c.toml", "/dev/zero", "."] {
        assert_eq!(ask(&format!("gravix ask --tools {other} --tool-choice ")), all[..3], "{other}");
    }
}

#[test]
fn profiles_are_those_of_the_configuration_on_the_line_and_the_built_in_ones() {
    let home = Home::new("[profiles.work]\nmodel = \"m\"\n");
    let config = home.config();
    let line = format!("gravix config --config {} -p ", config.display());
    assert_eq!(candidates(&mut gravix(), &line), [BUILT_IN, &["work"]].concat());
    assert_eq!(candidates(&mut gravix(), "gravix ask -p "), BUILT_IN);
}

#[test]
fn a_base_url_with_a_password_is_not_shown() {
    let home = Home::new("[profiles.work]\nbase_url = \"http://u:secret@host/v1\"\n");
    for line in ["gravix ask --base-url ", "gravix ask -p "] {
        let run = run(&mut home.gravix(&["__complete", "zsh", "--", line])).exits(0).says_nothing();
        assert!(!String::from_utf8_lossy(&run.stdout).contains("secret"));
    }
}

#[test]
fn the_values_of_an_option_are_its_own() {
    for (line, kind, values) in [
        ("gravix ask --reasoning ", "values", &["stderr", "drop"][..]),
        ("gravix batch --reasoning ", "values", &["drop"]),
        ("gravix batch --changed=", "values", &["--changed=redo", "--changed=keep"]),
        ("gravix batch --progress ", "values", &["never"]),
        ("gravix batch --jobs ", "values", &[]),
        ("gravix ask --choose a,", "values", &[]),
        ("gravix ask --schema ", "files", &[]),
        ("gravix ask -a ", "files", &[]),
        ("gravix ask -o ", "files", &[]),
        ("gravix batch ", "files", &[]),
        ("gravix ask hi > ", "files", &[]),
        ("gravix history undo ", "files", &[]),
        ("gravix completions ", "values", &["bash", "zsh", "fish", "powershell", "elvish"]),
    ] {
        let (found, candidates) = answer(&mut gravix(), line);
        assert_eq!(
            (&*found, candidates),
            (kind, values.iter().map(ToString::to_string).collect()),
            "{line}"
        );
    }
}

#[test]
fn a_man_page_has_the_name_that_is_being_typed() {
    let short = candidates(&mut gravix(), "gravix man ");
    let long = candidates(&mut gravix(), "gravix man gravix-");
    assert_eq!(short[..3], ["gravix", "ask", "chat"]);
    assert_eq!(long[..3], ["gravix", "gravix-ask", "gravix-chat"]);
    for name in short.iter().chain(&long) {
        run(gravix().args(["man", name])).exits(0);
    }
}

#[test]
fn an_option_that_was_given_is_not_offered_again_unless_it_is_repeatable() {
    let options = candidates(&mut gravix(), "gravix ask -m x -f y -");
    let count = |name: &str| options.iter().filter(|option| *option == name).count();
    assert_eq!([count("--model"), count("-m"), count("--file"), count("--profile")], [0, 0, 1, 1]);
    let mut distinct = options.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), options.len(), "{options:?}");
}

#[test]
fn a_bad_question_of_a_script_gets_no_answer() {
    for arguments in [&[][..], &["fish"], &["tcsh", "--", "gravix "], &["fish", "gravix "]] {
        run(gravix().arg("__complete").args(arguments)).exits(0).prints("").says_nothing();
    }
    let quiet = answer(gravix().env("GRAVIX_CONFIG", "/none"), "gravix ask -m ");
    assert_eq!(quiet, ("values".to_owned(), vec![]));
}

#[test]
fn a_history_has_a_name_only_where_a_history_is_wanted() {
    let home = Home::new("");
    let chats = home.path().join("state/gravix/chats");
    fs::create_dir_all(&chats).expect("the directory is created");
    for name in ["old.jsonl", "new.jsonl", "other.txt"] {
        fs::write(chats.join(name), "").expect("the file is written");
    }
    set_age(&chats.join("old.jsonl"), Duration::from_secs(60));
    let ask = |line: &str| {
        answer(home.gravix(&[]).env("XDG_STATE_HOME", home.path().join("state")), line)
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let both = ("files".to_owned(), names(&["@new", "@old"]));
    assert_eq!(ask("gravix ask --history "), both);
    assert_eq!(ask("gravix history check a.jsonl "), both);
    let only = ("values".to_owned(), names(&["--history=@new", "--history=@old"]));
    assert_eq!(ask("gravix ask --history=@"), only);
    assert_eq!(ask("gravix ask --history x"), ("files".to_owned(), vec![]));
    assert_eq!(ask("gravix ask -f @"), ("files".to_owned(), vec![]));
}

#[test]
fn bash_gets_what_it_inserts_at_its_own_end_of_a_word() {
    let config = "[profiles.\"my own\"]\nbase_url = \"http://h/v1\"\n";
    let home = Home::new(config);
    for (line, word, inserted) in [
        ("gravix ask --base-url http://l", "//l", "//localhost:11434/v1"),
        ("gravix ask --base-url=http://h", "//h", "//h/v1"),
        ("gravix ask --base-url \"http://l", "//l", "//localhost:11434/v1"),
        ("gravix ask -p my", "my", "my\\ own"),
        ("gravix ask -p my\\ o", "my\\ o", "my\\ own"),
        ("gravix ask --profile='my o", "my o", "my own"),
        ("gravix ask -pmy", "-pmy", "-pmy\\ own"),
        ("gravix ask -pX", "-pX", ""),
    ] {
        let run = run(&mut home.gravix(&["__complete", "bash", "--", line, word])).exits(0);
        let text = String::from_utf8(run.stdout).expect("the answer is UTF-8");
        let candidates = text.lines().nth(1).unwrap_or_default();
        assert_eq!(candidates, inserted, "{line} {text}");
    }
}

#[test]
fn templates_and_their_variables_are_those_beside_the_configuration() {
    let home = Home::new("");
    let prompts = home.path().join("prompts");
    fs::create_dir(&prompts).expect("the directory is created");
    let text =
        "---\nmodel = \"m\"\n---\nIn {{lang}} and {{style}} and {{lang}}: {{prompt}} {{input}}\n";
    fs::write(prompts.join("review.md"), text).expect("the file is written");
    mkfifo(&prompts.join("pipe.md"), Mode::S_IRWXU).expect("the FIFO is made");
    let ask = |line: &str| answer(home.gravix(&[]).current_dir(home.path()), line);
    let values = |names: &[&str]| {
        ("values".to_owned(), names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(ask("gravix ask -T "), values(&["review"]));
    assert_eq!(ask("gravix ask -T review --var "), values(&["lang=", "style="]));
    let one_given = "gravix ask --template=review --var lang=rust hi --var=";
    assert_eq!(ask(one_given), values(&["--var=style="]));
    assert_eq!(ask("gravix ask -T 'Hi {{who}}' --var "), values(&["who="]));
    assert_eq!(ask("gravix ask -T prompts/review.md --var l"), values(&["lang=", "style="]));
    for other in ["none", "pipe", "./none.md"] {
        assert_eq!(ask(&format!("gravix ask -T {other} --var ")), values(&[]), "{other}");
    }
    assert_eq!(ask("gravix ask --var "), values(&[]));
    assert_eq!(ask("gravix ask -T ./").0, "files");
    let mut elsewhere = gravix();
    let line = format!("gravix ask --config {} -T ", home.config().display());
    assert_eq!(candidates(&mut elsewhere, &line), ["review"]);
}
