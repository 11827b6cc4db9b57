//! `gravix config`: the settings in force, and a new configuration file.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::home::Home;
use crate::support::{gravix, run};

#[test]
fn config_lists_each_setting_with_its_source() {
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
        "api_key = \"(redacted)\" # the output of exit 3 (not run), profile p",
    ] {
        assert!(listing.lines().any(|listed| listed == line), "{line}\n{listing}");
    }
    assert!(listing.contains("api-key: (redacted)") && !listing.contains("s3cret"), "{listing}");
    let listing = home.listing(gravix().arg("config"));
    assert!(listing.contains("# no key # GRAVIXLAYER_API_KEY is not set"), "{listing}");
}

#[test]
fn config_lists_the_price_of_the_profile_in_force() {
    let home = Home::new("price = [0.150, 1_0]\n[profiles.p]\nprice = [0, 2]\n[profiles.q]\n");
    for (profile, line) in [
        (&[][..], "price = [0.15, 10] # "),
        (&["-p", "p"], "price = [0, 2] # profile p"),
        (&["-p", "q"], "price = [0.15, 10] # "),
    ] {
        let listing = home.listing(home.gravix(&["config"]).args(profile));
        assert!(listing.lines().any(|listed| listed.starts_with(line)), "{line}\n{listing}");
    }
    assert!(!home.listing(gravix().arg("config")).contains("price"));
}

#[test]
fn init_writes_a_new_file_once_and_sets_nothing() {
    let home = Home::new("");
    let place = home.path().join(".config/gravix/config.toml");
    let init = || {
        let mut command = gravix();
        command.env("HOME", home.path()).args(["config", "--init"]);
        command
    };
    run(&mut init()).exits(0).prints(format!("{}\n", place.display())).says_nothing();
    assert_eq!(fs::metadata(&place).expect("the file exists").permissions().mode() & 0o777, 0o600);
    fs::write(&place, fs::read_to_string(&place).expect("the file is readable") + "# mine\n")
        .expect("the file is written");
    run(&mut init()).exits(73).prints("").says(&["it already exists"]);
    let text = fs::read_to_string(&place).expect("the file is readable");
    assert!(text.ends_with("# mine\n"));
    let listing = home.listing(gravix().env("HOME", home.path()).arg("config"));
    assert!(
        listing.lines().all(|line| line.contains("# default") || line.contains("# no key")),
        "{listing}"
    );
}

#[test]
fn the_examples_in_a_new_file_work() {
    let home = Home::new("");
    run(gravix().args(["config", "--init", "--config"]).arg(home.path().join("new.toml"))).exits(0);
    let text = fs::read_to_string(home.path().join("new.toml")).expect("the file is readable");
    let proposals: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.starts_with('[') || line.contains(" = "))
        .collect();
    // The three examples for a key exclude one another.
    let mut keys = 0;
    let once = proposals.iter().filter(|line| {
        keys += usize::from(line.starts_with("api_key_"));
        !line.starts_with("api_key_") || keys != 2 && keys != 3
    });
    fs::write(home.config(), once.copied().collect::<Vec<_>>().join("\n"))
        .expect("the file is written");
    let body = home.body(&["-p", "work"]);
    assert_eq!((&body["top_k"], &body["options"]), (&json!(40), &json!({"num_ctx": 8192})));
    run(gravix().args(["config", "--init"])).exits(78).prints("").says(&["--config"]);
}
