//! What a run would send, and what that would cost.

use crate::batch::price::{Price, amount};
use crate::chat::tokens::{self, BYTES_PER_TOKEN, TokenCount};
use crate::output::numbers::grouped;

/// The usage of good results of earlier runs.
#[derive(Debug, Default, Clone, Copy)]
pub struct EarlierUsage {
    /// How many results say what was used.
    pub results: u64,
    pub tokens: TokenCount,
}

/// The requests of a run.
#[derive(Debug, Default)]
pub struct Forecast {
    pub rows: u64,
    pub done: u64,
    /// The server refused them before.
    pub left_alone: u64,
    /// They equal one that is sent or done.
    pub copies: u64,
    pub to_send: u64,
    /// Of the bodies that are sent.
    pub bytes: u64,
    /// The most tokens that all replies may have; `None` if one has no limit.
    pub max_tokens: Option<u64>,
    pub earlier: EarlierUsage,
    pub price: Option<Price>,
}

/// A number of tokens, and where it comes from.
struct Estimate {
    tokens: u64,
    source: String,
}

impl Forecast {
    /// Adds a request that is sent: the bytes of its body, and the most tokens that its
    /// reply may have.
    pub fn add(&mut self, bytes: usize, max_tokens: Option<u64>) {
        self.to_send += 1;
        self.bytes += bytes as u64;
        let sum = |(sum, most): (u64, u64)| sum.saturating_add(most);
        self.max_tokens = self.max_tokens.zip(max_tokens).map(sum);
    }

    fn of_earlier(&self, tokens: u64) -> Option<Estimate> {
        let EarlierUsage { results, .. } = self.earlier;
        let mean = (results > 0).then(|| tokens as f64 / results as f64)?;
        let rows =
            if results == 1 { "1 row".to_owned() } else { format!("{} rows", grouped(results)) };
        Some(Estimate {
            tokens: (mean * self.to_send as f64).round() as u64,
            source: format!("estimated from {rows} done before"),
        })
    }

    fn input(&self) -> Estimate {
        self.of_earlier(self.earlier.tokens.prompt).unwrap_or_else(|| Estimate {
            tokens: tokens::estimate(self.bytes),
            source: format!("estimated as {BYTES_PER_TOKEN} bytes a token"),
        })
    }

    fn output(&self) -> Option<Estimate> {
        let at_most =
            |tokens| Estimate { tokens, source: "at most, as the requests say".to_owned() };
        self.of_earlier(self.earlier.tokens.completion).or_else(|| self.max_tokens.map(at_most))
    }

    fn cost(&self) -> String {
        let Some(price) = self.price else {
            return "unpriced".to_owned();
        };
        match self.output() {
            Some(output) => amount(price.cost(self.input().tokens, output.tokens)),
            None => format!("{} for the prompts alone", amount(price.cost(self.input().tokens, 0))),
        }
    }

    /// The numbers, one a line, each behind its name.
    pub fn table(&self) -> String {
        let estimate = |Estimate { tokens, source }| format!("{} ({source})", grouped(tokens));
        let mut lines = vec![("rows", grouped(self.rows)), ("done before", grouped(self.done))];
        if self.left_alone > 0 {
            lines.push(("left alone", grouped(self.left_alone)));
        }
        if self.copies > 0 {
            lines.push(("copies", grouped(self.copies)));
        }
        let unsent = self.done + self.left_alone + self.copies + self.to_send;
        if let Some(invalid @ 1..) = self.rows.checked_sub(unsent) {
            lines.push(("unusable", grouped(invalid)));
        }
        lines.extend([
            ("to send", grouped(self.to_send)),
            ("bytes", grouped(self.bytes)),
            ("tokens in", estimate(self.input())),
            ("tokens out", self.output().map_or_else(|| "unknown".to_owned(), estimate)),
            ("cost", self.cost()),
        ]);
        lines.iter().map(|(name, value)| format!("{name:12} {value}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forecast() -> Forecast {
        Forecast { rows: 1200, done: 200, to_send: 1000, bytes: 400_001, ..Forecast::default() }
    }

    #[test]
    fn tokens_are_estimated_from_bytes_or_from_earlier_results() {
        let plain = forecast().table();
        assert!(plain.contains("tokens in    100,001 (estimated as 4 bytes a token)\n"), "{plain}");
        assert!(plain.contains("tokens out   unknown\ncost         unpriced\n"), "{plain}");
        let tokens = TokenCount { prompt: 5000, completion: 300 };
        let earlier = EarlierUsage { results: 200, tokens };
        let known = Forecast { earlier, ..forecast() }.table();
        let source = "(estimated from 200 rows done before)";
        assert!(known.contains(&format!("tokens in    25,000 {source}\n")), "{known}");
        assert!(known.contains(&format!("tokens out   1,500 {source}\n")), "{known}");
    }

    #[test]
    fn the_cost_says_what_it_leaves_out() {
        let price = Some(Price { input: 1.0, output: 2.0 });
        let plain = Forecast { price, ..forecast() }.table();
        assert!(plain.ends_with("cost         0.1 for the prompts alone\n"), "{plain}");
        let limited = Forecast { price, max_tokens: Some(50_000), ..forecast() }.table();
        assert!(limited.contains("50,000 (at most, as the requests say)"), "{limited}");
        assert!(limited.ends_with("cost         0.2\n"), "{limited}");
    }
}
