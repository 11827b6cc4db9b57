//! Sending a request, with retries where they are safe.

use std::time::{Duration, Instant, SystemTime};

use ureq::http::{HeaderMap, Response, StatusCode};
use ureq::{RequestBuilder, Timeout};

use crate::blame::Blame;
use crate::error::{Error, NetworkError, Result};
use crate::net::client::{Client, RequestTrace};
use crate::net::observer::{Headers, NetEvent};
use crate::net::rate_limit::{self, RateLimit, RateLimits};
use crate::net::rate_limiter::Feedback;
use crate::net::reply_stream::ResponseBody;
use crate::net::retry::{RetryDecision, RetryState};
use crate::net::server::Server;
use crate::net::{error, status};
use crate::wire::reply_error;

/// If the server closed a reused connection before the request was sent, the
/// failure shows within this time.
const STALE_CONNECTION: Duration = Duration::from_secs(1);

impl Client {
    /// Calls `send_once` until the response is a success or a retry would not
    /// help. Returns the last error. Clients of a batch leave it to their caller to
    /// wait out an outage.
    pub(super) fn send_with_retries(
        &self,
        trace: &mut RequestTrace,
        prompt_tokens: u64,
        send_once: impl Fn(&mut RequestTrace) -> Result<ResponseBody>,
    ) -> Result<ResponseBody> {
        let retries = self.server.retries;
        let mut failures: u32 = 0;
        loop {
            // The wait for the first ticket does not count against the deadline.
            let timeout = self.clock.time_left().filter(|_| failures > 0);
            let Some(ticket) = self.limiter.acquire(trace.first, prompt_tokens, timeout)? else {
                return Err(self.clock.timeout_error(Timeout::Global));
            };
            if failures == 0 {
                self.clock.begin_request(trace.time_spent);
            }
            let began = Instant::now();
            *trace = RequestTrace {
                tries: trace.tries.saturating_add(1),
                first: trace.first.or(Some(ticket)),
                last: Some(ticket),
                time_spent: trace.time_spent,
                ..RequestTrace::default()
            };
            let outcome = self.try_once(trace, &send_once);
            self.limiter.record(ticket, &feedback(trace, outcome.as_ref().err()));
            trace.time_spent += began.elapsed();
            let error = match outcome {
                Ok(body) => return Ok(body),
                Err(error) => self.server.presentable(error),
            };
            if self.leaves_outages && error.blame() == Blame::World {
                return Err(error);
            }
            failures += 1;
            let state = RetryState { failures, retries, time_left: self.clock.time_left() };
            match state.decide(&error, fastrand::f64()) {
                RetryDecision::GiveUp => return Err(error),
                RetryDecision::Again(wait) => {
                    let (attempt, attempts) = (failures + 1, retries.saturating_add(1));
                    let event = NetEvent::Retrying { error: &error, wait, attempt, attempts };
                    self.observe(&event);
                    self.limiter.pause(wait)?;
                }
            }
        }
    }

    /// Sends one try. If the server closed the reused connection meanwhile, sends
    /// it again over a new one.
    fn try_once(
        &self,
        trace: &mut RequestTrace,
        send_once: &impl Fn(&mut RequestTrace) -> Result<ResponseBody>,
    ) -> Result<ResponseBody> {
        let began = Instant::now();
        self.clock.begin_try();
        let outcome = send_once(trace);
        // If it took longer, the server may have worked on the request.
        let is_stale = matches!(outcome, Err(Error::Network(NetworkError::Unanswered)))
            && !self.clock.is_new_connection()
            && began.elapsed() < STALE_CONNECTION;
        if !is_stale {
            return outcome;
        }
        self.observe(&NetEvent::Reconnecting);
        self.clock.begin_try();
        send_once(trace)
    }

    /// Sends one request with `send`. Returns the body of a 2xx response; any
    /// other status is an error.
    pub(super) fn send<B>(
        &self,
        request: RequestBuilder<B>,
        trace: &mut RequestTrace,
        send: impl FnOnce(RequestBuilder<B>) -> Result<Response<ureq::Body>, ureq::Error>,
    ) -> Result<ResponseBody> {
        let Server { base_url, secrets, route, .. } = &*self.server;
        if let (Some(method), Some(uri)) = (request.method_ref(), request.uri_ref()) {
            let headers = Headers(request.headers_ref());
            self.observe(&NetEvent::Request { line: format_args!("{method} {uri}"), headers });
        }
        let response =
            send(request).map_err(|error| error::request_error(error, &self.clock, base_url))?;
        self.clock.reset_idle();
        let (head, body) = response.into_parts();
        trace.status = Some(head.status.as_u16());
        trace.rate_limits = RateLimits {
            requests: rate_limit(&head.headers, rate_limit::HEADERS),
            tokens: rate_limit(&head.headers, rate_limit::TOKEN_HEADERS),
        };
        let request_id = status::header_text(&head.headers, "x-request-id");
        trace.request_id = request_id.map(|id| secrets.mask(id.to_owned()));
        self.observe(&NetEvent::Response {
            line: format_args!("{:?} {}", head.version, head.status),
            headers: Headers(Some(&head.headers)),
        });
        let mut body = ResponseBody::new(body, &self.clock);
        if head.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED
            && let Some(proxy) = route.forward()
        {
            return Err(proxy.login_error(Some(head.status.as_u16())));
        }
        if !head.status.is_success() {
            let error = status::error_response(&head, body);
            if let Error::Server(server) = &error {
                let request_id = server.request_id.clone();
                trace.request_id = request_id.map(|id| secrets.mask(id));
            }
            return Err(error);
        }
        status::ensure_not_encoded(&head.headers)?;
        // 200 promises a body; one that is missing was cut off.
        if head.status != StatusCode::OK && body.is_empty().map_err(reply_error::from_io)? {
            return Err(status::empty_response(head.status));
        }
        Ok(body)
    }

    fn observe(&self, event: &NetEvent<'_>) {
        self.server.observer.observe(event);
    }
}

/// The rate limit in the headers with these names, in the first style that is complete.
fn rate_limit(headers: &HeaderMap, names: &[(&str, &str)]) -> Option<RateLimit> {
    names.iter().find_map(|(remaining, reset)| {
        let (remaining, reset) =
            (status::header_text(headers, remaining)?, status::header_text(headers, reset)?);
        rate_limit::parse(remaining, reset, SystemTime::now())
    })
}

fn feedback(trace: &RequestTrace, error: Option<&Error>) -> Feedback {
    Feedback {
        request: trace.request().unwrap_or_default(),
        status: trace.status,
        retry_after: error.and_then(Error::retry_after),
        rate_limits: trace.rate_limits,
        blame: error.map(Error::blame),
    }
}
