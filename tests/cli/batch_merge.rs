//! Splitting a batch into shards, and merging results.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::batch_lines::{by_id, input, pairs, replies, text};
use crate::support::service::Service;
use crate::support::terminal::Terminal;
use crate::support::{batch, completion, json_lines, run};

#[test]
fn shards_are_disjoint_and_merge_into_the_whole() {
    let service = Service::echo();
    let (directory, file) = input(&["a", "b", "", "c", "d", "e", "f"]);
    let parts: Vec<PathBuf> = (1..=3)
        .map(|number| {
            let part = directory.path().join(format!("out.{number}.jsonl"));
            let shard = format!("{number}/3");
            let mut command = batch(&service.base_url(), &["--lines", "--shard", &shard, "-o"]);
            run(command.arg(&part).arg(&file)).exits(0).prints("");
            part
        })
        .collect();
    assert_eq!(service.prompts(), ["a", "b", "c", "d", "e", "f"]);
    let ids =
        |path: &PathBuf| by_id(&fs::read(path).expect("the file is written")).into_keys().collect();
    let second: Vec<String> = ids(&parts[1]);
    assert_eq!(second, ["2", "5"]);
    let merged = run(batch("mock:", &["--merge"]).args(&parts)).exits(0).says_nothing();
    let expected = [("1", "a"), ("2", "b"), ("4", "c"), ("5", "d"), ("6", "e"), ("7", "f")];
    assert_eq!(replies(&merged), pairs(&expected));
    for shard in ["0/3", "4/3", "1", "a/b", "1/0"] {
        run(batch("mock:", &["--shard", shard]).arg(&file)).exits(2).says(&["I/N"]);
    }
}

fn line(id: &str, text: Option<&str>) -> String {
    let response = text.map(|text| {
        let body: Value = serde_json::from_str(&completion(text)).expect("the text is JSON");
        json!({"status_code": 200, "request_id": "", "body": body})
    });
    let error = text.is_none().then(|| json!({"code": "cut", "message": id}));
    json!({"id": "batch_req_0", "custom_id": id, "response": response, "error": error}).to_string()
}

#[test]
fn merge_keeps_the_last_good_line_of_an_id_or_else_the_last() {
    let (directory, first) =
        input(&[line("a", None), line("b", Some("first")), line("c", None), line("d", None)]);
    let second = directory.path().join("second.jsonl");
    let last = line("c", None).replace("batch_req_0", "batch_req_1");
    let lines = [line("a", Some("good")), line("b", Some("second")), last, line("b", None)];
    fs::write(&second, lines.join("\n") + "\n{\"id\":\"to").expect("the file is written");
    let mut command = batch("mock:", &["--merge"]);
    let merged = run(command.arg(&first).arg(&second)).exits(0).says(&["torn and left out"]);
    let lines = by_id(&merged.stdout);
    assert_eq!(lines.len(), 4);
    assert_eq!((text(&lines["a"]), text(&lines["b"])), ("good", "second"));
    assert_eq!(lines["c"]["id"], "batch_req_1");
    // The output can be one of the inputs.
    let mut command = batch("mock:", &["--merge", "-q", "-o"]);
    run(command.arg(&first).arg(&first).arg(&second)).exits(0).prints("");
    assert_eq!(fs::read(&first).expect("the file is written"), merged.stdout);
    run(batch("mock:", &["--merge"]).arg("/dev/null")).exits(66).says(&["regular file"]);
    run(&mut batch("mock:", &["--merge"])).exits(2);
    fs::write(&second, "{}\n{}\n").expect("the file is written");
    run(batch("mock:", &["--merge"]).arg(&second)).exits(65).says(&["second.jsonl:1: "]);
}

#[test]
fn merge_does_not_replace_an_output_in_use() {
    let (service, go_on) = Service::gated();
    let (directory, file) = input(&["one"]);
    let (output, other) = (directory.path().join("a.jsonl"), directory.path().join("b.jsonl"));
    run(batch("mock:", &["--lines", "-o"]).arg(&other).arg(&file)).exits(0);
    let mut command = batch(&service.base_url(), &["--lines", "-o"]);
    let mut child =
        command.arg(&output).arg(&file).stderr(Stdio::null()).spawn().expect("gravix starts");
    service.wait_for(1);
    let mut merge = batch("mock:", &["--merge", "-o"]);
    run(merge.arg(&output).arg(&other)).exits(75).says(&["another run is writing"]);
    drop(go_on);
    assert!(child.wait().expect("gravix ends").success());
    assert_eq!(json_lines(&output).len(), 1);
}

#[test]
fn merged_results_on_a_terminal_have_no_control_characters() {
    let (directory, _) = input(&[""]);
    let results = directory.path().join("results.jsonl");
    let result = line("1", Some("a\u{9b}31m\u{7f}b")) + "\n";
    fs::write(&results, result).expect("the file is written");
    for arguments in [&[][..], &["-o", "/dev/stdout"]] {
        let terminal = Terminal::open();
        let mut command = batch("mock:", arguments);
        command.args(["--merge"]).arg(&results).stdout(terminal.stream());
        assert!(command.status().expect("gravix starts").success());
        drop(command);
        let shown = terminal.read_to_end();
        assert!(shown.contains("a<U+009B>31m^?b"), "{shown:?}");
        assert!(!shown.contains(['\u{9b}', '\u{7f}']), "{shown:?}");
    }
}

#[test]
fn the_shards_of_a_table_are_merged_and_written_without_another_request() {
    let service = Service::echo();
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let path = |name: &str| directory.path().join(name);
    fs::write(path("in.csv"), "c\nw\nx\ny\n\"z\n\"\n").expect("the file is written");
    let ask = |more: &[&str], output: &str| {
        let options = [&["-T", "{{c}}"], more, &["-o"]].concat();
        run(batch(&service.base_url(), &options).arg(path(output)).arg(path("in.csv"))).exits(0)
    };
    ask(&["--shard", "1/2"], "out.1.csv");
    ask(&["--shard", "2/2"], "out.2.csv");
    let second = fs::read_to_string(path("out.2.csv")).expect("the table is there");
    assert_eq!(second, "c,reply,error\nw,,not sent\nx,x,\ny,,not sent\n\"z\n\",\"z\n\",\n");
    let parts = [path("out.1.csv"), path("out.2.csv")];
    let wrong = run(batch("mock:", &["--merge"]).args(&parts)).exits(65);
    wrong
        .says(&["out.1.csv:1: not a batch result; the results of the table are in", "1.csv.jsonl"]);
    let logs = [path("out.1.csv.jsonl"), path("out.2.csv.jsonl")];
    let merged = run(batch("mock:", &["--merge"]).args(&logs)).exits(0).stdout;
    fs::write(path("out.csv.jsonl"), merged).expect("the file is written");
    ask(&[], "out.csv").says(&["4 already done"]);
    let table = fs::read_to_string(path("out.csv")).expect("the table is there");
    assert_eq!(table, "c,reply,error\nw,w,\nx,x,\ny,y,\n\"z\n\",\"z\n\",\n");
    assert_eq!(service.seen().len(), 4);
}
