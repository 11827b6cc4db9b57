//! TAB in bash, zsh and fish: what their screens show.

use std::fs;
use std::path::Path;

use clap::CommandFactory;

use gravix::cli;

use crate::support::server::listen_on_loopback;
use crate::support::service::{Reply, Service};
use crate::support::shell_screen::{Shell, ShellScreen};

/// Runs a test in each shell that is installed, in a home directory of its own.
fn in_each_shell(test: impl Fn(Shell, &mut ShellScreen, &Path)) {
    for shell in Shell::ALL {
        let home = tempfile::tempdir().expect("a temporary directory is created");
        // The shell ends before its home directory does.
        if let Some(mut screen) = ShellScreen::start(shell, home.path()) {
            test(shell, &mut screen, home.path());
        }
    }
}

/// A server with these models.
fn models(names: &[&str]) -> Service {
    let entries: Vec<_> = names.iter().map(|name| serde_json::json!({"id": name})).collect();
    let list = serde_json::json!({"object": "list", "data": entries}).to_string();
    Service::new(move |_, _| Reply::new("200 OK", list.clone()))
}

#[test]
fn the_first_word_is_a_command_of_gravix_and_none_of_the_shell() {
    let command = cli::Args::command();
    let mut names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    names.push("help");
    in_each_shell(|_, screen, _| drop(screen.list("gravix ", &names)));
}

#[test]
fn options_have_their_descriptions_where_the_shell_shows_them() {
    in_each_shell(|shell, screen, _| {
        let text = screen.list("gravix ask --tool", &["--tool-choice", "--tools"]);
        let has_description = text.contains("Offer the model the tools defined in FILE");
        assert_eq!(has_description, shell != Shell::Bash, "{text}");
        screen.complete("gravix ask --mod", "> gravix ask --model");
        screen.complete("gravix batch --changed=re", "> gravix batch --changed=redo");
        screen.complete("gravix ask -x=pyt", "> gravix ask -x=python");
        screen.complete("gravix completions fi", "> gravix completions fish");
    });
}

#[test]
fn models_are_those_of_the_server_on_the_line_and_are_asked_for_once() {
    in_each_shell(|shell, screen, _| {
        let server = models(&["qwen3:8b", "qwen3:32b", "llama3.1:8b"]);
        let line = format!("gravix ask --base-url {} -m ", server.base_url());
        screen.list(&line, &["llama3.1:8b", "qwen3:32b", "qwen3:8b"]);
        // Words end at colons in bash.
        screen.complete(&format!("{line}qwen3:3"), "qwen3:32b");
        screen.complete(&format!("{line}\"llama3.1:"), "llama3.1:8b\"");
        let attached = format!("gravix ask --base-url={} --model=qwen3:3", server.base_url());
        screen.complete(&attached, "--model=qwen3:32b");
        assert_eq!(server.seen().len(), 1, "{shell:?}");
    });
}

#[test]
fn a_name_with_a_blank_is_quoted() {
    in_each_shell(|_, screen, home| {
        let server = models(&["my model"]);
        let line = format!("gravix ask --base-url {} -m ", server.base_url());
        screen.complete(&format!("{line}my"), "-m my\\ model");
        screen.complete(&format!("{line}'my"), "-m 'my model'");
        fs::write(home.join("a note.txt"), "").expect("the file is written");
        screen.complete("gravix ask -f a", "-f a\\ note.txt");
    });
}

#[test]
fn a_profile_on_the_line_decides_which_server_is_asked() {
    in_each_shell(|_, screen, home| {
        let server = models(&["of-the-profile"]);
        let config = format!("[profiles.workshop]\nbase_url = \"{}\"\n", server.base_url());
        fs::create_dir_all(home.join(".config/gravix")).expect("the directory is created");
        fs::write(home.join(".config/gravix/config.toml"), config).expect("the file is written");
        screen.complete("gravix ask -p work", "-p workshop");
        screen.complete("gravix ask -p workshop -m of", "-m of-the-profile");
        screen.complete("gravix batch -m mo -p mock -m mo", "-p mock -m mock");
    });
}

#[test]
fn words_of_the_prompt_complete_nothing() {
    in_each_shell(|_, screen, home| {
        fs::write(home.join("what.txt"), "").expect("the file is written");
        for line in ["gravix ask wh", "gravix ask ", "gravix ask -- --", "gravix ask --choose wh"] {
            screen.complete_nothing(line);
        }
    });
}

#[test]
fn a_base_url_is_one_of_a_profile_and_never_a_file() {
    let urls = [
        "http://localhost:11434/v1",
        "https://api.gravixlayer.com/v1/inference",
        "https://api.openai.com/v1",
        "https://openrouter.ai/api/v1",
        "mock:",
    ];
    in_each_shell(|_, screen, home| {
        for name in ["mocking.txt", "http.txt"] {
            fs::write(home.join(name), "").expect("the file is written");
        }
        screen.list("gravix ask --base-url ", &urls);
        screen.complete("gravix ask --base-url mo", "--base-url mock:");
        screen.complete("gravix ask --base-url http:", "http://localhost:11434/v1");
        screen.complete("gravix ask --base-url=http:", "--base-url=http://localhost:11434/v1");
    });
}

#[test]
fn files_are_completed_where_a_file_is_wanted() {
    in_each_shell(|_, screen, home| {
        fs::create_dir(home.join("drafts")).expect("the directory is created");
        fs::write(home.join("drafts/one.txt"), "").expect("the file is written");
        fs::write(home.join("drawing.txt"), "").expect("the file is written");
        screen.complete("gravix ask -f dra", "drawing.txt");
        screen.complete("gravix ask -f draf", "-f drafts/");
        screen.complete("gravix history list dra", "list drafts/");
        screen.complete("gravix ask -f ~/drafts/o", "-f ~/drafts/one.txt");
        screen.complete("gravix ask --history=drafts/o", "--history=drafts/one.txt");
        screen.complete("gravix batch drafts/", "batch drafts/one.txt");
        screen.complete("gravix ask hi < drafts/", "< drafts/one.txt");
        screen.complete("echo | gravix ask -fdrafts/o", "-fdrafts/one.txt");
    });
}

#[test]
fn a_server_that_does_not_answer_gives_nothing_and_is_not_asked_at_each_tab() {
    in_each_shell(|_, screen, _| {
        let (listener, port) = listen_on_loopback();
        let line = format!("gravix ask --base-url http://127.0.0.1:{port}/v1 -m ");
        screen.complete_nothing(&line);
        drop(listener.accept().expect("it was asked"));
        screen.complete_nothing(&line);
        listener.set_nonblocking(true).expect("the mode is set");
        assert!(listener.accept().is_err(), "it was asked again");
    });
}

#[test]
fn a_broken_configuration_completes_in_silence() {
    in_each_shell(|_, screen, home| {
        fs::create_dir_all(home.join(".config/gravix")).expect("the directory is created");
        fs::write(home.join(".config/gravix/config.toml"), "x =").expect("the file is written");
        screen.complete_nothing("gravix ask -m ");
        screen.complete("gravix ask -p mo", "-p mock");
    });
}

#[test]
fn a_history_is_a_file_or_a_name_of_the_default_directory() {
    in_each_shell(|_, screen, home| {
        let chats = home.join(".local/state/gravix/chats");
        fs::create_dir_all(&chats).expect("the directory is created");
        for path in [chats.join("locks.jsonl"), chats.join("my tea.jsonl"), home.join("own.jsonl")]
        {
            fs::write(path, "").expect("the file is written");
        }
        screen.complete("gravix ask --history @l", "--history @locks");
        screen.complete("gravix ask --history=@l", "--history=@locks");
        screen.complete("gravix history show @m", "show @my\\ tea");
        screen.complete("gravix history undo ow", "undo own.jsonl");
        screen.complete("gravix history show ", "@locks");
        screen.complete("gravix history show ", "own.jsonl");
    });
}

#[test]
fn a_template_is_listed_with_its_first_line_and_its_variables_wait_for_a_value() {
    in_each_shell(|shell, screen, home| {
        let prompts = home.join(".config/gravix/prompts");
        fs::create_dir_all(&prompts).expect("the directory is created");
        for (name, text) in [("tell.md", "Tell me about {{what}}"), ("teach.md", "Teach me")] {
            fs::write(prompts.join(name), text).expect("the file is written");
        }
        match shell {
            Shell::Bash => drop(screen.list("gravix ask -T te", &["teach", "tell"])),
            Shell::Zsh | Shell::Fish => drop(screen.complete("gravix ask -T te", "Tell me about")),
        }
        // No blank follows the equals sign.
        screen.complete("gravix ask -T tell --var w\tx", "--var what=x");
    });
}
