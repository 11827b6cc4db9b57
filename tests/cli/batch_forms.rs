//! A batch whose replies must be a word, yes or no, or a code block.

use std::fs;

use serde_json::{Value, json};

use crate::support::batch_lines::{by_id, input, pairs, replies, stored, text};
use crate::support::service::{Reply, Service, prompt};
use crate::support::{batch, completion, json_lines, run, run_with};

const WORDS: &str = "Answer with one of these words and with nothing else: red, green.";

/// The messages of the request whose last message is this prompt.
#[track_caller]
fn messages(service: &Service, prompt: &str) -> Value {
    let seen = service.seen();
    let seen = seen.iter().find(|seen| seen.prompt() == prompt).expect("the request was sent");
    seen.request.json()["messages"].clone()
}

#[test]
fn a_reply_that_is_none_of_the_words_is_the_failure_of_its_row() {
    let service = Service::new(|request, _| Reply::text(&prompt(request)));
    let (_directory, file) = input(&["**Red**", "blue", "{\"answer\":\"green\"}"]);
    let options = ["--lines", "--ordered", "--choose", "red,green"];
    let results = run(batch(&service.base_url(), &options).arg(&file)).exits(4);
    let lines = by_id(&results.stdout);
    assert_eq!(text(&lines["1"]), "**Red**");
    assert_eq!(lines["1"]["error"], Value::Null);
    assert_eq!(lines["2"]["error"]["code"], "invalid_reply");
    assert_eq!(text(&lines["2"]), "blue");
    results.says(&["2 done, 1 failed (invalid_reply: 1)"]);
    let texts = run(batch(&service.base_url(), &options).arg("--text").arg(file)).exits(4);
    texts
        .tells(&["request 2: the reply is not", "not one of red, green\nblue\n"])
        .prints("red\n\ngreen\n");
}

#[test]
fn the_words_are_behind_the_system_prompt_of_each_line_without_a_format_of_its_own() {
    let service = Service::new(|_, _| Reply::text("red"));
    let (_directory, file) = input(&[
        r#"{"prompt":"default"}"#,
        r#"{"prompt":"own","system":"Rhyme."}"#,
        r#"{"prompt":"none","system":null}"#,
        r#"{"messages":[{"role":"developer","content":"Hurry."},{"role":"user","content":"array"}]}"#,
        r#"{"body":{"messages":[{"role":"user","content":"bare"}]}}"#,
        r#"{"prompt":"format","response_format":{"type":"text"}}"#,
    ]);
    let options = ["--choose", "red,green", "-s", "Be brief."];
    run(batch(&service.base_url(), &options).arg(file)).exits(0);
    for (prompt, role, system) in [
        ("default", "system", format!("Be brief.\n\n{WORDS}")),
        ("own", "system", format!("Rhyme.\n\n{WORDS}")),
        ("none", "system", WORDS.to_owned()),
        ("array", "developer", format!("Hurry.\n\n{WORDS}")),
        ("bare", "system", format!("Be brief.\n\n{WORDS}")),
        ("format", "system", "Be brief.".to_owned()),
    ] {
        let user = json!({"role": "user", "content": prompt});
        let expected = json!([{"role": role, "content": system}, user]);
        assert_eq!(messages(&service, prompt), expected);
    }
    for seen in service.seen() {
        let format = &seen.request.json()["response_format"];
        let is_own = seen.prompt() == "format";
        let kind = if is_own { "text" } else { "json_schema" };
        assert_eq!(format["type"], kind, "{format}");
    }
}

#[test]
fn words_that_override_the_lines_are_behind_the_system_prompt_that_is_sent() {
    let service = Service::new(|_, _| Reply::text("red"));
    let (_directory, file) = input(&[
        r#"{"system":"Rhyme.","prompt":"own","response_format":{"type":"text"}}"#,
        r#"{"messages":[{"role":"system","content":"Hurry."},{"role":"user","content":"array"}]}"#,
    ]);
    let options = ["--override", "--choose", "red,green"];
    run(batch(&service.base_url(), &options).arg(&file)).exits(0);
    let system = |prompt: &str| messages(&service, prompt)[0]["content"].clone();
    assert_eq!(system("own"), format!("Rhyme.\n\n{WORDS}"));
    assert_eq!(system("array"), format!("Hurry.\n\n{WORDS}"));
    let typed = Service::new(|_, _| Reply::text("red"));
    run(batch(&typed.base_url(), &options).args(["-s", "Typed."]).arg(file)).exits(0);
    for prompt in ["own", "array"] {
        let user = json!({"role": "user", "content": prompt});
        let system = json!({"role": "system", "content": format!("Typed.\n\n{WORDS}")});
        assert_eq!(messages(&typed, prompt), json!([system, user]));
    }
}

#[test]
fn a_batch_sends_what_ask_sends() {
    let service = Service::new(|_, _| Reply::text("yes"));
    let mut ask = crate::support::gravix();
    ask.args(["ask", "--base-url", &service.base_url(), "-m", "m", "-s", "S", "--yes-no", "q"]);
    run(&mut ask).exits(0);
    let options = ["--lines", "-m", "m", "-s", "S", "--yes-no"];
    run_with(&mut batch(&service.base_url(), &options), b"q").exits(0);
    let [asked, batched] = [0, 1].map(|at| service.seen()[at].request.json());
    assert_eq!(asked, batched);
}

#[test]
fn yes_and_no_are_texts_and_have_no_influence_on_the_exit_status() {
    let service = Service::echo();
    let (_directory, file) = input(&["No.", "Yes!", "no"]);
    let options = ["--lines", "--ordered", "--text", "--yes-no"];
    run(batch(&service.base_url(), &options).arg(file)).exits(0).prints("no\nyes\nno\n");
}

#[test]
fn an_answer_that_is_not_in_the_form_is_asked_for_again() {
    let service = Service::new(|request, _| {
        let is_again = request.json()["messages"].as_array().is_some_and(|all| all.len() == 4);
        Reply::text(if is_again { "yes" } else { "perhaps" })
    });
    let options = ["--lines", "--text", "--yes-no", "--repair", "1"];
    run_with(&mut batch(&service.base_url(), &options), b"a").exits(0).prints("yes\n");
    let again = service.seen()[1].request.json()["messages"].clone();
    assert_eq!(again[2], json!({"role": "assistant", "content": "perhaps"}));
    assert!(again[3]["content"].as_str().is_some_and(|text| text.contains("yes, no")), "{again}");
}

const BLOCKS: &str = "Two:\n```sh\nls\n```\nand\n```python\nx = 1\n```\n";

#[test]
fn a_code_block_is_picked_from_each_reply_and_the_results_keep_the_whole() {
    let service = Service::new(|request, _| match prompt(request).as_str() {
        "none" => Reply::text("no code"),
        "thinks" => Reply::text(&format!("<think>```\nt\n```</think>{BLOCKS}")),
        _ => Reply::text(BLOCKS),
    });
    let (directory, file) = input(&["both", "none", "thinks"]);
    for (option, block) in
        [("-x", "ls\n"), ("-x=py", "x = 1\n"), ("--extract-last", "x = 1\n"), ("-x=bash", "ls\n")]
    {
        let texts = ["--lines", "--ordered", "--text", "-0", "-q", option];
        let prompts = b"both\0none\0thinks\0";
        let texts = run_with(&mut batch(&service.base_url(), &texts), prompts).exits(4);
        assert!(texts.stderr.contains("request 2: the reply is not"), "{}", texts.stderr);
        texts.prints(format!("{block}\0\0{block}\0"));
    }
    let output = directory.path().join("out.jsonl");
    let options = ["--lines", "--ordered", "-x", "-o"];
    run(batch(&service.base_url(), &options).arg(&output).arg(&file)).exits(4);
    let lines = json_lines(&output);
    assert_eq!(text(&lines[0]), BLOCKS);
    assert_eq!(lines[1]["error"]["code"], "invalid_reply");
    let rust = ["--lines", "--ordered", "-x=rust", "-o"];
    let again = run(batch(&service.base_url(), &rust).arg(&output).arg(&file)).exits(65);
    again.says(&["0 done, 3 failed (invalid_reply: 3)"]);
}

/// A result of another program with this reply.
fn result(id: &str, reply: &str) -> String {
    let body: Value = serde_json::from_str(&completion(reply)).expect("the text is JSON");
    let response = json!({"status_code": 200, "request_id": "", "body": body});
    json!({"id": "r", "custom_id": id, "response": response, "error": null}).to_string()
}

#[test]
fn stored_replies_are_judged_by_the_form_in_force() {
    let service = Service::new(|_, _| Reply::text("red"));
    let (directory, file) = input(&["a", "b", "c"]);
    let output = directory.path().join("out.jsonl");
    for (options, asked) in [
        (vec!["--choose", "red,green"], vec!["b", "c"]),
        (vec!["--yes-no"], vec!["a", "c"]),
        (vec!["-x"], vec!["a", "b"]),
        (vec![], vec![]),
    ] {
        stored(&output, &[result("1", "Red."), result("2", "No"), result("3", "```\nx\n```")]);
        let before = service.seen().len();
        let mut command = batch(&service.base_url(), &["--lines", "-o"]);
        run(command.arg(&output).arg(&file).args(&options)).exits_with_one_of(&[0, 4]);
        let mut sent: Vec<String> =
            service.seen()[before..].iter().map(|seen| seen.prompt()).collect();
        sent.sort();
        assert_eq!(sent, asked, "{options:?}");
    }
}

#[test]
fn other_words_make_another_request() {
    let service = Service::new(|_, _| Reply::text("red"));
    let (directory, file) = input(&["a"]);
    let output = directory.path().join("out.jsonl");
    let run_again = |words: &str| {
        let mut command = batch(&service.base_url(), &["--lines", "--choose", words, "-o"]);
        run(command.arg(&output).arg(&file))
    };
    run_again("red,green").exits(0);
    run_again("red,green").exits(0).says(&["1 already done"]);
    run_again("red,blue").exits(65).says(&["changed"]);
    assert_eq!(service.seen().len(), 1);
}

#[test]
fn a_server_without_schemas_is_asked_with_one_once() {
    let service = Service::new(|request, _| match request.json().get("response_format") {
        Some(_) => Reply::new("400 Bad Request", r#"{"error":{"message":"no schemas"}}"#),
        None => Reply::text("red"),
    });
    let (_directory, file) = input(&["a", "b", "c"]);
    let options = ["--lines", "-j1", "--choose", "red,green"];
    let results = run(batch(&service.base_url(), &options).arg(file)).exits(0);
    assert_eq!(replies(&results), pairs(&[("1", "red"), ("2", "red"), ("3", "red")]));
    let seen = service.seen();
    let has_schema = |at: usize| seen[at].request.json().get("response_format").is_some();
    assert_eq!([0, 1, 2, 3].map(has_schema), [true, false, false, false]);
    assert_eq!(seen.len(), 4);
    assert_eq!(seen[3].request.json()["messages"][0]["content"], WORDS);
}

#[test]
fn a_request_that_is_refused_for_another_reason_leaves_the_schema_to_the_others() {
    let service = Service::new(|request, _| match prompt(request).as_str() {
        "a" => Reply::new("400 Bad Request", r#"{"error":{"message":"too long"}}"#),
        _ => Reply::text("red"),
    });
    let (_directory, file) = input(&["a", "b"]);
    let options = ["--lines", "-j1", "--choose", "red,green"];
    run(batch(&service.base_url(), &options).arg(file)).exits(4);
    let seen = service.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen[2].request.json().get("response_format").is_some());
}

#[test]
fn forms_come_from_the_settings_too() {
    let service = Service::new(|_, _| Reply::text("Yes\n```\nx\n```"));
    let (directory, file) = input(&["a"]);
    let config = directory.path().join("config.toml");
    for (setting, printed) in
        [("extract = \"\"", "x\\n\n"), ("[profiles.p]\nextract_last = \"\"", "x\\n\n")]
    {
        fs::write(&config, setting).expect("the file is written");
        let mut command = batch(&service.base_url(), &["--lines", "--text", "--config"]);
        command.arg(&config).arg(&file);
        if setting.contains("profiles") {
            command.args(["-p", "p"]);
        }
        run(&mut command).exits(0).prints(printed);
    }
    fs::write(&config, "yes_no = true").expect("the file is written");
    let mut command = batch(&service.base_url(), &["--lines", "--config"]);
    run(command.arg(&config).arg(&file)).exits(65);
    // What was typed wins.
    let mut command = batch(&service.base_url(), &["--lines", "--text", "-x", "--config"]);
    run(command.arg(&config).arg(&file)).exits(0).prints("x\\n\n");
}

#[test]
fn forms_exclude_each_other() {
    let (_directory, file) = input(&["a"]);
    for options in [
        ["--choose=a,b", "--yes-no"],
        ["--choose=a,b", "-x"],
        ["--yes-no", "--extract-last"],
        ["--yes-no", "--json-object"],
        ["--choose=a,b", "--schema={}"],
        ["-x", "--extract-last"],
    ] {
        let mut command = batch("mock:", &["--lines"]);
        run(command.args(options).arg(&file)).exits(2).says(&["cannot be used with"]);
    }
    run(batch("mock:", &["--lines", "--choose", "one"]).arg(&file))
        .exits(2)
        .says(&["two different"]);
}
