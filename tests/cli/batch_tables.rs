//! A batch that reads a table: its rows, the question about each, and their ids.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::support::batch_lines::{by_id, input, named, table, text};
use crate::support::service::Service;
use crate::support::{batch, refuses_saying, run, run_with};

/// A batch of rows whose results are lines, in order.
fn asking(service: &Service, template: &str, more: &[&str]) -> Command {
    let options = ["--format", "batch", "--ordered", "-T", template];
    batch(&service.base_url(), &[&options[..], more].concat())
}

#[test]
fn each_row_of_a_table_is_asked_about_and_only_what_the_template_names_is_sent() {
    let service = Service::echo();
    let content = "\u{feff}id,text,secret\r\na,\"He said \"\"no\"\",\r\nthen left\",x1\r\n\r\nb,日本語 🎉,x2\r\n";
    let (_directory, file) = table(content);
    let results = run(asking(&service, "Q: {{text}}?", &["--id", "id"]).arg(&file)).exits(0);
    let lines = by_id(&results.stdout);
    assert_eq!(text(&lines["a"]), "Q: He said \"no\",\r\nthen left?");
    assert_eq!(text(&lines["b"]), "Q: 日本語 🎉?");
    for seen in service.seen() {
        let body = seen.request.json().to_string();
        assert!(!body.contains("secret") && !body.contains("x1") && !body.contains("x2"), "{body}");
    }
}

#[test]
fn the_ending_of_the_file_or_an_option_says_what_a_table_is() {
    let service = Service::echo();
    for (name, content, more) in [
        ("in.csv", "c,d\n\"1\t\",2\n", &[][..]),
        ("in.TSV", "c\td\n\"1\t\"\t2\n", &[]),
        ("in.tab", "c\td\n\"1\t\"\t2\n", &[]),
        ("in.txt", "c,d\n\"1\t\",2\n", &["--csv"]),
        ("in.csv", "c\td\n\"1\t\"\t2\n", &["--tsv"]),
        ("in.csv", "c;d\n\"1\t\";2\n", &["--delimiter", ";"]),
        ("in.txt", "c\td\n\"1\t\"\t2\n", &["--csv", "--delimiter", "\\t"]),
    ] {
        let (_directory, file) = named(name, content);
        let results = run(asking(&service, "{{c}}{{d}}", more).arg(&file)).exits(0);
        assert_eq!(text(&by_id(&results.stdout)["1"]), "1\t2", "{name} {more:?}");
        // From a pipe, only options can say it.
        let options = ["--csv", "--delimiter", if content.contains(';') { ";" } else { "," }];
        if content.contains(',') || content.contains(';') {
            let mut piped = asking(&service, "{{c}}{{d}}", &options);
            let results = run_with(&mut piped, content.as_bytes()).exits(0);
            assert_eq!(text(&by_id(&results.stdout)["1"]), "1\t2");
        }
    }
}

#[test]
fn json_objects_and_lines_can_be_asked_about_too() {
    let service = Service::echo();
    let (_directory, file) = input(&[
        r#"{"id":"a","n":1.50,"yes":true,"none":null,"list":[1, {"x":"y"}],"text":"é\n","prompt":"not sent","model":"x"}"#,
        "",
        r#"{"n":2,"yes":false,"none":"","list":{},"text":"\ud83c\udf89"}"#,
    ]);
    let template = "{{n}} {{yes}} {{none}}|{{list}} {{text}}";
    let results = run(asking(&service, template, &["-m", "m"]).arg(&file)).exits(0);
    let lines = by_id(&results.stdout);
    assert_eq!(text(&lines["a"]), "1.50 true |[1,{\"x\":\"y\"}] é\n");
    assert_eq!(text(&lines["3"]), "2 false |{} 🎉");
    assert!(service.seen().iter().all(|seen| seen.request.json()["model"] == "m"));
    let mut lines = asking(&service, "Translate: {{input}}", &["--lines"]);
    let results = run_with(&mut lines, b"one\n\ntwo {{n}}\n").exits(0);
    let lines = by_id(&results.stdout);
    assert_eq!(text(&lines["1"]), "Translate: one");
    assert_eq!(text(&lines["3"]), "Translate: two {{n}}");
}

#[test]
fn the_system_prompt_may_have_variables_too_and_values_are_never_expanded() {
    let service = Service::echo();
    let (_directory, file) = table("lang,text\nGerman,{{lang}}\n");
    let options = ["-s", r"Answer in {{lang}}, not \{{x}}."];
    run(asking(&service, "{{text}}", &options).arg(&file)).exits(0);
    let expected = json!([
        {"role": "system", "content": "Answer in German, not {{x}}."},
        {"role": "user", "content": "{{lang}}"},
    ]);
    assert_eq!(service.seen()[0].request.json()["messages"], expected);
    // Without a question, the braces are text.
    let (_directory, file) = input(&["hi"]);
    run(batch(&service.base_url(), &["--lines", "-s", "{{lang}}"]).arg(file)).exits(0);
    assert_eq!(service.seen()[1].request.json()["messages"][0]["content"], "{{lang}}");
}

#[test]
fn a_template_has_a_name_too_and_its_settings_count() {
    let service = Service::echo();
    let (directory, file) = table("c\n1\n");
    let template = directory.path().join("ask.md");
    fs::write(&template, "---\ntemperature = 0.5\n---\nIs {{c}} even?\n").expect("it is written");
    let template = template.to_str().expect("the path is UTF-8");
    run(asking(&service, template, &[]).arg(&file)).exits(0);
    let body = service.seen()[0].request.json();
    assert_eq!(body["temperature"], json!(0.5));
    assert_eq!(service.prompts(), ["Is 1 even?"]);
}

#[test]
fn a_table_that_is_none_is_refused_before_anything_is_sent() {
    let service = Service::echo();
    let long = format!("c\n\"{}", "x\n".repeat(100));
    let many = (1..5000).fold("a".to_owned(), |names, number| format!("{names},a{number}"));
    for (content, message) in [
        ("", "in.csv:1: no header: the first row must name the columns"),
        ("c,d,c\n1,2,3\n", "in.csv:1: the header has the column c twice"),
        ("c,,\n1,2,3\n", "in.csv:1: the header has several columns without a name"),
        (
            "id,text,a b\n1,2,3\n",
            "in.csv: no column for {{c}}; the columns are id, text, \"a b\"\n",
        ),
        (
            "c;d\n1;2\n",
            "the columns are \"c;d\"; if ';' separates the cells, add --delimiter ';'\n",
        ),
        ("c\td\n1\t2\n", "if tabs separate the cells, add --tsv\n"),
        (&long, "in.csv:2: the quotes of a cell in this row never end"),
        ("c\n1\n2,3\n", "in.csv:3: row 2: it has 2 cells, but the header has 1\n"),
        ("c,d\n1,2\n\n\"a\nb\",2\n3\n", "in.csv:6: row 3: it has 1 cell, but the header has 2\n"),
        ("c,d\n1,a\0b\n", "in.csv:2: row 1: its column d has a NUL character\n"),
        (&many, "in.csv: no column for {{c}}; the columns are a, a1, a2, "),
        (&many, ", a99 and 4,900 more\n"),
    ] {
        let (_directory, file) = table(content);
        let run = run(asking(&service, "{{c}}", &[]).arg(&file)).exits(65);
        assert!(run.stderr.contains(message), "{message}\n{}", run.stderr);
        assert!(run.stdout.is_empty());
    }
    let (_directory, file) = table("c,d\n1,2\n");
    std::fs::write(&file, b"c,d\n1,\xff\n").expect("the file is written");
    run(asking(&service, "{{c}}", &[]).arg(&file)).exits(65).tells(&[
        "in.csv:2: row 1: its column d is not UTF-8; convert the file first, as with iconv -f",
        "1 row of",
        "nothing was sent; --skip-bad treats such rows as failures",
    ]);
    assert!(service.seen().is_empty());
}

#[test]
fn options_that_do_not_fit_are_refused_with_what_to_do() {
    let service = Service::echo();
    let (_directory, file) = table("c\n1\n");
    let file = file.to_str().expect("the path is UTF-8");
    let url = service.base_url();
    for (options, message) in [
        (&[][..], "a table needs a question for its rows: add -T"),
        (&["-T", r"no \{{columns}}"], "the template has no {{COLUMN}}"),
        (&["-T", "{{c"], "--template: {{ has no }} on its line"),
        (&["-T", "{{c}}", "-s", "{{#if c}}"], "the system prompt, line 1: {{#if c}}"),
        (&["--lines", "--delimiter", ";"], "--delimiter is for tables; add --csv"),
        (&["-T", "{{c}}", "--delimiter", "ab"], "not one ASCII character"),
        (&["-T", "{{c}}", "--csv", "--lines"], "cannot be used with"),
        (&["-T", "{{c}}", "--override"], "cannot be used with"),
    ] {
        refuses_saying(run(batch(&url, options).arg(file)), 2, message);
    }
    refuses_saying(
        run(batch(&url, &["-T", "{{c}}", "--id", "x"]).arg(file)),
        65,
        "no column x for --id; the columns are c",
    );
    assert!(service.seen().is_empty());
}

#[test]
fn bad_rows_can_be_failures_instead() {
    let service = Service::echo();
    let (_directory, file) = table("id,c\na,1\nb\nc,3,4\n,5\nd,6\n");
    let options = ["--id", "id", "--skip-bad"];
    let results = run(asking(&service, "{{c}}", &options).arg(&file)).exits(4);
    let lines = by_id(&results.stdout);
    assert_eq!(service.prompts().len(), 2);
    assert_eq!((text(&lines["a"]), text(&lines["d"])), ("1", "6"));
    let reasons: Vec<_> = ["2", "3", "4"].map(|id| lines[id]["error"]["message"].clone()).into();
    assert_eq!(
        reasons,
        [
            "it has 1 cell, but the header has 2",
            "it has 3 cells, but the header has 2",
            "its id, the column id, is empty"
        ]
    );
}

#[test]
fn a_row_whose_prompt_comes_out_empty_fails_alone_or_is_left_out() {
    let service = Service::echo();
    let (_directory, file) = table("c,d\n1,x\n,y\n\" \n\",z\n");
    let results = run(asking(&service, "{{c}}", &[]).arg(&file)).exits(4);
    let lines = by_id(&results.stdout);
    assert_eq!(lines["2"]["error"]["message"], "its prompt is empty");
    assert_eq!(lines["3"]["error"]["code"], "invalid_request");
    let results = run(asking(&service, "{{c}}", &["--skip-empty"]).arg(&file)).exits(0);
    assert_eq!(by_id(&results.stdout).len(), 1);
    assert_eq!(service.prompts(), ["1", "1"]);
}

#[test]
fn ids_of_rows_must_be_different() {
    let service = Service::echo();
    let (_directory, file) = table("id,c\na,1\nb,2\na,3\n");
    refuses_saying(
        run(asking(&service, "{{c}}", &["--id", "id"]).arg(&file)),
        65,
        "in.csv:4: row 3: the id a is already used by an earlier row",
    );
    assert!(service.seen().is_empty());
    // In a pipe, it is found when the row is read.
    let mut piped = asking(&service, "{{c}}", &["--csv", "--id", "id", "-j1"]);
    run_with(&mut piped, b"id,c\na,1\na,3\n").exits(65).tells(&["row 2: the id a is already used"]);
    assert_eq!(service.prompts(), ["1"]);
}
