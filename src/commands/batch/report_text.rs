//! The report of a batch for people: a few lines, and lists that fit the terminal.

use textwrap::core::display_width;

use crate::batch::price;
use crate::batch::report::{Report, SecondsCount, TokenSums};
use crate::output::numbers::grouped;
use crate::output::one_line::{cut, on_one_line};

/// The longest bar, in columns.
const LONGEST_BAR: usize = 40;

/// The report in lines of at most `width` columns. Without a price, `cost` is `None`.
pub fn text(report: &Report, cost: Option<f64>, width: usize) -> String {
    let Report { requests, done, failed, lines, copies, .. } = report;
    let [shown, done, failed] = [requests, done, failed].map(|count| grouped(*count));
    let more = match (lines == requests, copies) {
        (true, 0) => String::new(),
        (false, 0) => format!(" (in {} lines)", grouped(*lines)),
        (_, copies) => {
            format!(" (in {} lines, {} of them copies)", grouped(*lines), grouped(*copies))
        }
    };
    let mut text = vec![
        format!("requests  {shown}: {done} done, {failed} failed{more}"),
        format!("tokens    {}", tokens(&report.tokens)),
        format!("cost      {}", cost.map_or_else(|| "unpriced".to_owned(), price::amount)),
        format!("seconds   {}", seconds(&report.seconds, *lines)),
    ];
    let failures = report.failures.iter();
    let failures = failures.map(|failure| Row {
        name: failure.reason.clone(),
        count: failure.count,
        rest: on_one_line(&failure.example),
    });
    text.extend(list("failures", failures.collect()));
    let finish_reasons = report.finish_reasons.iter().map(|finish| Row {
        name: finish.reason.clone().unwrap_or_else(|| "(none)".to_owned()),
        count: finish.count,
        rest: String::new(),
    });
    text.extend(list("finish reasons", finish_reasons.collect()));
    let replies = report.replies.iter().flatten();
    let replies = replies.map(|reply| Row {
        name: reply.text.clone(),
        count: reply.count,
        rest: String::new(),
    });
    text.extend(list("replies", with_bars(replies.collect(), width)));
    text.iter().map(|line| cut(line, width) + "\n").collect()
}

fn tokens(count: &TokenSums) -> String {
    let TokenSums { prompt, completion, replies_without_usage } = count;
    let mut text = format!("{} in, {} out", grouped(*prompt), grouped(*completion));
    match replies_without_usage {
        0 => {}
        1 => text += "; 1 reply without a report of usage",
        count => text += &format!("; {} replies without a report of usage", grouped(*count)),
    }
    text
}

fn seconds(count: &SecondsCount, lines: u64) -> String {
    let SecondsCount { p50: Some(p50), p99: Some(p99), lines_without } = count else {
        return "not recorded".to_owned();
    };
    let mut text = format!("p50 {p50:.3}, p99 {p99:.3}");
    if *lines_without > 0 {
        text +=
            &format!("; not recorded in {} of {} lines", grouped(*lines_without), grouped(lines));
    }
    text
}

/// A line of a list.
struct Row {
    name: String,
    count: u64,
    /// What stands behind the count.
    rest: String,
}

/// A list under its title. Nothing if it is empty.
fn list(title: &str, rows: Vec<Row>) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let (names, counts) = columns(&rows);
    let line = |row: &Row| {
        let padding = " ".repeat(names.saturating_sub(display_width(&row.name)));
        let Row { name, count, rest } = row;
        let count = grouped(*count);
        format!("  {name}{padding}  {count:>counts$}  {rest}").trim_end().to_owned()
    };
    [String::new(), title.to_owned()].into_iter().chain(rows.iter().map(line)).collect()
}

/// The widths of the names and of the counts.
fn columns(rows: &[Row]) -> (usize, usize) {
    let names = rows.iter().map(|row| display_width(&row.name));
    let counts = rows.iter().map(|row| grouped(row.count).len());
    (names.max().unwrap_or(0), counts.max().unwrap_or(0))
}

/// The rows with their shares, and with bars where there is room for them.
fn with_bars(mut rows: Vec<Row>, width: usize) -> Vec<Row> {
    let all: u64 = rows.iter().map(|row| row.count).sum();
    let most = rows.iter().map(|row| row.count).max().unwrap_or(0);
    for row in &mut rows {
        // Counts and shares are more than the end of a long text.
        row.name = cut(&row.name, width / 2);
    }
    let (names, counts) = columns(&rows);
    let taken = "  ".len() + names + "  ".len() + counts + "  100.0 %  ".len();
    let room = width.saturating_sub(taken).min(LONGEST_BAR);
    for row in &mut rows {
        let share = row.count as f64 / all.max(1) as f64 * 100.0;
        let bar = (row.count as f64 / most.max(1) as f64 * room as f64).ceil() as usize;
        row.rest = format!("{share:>5.1} %  {}", "#".repeat(bar));
    }
    rows
}
