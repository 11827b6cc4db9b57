//! How many requests a batch sends at once, and how fast.

use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::batch_lines::{by_id, input, prompts};
use crate::support::service::{Reply, Seen, Service, prompt};
use crate::support::{batch, finish, run};

#[test]
fn jobs_sets_the_number_of_concurrent_requests() {
    let most = Arc::new(Mutex::new((0, 0)));
    let (count, seen) = (Arc::clone(&most), Arc::clone(&most));
    let (arrive, arrivals) = channel::<()>();
    let arrive = Mutex::new(arrive);
    let (leave, leaves) = channel::<()>();
    let leaves = Mutex::new(leaves);
    let service = Service::new(move |request, _| {
        {
            let mut count = count.lock().expect("no thread panicked");
            count.0 += 1;
            count.1 = count.1.max(count.0);
        }
        arrive.lock().expect("no thread panicked").send(()).expect("the test is waiting");
        leaves.lock().expect("no thread panicked").recv().expect("the test is running");
        count.lock().expect("no thread panicked").0 -= 1;
        Reply::text(&prompt(request))
    });
    let prompts = prompts(20);
    let (_directory, file) = input(&prompts);
    let mut command = batch(&service.base_url(), &["--lines", "-j5"]);
    let child = command.arg(file).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let child = child.expect("gravix starts");
    // Five requests are in progress before the first gets its answer.
    (0..5).for_each(|_| arrivals.recv().expect("a request arrives"));
    (0..20).for_each(|_| leave.send(()).expect("the service is waiting"));
    let output = finish(child);
    assert_eq!(by_id(&output.stdout).len(), 20);
    assert_eq!(seen.lock().expect("no thread panicked").1, 5);
    let connections = service.seen().iter().map(|seen| seen.connection).max();
    assert_eq!(connections, Some(4), "each worker keeps its connection");
}

/// When each request arrived, counted from the first.
fn times(seen: &[Seen]) -> Vec<Duration> {
    seen.iter().map(|one| one.at - seen[0].at).collect()
}

#[test]
fn a_rate_is_not_exceeded() {
    let service = Service::echo();
    let (_directory, file) = input(&prompts(21));
    let options = ["--lines", "--rate", "50/s"];
    run(batch(&service.base_url(), &options).arg(file)).exits(0);
    // Request n is due after n intervals; a late one can catch up for 20 ms.
    for (number, time) in times(&service.seen()).iter().enumerate() {
        let due = Duration::from_millis(20 * number as u64);
        assert!(*time + Duration::from_millis(40) >= due, "{number}: {time:?}");
    }
    for rate in ["5", "5/d", "0/s", "NaN/s", "/s"] {
        run(&mut batch("mock:", &["--rate", rate])).exits(2).says(&["100/m"]);
    }
}

#[test]
fn retry_after_pauses_all_workers() {
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        let service = Service::new(move |request, index| match index {
            10 => Reply::new(status, "").with("Retry-After: 1"),
            _ => Reply::text(&prompt(request)),
        });
        let (_directory, file) = input(&prompts(2000));
        let output = run(batch(&service.base_url(), &["--lines", "-j4"]).arg(file)).exits(0);
        assert_eq!(by_id(&output.stdout).len(), 2000);
        let seen = service.seen();
        assert_eq!(seen.len(), 2001);
        let times = times(&seen);
        // Requests already in progress may arrive within 200 ms.
        let [begin, end] = [200, 1000].map(|ms| times[10] + Duration::from_millis(ms));
        let silence = times.iter().filter(|time| (begin..end).contains(*time));
        assert_eq!(silence.count(), 0, "{times:?}");
    }
}

#[test]
fn rate_limit_headers_are_respected() {
    let window = Duration::from_secs(1);
    // Five requests a second, counted from the first.
    let begun = Mutex::new((Instant::now(), 0));
    let service = Service::new(move |request, _| {
        let mut begun = begun.lock().expect("no thread panicked");
        if begun.1 == 0 || begun.0.elapsed() >= window {
            *begun = (Instant::now(), 0);
        }
        begun.1 += 1;
        let reset = window.saturating_sub(begun.0.elapsed()).as_secs_f64();
        let remaining = 5_usize.saturating_sub(begun.1);
        let reply = if begun.1 > 5 {
            Reply::new("429 Too Many Requests", "")
        } else {
            Reply::text(&prompt(request))
        };
        reply
            .with(format!("X-RateLimit-Remaining: {remaining}"))
            .with(format!("X-RateLimit-Reset: {reset:.3}"))
    });
    let (_directory, file) = input(&prompts(14));
    let output = run(batch(&service.base_url(), &["--lines", "-j2"]).arg(file)).exits(0);
    assert_eq!(by_id(&output.stdout).len(), 14);
    assert!(service.seen().len() <= 15, "{}", service.seen().len());
}

/// Requests a second that the servers in these tests accept.
const LIMIT: usize = 100;

/// Runs against a server that refuses a request, with this header if any,
/// unless `accepts` returns true. Checks that every request is answered in the
/// end, and that refusals stay under 5 %.
#[track_caller]
fn ensure_rate_settles(
    accepts: impl FnMut(Instant) -> bool + Send + 'static,
    header: Option<&'static str>,
) {
    const REQUESTS: usize = 1500;
    let accepts = Mutex::new(accepts);
    let service = Service::new(move |request, _| {
        let mut accepts = accepts.lock().expect("no thread panicked");
        if accepts(Instant::now()) {
            return Reply::text(&prompt(request));
        }
        let refusal = Reply::new("429 Too Many Requests", "");
        header.into_iter().fold(refusal, Reply::with)
    });
    let (_directory, file) = input(&prompts(REQUESTS));
    let output = run(batch(&service.base_url(), &["--lines"]).arg(file)).exits(0);
    assert_eq!(by_id(&output.stdout).len(), REQUESTS);
    let seen = service.seen();
    let refused = seen.len() - REQUESTS;
    assert!(refused * 20 < seen.len(), "{refused} of {} were refused", seen.len());
}

#[test]
fn a_run_settles_just_under_an_unannounced_limit() {
    // A sliding window of one second.
    let mut taken = VecDeque::new();
    let accepts = move |now: Instant| {
        while taken.front().is_some_and(|at| now - *at >= Duration::from_secs(1)) {
            taken.pop_front();
        }
        let accepts = taken.len() < LIMIT;
        taken.extend(accepts.then_some(now));
        accepts
    };
    ensure_rate_settles(accepts, None);
}

#[test]
fn a_run_settles_just_under_a_limit_with_retry_after() {
    // A token bucket that holds half a second of requests.
    let (mut tokens, mut filled) = (LIMIT as f64 / 2.0, Instant::now());
    let accepts = move |now: Instant| {
        tokens += (now - filled).as_secs_f64() * LIMIT as f64;
        tokens = tokens.min(LIMIT as f64 / 2.0);
        filled = now;
        let accepts = tokens >= 1.0;
        tokens -= f64::from(u8::from(accepts));
        accepts
    };
    ensure_rate_settles(accepts, Some("Retry-After: 1"));
}

#[test]
fn a_connection_closed_between_requests_is_not_a_failure() {
    let service = Service::new(|request, _| Reply::text(&prompt(request)).and_close());
    let (_directory, file) = input(&prompts(100));
    let options = ["--lines", "--retries", "0"];
    let output = run(batch(&service.base_url(), &options).arg(file)).exits(0);
    assert_eq!(by_id(&output.stdout).len(), 100);
    // A request sent into a closed connection is not counted twice.
    assert_eq!(service.seen().len(), 100);
}

#[test]
fn a_kept_connection_is_reopened_only_if_it_closes_at_once() {
    for (wait, expected, sent) in [(0, 0, 4), (1200, 4, 3)] {
        let service = Service::new(move |request, index| match index {
            1 => Reply::hang_up(Duration::from_millis(wait)),
            _ => Reply::text(&prompt(request)),
        });
        let (_directory, file) = input(&prompts(3));
        let options = ["--lines", "-j1", "--retries", "0"];
        let run = run(batch(&service.base_url(), &options).arg(file)).exits(expected);
        assert_eq!(service.seen().len(), sent, "{}", run.stderr);
    }
}

#[test]
fn retry_after_zero_is_treated_as_absent() {
    // The server refuses everything for a second after the first five.
    let begun = Mutex::new(None);
    let service = Service::new(move |request, index| {
        let mut begun = begun.lock().expect("no thread panicked");
        let begun = *begun.get_or_insert_with(Instant::now);
        if index >= 5 && begun.elapsed() < Duration::from_millis(1000) {
            return Reply::new("429 Too Many Requests", "").with("Retry-After: 0");
        }
        Reply::text(&prompt(request))
    });
    let (_directory, file) = input(&prompts(10));
    run(batch(&service.base_url(), &["--lines", "-j1"]).arg(file)).exits(0);
    assert!(service.seen().len() < 20, "{}", service.seen().len());
}

#[test]
fn a_refusal_that_pauses_all_workers_uses_no_retry() {
    // The server refuses everything for 1.5 s after the first five.
    let begun = Mutex::new(None);
    let service = Service::new(move |request, index| {
        let mut begun = begun.lock().expect("no thread panicked");
        let begun = *begun.get_or_insert_with(Instant::now);
        if index >= 5 && begun.elapsed() < Duration::from_millis(1500) {
            return Reply::new("429 Too Many Requests", "");
        }
        Reply::text(&prompt(request))
    });
    let (_directory, file) = input(&prompts(10));
    let options = ["--lines", "-j1", "--retries", "0"];
    run(batch(&service.base_url(), &options).arg(file)).exits(0).says(&["10 done, 0 failed"]);
}

#[test]
fn each_request_has_its_own_retries() {
    let failed = Mutex::new(Vec::new());
    let service = Service::new(move |request, _| {
        let prompt = prompt(request);
        let mut failed = failed.lock().expect("no thread panicked");
        if failed.iter().filter(|known| **known == prompt).count() < 2 {
            failed.push(prompt);
            return Reply::new("500 Internal Server Error", "").with("retry-after-ms: 1");
        }
        Reply::text(&prompt)
    });
    let (_directory, file) = input(&prompts(5));
    run(batch(&service.base_url(), &["--lines"]).arg(&file)).exits(0).says(&["5 done, 0 failed"]);
    assert_eq!(service.seen().len(), 15);
    run(batch(&service.base_url(), &["--lines"]).arg(&file)).exits(0);
    let verbose = run(batch(&service.base_url(), &["--lines", "-v"]).arg(&file)).exits(0).stderr;
    assert!(verbose.contains("< HTTP/1.1 200"), "{verbose}");
}

#[test]
fn each_request_has_its_own_deadline() {
    let service = Service::echo();
    let (_directory, file) = input(&prompts(6));
    let options = ["--lines", "--rate", "10/s", "--deadline", "0.3"];
    run(batch(&service.base_url(), &options).arg(file)).exits(0);
}
