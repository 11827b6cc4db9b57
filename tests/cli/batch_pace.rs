use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::batch::{by_id, input, prompts};
use crate::support::service::{Reply, Seen, Service, prompt};
use crate::support::{batch, run};

/// How long after the first request each came.
fn times(seen: &[Seen]) -> Vec<Duration> {
    seen.iter().map(|one| one.at - seen[0].at).collect()
}

#[test]
fn a_rate_is_not_exceeded() {
    let service = Service::echo();
    let (_directory, file) = input(&prompts(21));
    let options = ["--lines", "--rate", "50/s"];
    run(batch(&service.base_url(), &options).arg(file)).exits(0);
    // The n-th is due after n-1 intervals; what was late makes up for 20 ms.
    for (number, time) in times(&service.seen()).iter().enumerate() {
        let due = Duration::from_millis(20 * number as u64);
        assert!(*time + Duration::from_millis(40) >= due, "{number}: {time:?}");
    }
    for rate in ["5", "5/d", "0/s", "NaN/s", "/s"] {
        run(&mut batch("mock:", &["--rate", rate])).exits(2).says(&["100/m"]);
    }
}

#[test]
fn retry_after_holds_all_workers() {
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
        // What was under way when the refusal came back is given its time.
        let [heard, over] = [200, 1000].map(|ms| times[10] + Duration::from_millis(ms));
        let silence = times.iter().filter(|time| (heard..over).contains(*time));
        assert_eq!(silence.count(), 0, "{times:?}");
    }
}

#[test]
fn what_the_server_will_take_is_asked_for_and_no_more() {
    let window = Duration::from_secs(1);
    // Five requests a second, from the first one on.
    let begun = Mutex::new((Instant::now(), 0));
    let service = Service::new(move |request, _| {
        let mut begun = begun.lock().expect("no panic");
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

/// The requests a second that the servers here take.
const LIMIT: usize = 100;

/// Runs against a server that refuses requests unless `takes` says otherwise,
/// with this header if any. Refusals stay under 5 %, and throughput over 85 %
/// of the limit.
#[track_caller]
fn ensure_settles(
    takes: impl FnMut(Instant) -> bool + Send + 'static,
    header: Option<&'static str>,
) {
    const REQUESTS: usize = 1500;
    let takes = Mutex::new(takes);
    let service = Service::new(move |request, _| {
        let mut takes = takes.lock().expect("no panic");
        if takes(Instant::now()) {
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
    let time = (seen[seen.len() - 1].at - seen[0].at).as_secs_f64();
    let throughput = REQUESTS as f64 / time / LIMIT as f64;
    assert!(throughput > 0.85, "{throughput:.2} of the limit");
}

#[test]
fn a_run_settles_just_under_a_limit_that_is_not_told() {
    // So many within any second.
    let mut taken = VecDeque::new();
    let takes = move |now: Instant| {
        while taken.front().is_some_and(|at| now - *at >= Duration::from_secs(1)) {
            taken.pop_front();
        }
        let takes = taken.len() < LIMIT;
        taken.extend(takes.then_some(now));
        takes
    };
    ensure_settles(takes, None);
}

#[test]
fn a_run_settles_just_under_a_limit_with_retry_after() {
    // A bucket of tokens for half a second.
    let (mut tokens, mut filled) = (LIMIT as f64 / 2.0, Instant::now());
    let takes = move |now: Instant| {
        tokens += (now - filled).as_secs_f64() * LIMIT as f64;
        tokens = tokens.min(LIMIT as f64 / 2.0);
        filled = now;
        let takes = tokens >= 1.0;
        tokens -= f64::from(u8::from(takes));
        takes
    };
    ensure_settles(takes, Some("Retry-After: 1"));
}

#[test]
fn a_connection_that_the_server_closed_meanwhile_is_no_failure() {
    let service = Service::new(|request, _| Reply::text(&prompt(request)).and_close());
    let (_directory, file) = input(&prompts(100));
    let options = ["--lines", "--retries", "0"];
    let output = run(batch(&service.base_url(), &options).arg(file)).exits(0);
    assert_eq!(by_id(&output.stdout).len(), 100);
    // One that was sent into a closed connection may have come before that.
    assert_eq!(service.seen().len(), 100);
}

#[test]
fn a_kept_connection_that_is_closed_at_once_is_made_anew_and_one_that_is_not_failed() {
    for (wait, expected, sent) in [(0, 0, 4), (1200, 4, 3)] {
        let service = Service::new(move |request, index| match index {
            1 => Reply::none(Duration::from_millis(wait)),
            _ => Reply::text(&prompt(request)),
        });
        let (_directory, file) = input(&prompts(3));
        let options = ["--lines", "-j1", "--retries", "0"];
        let run = run(batch(&service.base_url(), &options).arg(file)).exits(expected);
        assert_eq!(service.seen().len(), sent, "{}", run.stderr);
    }
}

#[test]
fn a_server_that_refuses_everything_is_given_up() {
    let service = Service::new(|_, _| Reply::new("429 Too Many Requests", ""));
    let (_directory, file) = input(&prompts(2));
    let output = run(batch(&service.base_url(), &["--lines", "-j1"]).arg(file)).exits(75);
    assert_eq!(by_id(&output.stdout).len(), 2);
    assert_eq!(service.seen().len(), 6);
    output.says(&["0 done, 2 failed (429: 2)"]);
    let (_directory, file) = input(&prompts(50));
    let options = ["--lines", "--retries", "0"];
    let output = run(batch(&service.base_url(), &options).arg(file)).exits(75);
    let told = "stopping after 16 failures in a row: the server answered 429";
    assert!(output.stderr.contains(told), "{}", output.stderr);
    assert!(output.stderr.contains(" left; "), "{}", output.stderr);
}

#[test]
fn a_wait_of_nothing_is_no_wait() {
    // It takes nothing for a second after the first five.
    let begun = Mutex::new(None);
    let service = Service::new(move |request, index| {
        let mut begun = begun.lock().expect("no panic");
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
fn a_refusal_that_holds_all_counts_against_nobody() {
    // It takes nothing for a second and a half after the first five.
    let begun = Mutex::new(None);
    let service = Service::new(move |request, index| {
        let mut begun = begun.lock().expect("no panic");
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
fn each_request_is_tried_again_by_itself() {
    let failed = Mutex::new(Vec::new());
    let service = Service::new(move |request, _| {
        let prompt = prompt(request);
        let mut failed = failed.lock().expect("no panic");
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
    let told = run(batch(&service.base_url(), &["--lines", "-v"]).arg(&file)).exits(0).stderr;
    assert!(told.contains("< HTTP/1.1 200"), "{told}");
}

#[test]
fn a_deadline_is_that_of_each_request() {
    let service = Service::echo();
    let (_directory, file) = input(&prompts(6));
    let options = ["--lines", "--rate", "10/s", "--deadline", "0.3"];
    run(batch(&service.base_url(), &options).arg(file)).exits(0);
}
