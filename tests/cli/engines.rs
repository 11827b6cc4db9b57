//! The recipes for programs with tables of their own label the same reviews, where those
//! programs are installed.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::page::{Page, bash, path};
use crate::support::real::installed;
use crate::support::service::{Reply, Service, prompt};
use crate::support::{run, skip};

/// How many reviews there are.
const REVIEWS: usize = 40;

/// Writes the reviews with pyarrow, each in a row group of its own for every ten.
const WRITE: &str = r#"
import json, sys
import pyarrow
import pyarrow.parquet
reviews = pyarrow.Table.from_pylist(json.load(sys.stdin))
pyarrow.parquet.write_table(reviews, "reviews.parquet", row_group_size=10)
"#;

/// Prints the table in the files that are its arguments as JSON.
const READ: &str = r#"
import glob, json, os
import pyarrow.parquet
names = [os.path.abspath(name) for name in glob.glob("labelled*") + glob.glob("labelled/*.parquet")]
tables = [pyarrow.parquet.read_table(name) for name in names if os.path.isfile(name)]
print(json.dumps([row for table in tables for row in table.to_pylist()]))
"#;

/// A review of each kind: one without a text, and one that the model does not understand.
fn review(id: usize) -> Value {
    let text = match id % 4 {
        0 => json!(format!("  \"Good\", it's {id};\r\nthe 2nd, too\u{2028}好 👍🏽 ")),
        1 => json!(format!("bad {id}\t$HOME `id` {{{{text}}}} \\n")),
        2 => Value::Null,
        _ => json!(format!("strange {id}")),
    };
    json!({"id": id, "text": text, "stars": id % 5})
}

/// The review with its label, or why it has none.
fn labelled(id: usize) -> Value {
    let mut review = review(id);
    review["label"] = match id % 4 {
        0 => json!("positive"),
        1 => json!("negative"),
        2 => json!("mixed"),
        _ => Value::Null,
    };
    review["error"] = match id % 4 {
        3 => json!("the reply is not what was asked for: not one of positive, negative, mixed"),
        _ => Value::Null,
    };
    review
}

/// A model that labels reviews by their words.
fn model() -> Service {
    Service::new(|request, _| {
        let prompt = prompt(request);
        let words = [("Good", "positive"), ("bad", "negative"), ("strange", "what?")];
        let known = words.iter().find(|(word, _)| prompt.contains(word));
        let label = known.map_or("mixed", |(_, label)| *label);
        Reply::text(&json!({"answer": label}).to_string())
    })
}

/// A Python with these packages.
fn python(packages: &str) -> Option<Command> {
    let lack = format!("lacks one of {packages}");
    installed("GRAVIX_TEST_PYTHON", "python3", &["-c", &format!("import {packages}")], &lack)
}

/// Runs the recipe whose text has `word` on the page about many machines, with the command
/// that `recipe` makes of it, and compares all labels.
#[track_caller]
fn assert_labels(packages: &str, word: &str, recipe: impl Fn(&str, &Path) -> Option<Command>) {
    let Some(mut writer) = python(packages) else {
        return;
    };
    let page = Page::named("cluster.md");
    let mut blocks = page.blocks("python");
    blocks.extend(page.blocks("sh"));
    let block = blocks.into_iter().find(|block| block.contains(word)).expect("there is a recipe");
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let home = directory.path();
    let block = block.replace("/data", &home.display().to_string());
    let Some(mut recipe) = recipe(&block, home) else {
        return;
    };

    let reviews: Vec<Value> = (0..REVIEWS).map(review).collect();
    let reviews_csv = "id,text\n1,bad\n";
    fs::write(home.join("reviews.csv"), reviews_csv).expect("the file is written");
    fs::write(home.join("reviews.json"), json!(reviews).to_string()).expect("the file is written");
    let file = fs::File::open(home.join("reviews.json")).expect("the file is readable");
    let write = writer.args(["-c", WRITE]).current_dir(home).stdin(file).output();
    assert!(write.as_ref().is_ok_and(|output| output.status.success()), "{write:?}");
    run(&mut bash(home, &page.job().expect("the page has a job"))).exits(0);

    let model = model();
    recipe.env("GRAVIX_BASE_URL", model.base_url()).env("GRAVIXLAYER_API_KEY", "the-key-of-a-test");
    run(recipe.current_dir(home)).exits(0);
    assert_eq!(model.seen().len(), REVIEWS, "each review is sent once");
    let mut reader = python("pyarrow").expect("the package was there");
    let read = run(reader.args(["-c", READ]).current_dir(home)).exits(0);
    let mut rows: Vec<Value> = serde_json::from_slice(&read.stdout).expect("the rows are JSON");
    rows.sort_by_key(|row| row["id"].as_u64());
    assert_eq!(rows, (0..REVIEWS).map(labelled).collect::<Vec<_>>());
}

/// Python runs the recipe, with gravix in its path.
fn with_python(block: &str, home: &Path) -> Option<Command> {
    let mut command = python("sys")?;
    command.env("PATH", path()).env("HOME", home).args(["-c", block]);
    Some(command)
}

/// Needs `duckdb`, also beside the Python that `GRAVIX_TEST_PYTHON` names, where
/// `pip install duckdb-cli` puts it, and `pyarrow`.
#[test]
fn duckdb_labels_a_parquet_file() {
    assert_labels("pyarrow", "duckdb ", |block, home| {
        let python = std::env::var_os("GRAVIX_TEST_PYTHON").unwrap_or_default();
        let beside = Path::new(&python).parent().unwrap_or(Path::new("/")).to_owned();
        let with_duckdb = format!("{}:{}", path(), beside.display());
        let probe = bash(home, "command -v duckdb").env("PATH", &with_duckdb).output();
        if !probe.is_ok_and(|probe| probe.status.success()) {
            skip("duckdb is not installed");
            return None;
        }
        // A row fails, so that the job's status is 4.
        let block = block.replace("-o labels.jsonl", "-o labels.jsonl || [ $? -eq 4 ]");
        let mut command = bash(home, &block);
        command.env("PATH", with_duckdb);
        Some(command)
    });
}

#[test]
fn spark_labels_a_parquet_file() {
    assert_labels("pyspark, pyarrow", "pyspark", with_python);
}

#[test]
fn ray_labels_a_parquet_file() {
    assert_labels("ray.data, pyarrow", "import ray", with_python);
}
