//! Which headers hold a secret, and what in them is one.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// What the words of a secret header's name end in. A plural is none: servers
/// count tokens in headers such as `x-ratelimit-remaining-tokens`.
const SECRET_ENDS: &[&str] = &[
    "auth",
    "authentication",
    "authorization",
    "bearer",
    "cookie",
    "credential",
    "credentials",
    "jwt",
    "key",
    "oauth",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "secret",
    "signature",
    "token",
];

/// Words that make a name secret only as a whole: others end in them too, such
/// as `bypass`.
const SECRET_WORDS: &[&str] = &["pass"];

/// Schemes of credentials that nobody would write in front of anything else.
const SCHEMES: &[&str] = &["basic", "bearer"];

/// Whether a header with this name holds a secret, however it is written:
/// `X-Api-Key`, `x_api_key` and `X-AccessToken` do.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // CORS headers say what is allowed and hold none.
    if name.starts_with("access-control-") {
        return false;
    }
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
        let word = word.trim_matches(|c: char| c.is_ascii_digit());
        SECRET_WORDS.contains(&word) || SECRET_ENDS.iter().any(|end| word.ends_with(end))
    })
}

/// Whether a request header holds a secret: by its name, or because its value
/// begins with a scheme of credentials.
pub fn is_secret_header(name: &str, value: &str) -> bool {
    is_secret_name(name) || scheme(value).is_some()
}

fn scheme(value: &str) -> Option<&str> {
    let (scheme, _) = value.split_once(' ')?;
    SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)).then_some(scheme)
}

/// The texts in the value of a secret header that a server may repeat: the whole
/// of it, what follows a scheme such as `Bearer`, the password of `Basic`, and
/// each value of a cookie.
pub fn secret_parts(name: &str, value: &str) -> Vec<String> {
    let mut parts = vec![value.to_owned()];
    if let Some((scheme, credentials)) = value.split_once(' ') {
        let credentials = credentials.trim();
        parts.push(credentials.to_owned());
        if scheme.eq_ignore_ascii_case("basic") {
            parts.extend(login(credentials));
        }
    }
    if name.eq_ignore_ascii_case("cookie") {
        let values = value.split(';').filter_map(|cookie| Some(cookie.split_once('=')?.1));
        parts.extend(values.map(|value| value.trim().trim_matches('"').to_owned()));
    }
    parts
}

/// `user:password` and the password of Basic credentials (RFC 7617, section 2).
fn login(credentials: &str) -> Vec<String> {
    let decoded = BASE64_STANDARD.decode(credentials).ok();
    let Some(login) = decoded.and_then(|login| String::from_utf8(login).ok()) else {
        return Vec::new();
    };
    let password = login.split_once(':').map(|(_, password)| password.to_owned());
    password.into_iter().chain([login]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_secret_by_its_name_or_by_the_scheme_of_its_value() {
        for name in [
            "X-Api-Key",
            "x_api_key",
            "ApiKey",
            "X-AccessToken",
            "Private-Token",
            "X-OAuth2",
            "Cookie",
            "Set-Cookie",
            "Proxy-Authorization",
            "X-Authentication",
            "X-Passwd",
            "CF-Access-Client-Secret",
            "X-Credentials",
            "X-JWT",
            "X-Pass",
            "X-Key-1",
            "Ocp-Apim-Subscription-Key",
            "X-Amz-Signature",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "X-Team",
            "Content-Type",
            "X-Author",
            "X-Ratelimit-Remaining-Tokens",
            "X-Bypass",
            "WWW-Authenticate",
            "Access-Control-Allow-Credentials",
            "Keep-Alive",
            "X-Request-Id",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
        assert!(
            is_secret_header("X-Team", "bearer abc") && is_secret_header("X-Team", "Basic abc")
        );
        assert!(!is_secret_header("X-Team", "the tools") && !is_secret_header("X-Team", "basic"));
    }

    #[test]
    fn the_parts_of_a_value_are_secret_too() {
        assert_eq!(secret_parts("X-Key", "abc"), ["abc"]);
        assert_eq!(secret_parts("X-Auth", "Bearer abc"), ["Bearer abc", "abc"]);
        assert_eq!(secret_parts("Cookie", "a=1; b=\"2\""), ["a=1; b=\"2\"", "b=\"2\"", "1", "2"]);
        let parts = secret_parts("X-Auth", "Basic dTpzZXNhbWU=");
        assert_eq!(parts, ["Basic dTpzZXNhbWU=", "dTpzZXNhbWU=", "sesame", "u:sesame"]);
        assert_eq!(secret_parts("X-Auth", "Basic ?"), ["Basic ?", "?"]);
    }
}
