//! Where the API key comes from, and which server gets it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::home::{Home, last_key};
use crate::support::server::{Server, answer};
use crate::support::{gravix, run, run_with};

#[test]
fn a_key_comes_from_a_variable_a_file_or_a_command() {
    let server = Server::replying(&["ok"; 9]);
    for (config, key_sent) in [
        ("api_key_env = \"OTHER\"", "Bearer from-env"),
        ("api_key_file = \"key\"", "Bearer from-file"),
        ("api_key_command = \"echo from-; cat key | tr -d '\\n' > /dev/null\"", "Bearer from-"),
    ] {
        let config = format!("[profiles.p]\nbase_url = \"{}\"\n{config}\n", server.base_url());
        let home = Home::new(&config);
        let file = home.path().join("key");
        fs::write(&file, "from-file\n").expect("the file is written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("the mode is set");
        let mut command = home.gravix(&["ask", "-p", "p", "hi"]);
        command.env("OTHER", "from-env").env("PATH", "/usr/bin:/bin").current_dir(home.path());
        // The profile's server must get the profile's key, not this one.
        command.env("GRAVIXLAYER_API_KEY", "from-gravix");
        run(&mut command).exits(0).prints("ok\n").says_nothing();
        assert_eq!(last_key(&server).as_deref(), Some(key_sent));
        let mut command = home.gravix(&["models", "-p", "p"]);
        command.env("OTHER", "from-env").env("PATH", "/usr/bin:/bin").current_dir(home.path());
        run(&mut command);
        assert_eq!(last_key(&server).as_deref(), Some(key_sent));
    }
}

#[test]
fn a_key_is_sent_only_to_the_base_url_of_its_own_table() {
    let (own, other) = (Server::replying(&["ok"; 9]), Server::replying(&["ok"; 9]));
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
    assert_eq!(last_key(&own).as_deref(), Some("Bearer own"));
    ask(&["-p", "p", "--base-url", &own.base_url()], None);
    assert_eq!(last_key(&own).as_deref(), Some("Bearer own"));
    // Another server gets no key, however it is chosen.
    ask(&["-p", "p", "--base-url", &other.base_url()], None);
    assert_eq!(last_key(&other), None);
    ask(&["-p", "p"], Some(other.base_url()));
    assert_eq!(last_key(&other), None);
    ask(&["-p", "bare"], None);
    assert_eq!(last_key(&other), None);
}

#[test]
fn the_environment_key_comes_first_for_the_default_base_url() {
    let home = Home::new("api_key_env = \"OTHER\"\n");
    let listing = home.listing(home.gravix(&["config"]).env("GRAVIXLAYER_API_KEY", "k"));
    assert!(listing.contains("api_key = \"(redacted)\" # GRAVIXLAYER_API_KEY"), "{listing}");
    let listing = home.listing(&mut home.gravix(&["config"]));
    assert!(listing.contains("# no key # OTHER is not set, "), "{listing}");
}

#[test]
fn a_key_that_cannot_be_read_is_an_error_before_anything_is_sent() {
    let server = Server::replying(&["ok"; 9]);
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
        fs::write(&file, "a\tb").expect("the file is written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("the mode is set");
        let mut command = home.gravix(&["ask", "hi"]);
        run(command.env("PATH", "/usr/bin:/bin")).exits(status).prints("").says(parts);
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_key_command_times_out_and_never_reads_the_prompt() {
    let server = Server::replying(&["ok"; 9]);
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
    run_with(command.env("PATH", "/usr/bin:/bin"), b"prompt").exits(0);
    assert_eq!(server.request().json()["messages"][0]["content"], "prompt");
}

#[test]
fn a_key_file_that_others_can_read_gets_a_warning() {
    let server = Server::replying(&["ok"; 9]);
    let home =
        Home::new(&format!("base_url = \"{}\"\napi_key_file = \"key\"\n", server.base_url()));
    let file = home.path().join("key");
    fs::write(&file, "k-e-y").expect("the file is written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("the mode is set");
    run(&mut home.gravix(&["ask", "hi"])).exits(0).says(&["others can read", "key", "chmod 600"]);
    run(&mut home.gravix(&["ask", "-q", "hi"])).exits(0).says_nothing();
}

#[test]
fn a_configured_key_is_masked() {
    let body = r#"{"error":{"message":"bad key s3cret-key"}}"#;
    let server = Server::once(answer("401 Unauthorized", "application/json", body));
    let home =
        Home::new(&format!("base_url = \"{}\"\napi_key_env = \"OTHER\"\n", server.base_url()));
    let run = run(home.gravix(&["ask", "hi"]).env("OTHER", "s3cret-key")).exits(77).prints("");
    assert!(run.stderr.contains("bad key (redacted); check the key in OTHER"), "{}", run.stderr);
}

#[test]
fn a_secret_header_is_sent_only_to_the_base_url_of_its_own_table() {
    let (own, other) = (Server::replying(&["ok"; 9]), Server::replying(&["ok"; 9]));
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
    fs::set_permissions(home.config(), fs::Permissions::from_mode(0o644)).expect("the mode is set");
    run(&mut home.gravix(&["ask", "-p", "p", "hi"])).exits(78).says(&["c.toml:3:1: ", "chmod 600"]);
}

#[test]
fn a_secret_in_place_of_a_name_is_not_shown() {
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
fn a_key_of_more_than_64_kib_is_refused() {
    let server = Server::replying(&["ok"]);
    for source in ["api_key_file = \"key\"", "api_key_command = \"cat key\""] {
        let config = format!("[profiles.p]\nbase_url = \"{}\"\n{source}\n", server.base_url());
        let home = Home::new(&config);
        let file = home.path().join("key");
        fs::write(&file, "k".repeat((64 << 10) + 1)).expect("the file is written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("the mode is set");
        let mut command = home.gravix(&["ask", "-p", "p", "hi"]);
        command.env("PATH", "/usr/bin:/bin").current_dir(home.path());
        run(&mut command).exits(78).prints("").says(&["key", "64 KiB"]);
    }
    assert!(server.requests().is_empty());
}

/// gravix with `key` in each place that a key can come from, and the place.
fn with_key_everywhere(server: &Server, key: &str) -> Vec<(Home, Command, &'static str)> {
    let sources = [
        ("", "GRAVIXLAYER_API_KEY"),
        ("api_key_env = \"OTHER\"", "OTHER"),
        ("api_key_file = \"key\"", "key"),
        ("api_key_command = \"cat key\"", "the output of cat key"),
    ];
    let with_source = |(setting, origin): (&str, &'static str)| {
        let home = Home::new(&format!("base_url = \"{}\"\n{setting}\n", server.base_url()));
        let file = home.path().join("key");
        fs::write(&file, key).expect("the file is written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("the mode is set");
        let mut command = home.gravix(&["ask", "hi"]);
        command.env("PATH", "/usr/bin:/bin").current_dir(home.path());
        command.env(if setting.is_empty() { "GRAVIXLAYER_API_KEY" } else { "OTHER" }, key);
        (home, command, origin)
    };
    sources.into_iter().map(with_source).collect()
}

#[test]
fn quotes_or_bearer_around_a_key_are_refused_wherever_it_comes_from() {
    let server = Server::replying(&["ok"; 9]);
    for (key, reason) in [
        ("\"sesame42\"", "has quotes around it"),
        ("'sesame42'\n", "has quotes around it"),
        ("Bearer sesame42", "begins with 'Bearer '"),
        ("bearer sesame42\n", "begins with 'Bearer '"),
    ] {
        for (_home, mut command, origin) in with_key_everywhere(&server, key) {
            let run = run(&mut command).exits(78).prints("").says(&[origin, reason]);
            assert!(!run.stderr.contains("sesame"), "{}", run.stderr);
        }
    }
    assert!(server.requests().is_empty());
}

#[test]
fn blanks_around_a_key_are_removed_with_a_note() {
    for (key, has_note) in [(" sesame42\t \n", true), ("sesame42 ", true), ("sesame42\n", false)] {
        let server = Server::replying(&["ok"; 9]);
        for (_home, mut command, origin) in with_key_everywhere(&server, key) {
            let run = run(&mut command).exits(0).prints("ok\n");
            assert_eq!(last_key(&server).as_deref(), Some("Bearer sesame42"));
            match has_note {
                true => drop(run.says(&[origin, "blanks around it"])),
                false => drop(run.says_nothing()),
            }
        }
    }
}

#[test]
fn the_profiles_openai_and_openrouter_have_their_own_keys() {
    for (profile, variable, base_url, model) in [
        ("openai", "OPENAI_API_KEY", "https://api.openai.com/v1", "gpt-4o-mini"),
        ("openrouter", "OPENROUTER_API_KEY", "https://openrouter.ai/api/v1", "openai/gpt-4o-mini"),
    ] {
        let home = Home::new("");
        let mut command = home.gravix(&["config", "-p", profile]);
        let listing = home.listing(command.env("GRAVIXLAYER_API_KEY", "k"));
        for line in [
            format!("base_url = \"{base_url}\" # built-in profile {profile}"),
            format!("model = \"{model}\" # built-in profile {profile}"),
            format!("# no key # {variable} is not set, built-in profile {profile}"),
        ] {
            assert!(listing.contains(&line), "{listing}");
        }
        let mut command = gravix();
        command.args(["ask", "-n", "-p", profile, "hi"]).env("GRAVIXLAYER_API_KEY", "k");
        run(&mut command).exits(78).prints("").says(&["no key", variable, "not set"]);
    }
}
