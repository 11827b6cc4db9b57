//! Any table goes through a batch unchanged: its cells, and a reply that repeats one.

use std::fs;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError};

use crate::support::{batch, run, skip};

/// Reads a table and prints its rows as JSON: `read.py FILE DELIMITER`.
const READER: &str = "import csv, json, sys
rows = list(csv.reader(open(sys.argv[1], newline='', encoding='utf-8'), delimiter=sys.argv[2]))
print(json.dumps(rows))";

/// Writes the rows, which are JSON on stdin, as Python does:
/// `write.py FILE DELIMITER QUOTING LINE_END`.
const WRITER: &str = "import csv, json, sys
out = open(sys.argv[1], 'w', newline='', encoding='utf-8')
end = {'lf': '\\n', 'crlf': '\\r\\n'}[sys.argv[4]]
csv.writer(out, delimiter=sys.argv[2], quoting=int(sys.argv[3]), lineterminator=end).writerows(json.load(sys.stdin))";

#[derive(Debug, Clone)]
struct Table {
    /// The rows, without the header `c,d`.
    rows: Vec<[String; 2]>,
    delimiter: char,
    /// Quotes around all cells, or where they are needed.
    quotes_all: bool,
    line_end: &'static str,
    /// The ending of the output.
    ending: &'static str,
}

fn table() -> impl Strategy<Value = Table> {
    // What a table may hold that a careless reader or writer would change.
    let cell = r#"[ab"',;\t\r\n é日🎉\\{}=.0-]{0,8}"#;
    let rows = prop::collection::vec([cell, cell], 0..8);
    let delimiter = prop::sample::select(vec![',', ';', '\t']);
    let line_end = prop::sample::select(vec!["lf", "crlf"]);
    let ending = prop::sample::select(vec!["csv", "tsv", "jsonl"]);
    (rows, delimiter, any::<bool>(), line_end, ending).prop_map(
        |(rows, delimiter, quotes_all, line_end, ending)| Table {
            rows,
            delimiter,
            quotes_all,
            line_end,
            ending,
        },
    )
}

/// Runs a Python script with these arguments; `None` if there is no Python.
fn python(script: &str, arguments: &[&str], input: &str) -> Option<Vec<u8>> {
    let mut command = Command::new("python3");
    command.args(["-c", script]).args(arguments);
    let assert = assert_cmd::Command::from_std(command).write_stdin(input).output().ok()?;
    assert!(assert.status.success(), "{}", String::from_utf8_lossy(&assert.stderr));
    Some(assert.stdout)
}

/// The rows of a table after its header.
fn rows_of(path: &Path, ending: &str) -> Vec<Vec<String>> {
    let path = path.to_str().expect("the path is UTF-8");
    if ending == "jsonl" {
        let text = fs::read_to_string(path).expect("the file is there");
        let cells = |line| {
            let row: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(line).expect("a row is an object");
            row.values().map(|value| value.as_str().unwrap_or_default().to_owned()).collect()
        };
        return text.lines().map(cells).collect();
    }
    let delimiter = if ending == "tsv" { "\t" } else { "," };
    let printed = python(READER, &[path, delimiter], "").expect("there is a Python");
    let rows: Vec<Vec<String>> = serde_json::from_slice(&printed).expect("rows");
    assert_eq!(rows[0], ["c", "d", "reply", "error"]);
    rows[1..].to_vec()
}

fn comes_back_equal(table: &Table) -> Result<(), TestCaseError> {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("in.csv");
    let out = directory.path().join("out").with_extension(table.ending);
    let header = ["c".to_owned(), "d".to_owned()];
    let rows: Vec<&[String; 2]> = [&header].into_iter().chain(&table.rows).collect();
    let delimiter = table.delimiter.to_string();
    // Python leaves a carriage return without quotes if lines end without one.
    let is_lossy = table.line_end == "lf" && table.rows.concat().concat().contains('\r');
    let quoting = if table.quotes_all || is_lossy { "1" } else { "0" };
    let path = file.to_str().expect("the path is UTF-8");
    let rows = serde_json::to_string(&rows).expect("texts are JSON");
    python(WRITER, &[path, &delimiter, quoting, table.line_end], &rows);
    let options = ["-T", "{{c}}", "--delimiter", &delimiter, "-q", "-o"];
    let _ = run(batch("mock:", &options).arg(&out).arg(&file)).exits_with_one_of(&[0, 4, 65]);
    let expected: Vec<Vec<String>> = table
        .rows
        .iter()
        .map(|[c, d]| {
            let is_empty = c.trim().is_empty();
            let reply = if is_empty { String::new() } else { c.clone() };
            let error = if is_empty { "its prompt is empty" } else { "" };
            vec![c.clone(), d.clone(), reply, error.to_owned()]
        })
        .collect();
    prop_assert_eq!(rows_of(&out, table.ending), expected);
    Ok(())
}

#[test]
fn any_table_that_python_writes_comes_back_equal() {
    if python("", &[], "").is_none() {
        return skip("there is no python3");
    }
    let mut runner = proptest::test_runner::TestRunner::new(Config {
        cases: 48,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&table(), |table| comes_back_equal(&table))
        .unwrap_or_else(|error| panic!("{error}"));
}
