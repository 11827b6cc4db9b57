//! HTTP to the API: connections, timeouts, retries and rate limits. No other
//! module names ureq or rustls.

pub mod absolute_form;
pub mod attempt;
pub mod base_url;
pub mod buffers;
pub mod client;
pub mod clock;
pub mod connect;
pub mod endpoint;
pub mod error;
pub mod mock;
pub mod named_certificates;
pub mod observer;
pub mod proxy;
pub mod rate_limit;
pub mod rate_limiter;
pub mod reply_stream;
pub mod resolve;
pub mod retry;
pub mod server;
pub mod socks;
pub mod status;
pub mod tcp;
pub mod timed;
pub mod tls;
pub mod tls_error;
