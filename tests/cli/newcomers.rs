//! Mistakes of people who come from curl, llm, aichat, mods or ollama: every case of
//! `tests/cases/mistakes.jsonl`. Each says exactly what gravix prints, and what is in
//! the hint is run too.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

use crate::support::server::{Script, Server, Step, answer, raw, whole_reply};
use crate::support::{gravix, run, run_with, shell};

/// In all texts, `{URL}` is the base URL of a server, `{HOST}` its address with its
/// port, and `{ROOT}` its URL without `/v1`. Where nothing else is said, `mock:` answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mistake {
    args: Vec<String>,
    /// What is typed after that, with success: the same with what the hint says.
    retry: Option<Vec<String>>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    config: Option<String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    stdin: Option<String>,
    /// The status and the body of the first answer, or `raw` and its bytes.
    server: Option<(Value, Value)>,
    /// The text of the second answer; `ok` if there is none.
    reply: Option<String>,
    status: i32,
    /// The lines of standard error.
    says: Vec<String>,
    /// A command of the hint, which the shell then runs.
    then: Option<String>,
    #[serde(default)]
    then_env: BTreeMap<String, String>,
    /// Its status; 0 if none is given.
    #[serde(default)]
    then_status: i32,
}

impl Mistake {
    fn scripts(&self) -> Vec<Script> {
        let first = self.server.as_ref().map(|(status, body)| {
            let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
            match status.as_u64() {
                Some(status) => answer(&format!("{status} x"), "", text),
                // Each byte is a character up to U+00FF.
                None => {
                    let bytes: Vec<u8> = text.chars().map(|c| c as u8).collect();
                    vec![raw(bytes), Step::End]
                }
            }
        });
        let again = self.retry.iter().flatten().chain(&self.then);
        let is_list = again.clone().any(|word| word == "models" || word.contains("gravix models"));
        let second = match is_list {
            true => answer("200 OK", "application/json", r#"{"data":[{"id":"m"}]}"#),
            false => whole_reply(self.reply.as_deref().unwrap_or("ok")),
        };
        first.into_iter().chain([second]).collect()
    }

    fn check(&self) {
        let server = Server::new(self.scripts());
        let host = format!("127.0.0.1:{}", server.port);
        let put = |text: &str| with_server(text, &host);
        let home = tempfile::tempdir().expect("a temporary directory is created");
        let config = self.config.as_deref().map(|config| ("c.toml", put(config)));
        let files = self.files.iter().map(|(name, text)| (name.as_str(), text.clone()));
        for (name, text) in files.chain(config) {
            let path = home.path().join(name);
            fs::write(&path, text).expect("the file is written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode is set");
        }
        let prepare = |command: &mut Command| {
            command.current_dir(home.path()).env("HOME", home.path());
            command.env("GRAVIX_BASE_URL", "mock:");
            if self.config.is_some() {
                command.env("GRAVIX_CONFIG", "c.toml");
            }
            command.envs(self.env.iter().map(|(name, value)| (name, put(value))));
        };
        let mut command = gravix();
        prepare(command.args(self.args.iter().map(|word| put(word))));
        let said = match &self.stdin {
            Some(input) => run_with(&mut command, input.as_bytes()),
            None => run(&mut command),
        };
        let said = said.exits(self.status).prints("");
        let lines: Vec<String> = self.says.iter().map(|line| put(line)).collect();
        assert_eq!(said.stderr.lines().collect::<Vec<_>>(), lines, "{:?}", self.args);
        assert!(lines.iter().all(|line| line.starts_with("gravix: ")), "{lines:?}");
        if let Some(words) = &self.retry {
            let mut command = gravix();
            prepare(command.args(words.iter().map(|word| put(word))));
            run(&mut command).exits(0);
        }
        if let Some(hint) = &self.then {
            let hint = put(hint);
            assert!(said.stderr.contains(&hint), "{hint} is not in {}", said.stderr);
            let mut command = shell("sh", &hint);
            prepare(&mut command);
            command.envs(self.then_env.iter().map(|(name, value)| (name, put(value))));
            command.env("PATH", path_with_gravix(home.path()));
            run(&mut command).exits(self.then_status);
        }
    }
}

/// `text` with the address of the server in place of the words for it.
fn with_server(text: &str, host: &str) -> String {
    let root = format!("http://{host}");
    text.replace("{URL}", &format!("{root}/v1")).replace("{ROOT}", &root).replace("{HOST}", host)
}

/// A `PATH` with a link to gravix.
fn path_with_gravix(home: &Path) -> String {
    let directory = home.join("bin");
    fs::create_dir(&directory).expect("the directory is created");
    symlink(env!("CARGO_BIN_EXE_gravix"), directory.join("gravix")).expect("the link is made");
    format!("{}:/usr/bin:/bin", directory.display())
}

#[test]
fn every_mistake_gets_a_line_that_says_what_to_do_and_works() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/mistakes.jsonl");
    let cases = fs::read_to_string(path).expect("the cases are readable");
    for case in cases.lines() {
        let mistake: Mistake = serde_json::from_str(case).expect(case);
        mistake.check();
    }
    assert!(cases.lines().count() >= 60);
}

#[test]
fn what_may_be_secret_on_a_refused_line_is_not_repeated() {
    for words in [
        &["ask", "--api-key", "sesame42", "hi"][..],
        &["ask", "hi", "--api-key", "sesame42", "there"],
        &["ask", "hi", "--token=sesame42"],
        &["ask", "-ksesame42", "hi"],
        &["--api-key", "sesame42", "ask", "hi"],
        &["ask", "what does ls", "-l", "do", "-H", "X-Auth: sesame42"],
        &["ask", "what does ls", "-l", "do", "-nHX-Auth: sesame42"],
        &["-H", "X-Auth: sesame42", "ask", "hi"],
        &["ask", "--url", "http://me:sesame42@host/v1", "hi"],
        &["--base-url", "http://me:sesame42@host/v1", "hi"],
        &["what", "--param", "api_key=sesame42"],
        &["what", "Authorization: Bearer sesame42"],
        &["sk-sesame42"],
        &["models", "sk-sesame42"],
        &["history", "sk-sesame42"],
    ] {
        let refused = run(gravix().args(words)).exits(2).prints("");
        assert!(!refused.stderr.contains("sesame42"), "{words:?}: {}", refused.stderr);
    }
}
