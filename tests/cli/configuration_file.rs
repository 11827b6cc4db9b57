//! Where the configuration file is, what it may hold, and its errors.

use std::fs;

use serde_json::Value;

use crate::support::home::Home;
use crate::support::{gravix, run};

#[test]
fn paths_are_relative_to_the_file_or_to_home() {
    let home =
        Home::new("log = \"~/sub/a.jsonl\"\nsystem_file = \"sub/s.txt\"\nbase_url = \"mock:\"\n");
    fs::create_dir(home.path().join("sub")).expect("the directory is created");
    fs::write(home.path().join("sub/s.txt"), "S").expect("the file is written");
    run(home.gravix(&["ask", "hi"]).current_dir("/")).exits(0).prints("hi\n").says_nothing();
    assert!(home.path().join("sub/a.jsonl").exists());
}

#[test]
fn the_file_is_found_by_the_xdg_rules() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    for (variable, place) in [("XDG_CONFIG_HOME", "gravix"), ("HOME", ".config/gravix")] {
        let place = directory.path().join(place);
        fs::create_dir_all(&place).expect("the directory is created");
        fs::write(place.join("config.toml"), format!("model = \"{variable}\""))
            .expect("the file is written");
        let mut command = gravix();
        command.env(variable, directory.path()).args(["ask", "--dry-run", "hi"]);
        let run = run(&mut command).exits(0);
        let body: Value = serde_json::from_slice(&run.stdout).expect("stdout is JSON");
        assert_eq!(body["model"], variable);
    }
    let mut command = gravix();
    command.current_dir(directory.path()).env("XDG_CONFIG_HOME", ".").args([
        "ask",
        "--dry-run",
        "hi",
    ]);
    let run = run(&mut command).exits(0);
    assert!(!String::from_utf8_lossy(&run.stdout).contains("XDG"), "a relative path is ignored");
}

#[test]
fn errors_name_the_line_and_suggest_a_fix() {
    for (config, parts) in [
        ("modle = 1", &["c.toml:1:1: ", "modle", "did you mean model?"][..]),
        ("[profiles.a]\n\n  max-tokens = 1", &["c.toml:3:3: ", "max_tokens"]),
        ("temperature = 3", &["c.toml:1:1: ", "temperature", "between 0 and 2"]),
        ("max_tokens = \"x\"", &["c.toml:1:1: ", "whole number"]),
        ("stream = \"yes\"", &["c.toml:1:1: ", "true or false"]),
        ("model = true", &["c.toml:1:1: ", "boolean"]),
        ("model = [\"a\"]", &["c.toml:1:1: ", "array"]),
        ("model = { a = 1 }", &["c.toml:1:1: ", "table"]),
        ("header = [\"x\"]", &["c.toml:1:1: ", "Name: value"]),
        ("system = \"a\"\nsystem_file = \"b\"", &["c.toml:2:1: ", "cannot be used with"]),
        ("x =", &["c.toml:1:"]),
        ("\n\"\\q\" = 1", &["c.toml:2:"]),
        ("body = '{'", &["c.toml:1:1: ", "not JSON"]),
        ("attach_type = [\"a/b\", \"c/d\"]", &["c.toml:1:1: ", "attach_type: at most 1"]),
        ("price = 1", &["c.toml:1:1: ", "price must be two numbers", "price = [0.15, 0.6]"]),
        ("\nprice = [1, 2, 3]", &["c.toml:2:1: ", "price must be two numbers"]),
        ("price = [1, -2]", &["c.toml:1:1: ", "price must be two numbers"]),
        ("price = [inf, 2]", &["c.toml:1:1: ", "price must be two numbers"]),
        ("[profiles.a]\nprice = [1, \"x\"]", &["c.toml:2:1: ", "price must be two numbers"]),
        ("prise = [1, 2]", &["c.toml:1:1: ", "did you mean price?"]),
        ("[param]\n\"a=b\" = 1", &["c.toml:1:2: ", "param has a name with an equals sign"]),
        ("api_key = \"k\"", &["c.toml:1:1: ", "api_key_file"]),
        (
            "api_key_env = \"A\"\napi_key_file = \"b\"",
            &["c.toml:2:1: ", "only one of api_key_env, api_key_file"],
        ),
        ("[profiles]\nwork = 1", &["c.toml:2:1: ", "table"]),
        ("profile = \"a\"", &["c.toml:1:1: ", "GRAVIX_PROFILE"]),
        ("profil = \"a\"", &["c.toml:1:1: ", "did you mean profiles?"]),
        (
            "[profile.work]\nmodel = \"m\"",
            &["c.toml:1:2: ", "write [profiles.work], not [profile.work]"],
        ),
        ("[work]\nmodel = \"m\"", &["c.toml:1:2: ", "a profile is a table [profiles.work]"]),
    ] {
        let home = Home::new(config);
        run(&mut home.gravix(&["ask", "--base-url", "mock:", "hi"]))
            .exits(78)
            .prints("")
            .says(parts);
        run(&mut home.gravix(&["config"])).exits(78).prints("").says(parts);
    }
    let home = Home::new("[profiles.work]\n");
    run(&mut home.gravix(&["ask", "-p", "wrk", "hi"]))
        .exits(78)
        .says(&["wrk", "did you mean work?"]);
    run(gravix().args(["ask", "-p", "olama", "hi"])).exits(78).says(&["did you mean ollama?"]);
    run(gravix().args(["ask", "-p", "xyz", "hi"]))
        .exits(78)
        .says(&["no profile 'xyz'; there are gravix, openai, openrouter, ollama, mock"]);
    run(gravix().args(["ask", "--config", "/nowhere", "hi"])).exits(66).says(&["/nowhere"]);
}

#[test]
fn the_type_of_an_attachment_has_no_effect_without_one() {
    let home = Home::new("attach_type = \"image/png\"\n");
    assert_eq!(home.body(&[])["messages"][0]["content"], "hi");
}

#[test]
fn built_in_profiles_can_be_extended() {
    run(gravix().args(["ask", "-p", "mock", "hi"])).exits(0).prints("hi\n").says_nothing();
    run(gravix().args(["models", "-p", "mock"])).exits(0).prints("mock\n").says_nothing();
    let home = Home::new("[profiles.mock]\nsystem = \"S\"\n");
    assert_eq!(home.body(&["-p", "mock"])["messages"][0]["content"], "S");
    run(&mut home.gravix(&["ask", "-p", "mock", "hi"])).exits(0).prints("hi\n");
}

#[test]
fn an_unreadable_home_has_no_settings() {
    run(gravix().env("HOME", "/dev/null").args(["ask", "-p", "mock", "hi"]))
        .exits(0)
        .prints("hi\n");
    let home = Home::new("");
    fs::write(home.config(), b"model = \"\xff\"").expect("the file is written");
    run(&mut home.gravix(&["ask", "hi"])).exits(78).says(&["c.toml", "not UTF-8"]);
}
