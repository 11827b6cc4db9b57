//! What a run costs, and what it may cost.

use crate::batch::price::{Price, amount};
use crate::exchange::total_usage::TotalUsage;
use crate::output::numbers::grouped;

#[derive(Debug, Clone, Copy)]
pub struct Budget {
    pub price: Price,
    /// The run ends once it has cost this much.
    pub max_cost: Option<f64>,
}

impl Budget {
    /// What the run has cost, and how much of that is not known.
    pub fn summary(&self, used: &TotalUsage) -> String {
        let unpriced = match used.unreported {
            0 => None,
            1 => Some("1 request unpriced".to_owned()),
            count => Some(format!("{} requests unpriced", grouped(count.into()))),
        };
        let cost = self.price.cost(used.prompt_tokens, used.completion_tokens);
        match unpriced {
            None => format!("cost {}", amount(cost)),
            Some(unpriced) if used.unreported == used.requests => unpriced,
            Some(unpriced) => format!("cost {} and {unpriced}", amount(cost)),
        }
    }

    /// What the run has cost, estimates included, if that is all that it may cost.
    pub fn reached(&self, used: &TotalUsage) -> Option<f64> {
        let tokens = used.likely_tokens();
        let cost = self.price.cost(tokens.prompt, tokens.completion);
        (cost >= self.max_cost?).then_some(cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::tokens::TokenCount;

    const BUDGET: Budget = Budget { price: Price { input: 1.0, output: 2.0 }, max_cost: Some(1.0) };

    fn used(prompt_tokens: u64, requests: u32, unreported: u32) -> TotalUsage {
        TotalUsage { prompt_tokens, requests, unreported, ..TotalUsage::default() }
    }

    #[test]
    fn a_request_without_usage_is_unpriced_and_not_free() {
        for (used, words) in [
            (used(0, 0, 0), "cost 0"),
            (used(12_300, 9, 0), "cost 0.0123"),
            (used(12_300, 9, 1), "cost 0.0123 and 1 request unpriced"),
            (used(12_300, 1_009, 1_000), "cost 0.0123 and 1,000 requests unpriced"),
            (used(0, 3, 3), "3 requests unpriced"),
        ] {
            assert_eq!(BUDGET.summary(&used), words);
        }
    }

    #[test]
    fn the_limit_counts_estimates_too() {
        assert_eq!(BUDGET.reached(&used(999_999, 1, 0)), None);
        assert_eq!(BUDGET.reached(&used(1_000_000, 1, 0)), Some(1.0));
        let estimated = TokenCount { prompt: 1_000_000, completion: 500_000 };
        let unreported = TotalUsage { estimated, ..used(0, 1, 1) };
        assert_eq!(BUDGET.reached(&unreported), Some(2.0));
        let unlimited = Budget { max_cost: None, ..BUDGET };
        assert_eq!(unlimited.reached(&unreported), None);
    }
}
