//! The price of tokens, which is a setting but no option: a batch counts its cost with
//! it.

use crate::error::Result;
use crate::settings::config::setting::{Layer, Origin, Setting};
use crate::settings::config::toml_file::{SettingEntry, SettingValue};

/// The name of the setting: `price = [IN, OUT]`.
pub const PRICE: &str = "price";

/// Converts an entry with this name.
///
/// # Errors
/// [`crate::error::Error::Config`] with its location if it is not two numbers from 0 on.
pub fn setting(entry: &SettingEntry, origin: &str) -> Result<Setting> {
    let numbers = match &entry.value {
        SettingValue::List(list) => two_numbers(list),
        _ => None,
    };
    let Some(numbers) = numbers else {
        return Err(entry.location.error(
            "price must be two numbers of at least 0, for a million tokens of prompts and of replies, as in price = [0.15, 0.6]",
        ));
    };
    let values = numbers.map(|number| number.to_string()).to_vec();
    let origin = Origin::Table(origin.to_owned());
    Ok(Setting { name: PRICE.to_owned(), values, origin })
}

/// The price in the first of `layers` that sets one.
pub fn in_force(layers: &[Layer]) -> Option<Setting> {
    let mut settings = layers.iter().flat_map(|layer| &layer.settings);
    settings.find(|setting| setting.name == PRICE).cloned()
}

/// The numbers of a setting, for prompts and for replies.
pub fn numbers(setting: &Setting) -> Option<[f64; 2]> {
    two_numbers(&setting.values)
}

fn two_numbers(values: &[String]) -> Option<[f64; 2]> {
    let [input, output] = values else {
        return None;
    };
    Some([number(input)?, number(output)?])
}

fn number(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}
