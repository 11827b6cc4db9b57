//! Which setting wins: option, environment, profile or configuration file.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::home::Home;
use crate::support::server::Server;
use crate::support::{gravix, run};

const LAYERS: &str = r#"
model = "file"
temperature = 0.2
max_tokens = 7
stop = ["a", "b"]
system = "From the file."

[profiles.work]
model = "profile"
temperature = 0.3
system_file = "system.txt"
"#;

#[test]
fn options_beat_the_environment_which_beats_the_profile_and_the_file() {
    let home = Home::new(LAYERS);
    fs::write(home.path().join("system.txt"), "From a file.\n").expect("the file is written");
    let body = home.body(&[]);
    assert_eq!((&body["model"], &body["temperature"]), (&json!("file"), &json!(0.2)));
    assert_eq!((&body["max_tokens"], &body["stop"]), (&json!(7), &json!(["a", "b"])));
    assert_eq!(body["messages"][0]["content"], "From the file.");

    let body = home.body(&["-p", "work"]);
    assert_eq!((&body["model"], &body["temperature"]), (&json!("profile"), &json!(0.3)));
    assert_eq!(body["max_tokens"], 7);
    // `system_file` of the profile replaces `system` of the file.
    assert_eq!(body["messages"][0]["content"], "From a file.");

    let mut command = home.gravix(&["ask", "--dry-run", "hi", "--stop", "c", "-s", "Mine."]);
    command.env("GRAVIX_PROFILE", "work").env("GRAVIX_MODEL", "environment");
    let run = run(command.args(["--temp", "1"])).exits(0).says_nothing();
    let body: Value = serde_json::from_slice(&run.stdout).expect("stdout is JSON");
    assert_eq!((&body["model"], &body["temperature"]), (&json!("environment"), &json!(1.0)));
    assert_eq!(body["stop"], json!(["c"]));
    assert_eq!(body["messages"][0]["content"], "Mine.");
    assert_eq!(home.body(&["-m", "option"])["model"], "option");
}

#[test]
fn a_setting_can_be_turned_off() {
    let home = Home::new("stream = true\nusage = true\n[profiles.plain]\nstream = false\n");
    assert_eq!(home.body(&[])["stream"], true);
    assert_eq!(home.body(&["-p", "plain"]).get("stream"), None);
    assert_eq!(home.body(&["--no-stream"]).get("stream"), None);
}

#[test]
fn parameters_and_headers_are_merged_by_precedence() {
    let config = r#"
base_url = "URL"
header = ["X-A: file", "X-B: file"]
param = { top_k = 1, options = { num_ctx = 1.50, low_vram = true } }

[profiles.work]
header = ["X-B: profile"]
[profiles.work.param]
"options.num_ctx" = 2
temperature = 0.9
"#;
    let server = Server::replying(&["ok"; 9]);
    let home = Home::new(&config.replace("URL", &server.base_url()));
    let arguments = ["ask", "-p", "work", "-H", "X-C: option", "--param", "top_k=3", "hi"];
    run(&mut home.gravix(&arguments)).exits(0).prints("ok\n");
    let request = server.request();
    let body = request.json();
    assert_eq!(body["top_k"], 3);
    assert_eq!(body["options"], json!({"num_ctx": 2, "low_vram": true}));
    assert_eq!(body["temperature"], json!(0.9));
    let headers = ["x-a", "x-b", "x-c"].map(|name| request.header(name));
    assert_eq!(headers, [Some("file"), Some("profile"), Some("option")]);
    // An option beats a parameter of the file.
    assert_eq!(home.body(&["-p", "work", "-t", "0.1"])["temperature"], json!(0.1));
}

#[test]
fn an_option_can_depend_on_a_configured_setting() {
    let home = Home::new("turns = 3\n[profiles.chat]\nhistory = \"chat.jsonl\"\n");
    assert_eq!(home.body(&[])["messages"], json!([{"role": "user", "content": "hi"}]));
    let chat = home.path().join("chat.jsonl");
    fs::write(&chat, "{\"role\":\"user\",\"content\":\"mine\"}\n").expect("the file is written");
    fs::set_permissions(&chat, fs::Permissions::from_mode(0o600)).expect("the mode is set");
    let arguments = ["ask", "-p", "chat", "--continue", "--no-save", "--base-url", "mock:"];
    run(&mut home.gravix(&arguments)).exits(0).prints("mine\n").says_nothing();
    run(&mut home.gravix(&["ask", "--no-save", "hi"])).exits(2).says(&["--no-save", "--history"]);
}

#[test]
fn options_and_profiles_beat_parameters_of_the_file() {
    let config = "[param]\ntemperature = 1\nmodel = \"weak\"\nresponse_format = { type = \"text\" }\nstream = true\n[profiles.p]\ntemperature = 0.2\n";
    let home = Home::new(config);
    assert_eq!(home.body(&[])["temperature"], 1);
    assert_eq!(home.body(&["-p", "p"])["temperature"], json!(0.2));
    let body = home.body(&["-m", "strong", "--json-object", "--no-stream"]);
    assert_eq!((&body["model"], &body["stream"]), (&json!("strong"), &Value::Null));
    assert_eq!(body["response_format"], json!({"type": "json_object"}));
}

#[test]
fn a_history_or_a_body_overrides_the_configured_system_prompt() {
    let home = Home::new("system = \"From the file.\"\n");
    let chat = home.path().join("chat.jsonl");
    fs::write(&chat, "{\"role\":\"system\",\"content\":\"Own.\"}\n").expect("the file is written");
    fs::set_permissions(&chat, fs::Permissions::from_mode(0o600)).expect("the mode is set");
    let chat = chat.to_str().expect("the path is UTF-8");
    assert_eq!(home.body(&["--history", chat])["messages"][0]["content"], "Own.");
    let typed = home.body(&["--history", chat, "-s", "Typed."]);
    assert_eq!(typed["messages"][0]["content"], "Typed.");
    let own = r#"{"messages":[{"role":"user","content":"x"}]}"#;
    let mut command = home.gravix(&["ask", "--dry-run", "--body", own]);
    let run = run(&mut command).exits(0).says_nothing();
    let body: Value = serde_json::from_slice(&run.stdout).expect("stdout is JSON");
    assert_eq!(body["messages"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_disabled_setting_conflicts_with_nothing() {
    let home = Home::new(
        "quiet = false\nverbose = true\nextract = \"sh\"\nschema = '{}'\n[profiles.p]\nextract = false\njson_object = false\n",
    );
    let listing = home.listing(&mut home.gravix(&["config", "-p", "p"]));
    assert!(listing.contains("verbose = true") && !listing.contains("extract"), "{listing}");
    assert!(listing.contains("schema = \"{}\""), "{listing}");
}

#[test]
fn a_typed_profile_beats_the_environment_and_any_other_profile_does_not() {
    let home = Home::new("base_url = \"http://file.test/v1\"\n[profiles.bare]\ntop_p = 0.5\n");
    let listing = |arguments: &[&str], profile: &str| {
        let mut command = home.gravix(&["config"]);
        command.args(arguments).env("GRAVIX_PROFILE", profile);
        command.env("GRAVIX_BASE_URL", "http://env.test/v1").env("GRAVIX_MODEL", "m");
        home.listing(&mut command)
    };
    let typed = listing(&["-p", "ollama"], "");
    assert!(typed.contains("base_url = \"http://localhost:11434/v1\" # built-in"), "{typed}");
    assert!(!typed.contains("env.test") && !typed.contains("\"m\""), "{typed}");
    for other in [listing(&[], "ollama"), listing(&["-p", "bare"], "")] {
        assert!(other.contains("base_url = \"http://env.test/v1\" # GRAVIX_BASE_URL"), "{other}");
        assert!(other.contains("model = \"m\" # GRAVIX_MODEL"), "{other}");
    }
    let server = Server::replying(&["ok"]);
    let mut command = gravix();
    command.args(["ask", "-p", "mock", "hi"]).env("GRAVIX_BASE_URL", server.base_url());
    run(&mut command).exits(0).prints("hi\n").says_nothing();
    assert!(server.requests().is_empty());
}

#[test]
fn a_configured_body_has_the_precedence_of_other_settings() {
    let home = Home::new(
        "body = '{\"temperature\":0.1,\"model\":\"b\",\"stream\":true,\"x\":1}'\n[param]\nx = 2\n[profiles.p]\nbody = '{\"x\":3}'\n",
    );
    let body = home.body(&[]);
    let fields = ["temperature", "model", "stream", "x"].map(|name| body[name].clone());
    assert_eq!(fields, [json!(0.1), json!("b"), json!(true), json!(2)]);
    assert_eq!(home.body(&["-p", "p"])["x"], 3);
    let body = home.body(&["-t", "0.9", "-m", "typed", "--no-stream", "--body", "{\"x\":4}"]);
    let fields = ["temperature", "model", "stream", "x"].map(|name| body[name].clone());
    assert_eq!(fields, [json!(0.9), json!("typed"), Value::Null, json!(4)]);
}

#[test]
fn a_configured_tool_choice_is_ignored_without_tools() {
    let home = Home::new("tool_choice = \"required\"\ntools = \"t.json\"\n[profiles.bare]\n");
    fs::write(home.path().join("t.json"), "[]").expect("the file is written");
    let arguments = ["ask", "--base-url", "mock:", "--yes-no", "yes"];
    run(&mut home.gravix(&arguments)).exits(0).prints("").says_nothing();
    let home = Home::new("tool_choice = \"required\"\n");
    run(&mut home.gravix(&["ask", "--base-url", "mock:", "hi"])).exits(0).prints("hi\n");
}

#[test]
fn messages_of_a_body_override_the_configured_history() {
    let home = Home::new("history = \"chat.jsonl\"\nfile = [\"f\"]\nbase_url = \"mock:\"\n");
    fs::write(home.path().join("f"), "text").expect("the file is written");
    let own = r#"{"messages":[{"role":"user","content":"x"}]}"#;
    run(&mut home.gravix(&["ask", "--body", own])).exits(0).prints("x\n").says_nothing();
    assert!(!home.path().join("chat.jsonl").exists());
    run(&mut home.gravix(&["ask", "--body", own, "hi"])).exits(2).says(&["whole conversation"]);
}

#[test]
fn of_two_sources_of_a_setting_the_one_that_was_typed_or_is_nearer_wins() {
    // Highest first.
    const SOURCES: [&str; 5] = ["option", "typed-profile", "variable", "set-profile", "file"];
    let profile = |name: &str| {
        let settings = format!("model = \"{name}\"\nbase_url = \"http://{name}.test/v1\"\n");
        (name.to_owned(), settings)
    };
    for present in 1_u32..1 << SOURCES.len() {
        let has = |index: usize| present >> index & 1 == 1;
        let tables = [profile("typed-profile"), profile("set-profile")];
        let tables = tables.map(|(name, settings)| format!("[profiles.{name}]\n{settings}"));
        let top = if has(4) { profile("file").1 } else { String::new() };
        let home = Home::new(&(top + &tables.concat()));
        let mut command = home.gravix(&["ask", "--curl", "hi"]);
        if has(0) {
            command.args(["-m", "option", "--base-url", "http://option.test/v1"]);
        }
        if has(1) {
            command.args(["-p", "typed-profile"]);
        }
        if has(2) {
            command.env("GRAVIX_MODEL", "variable");
            command.env("GRAVIX_BASE_URL", "http://variable.test/v1");
        }
        if has(3) {
            command.env("GRAVIX_PROFILE", "set-profile");
        }
        let run = run(&mut command).exits(0).says_nothing();
        let curl = String::from_utf8(run.stdout).expect("stdout is UTF-8");
        let winner = SOURCES[present.trailing_zeros() as usize];
        let parts = [format!("http://{winner}.test/v1/"), format!("\"model\":\"{winner}\"")];
        assert!(parts.iter().all(|part| curl.contains(part)), "{present:b}: {curl}");
    }
}

#[test]
fn the_profile_of_the_environment_counts_only_without_a_typed_one() {
    let home = Home::new(
        "model = \"file\"\n[profiles.set]\nmodel = \"set\"\nseed = 1\n[profiles.typed]\ntop_p = 0.5\n",
    );
    for (arguments, model, seed) in
        [(&[][..], "set", json!(1)), (&["-p", "typed"], "file", Value::Null)]
    {
        let mut command = home.gravix(&["ask", "--dry-run", "hi"]);
        let run = run(command.args(arguments).env("GRAVIX_PROFILE", "set")).exits(0);
        let body: Value = serde_json::from_slice(&run.stdout).expect("stdout is JSON");
        assert_eq!((&body["model"], &body["seed"]), (&json!(model), &seed));
    }
}
