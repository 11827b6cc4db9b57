//! What an error of a server means, by its status and by the words that servers
//! use for it.

/// What a server's error means for the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The same request may succeed later.
    Temporary,
    /// The server refuses this request.
    Request,
    /// The account has no quota or no money left, so that waiting does not help.
    Quota,
    /// The server refuses the key.
    Key,
    /// The answer did not come from a chat-completions API.
    Protocol,
}

/// The values of an error's `code` and `type`, in the spelling of one server.
/// [`ErrorClass::of_word`] knows the others.
const WORDS: &[(ErrorClass, &[&str])] = &[
    (
        ErrorClass::Quota,
        &[
            "account_overdue",
            "arrearage",
            "billing",
            "billing_hard_limit_reached",
            "billing_limit_reached",
            "billing_not_active",
            "billing_soft_limit_reached",
            "budget_exceeded",
            "credit_balance_too_low",
            "credit_limit",
            "credit_limit_exceeded",
            "credit_limit_reached",
            "credits_exhausted",
            "exceeded_current_quota",
            "free_tier_only",
            "insufficient_balance",
            "insufficient_credit",
            "insufficient_credits",
            "insufficient_funds",
            "insufficient_quota",
            "insufficient_user_quota",
            "monthly_limit_exceeded",
            "no_credits",
            "not_enough_credits",
            "out_of_credits",
            "payment_required",
            "quota_exceeded",
            "quota_exhausted",
            "spend_limit_exceeded",
            "spend_limit_reached",
            "spending_limit",
            "spending_limit_reached",
            "usage_limit_exceeded",
            "usage_limit_reached",
            // Zhipu: the account is in arrears.
            "1113",
        ],
    ),
    (
        ErrorClass::Key,
        &[
            "access_denied",
            "access_terminated",
            "account_deactivated",
            "api_key_invalid",
            "auth",
            "authentication",
            "authentication_failed",
            "authorization",
            "expired_api_key",
            "expired_token",
            "forbidden",
            "incorrect_api_key",
            "invalid_api_key",
            "invalid_auth",
            "invalid_authentication",
            "invalid_key",
            "invalid_token",
            "missing_api_key",
            "no_api_key",
            "permission",
            "permission_denied",
            "token_expired",
            "token_not_provided",
            "unauthenticated",
            "unauthorized",
            "wrong_api_key",
        ],
    ),
    (
        ErrorClass::Request,
        &[
            "bad_request",
            "content_filter",
            "content_policy_violation",
            "context_length_exceeded",
            "context_window_exceeded",
            "data_inspection_failed",
            "exceed_context_size",
            "failed_precondition",
            "image_parse",
            "invalid_argument",
            "invalid_json",
            "invalid_model",
            "invalid_parameter",
            "invalid_parameter_value",
            "invalid_prompt",
            "invalid_request",
            "invalid_schema",
            "invalid_type",
            "invalid_value",
            "json_parse",
            "max_tokens_exceeded",
            "method_not_allowed",
            "missing_parameter",
            "missing_required_parameter",
            "model_not_available",
            "model_not_exist",
            "model_not_found",
            "model_not_supported",
            "not_found",
            "not_implemented",
            "not_supported",
            "out_of_range",
            "payload_too_large",
            "prompt_too_long",
            "request_too_large",
            "resource_not_found",
            "string_above_max_length",
            "tool_use_failed",
            "unimplemented",
            "unknown_model",
            "unknown_parameter",
            "unprocessable_entity",
            "unsupported_country_region_territory",
            "unsupported_model",
            "unsupported_parameter",
            "unsupported_value",
            "validation",
            "value",
        ],
    ),
    (
        ErrorClass::Temporary,
        &[
            "aborted",
            "api",
            "api_connection",
            "bad_gateway",
            "deadline_exceeded",
            "engine_overloaded",
            "internal",
            "internal_server",
            "overloaded",
            "rate_limit",
            "rate_limit_exceeded",
            "rate_limit_reached",
            "request_limit_exceeded",
            "requests",
            "resource_exhausted",
            "server",
            "server_overloaded",
            "service_unavailable",
            "slow_down",
            "throttling",
            "timeout",
            "tokens",
            "too_many_requests",
            "unavailable",
        ],
    ),
    // What `wire::error_body` calls LM Studio's answer to a wrong path.
    (ErrorClass::Protocol, &["unexpected_endpoint"]),
];

impl ErrorClass {
    /// The class of an HTTP status that is not a success.
    pub fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::Key,
            402 => Self::Quota,
            408 | 409 | 425 | 429 => Self::Temporary,
            300..=499 | 501 => Self::Request,
            _ => Self::Temporary,
        }
    }

    /// The class of a `code` or `type`; `None` if it is not known. Servers spell
    /// them as `invalid_api_key`, `INVALID_API_KEY`, `InvalidApiKeyError` or
    /// `Vendor.InvalidApiKey`.
    pub fn of_word(word: &str) -> Option<Self> {
        let parts = word.split(['.', ':', '/', '#']);
        std::iter::once(word).chain(parts).find_map(|part| {
            let squashed = squash(part);
            let stem = ["error", "exception"].iter().find_map(|end| squashed.strip_suffix(end));
            let spellings = [squashed.as_str(), stem.unwrap_or_default()];
            let is_known = |known: &str| spellings.contains(&squash(known).as_str());
            WORDS
                .iter()
                .find(|(_, words)| words.iter().any(|known| is_known(known)))
                .map(|entry| entry.0)
        })
    }
}

/// `word` in lower case and without what separates its parts.
fn squash(word: &str) -> String {
    let letters = word.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_known_in_every_spelling() {
        for (word, class) in [
            ("invalid_api_key", ErrorClass::Key),
            ("authentication_error", ErrorClass::Key),
            ("AuthenticationError", ErrorClass::Key),
            ("UNAUTHENTICATED", ErrorClass::Key),
            ("Unauthorized", ErrorClass::Key),
            ("insufficient_quota", ErrorClass::Quota),
            ("exceeded_current_quota_error", ErrorClass::Quota),
            ("AllocationQuota.FreeTierOnly", ErrorClass::Quota),
            ("AccountOverdueError", ErrorClass::Quota),
            ("BadRequestError", ErrorClass::Request),
            ("invalid_request_error", ErrorClass::Request),
            ("invalid-argument", ErrorClass::Request),
            ("RESOURCE_EXHAUSTED", ErrorClass::Temporary),
            ("Throttling.RateQuota", ErrorClass::Temporary),
            ("com.amazon.coral.service#ThrottlingException", ErrorClass::Temporary),
            ("overloaded_error", ErrorClass::Temporary),
        ] {
            assert_eq!(ErrorClass::of_word(word), Some(class), "{word}");
        }
        for word in ["", "error", "E1", "token_quota_exceeded", "1004"] {
            assert_eq!(ErrorClass::of_word(word), None, "{word}");
        }
    }
}
