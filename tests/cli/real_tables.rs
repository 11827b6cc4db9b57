//! Tables with difficult cells are read back equal by Python's csv module, pandas and
//! DuckDB, where they are installed.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::real::installed;
use crate::support::{batch, run};

/// Each is a cell of the first column, and the prompt and the reply of its row.
const CELLS: &[&str] = &[
    "plain",
    "two\nlines",
    "two\r\nlines\r\n",
    "half\ra line end",
    "\"quoted\"",
    "a \"word\" inside",
    "\"",
    "a,b;c\td|e",
    "  before and after ",
    "\ttabs\t",
    "👍🏽 👩‍👩‍👧 é",
    "日本語、中文，한국어",
    "",
    "007",
    "1e5",
    "0.10",
    "2026-02-03",
    "true",
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1:A9)",
    "NA",
    "null",
    "None",
    "NaN",
    "\\",
    "\\n",
    "\\\"",
    "#comment",
    "'",
    "{{c}}",
    "{\"a\": [1]}",
    "a\u{2028}b\u{85}c",
    "\u{feff}mark",
];

/// Prints the rows of a file, without the header: `FILE ENDING`.
const PYTHON: &str = "
import csv, json, sys
file, ending = sys.argv[1:]
text = open(file, newline='', encoding='utf-8')
if ending == 'jsonl':
    rows = [list(json.loads(line).values()) for line in text.read().split('\\n')[:-1]]
else:
    rows = list(csv.reader(text, delimiter={'csv': ',', 'tsv': '\\t'}[ending]))[1:]
print(json.dumps(rows))
";

const PANDAS: &str = "
import json, sys
import pandas
file, ending = sys.argv[1:]
if ending == 'jsonl':
    table = pandas.read_json(file, lines=True, dtype=False)
else:
    delimiter = {'csv': ',', 'tsv': '\\t'}[ending]
    table = pandas.read_csv(file, sep=delimiter, dtype=str, keep_default_na=False)
table = table.astype(object).where(table.notna(), None)
print(json.dumps(table.values.tolist()))
";

const DUCKDB: &str = "
import json, sys
import duckdb
file, ending = sys.argv[1:]
if ending == 'jsonl':
    columns = {name: 'VARCHAR' for name in ['c', 'd', 'reply', 'error']}
    table = duckdb.read_json(file, columns=columns)
else:
    table = duckdb.sql(f\"FROM read_csv('{file}', all_varchar=true)\")
print(json.dumps(table.fetchall()))
";

/// The rows of a table with the difficult cells in both columns, and with their replies.
fn expected() -> Vec<[String; 4]> {
    let row = |at: usize| {
        let cell = CELLS[at].to_owned();
        let error = if cell.is_empty() { "its prompt is empty" } else { "" };
        [cell.clone(), CELLS[CELLS.len() - 1 - at].to_owned(), cell, error.to_owned()]
    };
    (0..CELLS.len()).map(row).collect()
}

/// Writes the table in this format, from CSV.
#[track_caller]
fn written(directory: &Path, ending: &str) -> PathBuf {
    let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let rows = expected().into_iter().map(|[c, d, ..]| quoted(&c) + "," + &quoted(&d) + "\r\n");
    let input = directory.join("in.csv");
    fs::write(&input, "c,d\r\n".to_owned() + &rows.collect::<String>()).expect("it is written");
    let output = directory.join("out").with_extension(ending);
    run(batch("mock:", &["-q", "-T", "{{c}}", "-o"]).arg(&output).arg(&input)).exits(4);
    output
}

/// The script reads what gravix writes in each format.
#[track_caller]
fn assert_reads(script: &str, package: &str) {
    let probe = format!("import {package}");
    let lack = format!("has no {package}");
    for ending in ["csv", "tsv", "jsonl"] {
        let probe = ["-c", &probe];
        let Some(mut python) = installed("GRAVIX_TEST_PYTHON", "python3", &probe, &lack) else {
            return;
        };
        let directory = tempfile::tempdir().expect("a temporary directory is created");
        let output = written(directory.path(), ending);
        let read = run(python.args(["-c", script]).arg(&output).arg(ending)).exits(0);
        let rows: Vec<[Value; 4]> = serde_json::from_slice(&read.stdout).expect("rows are printed");
        // DuckDB reads an empty cell as NULL, and without an error JSON has null.
        let text = |cell: &Value| cell.as_str().unwrap_or_default().to_owned();
        let rows: Vec<[String; 4]> = rows.iter().map(|row| row.each_ref().map(text)).collect();
        let different: Vec<_> =
            rows.iter().zip(expected()).filter(|(read, row)| *read != row).collect();
        assert!(different.is_empty(), "{package}, {ending}: {different:?}");
        assert_eq!(rows.len(), CELLS.len(), "{package}, {ending}");
    }
}

#[test]
fn pythons_csv_module_reads_difficult_cells_back() {
    assert_reads(PYTHON, "csv");
}

#[test]
fn pandas_reads_difficult_cells_back() {
    assert_reads(PANDAS, "pandas");
}

#[test]
fn duckdb_reads_difficult_cells_back() {
    assert_reads(DUCKDB, "duckdb");
}
