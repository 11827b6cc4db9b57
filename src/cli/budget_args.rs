//! Arguments that say how much a batch may use.

use clap::ValueHint;

use crate::cli::values::sum;

// Not a doc comment: clap would take it for what the command does.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Network")]
pub struct BudgetArgs {
    /// Stop once the run has cost X
    ///
    /// X is in the currency of the price, which the configuration file sets for a
    /// million tokens of prompts and of replies: price = [0.15, 0.6], at its top or in
    /// a profile. The cost is that of the tokens that the server counted in this run,
    /// repairs included; where it reports none, a token is counted for each 4 bytes.
    /// Requests in progress are finished, so the run may cost a little more.
    #[arg(long, value_name = "X", value_parser = sum, hide_short_help = true, value_hint = ValueHint::Other)]
    pub max_cost: Option<f64>,
}
