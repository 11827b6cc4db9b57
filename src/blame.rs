//! What is to blame for a failure: the request, the account, or the world. This is
//! the only place that says which failures are tried again, which make a batch wait,
//! and which end it.

use crate::error::{Error, ErrorClass, NetworkError, ServerError};

/// What is to blame for a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// This request. Others may succeed.
    Request,
    /// The account, the model or the setup: every request would fail, and waiting
    /// does not help.
    Account,
    /// The server or the network: every request would fail, but not for ever.
    World,
}

/// Whether a request that failed may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It would fail again, or its reply may have been billed.
    Never,
    /// After a short wait.
    Soon,
    /// Only by somebody who waits for an outage to end.
    Later,
}

impl Error {
    pub fn blame(&self) -> Blame {
        self.diagnosis().0
    }

    pub fn repeat(&self) -> Repeat {
        self.diagnosis().1
    }

    fn diagnosis(&self) -> (Blame, Repeat) {
        match self {
            Error::Server(server) => of_server(server),
            Error::Network(network) => of_network(network),
            Error::UnansweredPrompt { error, .. } => error.diagnosis(),
            Error::NotApi(_)
            | Error::WrongScheme(_)
            | Error::NoReply { .. }
            | Error::NoKey { .. }
            | Error::ProxyLogin { .. }
            | Error::Certificate { .. }
            | Error::TlsMismatch { .. }
            | Error::Limit { .. } => (Blame::Account, Repeat::Never),
            _ => (Blame::Request, Repeat::Never),
        }
    }
}

fn of_server(server: &ServerError) -> (Blame, Repeat) {
    let is_account = server.is_quota()
        || server.is_key_refused()
        || server.is_unknown_model()
        || server.is_unexpected_endpoint();
    match server.status() {
        _ if is_account => (Blame::Account, Repeat::Never),
        Some(status) => {
            let (blame, repeat) = of_status(status);
            (blame, repeat_as_told(server, status, repeat))
        }
        None if server.class() == ErrorClass::Temporary => (Blame::World, Repeat::Never),
        None => (Blame::Request, Repeat::Never),
    }
}

/// The blame for a status that is not a success, where the error's words say no more.
fn of_status(status: u16) -> (Blame, Repeat) {
    match status {
        429 | 500 | 502..=504 | 521..=523 | 529 => (Blame::World, Repeat::Soon),
        408 | 409 | 425 => (Blame::Request, Repeat::Soon),
        401..=405 => (Blame::Account, Repeat::Never),
        // 524 is Cloudflare's: the server took too long, and may still bill the reply.
        400..=499 | 501 | 524 => (Blame::Request, Repeat::Never),
        _ => (Blame::Account, Repeat::Never),
    }
}

/// `repeat`, unless the server's `x-should-retry` says otherwise. It has no say where
/// the same request would be refused again or may have been billed: after an error
/// inside a reply, after most statuses from 400 to 499, and after 501 and 524.
fn repeat_as_told(server: &ServerError, status: u16, repeat: Repeat) -> Repeat {
    let is_final = repeat == Repeat::Never && matches!(status, 400..=499 | 501 | 524);
    match server.should_retry {
        _ if server.http_status.is_none() || is_final => Repeat::Never,
        Some(true) => Repeat::Soon,
        Some(false) => Repeat::Never,
        None => repeat,
    }
}

fn of_network(error: &NetworkError) -> (Blame, Repeat) {
    match error {
        NetworkError::Connect { .. }
        | NetworkError::ConnectTimeout(_)
        | NetworkError::Proxy { is_final: false, .. }
        | NetworkError::Resolve { is_temporary: true, .. }
        | NetworkError::Tls { .. }
        | NetworkError::Unanswered => (Blame::World, Repeat::Soon),
        // A mistyped name, or one that is missing while a service restarts.
        NetworkError::Resolve { is_temporary: false, .. } => (Blame::World, Repeat::Later),
        NetworkError::Proxy { is_final: true, .. } => (Blame::Account, Repeat::Never),
        // The request was sent, so its reply may have been billed.
        NetworkError::Silence(_)
        | NetworkError::Deadline(_)
        | NetworkError::EmptyBody
        | NetworkError::Cut(_)
        | NetworkError::GaveUp(_) => (Blame::Request, Repeat::Never),
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use super::*;

    fn status(status: u16) -> ServerError {
        ServerError { http_status: Some(status), ..ServerError::default() }
    }

    fn diagnosis(error: impl Into<Error>) -> (Blame, Repeat) {
        let error = error.into();
        (error.blame(), error.repeat())
    }

    #[test]
    fn every_status_has_somebody_to_blame() {
        for (expected, codes) in [
            ((Blame::World, Repeat::Soon), &[429, 500, 502, 503, 504, 521, 522, 523, 529][..]),
            ((Blame::Request, Repeat::Soon), &[408, 409, 425]),
            ((Blame::Account, Repeat::Never), &[401, 402, 403, 404, 405, 505, 520, 525, 526, 530]),
            ((Blame::Request, Repeat::Never), &[400, 410, 413, 418, 422, 451, 501, 524]),
        ] {
            for code in codes {
                assert_eq!(diagnosis(status(*code)), expected, "{code}");
            }
        }
    }

    #[test]
    fn the_words_of_a_server_decide_before_its_status() {
        let account = (Blame::Account, Repeat::Never);
        for (code, word) in [
            (429, "insufficient_quota"),
            (400, "invalid_api_key"),
            (400, "model_not_found"),
            (400, "billing_hard_limit_reached"),
        ] {
            let by_code = ServerError { code: Some(word.to_owned()), ..status(code) };
            assert_eq!(diagnosis(by_code), account, "{word}");
            let kind = Some(word.to_owned());
            let by_type = ServerError { kind, should_retry: Some(true), ..status(code) };
            assert_eq!(diagnosis(by_type), account, "{word}");
        }
        assert_eq!(diagnosis(ServerError { is_exceeded: true, ..status(429) }), account);
    }

    #[test]
    fn x_should_retry_decides_where_a_retry_costs_nothing() {
        let with =
            |code, told| diagnosis(ServerError { should_retry: Some(told), ..status(code) }).1;
        assert_eq!(with(503, false), Repeat::Never);
        assert_eq!(with(409, false), Repeat::Never);
        assert_eq!(with(520, true), Repeat::Soon);
        for code in [400, 402, 404, 422, 501, 524] {
            assert_eq!(with(code, true), Repeat::Never, "{code}");
        }
    }

    #[test]
    fn an_error_inside_a_reply_is_never_repeated() {
        let with = |code: Option<&str>| {
            diagnosis(ServerError { code: code.map(str::to_owned), ..ServerError::default() })
        };
        assert_eq!(with(Some("503")), (Blame::World, Repeat::Never));
        assert_eq!(with(None), (Blame::World, Repeat::Never));
        assert_eq!(with(Some("401")), (Blame::Account, Repeat::Never));
        assert_eq!(with(Some("content_filter")), (Blame::Request, Repeat::Never));
    }

    #[test]
    fn only_failures_before_a_response_are_repeated() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let target = "h".to_owned();
        let resolve = |is_temporary| {
            let (host, reason) = ("h".to_owned(), String::new());
            NetworkError::Resolve { host, reason, is_temporary }
        };
        let second = Duration::from_secs(1);
        for (error, expected) in [
            (
                NetworkError::Connect { target, is_proxied: false, source: refused },
                (Blame::World, Repeat::Soon),
            ),
            (NetworkError::ConnectTimeout(second), (Blame::World, Repeat::Soon)),
            (NetworkError::Unanswered, (Blame::World, Repeat::Soon)),
            (resolve(true), (Blame::World, Repeat::Soon)),
            (resolve(false), (Blame::World, Repeat::Later)),
            (NetworkError::Silence(second), (Blame::Request, Repeat::Never)),
            (NetworkError::Deadline(second), (Blame::Request, Repeat::Never)),
            (NetworkError::Cut(String::new()), (Blame::Request, Repeat::Never)),
        ] {
            assert_eq!(diagnosis(error), expected);
        }
        let protocol = Error::Protocol(String::new());
        assert_eq!(diagnosis(protocol), (Blame::Request, Repeat::Never));
        let website = Error::NotApi(String::new());
        assert_eq!(diagnosis(website), (Blame::Account, Repeat::Never));
    }
}
