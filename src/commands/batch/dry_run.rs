//! `gravix batch --dry-run`: prints the first requests, and what a run would send and
//! cost.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::batch::earlier::Earlier;
use crate::batch::forecast::{EarlierUsage, Forecast};
use crate::batch::price::Price;
use crate::batch::results::judged_line::JudgedLine;
use crate::batch::results::reader::read_results;
use crate::batch::results::stored_reply::ResultJudge;
use crate::chat::tokens::TokenCount;
use crate::cli::BatchArgs;
use crate::commands::batch::earlier;
use crate::commands::batch::input::BatchInput;
use crate::error::{Error, Result};
use crate::exchange::Question;
use crate::json;
use crate::output::notes::Notes;
use crate::output::sanitize::escape_controls;
use crate::output::stdout::{self, TextMode};
use crate::settings::context::Context;

/// How many requests are printed.
const FIRST: usize = 3;

/// What a dry run needs to know.
pub struct DryRun<'a> {
    pub args: &'a BatchArgs,
    pub context: &'a Context<'a>,
    pub judge: &'a ResultJudge<'a>,
    pub notes: &'a Notes,
}

impl DryRun<'_> {
    /// # Errors
    /// Those of a run before it sends, and [`Error::Stdout`].
    pub fn run(self, mut input: BatchInput) -> Result<()> {
        let Self { args, context, judge, notes } = self;
        input.prepare(args)?;
        let mut earlier = earlier::earlier(args);
        let usage = match input.plan.results(args) {
            Some(path) => read_earlier(&path, judge, &mut earlier)?,
            None => EarlierUsage::default(),
        };
        earlier.sort();
        let preflight = input.preflight(&mut earlier, notes)?.unwrap_or_default();
        let mut forecast = Forecast {
            rows: preflight.total,
            done: preflight.skipped,
            left_alone: preflight.left_alone,
            copies: input.copy_count,
            max_tokens: Some(0),
            earlier: usage,
            price: context.price.map(Price::from),
            ..Forecast::default()
        };
        let (mut queue, _) = input.queue(earlier, true)?;
        let mut first = Vec::new();
        while let Some(job) = queue.next_job()? {
            let Ok(request) = job.request else {
                continue;
            };
            let mut body = String::new();
            // The body is in memory.
            let _ = request.body(None).reader().read_to_string(&mut body);
            forecast.add(body.len(), max_tokens(&body));
            if first.len() < FIRST {
                first.push(body);
            }
        }
        let is_terminal = context.terminal.stdout;
        let requests = first.iter().map(|body| match is_terminal {
            // Escapes keep the JSON valid.
            true => escape_controls(body) + "\n",
            false => body.clone() + "\n",
        });
        let text = requests.collect::<String>() + "\n" + &forecast.table();
        stdout::print(&text, TextMode::Exact)
    }
}

/// Adds the results in the file at `path`, which is not changed, to `earlier`. Returns
/// what they used.
fn read_earlier(path: &Path, judge: &ResultJudge, earlier: &mut Earlier) -> Result<EarlierUsage> {
    let mut used = EarlierUsage::default();
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(used),
        file => file.map_err(|source| Error::Unreadable { path: path.to_owned(), source })?,
    };
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Ok(used);
    }
    read_results(&file, path, judge, |result, line| {
        earlier.add(result);
        if !result.standing.is_done() {
            return;
        }
        let judged = JudgedLine::parse(line.content(), judge.default).ok();
        if let Some(usage) = judged.and_then(|(_, line)| line.reply?.usage) {
            used.results += 1;
            used.tokens.add(TokenCount {
                prompt: usage.prompt_tokens.unwrap_or(0),
                completion: usage.completion_tokens.unwrap_or(0),
            });
        }
    })?;
    Ok(used)
}

/// The most tokens that the reply to a request may have; `None` without a limit.
fn max_tokens(body: &str) -> Option<u64> {
    let limits = json::fields(body, ["max_completion_tokens", "max_tokens"]);
    limits.into_iter().flatten().find_map(|limit| limit.get().parse().ok())
}
