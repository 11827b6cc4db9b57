//! How a run tells how far it is: a bar on a terminal, a line now and then
//! elsewhere.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::batch::tally::Tally;
use crate::output::notes::Notes;
use crate::output::numbers::grouped;
use crate::output::status_line::{LineStart, StatusLine};
use crate::signals;

/// How often the bar is redrawn.
const TICK: Duration = Duration::from_millis(200);

/// The longest and the shortest bar, in columns.
const BAR: (usize, usize) = (20, 10);

/// How the progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressStyle {
    Hidden,
    /// A bar at the bottom of the terminal on stderr.
    Bar,
    /// A line on stderr after each such time.
    Lines(Duration),
}

#[derive(Clone)]
pub struct Progress {
    style: ProgressStyle,
    notes: Notes,
    state: Arc<Mutex<ProgressState>>,
}

struct ProgressState {
    line: StatusLine,
    /// What the bar shows.
    counts: Option<Counts>,
    next_line: Instant,
    is_over: bool,
}

impl Progress {
    pub fn new(style: ProgressStyle, notes: &Notes) -> Self {
        let state = ProgressState {
            line: StatusLine::new(LineStart::Margin),
            counts: None,
            next_line: Instant::now() + style.interval().unwrap_or_default(),
            is_over: style == ProgressStyle::Hidden,
        };
        let progress = Self { style, notes: notes.clone(), state: Arc::new(state.into()) };
        if style == ProgressStyle::Bar {
            let stopping = progress.clone();
            // Without the handler, Ctrl-Z leaves the bar above the shell's prompt.
            let _ = signals::on_stop(move || stopping.suspend(signals::stop));
        }
        progress
    }

    /// How long to wait until the progress is to be shown again; `None` if it is
    /// not shown.
    pub fn wait(&self) -> Option<Duration> {
        let state = self.state();
        match self.style {
            _ if state.is_over => None,
            ProgressStyle::Lines(_) => Some(state.next_line - Instant::now().min(state.next_line)),
            style => style.interval(),
        }
    }

    /// Draws the bar, or prints a line if it is time for one.
    pub fn show(&self, counts: Counts) {
        let mut state = self.state();
        let now = Instant::now();
        match self.style {
            _ if state.is_over => {}
            ProgressStyle::Lines(interval) if now >= state.next_line => {
                state.next_line = now + interval;
                // Nobody may be reading, and then only this thread waits.
                drop(state);
                self.notes.note(counts.text(Detail::WITH_RATE));
            }
            ProgressStyle::Bar => {
                state.counts = Some(counts);
                state.draw();
            }
            _ => {}
        }
    }

    /// Hides the bar while `write` writes to the terminal.
    pub fn suspend(&self, write: impl FnOnce()) {
        if self.style != ProgressStyle::Bar {
            return write();
        }
        let mut state = self.state();
        state.line.erase();
        write();
        state.draw();
    }

    /// Removes the bar. Nothing is shown any more.
    pub fn clear(&self) {
        let mut state = self.state();
        state.line.erase();
        state.is_over = true;
    }

    fn state(&self) -> MutexGuard<'_, ProgressState> {
        // A panic while something is written leaves a state that can be drawn.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProgressStyle {
    fn interval(self) -> Option<Duration> {
        match self {
            Self::Hidden => None,
            Self::Bar => Some(TICK),
            Self::Lines(interval) => Some(interval),
        }
    }
}

impl ProgressState {
    fn draw(&mut self) {
        if let Some(counts) = self.counts.filter(|_| !self.is_over) {
            self.line.draw(|width| counts.line(width));
        }
    }
}

/// The numbers that are shown.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    done: u64,
    failed: u64,
    /// `None` if the number of requests is not known.
    left: Option<u64>,
    /// Per second.
    requests: f64,
    /// Per second.
    tokens: f64,
    time_left: Option<Duration>,
}

/// Which numbers are shown, where not all of them fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Detail {
    Done,
    Failed,
    TimeLeft,
    Left,
    Requests,
    Tokens,
}

impl Detail {
    /// Without the rate of tokens, which matters less in a log.
    const WITH_RATE: Self = Self::Requests;
    const ALL: [Self; 6] =
        [Self::Tokens, Self::Requests, Self::Left, Self::TimeLeft, Self::Failed, Self::Done];
}

impl Counts {
    pub fn of(tally: &Tally) -> Self {
        let (requests, tokens) = tally.rates();
        Self {
            done: tally.done + tally.skipped,
            failed: tally.failed(),
            left: tally.left(),
            requests,
            tokens,
            time_left: tally.time_left(),
        }
    }

    /// As many numbers as fit, with a bar before them where there is room for it.
    fn line(&self, width: usize) -> String {
        let bar_room = self.left.map_or(0, |_| BAR.1 + 1);
        let fits = |detail: &Detail, room: usize| self.text(*detail).len() + room <= width;
        // The bar makes way for the counts and the time left, but not for the rates.
        let with_bar = |detail: &&Detail| **detail >= Detail::Left && fits(detail, bar_room);
        let found = Detail::ALL.iter().find(with_bar);
        let found = found.or_else(|| Detail::ALL[2..].iter().find(|detail| fits(detail, 0)));
        let Some(detail) = found else {
            return String::new();
        };
        let text = self.text(*detail);
        let columns = (width - text.len()).saturating_sub(1).min(BAR.0);
        match self.left.filter(|_| *detail >= Detail::Left && columns >= BAR.1) {
            Some(left) => format!("{} {text}", self.bar(columns, left)),
            None => text,
        }
    }

    fn bar(&self, columns: usize, left: u64) -> String {
        let answered = self.done + self.failed;
        let share = answered as f64 / (answered + left).max(1) as f64;
        let filled = (share * columns as f64) as usize;
        let head = usize::from(filled < columns);
        let rest = columns - filled - head;
        ["#".repeat(filled), ">".repeat(head), "-".repeat(rest)].concat()
    }

    fn text(&self, detail: Detail) -> String {
        let mut text = format!("{} done", grouped(self.done));
        if detail >= Detail::Failed {
            text += &format!(", {} failed", grouped(self.failed));
        }
        if let Some(left) = self.left.filter(|_| detail >= Detail::Left) {
            text += &format!(", {} left", grouped(left));
        }
        if detail >= Detail::Requests {
            text += &format!("; {:.1} requests/s", self.requests);
        }
        if detail >= Detail::Tokens {
            text += &format!(", {:.0} tokens/s", self.tokens);
        }
        if let Some(left) = self.time_left.filter(|_| detail >= Detail::TimeLeft) {
            text += &format!("; {} left", humantime::format_duration(rounded(left)));
        }
        text
    }
}

/// Rounds down to minutes from one hour on, and to hours from one day on, so that
/// at most a few units are shown.
fn rounded(time: Duration) -> Duration {
    let seconds = time.as_secs();
    let unit = match seconds {
        0..3600 => 1,
        3600..86400 => 60,
        _ => 3600,
    };
    Duration::from_secs(seconds / unit * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: Counts = Counts {
        done: 1200,
        failed: 3,
        left: Some(800),
        requests: 12.34,
        tokens: 456.7,
        time_left: Some(Duration::from_secs(65)),
    };

    #[test]
    fn the_line_keeps_what_matters_most() {
        for (width, line) in [
            (
                99,
                "############>------- 1,200 done, 3 failed, 800 left; 12.3 requests/s, 457 tokens/s; 1m 5s left",
            ),
            (79, "###########>------- 1,200 done, 3 failed, 800 left; 12.3 requests/s; 1m 5s left"),
            (60, "##########>------ 1,200 done, 3 failed, 800 left; 1m 5s left"),
            (42, "1,200 done, 3 failed, 800 left; 1m 5s left"),
            (39, "1,200 done, 3 failed; 1m 5s left"),
            (31, "1,200 done, 3 failed"),
            (19, "1,200 done"),
            (9, ""),
            (0, ""),
        ] {
            let shown = COUNTS.line(width);
            assert_eq!(shown, line);
            assert!(shown.len() <= width);
        }
    }

    #[test]
    fn without_a_total_there_is_no_bar_and_no_time() {
        let counts = Counts { left: None, time_left: None, ..COUNTS };
        assert_eq!(counts.line(99), "1,200 done, 3 failed; 12.3 requests/s, 457 tokens/s");
        assert_eq!(counts.line(20), "1,200 done, 3 failed");
    }

    #[test]
    fn the_bar_is_full_only_at_the_end() {
        let bar = |done, left| Counts { done, failed: 0, ..COUNTS }.bar(10, left);
        assert_eq!(bar(0, 0), ">---------");
        assert_eq!(bar(0, 5), ">---------");
        assert_eq!(bar(999, 1), "#########>");
        assert_eq!(bar(5, 0), "##########");
    }
}
