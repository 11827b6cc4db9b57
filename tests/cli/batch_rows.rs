//! A batch that writes rows: the columns of the input, the reply and the error.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::support::batch_lines::table;
use crate::support::service::{Reply, Service, prompt};
use crate::support::{batch, json_lines, refuses_saying, run, run_with};

const INPUT: &str = "id,text\na,\"x, \"\"y\"\"\"\nb,fails\nc,\"1\n2\"\n";

/// Answers with the prompt, but refuses one.
fn service() -> Service {
    Service::new(|request, _| match prompt(request).as_str() {
        "fails" => Reply::new("400 Bad Request", r#"{"error":"no, \"no\""}"#),
        text => Reply::text(text),
    })
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("the file is there")
}

#[test]
fn a_table_has_all_rows_in_their_order_with_the_reply_and_the_error() {
    let service = service();
    let (directory, file) = table(INPUT);
    let out = directory.path().join("out.csv");
    let mut batch = batch(&service.base_url(), &["-T", "{{text}}", "-o"]);
    run(batch.arg(&out).arg(&file)).exits(4).prints("").says(&["2 done, 1 failed (400: 1)"]);
    assert_eq!(
        read(&out),
        "id,text,reply,error\na,\"x, \"\"y\"\"\",\"x, \"\"y\"\"\",\nb,fails,,\"the server answered 400: no, \"\"no\"\"\"\nc,\"1\n2\",\"1\n2\",\n"
    );
    assert_eq!(json_lines(&directory.path().join("out.csv.jsonl")).len(), 3);
}

#[test]
fn the_ending_of_the_output_or_an_option_says_how_rows_are_written() {
    let service = service();
    let (directory, file) = table(INPUT);
    let error = "the server answered 400: no, \"no\"";
    let tsv = format!(
        "id\ttext\treply\terror\na\t\"x, \"\"y\"\"\"\t\"x, \"\"y\"\"\"\t\nb\tfails\t\t\"{}\"\nc\t\"1\n2\"\t\"1\n2\"\t\n",
        error.replace('"', "\"\"")
    );
    let objects = [
        json!({"id": "a", "text": "x, \"y\"", "reply": "x, \"y\"", "error": null}),
        json!({"id": "b", "text": "fails", "reply": null, "error": error}),
        json!({"id": "c", "text": "1\n2", "reply": "1\n2", "error": null}),
    ];
    for (name, more) in [("out.tsv", &[][..]), ("out.txt", &["--format", "tsv"])] {
        let out = directory.path().join(name);
        let options = [&["-T", "{{text}}"], more, &["-o"]].concat();
        run(batch(&service.base_url(), &options).arg(&out).arg(&file)).exits(4);
        assert_eq!(read(&out), tsv);
    }
    let out = directory.path().join("out.jsonl");
    run(batch(&service.base_url(), &["-T", "{{text}}", "-o"]).arg(&out).arg(&file)).exits(4);
    assert_eq!(json_lines(&out), objects);
    assert_eq!(json_lines(&directory.path().join("out.jsonl.jsonl")).len(), 3);
    let lines = directory.path().join("lines.csv");
    let options = ["-T", "{{text}}", "--format", "batch", "-o"];
    run(batch(&service.base_url(), &options).arg(&lines).arg(&file)).exits(4);
    assert!(json_lines(&lines).iter().all(|line| line["custom_id"].is_string()));
    let texts = ["-T", "{{text}}", "--format", "text", "--ordered"];
    run(batch(&service.base_url(), &texts).arg(&file)).exits(4).prints("x, \\\"y\\\"\n\n1\\n2\n");
}

#[test]
fn rows_to_standard_output_come_as_they_are_done_or_in_order() {
    let (service, go_on) = Service::gated();
    let (_directory, file) = table("c\n1\n2\n3\n");
    drop(go_on);
    let ordered = ["-T", "{{c}}", "--ordered"];
    run(batch(&service.base_url(), &ordered).arg(&file))
        .exits(0)
        .prints("c,reply,error\n1,1,\n2,2,\n3,3,\n");
    let one_by_one = ["-T", "{{c}}", "-j1", "--csv", "--format", "jsonl"];
    run_with(&mut batch(&service.base_url(), &one_by_one), b"c\n1\n2\n").exits(0).prints(
        "{\"c\":\"1\",\"reply\":\"1\",\"error\":null}\n{\"c\":\"2\",\"reply\":\"2\",\"error\":null}\n",
    );
    // A row that does not fit the header keeps what it has.
    let bad = ["-T", "{{c}}", "--csv", "--skip-bad", "--ordered"];
    run_with(&mut batch(&service.base_url(), &bad), b"c,d\n1,2\n3\n4,5,6\n").exits(4).prints(
        "c,d,reply,error\n1,2,1,\n3,,,\"it has 1 cell, but the header has 2\"\n4,5,,\"it has 3 cells, but the header has 2\"\n",
    );
    // JSON lines and a question give objects.
    let lines = ["-T", "{{c}}", "-j1"];
    run_with(&mut batch(&service.base_url(), &lines), b"{\"c\": 1.0}\n")
        .exits(0)
        .prints("{\"c\":1.0,\"reply\":\"1.0\",\"error\":null}\n");
    run_with(&mut batch(&service.base_url(), &["-T", "{{input}}", "--lines", "-j1"]), b"a\n")
        .exits(0)
        .prints("{\"input\":\"a\",\"reply\":\"a\",\"error\":null}\n");
}

#[test]
fn columns_can_be_kept_dropped_and_named() {
    let service = service();
    let (_directory, file) = table("id,text,note\na,x,n\n");
    for (more, printed) in [
        (&["--keep", "note,id"][..], "note,id,reply,error\nn,a,x,\n"),
        (&["--drop", "text"], "id,note,reply,error\na,n,x,\n"),
        (&["--drop", "text,note", "--column", "text"], "id,text,error\na,x,\n"),
    ] {
        let options = [&["-T", "{{text}}"], more].concat();
        run(batch(&service.base_url(), &options).arg(&file)).exits(0).prints(printed);
    }
    for (more, message) in [
        (&["--keep", "x"][..], "no column x for --keep; the columns are id, text, note"),
        (&["--drop", "x y"], "no column \"x y\" for --drop; the columns are id, text, note"),
        (
            &["--column", "note"],
            "the input has a column note, and so has the output; name another for the reply with --column, or leave it out with --drop note",
        ),
    ] {
        let options = [&["-T", "{{text}}"], more].concat();
        refuses_saying(run(batch(&service.base_url(), &options).arg(&file)), 65, message);
    }
    let (_directory, file) = table("my note,text\n1,x\n");
    refuses_saying(
        run(batch(&service.base_url(), &["-T", "{{text}}", "--column", "my note"]).arg(&file)),
        65,
        "name another for the reply with --column, or leave it out with --drop 'my note'",
    );
    let (_directory, file) = table("error,text\n1,x\n");
    let url = service.base_url();
    refuses_saying(
        run(batch(&url, &["-T", "{{text}}"]).arg(&file)),
        65,
        "the input has a column error, and so has the output; leave it out with --drop error",
    );
    refuses_saying(
        run(batch(&url, &["-T", "{{text}}", "--keep", "text,error"]).arg(&file)),
        65,
        "the input has a column error, and so has the output; leave it out of --keep",
    );
    // An output that is asked about again has both.
    let (_directory, own) = table("the text,reply,error\n1,x,\n");
    let both = "the input has the columns reply, error, and so has the output; leave them out with --drop reply,error";
    refuses_saying(run(batch(&url, &["-T", "{{reply}}"]).arg(&own)), 65, both);
    refuses_saying(
        run(batch(&url, &["-T", "{{reply}}", "--drop", "error", "--column", "the text"]).arg(&own)),
        65,
        "name another for the reply with --column, or leave it out with --drop 'the text'",
    );
    for (more, message) in [
        (&["--column", "error"][..], "the column error says why a row has no reply"),
        (&["--keep", "a", "--drop", "b"], "cannot be used with"),
        (&["--columns", "a"], "--columns names fields of a reply in JSON"),
        (&["--format", "batch", "--drop", "a"], "--drop is for tables"),
        (&["--errors", "e.jsonl"], "a table has its failures in the column error"),
    ] {
        let options = [&["-T", "{{text}}"], more].concat();
        refuses_saying(run(batch(&url, &options).arg(&file)), 2, message);
    }
    assert_eq!(service.seen().len(), 3);
}

#[test]
fn the_properties_of_a_schema_become_columns() {
    let service = Service::new(|_, _| {
        Reply::text(r#"{"mood":"good","score":1.50,"tags":["a", {"b":"c"}],"note":null}"#)
    });
    let (directory, file) = table("c\n1\n");
    let schema = directory.path().join("s.json");
    let schema_text = r##"{"$ref":"#/$defs/R","$defs":{"R":{"type":"object","properties":{"score":{"type":"number"},"mood":{"type":"string"},"tags":{},"note":{},"more":{}}}}}"##;
    fs::write(&schema, schema_text).expect("the file is written");
    let schema = schema.to_str().expect("the path is UTF-8");
    let url = service.base_url();
    let with = |more: &[&str]| {
        let options = [&["-T", "{{c}}", "--schema", schema, "-q"], more].concat();
        run(batch(&url, &options).arg(&file)).exits(0)
    };
    with(&[]).prints(
        "c,score,mood,tags,note,more,error\n1,1.50,good,\"[\"\"a\"\",{\"\"b\"\":\"\"c\"\"}]\",,,\n",
    );
    with(&["--columns", "mood,score"]).prints("c,mood,score,error\n1,good,1.50,\n");
    with(&["--column", "all", "--format", "jsonl"]).prints(
        "{\"c\":\"1\",\"all\":{\"mood\":\"good\",\"score\":1.50,\"tags\":[\"a\",{\"b\":\"c\"}],\"note\":null},\"error\":null}\n",
    );
    with(&["--format", "jsonl", "--columns", "tags,more"])
        .prints("{\"c\":\"1\",\"tags\":[\"a\",{\"b\":\"c\"}],\"more\":null,\"error\":null}\n");
    let unknown = ["-T", "{{c}}", "--schema", schema, "-q", "--columns", "mood,x"];
    refuses_saying(
        run(batch(&url, &unknown).arg(&file)),
        2,
        "--columns x: the schema has no such property; it has score, mood, tags, note, more",
    );
    let taken = r#"{"type":"object","properties":{"c":{},"error":{}}}"#;
    refuses_saying(
        run(batch(&url, &["-T", "{{c}}", "--schema", taken, "-q"]).arg(&file)),
        2,
        "the column error says why a row has no reply",
    );
    let json_object = ["-T", "{{c}}", "--json-object", "--columns", "mood"];
    run(batch(&url, &json_object).arg(&file)).exits(0).prints("c,mood,error\n1,good,\n");
}

#[test]
fn forms_give_their_word_and_a_reply_in_another_form_is_the_failure_of_its_row() {
    let service = Service::new(|request, _| Reply::text(&prompt(request)));
    let (_directory, file) = table("c\nYes.\nno\nperhaps\n```sh\n");
    let options = ["-T", "{{c}}", "--yes-no", "--ordered"];
    run(batch(&service.base_url(), &options).arg(&file)).exits(4).tells(&["perhaps"]).prints(
        "c,reply,error\nYes.,yes,\nno,no,\nperhaps,,\"the reply is not what was asked for: not one of yes, no\"\n```sh,,\"the reply is not what was asked for: not one of yes, no\"\n",
    );
}

#[test]
fn json_lines_with_unlike_fields_give_all_columns_in_their_order() {
    let service = service();
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("in.jsonl");
    let lines = "{\"b\":1,\"text\":\"x\"}\n\n{\"text\":\"y\",\"a\":null,\"b\":[1, 2]}\n";
    fs::write(&file, lines).expect("the file is written");
    let options = ["-T", "{{text}}", "--format", "csv", "--ordered"];
    run(batch(&service.base_url(), &options).arg(&file))
        .exits(0)
        .prints("b,text,a,reply,error\n1,x,,x,\n\"[1,2]\",y,,y,\n");
    // Those of a pipe are not known.
    let mut piped = batch(&service.base_url(), &options);
    refuses_saying(run_with(&mut piped, lines.as_bytes()), 2, "name those to write with --keep");
    let keep = [&options[..], &["--keep", "b,a"]].concat();
    run_with(&mut batch(&service.base_url(), &keep), lines.as_bytes())
        .exits(0)
        .prints("b,a,reply,error\n1,,x,\n\"[1,2]\",,y,\n");
    // Requests in lines are rows too.
    fs::write(&file, "{\"id\":\"a\",\"prompt\":\"x\",\"n\":1}\n").expect("the file is written");
    run(batch(&service.base_url(), &["--format", "csv"]).arg(&file))
        .exits(0)
        .prints("id,prompt,n,reply,error\na,x,1,x,\n");
    // Without a question, JSON lines are those of the Batch API.
    let lines = run(batch(&service.base_url(), &["--format", "jsonl"]).arg(&file)).exits(0);
    assert!(String::from_utf8_lossy(&lines.stdout).contains(r#""custom_id":"a""#));
}

#[test]
fn a_row_without_a_column_of_the_question_is_bad() {
    let service = service();
    let mut piped = batch(&service.base_url(), &["-T", "{{text}}", "-j1"]);
    run_with(&mut piped, b"{\"text\":\"x\"}\n{\"txt\":\"y\"}\n")
        .exits(65)
        .prints("{\"text\":\"x\",\"reply\":\"x\",\"error\":null}\n")
        .tells(&["standard input:2: no column for {{text}}; the columns are txt"]);
}

#[test]
fn only_one_reply_to_a_request_fits_a_row() {
    let service = service();
    let (_directory, file) = table("c\n1\n");
    let options = ["-T", "{{c}}", "--param", "n=2"];
    let message = "n is more than 1, but only one reply to each request is written; --format batch writes them all";
    refuses_saying(run(batch(&service.base_url(), &options).arg(&file)), 2, message);
    assert!(service.seen().is_empty());
    run(batch(&service.base_url(), &[&options[..], &["--format", "batch"]].concat()).arg(&file))
        .exits(0);
}
