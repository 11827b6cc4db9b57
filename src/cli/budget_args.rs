//! Arguments that say how much a batch may use.

use clap::ValueHint;

use crate::cli::values::{sum, token_rate};

// Not a doc comment: clap would take it for what the command does.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Network")]
pub struct BudgetArgs {
    /// Use at most N tokens per second, minute or hour
    ///
    /// N may end in k (1,000) or M (1,000,000), as in 10k/m. Tokens of prompts and of
    /// replies count together. At most a tenth of a minute's tokens are used at once. A
    /// larger request is sent too, but the next ones then wait longer. What a request
    /// will use is estimated from its bytes and from the replies before it, and
    /// corrected once its usage is known. For that, the first request is sent alone.
    /// X-RateLimit-Remaining-Tokens and X-RateLimit-Reset-Tokens are obeyed, also
    /// without this option.
    #[arg(long, value_name = "N/s|m|h", value_parser = token_rate, hide_short_help = true, value_hint = ValueHint::Other)]
    pub token_rate: Option<f64>,

    /// Stop once the run has cost X
    ///
    /// X is in the currency of the price, which the configuration file sets for a
    /// million tokens of prompts and of replies: price = [0.15, 0.6], at its top or in
    /// a profile. The cost is that of the tokens that the server reports in this run,
    /// repairs included. Where it reports none, 4 bytes count as a token.
    /// Requests in progress are finished, so the run may cost a little more.
    #[arg(long, value_name = "X", value_parser = sum, hide_short_help = true, value_hint = ValueHint::Other)]
    pub max_cost: Option<f64>,
}
