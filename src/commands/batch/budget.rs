//! What a batch may cost.

use crate::batch::budget::Budget;
use crate::batch::price::Price;
use crate::cli::BatchArgs;
use crate::error::{Error, Result};
use crate::files::shell;
use crate::settings::config;
use crate::settings::config::ChosenProfile;
use crate::settings::context::Context;

/// The price in force and the limit on the cost; `None` without a price.
///
/// # Errors
/// [`Error::Usage`] for a limit without a price, and [`Error::Config`] if a variable of
/// the environment is not UTF-8.
pub fn budget(args: &BatchArgs, context: &Context) -> Result<Option<Budget>> {
    let max_cost = args.budget.max_cost;
    match context.price.map(Price::from) {
        Some(price) => Ok(Some(Budget { price, max_cost })),
        None if max_cost.is_none() => Ok(None),
        None => Err(Error::Usage(format!(
            "--max-cost needs a price: {}",
            where_to_write(args, context)?
        ))),
    }
}

/// How to set the price, for the profile in force if there is one.
fn where_to_write(args: &BatchArgs, context: &Context) -> Result<String> {
    let path = config::path(&args.settings, context.environment).map(|(path, _)| path);
    let file = match path {
        Some(path) => shell::path_word(&path),
        None => "the configuration file".to_owned(),
    };
    let place = match ChosenProfile::find(&args.settings, context.environment)? {
        Some(profile) => format!("under [profiles.{}] in {file}", profile.name),
        None => format!("at the top of {file}"),
    };
    Ok(format!(
        "put a line such as price = [0.15, 0.6], for a million tokens of prompts and of replies, {place}"
    ))
}
