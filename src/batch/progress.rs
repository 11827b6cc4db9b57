//! The progress bar that a terminal shows during a run.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::batch::tally::Tally;

/// How often the bar is redrawn.
pub const TICK: Duration = Duration::from_millis(200);

const TEMPLATE_WITH_TOTAL: &str = "{bar:20} {wide_msg}";
const TEMPLATE_WITHOUT_TOTAL: &str = "{wide_msg}";

#[derive(Clone)]
pub struct Progress {
    bar: Option<ProgressBar>,
}

/// Rounds down to minutes from one hour on, and to hours from one day on, so
/// that the bar shows at most a few units.
fn rounded(time: Duration) -> Duration {
    let seconds = time.as_secs();
    let unit = match seconds {
        0..3600 => 1,
        3600..86400 => 60,
        _ => 3600,
    };
    Duration::from_secs(seconds / unit * unit)
}

impl Progress {
    /// `total` is the number of requests, if it is known.
    pub fn new(is_shown: bool, total: Option<u64>) -> Self {
        let bar = is_shown.then(|| {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
            let template = match total {
                Some(_) => TEMPLATE_WITH_TOTAL,
                None => TEMPLATE_WITHOUT_TOTAL,
            };
            let style = ProgressStyle::with_template(template).expect("the template is valid");
            bar.with_style(style.progress_chars("#>-"))
        });
        Self { bar }
    }

    pub fn is_shown(&self) -> bool {
        self.bar.is_some()
    }

    pub fn show(&self, tally: &Tally) {
        let Some(bar) = &self.bar else {
            return;
        };
        let (requests, tokens) = tally.rates();
        let answered = tally.skipped + tally.done + tally.failed();
        let mut message = format!("{} done, {} failed", tally.done + tally.skipped, tally.failed());
        if let Some(left) = tally.left() {
            message += &format!(", {left} left");
        }
        message += &format!("; {requests:.1} requests/s, {tokens:.0} tokens/s");
        if let Some(left) = tally.time_left() {
            let left = humantime::format_duration(rounded(left));
            message += &format!("; {left} left");
        }
        bar.set_message(message);
        bar.set_position(answered);
        bar.tick();
    }

    /// Hides the bar while `write` writes to the terminal.
    pub fn suspend(&self, write: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Removes the bar.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
