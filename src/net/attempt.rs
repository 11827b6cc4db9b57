//! A request sent, and tried again where that is safe.

use std::time::{Duration, Instant, SystemTime};

use ureq::http::{HeaderMap, Response};
use ureq::{RequestBuilder, Timeout};

use crate::error::{Error, NetworkError, Result};
use crate::net::client::{Client, RequestTrace};
use crate::net::observer::{Headers, NetEvent};
use crate::net::rate_limit::{self, RateLimit};
use crate::net::rate_limiter::Feedback;
use crate::net::reply_stream::ResponseBody;
use crate::net::retry::{self, RetryDecision};
use crate::net::server::Server;
use crate::net::{error, status};

/// A kept connection that the server had closed before shows it within this
/// time.
const STALE: Duration = Duration::from_secs(1);

impl Client {
    /// Sends until a response is a success, or another try is no use.
    pub(super) fn send_with_retries(
        &self,
        trace: &mut RequestTrace,
        attempt: impl Fn(&mut RequestTrace) -> Result<ResponseBody>,
    ) -> Result<ResponseBody> {
        let retries = self.server.retries;
        let mut failures: u32 = 0;
        let mut first = None;
        loop {
            let left = self.clock.left().filter(|_| first.is_some());
            let Some(ticket) = self.limiter.acquire(first, left)? else {
                return Err(self.clock.expired(Timeout::Global).into());
            };
            if first.is_none() {
                self.clock.begin();
            }
            first.get_or_insert(ticket);
            let tries = trace.tries.saturating_add(1);
            *trace = RequestTrace { tries, ..RequestTrace::default() };
            let outcome = self.try_once(trace, &attempt);
            let is_rate_limited =
                self.limiter.record(ticket, &signal(trace, outcome.as_ref().err()));
            let error = match outcome {
                Ok(body) => return Ok(body),
                Err(error) => self.server.presentable(error),
            };
            failures = failures.saturating_add(u32::from(!is_rate_limited));
            let most = if is_rate_limited { u32::MAX } else { retries };
            let left = self.clock.left();
            match retry::after(&error, failures.max(1), most, left, fastrand::f64()) {
                RetryDecision::Never => return Err(error),
                RetryDecision::Again(_) if is_rate_limited => {
                    self.observe(&NetEvent::RateLimited { error: &error });
                }
                RetryDecision::Again(wait) => {
                    let (attempt, attempts) = (failures + 1, retries.saturating_add(1));
                    let event = NetEvent::Retrying { error: &error, wait, attempt, attempts };
                    self.observe(&event);
                    self.limiter.pause(wait)?;
                }
            }
        }
    }

    /// One try. A connection that was kept may have been closed meanwhile,
    /// which shows at once: then a new one is made.
    fn try_once(
        &self,
        trace: &mut RequestTrace,
        attempt: &impl Fn(&mut RequestTrace) -> Result<ResponseBody>,
    ) -> Result<ResponseBody> {
        let began = Instant::now();
        self.clock.connecting();
        let outcome = attempt(trace);
        // A server that closes after a while may have been at work on it.
        let is_stale = matches!(outcome, Err(Error::Network(NetworkError::Unanswered)))
            && !self.clock.is_fresh()
            && began.elapsed() < STALE;
        if !is_stale {
            return outcome;
        }
        self.observe(&NetEvent::Reconnecting);
        self.clock.connecting();
        attempt(trace)
    }

    /// Sends one request and judges the head of its response.
    pub(super) fn send<B>(
        &self,
        request: RequestBuilder<B>,
        trace: &mut RequestTrace,
        send: impl FnOnce(RequestBuilder<B>) -> Result<Response<ureq::Body>, ureq::Error>,
    ) -> Result<ResponseBody> {
        let Server { base_url, secrets, .. } = &*self.server;
        if let (Some(method), Some(uri)) = (request.method_ref(), request.uri_ref()) {
            let headers = Headers(request.headers_ref());
            self.observe(&NetEvent::Request { line: format_args!("{method} {uri}"), headers });
        }
        let response =
            send(request).map_err(|error| error::before_body(error, &self.clock, base_url))?;
        self.clock.alive();
        let (head, body) = response.into_parts();
        trace.status = Some(head.status.as_u16());
        trace.rate_limit = rate_limit(&head.headers);
        let request_id = status::text(&head.headers, "x-request-id");
        trace.request_id = request_id.map(|id| secrets.mask(id.to_owned()));
        self.observe(&NetEvent::Response {
            line: format_args!("{:?} {}", head.version, head.status),
            headers: Headers(Some(&head.headers)),
        });
        let body = ResponseBody::new(body, &self.clock);
        if !head.status.is_success() {
            let error = status::read(&head, body, base_url);
            if let Error::Server(server) = &error {
                let request_id = server.request_id.clone();
                trace.request_id = request_id.map(|id| secrets.mask(id));
            }
            return Err(error);
        }
        status::ensure_identity(&head.headers)?;
        Ok(body)
    }

    fn observe(&self, event: &NetEvent<'_>) {
        self.server.observer.observe(event);
    }
}

/// What the server says of its limits.
fn rate_limit(headers: &HeaderMap) -> Option<RateLimit> {
    rate_limit::NAMES.iter().find_map(|(remaining, reset)| {
        let (remaining, reset) = (status::text(headers, remaining)?, status::text(headers, reset)?);
        rate_limit::parse(remaining, reset, SystemTime::now())
    })
}

fn signal(trace: &RequestTrace, error: Option<&Error>) -> Feedback {
    let server = match error {
        Some(Error::Server(server)) => Some(server),
        _ => None,
    };
    Feedback {
        status: trace.status,
        retry_after: server.and_then(|server| server.retry_after),
        rate_limit: trace.rate_limit,
        is_quota: server.is_some_and(|server| server.is_quota()),
    }
}
