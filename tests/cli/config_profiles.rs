//! `gravix config --profiles`, and where `gravix config` finds the key.

use std::fs;

use crate::support::home::Home;
use crate::support::run;

const CONFIG: &str = "model = \"m0\"\n\
    [profiles.work]\nbase_url = \"https://work.example/v1\"\napi_key_file = \"key\"\n\
    [profiles.command]\nbase_url = \"https://command.example/v1\"\n\
    api_key_command = \"touch ran\"\nmodel = \"big\"\n\
    [profiles.ollama]\nmodel = \"qwen\"\n";

/// The line of `gravix config --profiles` about `name`, with runs of spaces joined.
#[track_caller]
fn line_of(listing: &str, name: &str) -> String {
    let line = listing.lines().find(|line| line.starts_with(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("{name}\n{listing}")).to_owned()
}

#[test]
fn each_profile_has_a_line_with_its_server_its_model_and_its_key() {
    let home = Home::new(CONFIG);
    fs::write(home.path().join("key"), "s3cret-key").expect("the file is written");
    let mut command = home.gravix(&["config", "--profiles"]);
    command.env("OPENAI_API_KEY", "an-openai-key").current_dir(home.path());
    let listing = home.listing(&mut command);
    for line in [
        "gravix https://api.gravixlayer.com/v1/inference llama3.1:8b-instruct-fp16 # built in; no key: GRAVIXLAYER_API_KEY is not set".to_owned(),
        "openai https://api.openai.com/v1 gpt-4o-mini # built in; OPENAI_API_KEY is set".to_owned(),
        "openrouter https://openrouter.ai/api/v1 openai/gpt-4o-mini # built in; no key: OPENROUTER_API_KEY is not set".to_owned(),
        "ollama http://localhost:11434/v1 qwen # built in, and in the file; no key".to_owned(),
        "mock mock: m0 # built in; no key needed".to_owned(),
        "command https://command.example/v1 big # in the file; key in the output of touch ran (not run)".to_owned(),
        format!("work https://work.example/v1 m0 # in the file; key in {}/key", home.path().display()),
    ] {
        let name = line.split(' ').next().expect("a line has a name");
        assert_eq!(line_of(&listing, name), line);
    }
    assert_eq!(listing.lines().count(), 8, "{listing}");
    assert!(listing.ends_with("# none is in force: choose one with -p NAME or GRAVIX_PROFILE"));
    assert!(!listing.contains("s3cret") && !listing.contains("an-openai-key"), "{listing}");
    assert!(!home.path().join("ran").exists());
}

#[test]
fn the_profile_in_force_says_what_chose_it_and_shows_what_is_in_force() {
    let home = Home::new(CONFIG);
    let listing = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = home.gravix(&["config", "--profiles"]);
        home.listing(command.args(arguments).envs(variables.iter().copied()))
    };
    let typed = listing(&["-p", "work"], &[("GRAVIX_PROFILE", "mock")]);
    assert!(line_of(&typed, "work").contains("# in force because of -p; in the file"), "{typed}");
    assert!(!typed.contains("GRAVIX_PROFILE"), "{typed}");
    // Variables beat a profile that a variable chose, but not one that is typed.
    let named = listing(&[], &[("GRAVIX_PROFILE", "command"), ("GRAVIX_MODEL", "m1")]);
    let in_force = line_of(&named, "command");
    assert!(in_force.contains(" m1 # in force because of GRAVIX_PROFILE"), "{named}");
    assert!(line_of(&named, "ollama").contains(" qwen # built in"), "{named}");
    let mut unknown = home.gravix(&["config", "--profiles", "-p", "wrok"]);
    run(&mut unknown).exits(78).prints("").says(&["did you mean work?"]);
}

#[test]
fn a_missing_key_is_said_with_the_reason() {
    let home = Home::new(CONFIG);
    let key_of = |profile: &str| {
        let listing = home.listing(&mut home.gravix(&["config", "-p", profile]));
        listing.lines().last().expect("the listing ends with the key").to_owned()
    };
    assert_eq!(key_of("openai"), "# no key # OPENAI_API_KEY is not set, built-in profile openai");
    let file = home.path().join("key");
    let expected = format!(
        "# no key # cannot read {}: no such file or directory, profile work",
        file.display()
    );
    assert_eq!(key_of("work"), expected);
    fs::write(&file, "\n").expect("the file is written");
    assert_eq!(key_of("work"), format!("# no key # {} is empty, profile work", file.display()));
    fs::write(&file, "s3cret-key\n").expect("the file is written");
    let expected = format!("api_key = \"(redacted)\" # {}, profile work", file.display());
    assert_eq!(key_of("work"), expected);
}
