//! What tokens cost, in the currency of the user.

/// The price of a million tokens of prompts, and of a million of replies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    pub input: f64,
    pub output: f64,
}

impl From<[f64; 2]> for Price {
    fn from([input, output]: [f64; 2]) -> Self {
        Self { input, output }
    }
}

impl Price {
    /// What these tokens cost.
    pub fn cost(&self, prompt_tokens: u64, completion_tokens: u64) -> f64 {
        let per_million = |tokens: u64, price: f64| tokens as f64 * price / 1e6;
        per_million(prompt_tokens, self.input) + per_million(completion_tokens, self.output)
    }
}

/// An amount of money without its currency: `12.50`, and below 1 three digits behind
/// the zeros, as in `0.0123` and `0.00012`, so that a small sum is not shown as 0.
pub fn amount(sum: f64) -> String {
    if sum <= 0.0 {
        return "0".to_owned();
    }
    // So many digits behind the point leave three that count.
    let decimals = (2.0 - sum.log10().floor()).clamp(0.0, 18.0);
    if decimals <= 2.0 {
        return format!("{sum:.2}");
    }
    let text = format!("{sum:.*}", decimals as usize);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_that_of_a_million_tokens() {
        let price = Price::from([0.5, 2.0]);
        assert_eq!(amount(price.cost(1_000_000, 1_000_000)), "2.50");
        assert_eq!(amount(price.cost(100, 10)), "0.00007");
        assert_eq!(amount(price.cost(0, 0)), "0");
        assert_eq!(amount(Price::from([0.0, 0.0]).cost(100, 10)), "0");
    }

    #[test]
    fn an_amount_has_two_decimals_from_one_on_and_three_digits_below() {
        for (sum, text) in [
            (0.0123, "0.0123"),
            (0.012_345, "0.0123"),
            (0.000_12, "0.00012"),
            (0.5, "0.5"),
            (0.099_96, "0.1"),
            (0.999_6, "1"),
            (1.0, "1.00"),
            (12.345, "12.35"),
            (1_234.5, "1234.50"),
            (3e-9, "0.000000003"),
        ] {
            assert_eq!(amount(sum), text);
        }
    }
}
