use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::server::{Server, answer};
use crate::support::{completion, gravix, run};

/// A directory with a configuration file.
struct Home {
    directory: TempDir,
}

impl Home {
    fn new(config: &str) -> Self {
        let home = Self { directory: tempfile::tempdir().expect("a directory") };
        fs::write(home.config(), config).expect("a file");
        fs::set_permissions(home.config(), fs::Permissions::from_mode(0o600)).expect("a mode");
        home
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn config(&self) -> PathBuf {
        self.path().join("c.toml")
    }

    /// gravix with this configuration.
    fn gravix(&self, arguments: &[&str]) -> Command {
        let mut command = gravix();
        command.args(arguments).env("GRAVIX_CONFIG", self.config()).env("HOME", self.path());
        command
    }

    /// What `gravix ask` would send.
    #[track_caller]
    fn body(&self, arguments: &[&str]) -> Value {
        let mut command = self.gravix(&["ask", "--dry-run", "hi"]);
        let run = run(command.args(arguments)).exits(0).says_nothing();
        serde_json::from_slice(&run.stdout).expect("JSON")
    }

    /// What `gravix config` prints, with single blanks.
    #[track_caller]
    fn listing(&self, command: &mut Command) -> String {
        let run = run(command).exits(0).says_nothing();
        let text = String::from_utf8(run.stdout).expect("UTF-8");
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn server() -> Server {
    let reply = || answer("200 OK", "application/json", completion("ok"));
    Server::new((0..9).map(|_| reply()).collect())
}

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
fn options_beat_the_environment_that_beats_the_profile_that_beats_the_rest() {
    let home = Home::new(LAYERS);
    fs::write(home.path().join("system.txt"), "From a file.\n").expect("a file");
    let body = home.body(&[]);
    assert_eq!((&body["model"], &body["temperature"]), (&json!("file"), &json!(0.2)));
    assert_eq!((&body["max_tokens"], &body["stop"]), (&json!(7), &json!(["a", "b"])));
    assert_eq!(body["messages"][0]["content"], "From the file.");

    let body = home.body(&["-p", "work"]);
    assert_eq!((&body["model"], &body["temperature"]), (&json!("profile"), &json!(0.3)));
    assert_eq!(body["max_tokens"], 7);
    // The profile's system prompt takes the place of the other one.
    assert_eq!(body["messages"][0]["content"], "From a file.");

    let mut command = home.gravix(&["ask", "--dry-run", "hi", "--stop", "c", "-s", "Mine."]);
    command.env("GRAVIX_PROFILE", "work").env("GRAVIX_MODEL", "environment");
    let run = run(command.args(["--temp", "1"])).exits(0).says_nothing();
    let body: Value = serde_json::from_slice(&run.stdout).expect("JSON");
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
fn parameters_and_headers_are_gathered_and_the_strongest_wins() {
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
    let server = server();
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
    // An option is stronger than a parameter of the file.
    assert_eq!(home.body(&["-p", "work", "-t", "0.1"])["temperature"], json!(0.1));
}

#[test]
fn an_option_may_need_what_the_configuration_sets() {
    let home = Home::new("turns = 3\n[profiles.chat]\nhistory = \"chat.jsonl\"\n");
    assert_eq!(home.body(&[])["messages"], json!([{"role": "user", "content": "hi"}]));
    let chat = home.path().join("chat.jsonl");
    fs::write(&chat, "{\"role\":\"user\",\"content\":\"mine\"}\n").expect("a file");
    fs::set_permissions(&chat, fs::Permissions::from_mode(0o600)).expect("a mode");
    let arguments = ["ask", "-p", "chat", "--continue", "--no-save", "--base-url", "mock:"];
    run(&mut home.gravix(&arguments)).exits(0).prints("mine\n").says_nothing();
    run(&mut home.gravix(&["ask", "--no-save", "hi"])).exits(2).says(&["--no-save", "--history"]);
}

#[test]
fn paths_begin_at_the_file_or_at_home() {
    let home =
        Home::new("log = \"~/sub/a.jsonl\"\nsystem_file = \"sub/s.txt\"\nbase_url = \"mock:\"\n");
    fs::create_dir(home.path().join("sub")).expect("a directory");
    fs::write(home.path().join("sub/s.txt"), "S").expect("a file");
    run(home.gravix(&["ask", "hi"]).current_dir("/")).exits(0).prints("hi\n").says_nothing();
    assert!(home.path().join("sub/a.jsonl").exists());
}

#[test]
fn the_file_is_found_where_the_standard_says() {
    let directory = tempfile::tempdir().expect("a directory");
    for (variable, place) in [("XDG_CONFIG_HOME", "gravix"), ("HOME", ".config/gravix")] {
        let place = directory.path().join(place);
        fs::create_dir_all(&place).expect("a directory");
        fs::write(place.join("config.toml"), format!("model = \"{variable}\"")).expect("a file");
        let mut command = gravix();
        command.env(variable, directory.path()).args(["ask", "--dry-run", "hi"]);
        let run = run(&mut command).exits(0);
        let body: Value = serde_json::from_slice(&run.stdout).expect("JSON");
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
fn a_fault_is_told_with_its_place_and_a_suggestion() {
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
        ("system = \"a\"\nsystem_file = \"b\"", &["c.toml:2:1: ", "does not go with"]),
        ("x =", &["c.toml:1:"]),
        ("\n\"\\q\" = 1", &["c.toml:2:"]),
        ("body = '{'", &["c.toml:1:1: ", "not JSON"]),
        ("api_key = \"k\"", &["c.toml:1:1: ", "api_key_file"]),
        ("api_key_env = \"A\"\napi_key_file = \"b\"", &["c.toml:2:1: ", "one place"]),
        ("[profiles]\nwork = 1", &["c.toml:2:1: ", "table"]),
        ("profile = \"a\"", &["c.toml:1:1: ", "GRAVIX_PROFILE"]),
        ("profil = \"a\"", &["c.toml:1:1: ", "did you mean profiles?"]),
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
        .says(&["there are gravix, ollama, mock"]);
    run(gravix().args(["ask", "--config", "/nowhere", "hi"])).exits(66).says(&["/nowhere"]);
}

#[test]
fn profiles_are_built_in_and_can_be_added_to() {
    run(gravix().args(["ask", "-p", "mock", "hi"])).exits(0).prints("hi\n").says_nothing();
    run(gravix().args(["models", "-p", "mock"])).exits(0).prints("mock\n").says_nothing();
    let home = Home::new("[profiles.mock]\nsystem = \"S\"\n");
    assert_eq!(home.body(&["-p", "mock"])["messages"][0]["content"], "S");
    run(&mut home.gravix(&["ask", "-p", "mock", "hi"])).exits(0).prints("hi\n");
}

/// The key that reached `server` with its last request.
fn key(server: &Server) -> Option<String> {
    let requests = server.requests();
    requests.last().expect("a request").header("authorization").map(str::to_owned)
}

#[test]
fn a_key_comes_from_a_variable_a_file_or_a_command() {
    let server = server();
    for (config, key_sent) in [
        ("api_key_env = \"OTHER\"", "Bearer from-env"),
        ("api_key_file = \"key\"", "Bearer from-file"),
        ("api_key_command = \"echo from-; cat key | tr -d '\\n' > /dev/null\"", "Bearer from-"),
    ] {
        let config = format!("[profiles.p]\nbase_url = \"{}\"\n{config}\n", server.base_url());
        let home = Home::new(&config);
        let file = home.path().join("key");
        fs::write(&file, "from-file\n").expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
        let mut command = home.gravix(&["ask", "-p", "p", "hi"]);
        command.env("OTHER", "from-env").env("PATH", "/usr/bin:/bin").current_dir(home.path());
        // The profile's own key goes to the profile's own server.
        command.env("GRAVIXLAYER_API_KEY", "from-gravix");
        run(&mut command).exits(0).prints("ok\n").says_nothing();
        assert_eq!(key(&server).as_deref(), Some(key_sent));
        let mut command = home.gravix(&["models", "-p", "p"]);
        command.env("OTHER", "from-env").env("PATH", "/usr/bin:/bin").current_dir(home.path());
        run(&mut command);
        assert_eq!(key(&server).as_deref(), Some(key_sent));
    }
}

#[test]
fn a_key_goes_with_the_base_url_of_its_own_table_alone() {
    let (own, other) = (server(), server());
    let config = format!(
        "api_key_env = \"TOP\"\n[profiles.p]\nbase_url = \"{}\"\napi_key_env = \"OWN\"\n[profiles.bare]\nbase_url = \"{}\"\n",
        own.base_url(),
        other.base_url()
    );
    let home = Home::new(&config);
    let ask = |arguments: &[&str], url: Option<String>| {
        let mut command = home.gravix(&["ask", "hi"]);
        command.args(arguments).env("OWN", "own").env("TOP", "top");
        command.envs(url.map(|url| ("GRAVIX_BASE_URL", url)));
        run(&mut command).exits(0).prints("ok\n");
    };
    ask(&["-p", "p"], None);
    assert_eq!(key(&own).as_deref(), Some("Bearer own"));
    ask(&["-p", "p", "--base-url", &own.base_url()], None);
    assert_eq!(key(&own).as_deref(), Some("Bearer own"));
    // Another server gets nothing, however it is chosen.
    ask(&["-p", "p", "--base-url", &other.base_url()], None);
    assert_eq!(key(&other), None);
    ask(&["-p", "p"], Some(other.base_url()));
    assert_eq!(key(&other), None);
    ask(&["-p", "bare"], None);
    assert_eq!(key(&other), None);
}

#[test]
fn for_the_default_base_url_the_variable_comes_first() {
    let home = Home::new("api_key_env = \"OTHER\"\n");
    let listing = home.listing(home.gravix(&["config"]).env("GRAVIXLAYER_API_KEY", "k"));
    assert!(listing.contains("api_key = \"(redacted)\" # GRAVIXLAYER_API_KEY"), "{listing}");
    let listing = home.listing(&mut home.gravix(&["config"]));
    assert!(listing.contains("api_key = \"(redacted)\" # OTHER, "), "{listing}");
}

#[test]
fn a_key_that_cannot_be_had_is_an_error_and_nothing_is_sent() {
    let server = server();
    for (config, status, parts) in [
        ("api_key_env = \"NOWHERE\"", 78, &["NOWHERE", "not set"][..]),
        ("api_key_file = \"nowhere\"", 66, &["cannot read"]),
        ("api_key_file = \"bad\"", 78, &["bad", "control character"]),
        ("api_key_command = \"exit 3\"", 78, &["api_key_command", "exit status: 3"]),
        ("api_key_command = \"echo k; exit 3\"", 78, &["exit status: 3"]),
        ("api_key_command = \"true\"", 78, &["printed nothing"]),
        ("api_key_command = \"echo a; echo b\"", 78, &["control character"]),
    ] {
        let home = Home::new(&format!("base_url = \"{}\"\n{config}\n", server.base_url()));
        let file = home.path().join("bad");
        fs::write(&file, "a\tb").expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
        let mut command = home.gravix(&["ask", "hi"]);
        run(command.env("PATH", "/usr/bin:/bin")).exits(status).prints("").says(parts);
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_key_command_that_hangs_is_given_up_and_never_reads_the_prompt() {
    let server = server();
    for command in ["sleep 60", "echo k; exec 1>&-; sleep 60"] {
        let home = Home::new(&format!(
            "base_url = \"{}\"\napi_key_command = \"{command}\"\n",
            server.base_url()
        ));
        run(home.gravix(&["ask", "hi"]).env("PATH", "/usr/bin:/bin"))
            .exits(78)
            .prints("")
            .says(&["api_key_command", "10 s"]);
    }
    assert!(server.requests().is_empty());
    let config =
        format!("base_url = \"{}\"\napi_key_command = \"cat; echo k\"\n", server.base_url());
    let home = Home::new(&config);
    let mut command = home.gravix(&["ask"]);
    crate::support::run_with(command.env("PATH", "/usr/bin:/bin"), b"prompt").exits(0);
    assert_eq!(server.request().json()["messages"][0]["content"], "prompt");
}

#[test]
fn a_key_file_that_others_can_read_is_warned_of() {
    let server = server();
    let home =
        Home::new(&format!("base_url = \"{}\"\napi_key_file = \"key\"\n", server.base_url()));
    let file = home.path().join("key");
    fs::write(&file, "k-e-y").expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("a mode");
    run(&mut home.gravix(&["ask", "hi"])).exits(0).says(&["others can read", "key", "chmod 600"]);
    run(&mut home.gravix(&["ask", "-q", "hi"])).exits(0).says_nothing();
}

#[test]
fn a_key_of_the_configuration_is_masked_like_any_other() {
    let body = r#"{"error":{"message":"bad key s3cret"}}"#;
    let server = Server::once(answer("401 Unauthorized", "application/json", body));
    let home =
        Home::new(&format!("base_url = \"{}\"\napi_key_env = \"OTHER\"\n", server.base_url()));
    let run = run(home.gravix(&["ask", "hi"]).env("OTHER", "s3cret")).exits(77).prints("");
    assert!(run.stderr.contains("bad key (redacted); check the key in OTHER"), "{}", run.stderr);
}

#[test]
fn the_settings_in_force_are_listed_with_where_they_are_from() {
    let home = Home::new(
        "model = \"a\"\n[profiles.p]\nheader = [\"X-A: b\", \"api-key: s3cret\"]\nbase_url = \"http://localhost:1/v1\"\napi_key_command = \"exit 3\"\nstream = true\nstop = \"x\"\n",
    );
    let mut command = home.gravix(&["config", "--profile", "p"]);
    let listing = home.listing(command.env("GRAVIX_MODEL", "m"));
    for line in [
        "model = \"m\" # GRAVIX_MODEL",
        "base_url = \"http://localhost:1/v1\" # profile p",
        "stream = true # profile p",
        "stop = [\"x\"] # profile p",
        "retries = 2 # default",
        "api_key = \"(redacted)\" # what exit 3 prints, profile p",
    ] {
        assert!(listing.lines().any(|listed| listed == line), "{line}\n{listing}");
    }
    assert!(listing.contains("api-key: (redacted)") && !listing.contains("s3cret"), "{listing}");
    let listing = home.listing(gravix().arg("config"));
    assert!(listing.contains("# no key # GRAVIXLAYER_API_KEY is not set"), "{listing}");
}

#[test]
fn a_new_file_is_written_once_and_sets_nothing() {
    let home = Home::new("");
    let place = home.path().join(".config/gravix/config.toml");
    let init = || {
        let mut command = gravix();
        command.env("HOME", home.path()).args(["config", "--init"]);
        command
    };
    run(&mut init()).exits(0).prints(format!("{}\n", place.display())).says_nothing();
    assert_eq!(fs::metadata(&place).expect("the file").permissions().mode() & 0o777, 0o600);
    fs::write(&place, fs::read_to_string(&place).expect("the file") + "# mine\n").expect("a file");
    run(&mut init()).exits(73).prints("").says(&["it is there already"]);
    let text = fs::read_to_string(&place).expect("the file");
    assert!(text.ends_with("# mine\n"));
    let listing = home.listing(gravix().env("HOME", home.path()).arg("config"));
    assert!(
        listing.lines().all(|line| line.contains("# default") || line.contains("# no key")),
        "{listing}"
    );
}

#[test]
fn what_a_new_file_proposes_works() {
    let home = Home::new("");
    run(gravix().args(["config", "--init", "--config"]).arg(home.path().join("new.toml"))).exits(0);
    let text = fs::read_to_string(home.path().join("new.toml")).expect("the file");
    let proposals: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.starts_with('[') || line.contains(" = "))
        .collect();
    // The key can be in one of three places.
    let mut keys = 0;
    let once = proposals.iter().filter(|line| {
        keys += usize::from(line.starts_with("api_key_"));
        !line.starts_with("api_key_") || keys != 2 && keys != 3
    });
    fs::write(home.config(), once.copied().collect::<Vec<_>>().join("\n")).expect("a file");
    let body = home.body(&["-p", "work"]);
    assert_eq!((&body["top_k"], &body["options"]), (&json!(40), &json!({"num_ctx": 8192})));
    run(gravix().args(["config", "--init"])).exits(78).prints("").says(&["--config"]);
}

#[test]
fn a_secret_header_goes_with_the_base_url_of_its_own_table_alone() {
    let (own, other) = (server(), server());
    let config = format!(
        "[profiles.p]\nbase_url = \"{}\"\nheader = [\"api-key: s\", \"X-A: b\"]\n",
        own.base_url()
    );
    let home = Home::new(&config);
    run(&mut home.gravix(&["ask", "-p", "p", "hi"])).exits(0);
    assert_eq!(own.request().header("api-key"), Some("s"));
    run(&mut home.gravix(&["ask", "-p", "p", "--base-url", &other.base_url(), "hi"])).exits(0);
    let request = other.request();
    assert_eq!((request.header("api-key"), request.header("x-a")), (None, Some("b")));
    fs::set_permissions(home.config(), fs::Permissions::from_mode(0o644)).expect("a mode");
    run(&mut home.gravix(&["ask", "-p", "p", "hi"])).exits(78).says(&["c.toml:3:1: ", "chmod 600"]);
}

#[test]
fn what_is_put_in_the_place_of_a_name_is_not_shown() {
    for config in ["api_key_env = \"sk-s3cret\"", "header = [\"X-Api-Key s3cret\"]"] {
        let home = Home::new(config);
        for arguments in [&["config"][..], &["ask", "--base-url", "mock:", "hi"]] {
            let run = run(&mut home.gravix(arguments)).exits(78).prints("").says(&["c.toml:1:1: "]);
            assert!(!run.stderr.contains("s3cret"), "{}", run.stderr);
        }
    }
    let mut command = gravix();
    command.env("GRAVIX_BASE_URL", "https://user:s3cret@host/v1").arg("config");
    let run = run(&mut command).exits(78).prints("");
    assert!(!run.stderr.contains("s3cret"), "{}", run.stderr);
}

#[test]
fn options_and_stronger_tables_beat_parameters_of_the_file() {
    let config = "[param]\ntemperature = 1\nmodel = \"weak\"\nresponse_format = { type = \"text\" }\nstream = true\n[profiles.p]\ntemperature = 0.2\n";
    let home = Home::new(config);
    assert_eq!(home.body(&[])["temperature"], 1);
    assert_eq!(home.body(&["-p", "p"])["temperature"], json!(0.2));
    let body = home.body(&["-m", "strong", "--json-object", "--no-stream"]);
    assert_eq!((&body["model"], &body["stream"]), (&json!("strong"), &Value::Null));
    assert_eq!(body["response_format"], json!({"type": "json_object"}));
}

#[test]
fn a_system_prompt_of_the_file_gives_way_to_that_of_a_history_or_a_body() {
    let home = Home::new("system = \"From the file.\"\n");
    let chat = home.path().join("chat.jsonl");
    fs::write(&chat, "{\"role\":\"system\",\"content\":\"Own.\"}\n").expect("a file");
    fs::set_permissions(&chat, fs::Permissions::from_mode(0o600)).expect("a mode");
    let chat = chat.to_str().expect("UTF-8");
    assert_eq!(home.body(&["--history", chat])["messages"][0]["content"], "Own.");
    let typed = home.body(&["--history", chat, "-s", "Typed."]);
    assert_eq!(typed["messages"][0]["content"], "Typed.");
    let own = r#"{"messages":[{"role":"user","content":"x"}]}"#;
    let mut command = home.gravix(&["ask", "--dry-run", "--body", own]);
    let run = run(&mut command).exits(0).says_nothing();
    let body: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    assert_eq!(body["messages"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_is_turned_off_conflicts_with_nothing() {
    let home = Home::new(
        "quiet = false\nverbose = true\nextract = \"sh\"\nschema = '{}'\n[profiles.p]\nextract = false\njson_object = false\n",
    );
    let listing = home.listing(&mut home.gravix(&["config", "-p", "p"]));
    assert!(listing.contains("verbose = true") && !listing.contains("extract"), "{listing}");
    assert!(listing.contains("schema = \"{}\""), "{listing}");
}

#[test]
fn a_home_that_cannot_be_looked_into_has_no_settings() {
    run(gravix().env("HOME", "/dev/null").args(["ask", "-p", "mock", "hi"]))
        .exits(0)
        .prints("hi\n");
    let home = Home::new("");
    fs::write(home.config(), b"model = \"\xff\"").expect("a file");
    run(&mut home.gravix(&["ask", "hi"])).exits(78).says(&["c.toml", "not UTF-8"]);
}

#[test]
fn a_variable_that_overrules_a_typed_profile_is_told() {
    let ask = |arguments: &[&str]| {
        let mut command = gravix();
        command.env("GRAVIX_BASE_URL", "mock:").args(["ask", "--dry-run", "hi"]).args(arguments);
        run(&mut command).exits(0)
    };
    ask(&["-p", "ollama"]).says(&["GRAVIX_BASE_URL", "profile ollama"]);
    ask(&["-p", "mock"]).says_nothing();
    ask(&[]).says_nothing();
    ask(&["-q", "-p", "ollama"]).says_nothing();
}

#[test]
fn a_body_of_the_file_gives_way_as_its_other_settings_do() {
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
fn a_choice_of_a_tool_means_nothing_without_tools() {
    let home = Home::new("tool_choice = \"required\"\ntools = \"t.json\"\n[profiles.bare]\n");
    fs::write(home.path().join("t.json"), "[]").expect("a file");
    let arguments = ["ask", "--base-url", "mock:", "--yes-no", "yes"];
    run(&mut home.gravix(&arguments)).exits(0).prints("").says_nothing();
    let home = Home::new("tool_choice = \"required\"\n");
    run(&mut home.gravix(&["ask", "--base-url", "mock:", "hi"])).exits(0).prints("hi\n");
}

#[test]
fn a_history_of_the_file_gives_way_to_messages_of_a_body() {
    let home = Home::new("history = \"chat.jsonl\"\nfile = [\"f\"]\nbase_url = \"mock:\"\n");
    fs::write(home.path().join("f"), "text").expect("a file");
    let own = r#"{"messages":[{"role":"user","content":"x"}]}"#;
    run(&mut home.gravix(&["ask", "--body", own])).exits(0).prints("x\n").says_nothing();
    assert!(!home.path().join("chat.jsonl").exists());
    run(&mut home.gravix(&["ask", "--body", own, "hi"])).exits(2).says(&["whole conversation"]);
}
