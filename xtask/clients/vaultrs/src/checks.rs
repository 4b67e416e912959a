//! Counts checks and prints the closing line; the Rust twin of `checks.py`.

use std::fmt::{Debug, Display};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use vaultrs::error::ClientError;

static PASSED: AtomicUsize = AtomicUsize::new(0);
static FAILED: AtomicUsize = AtomicUsize::new(0);

/// What stops a part.
pub type Fail = Box<dyn std::error::Error>;
pub type Done = Result<(), Fail>;

/// One check; a failure is printed with its detail.
pub fn check(what: &str, ok: bool, detail: impl Display) {
    if ok {
        PASSED.fetch_add(1, Relaxed);
        return;
    }
    FAILED.fetch_add(1, Relaxed);
    println!("FAIL {what}: {}", detail.to_string().chars().take(600).collect::<String>());
}

pub fn same<T: PartialEq<U> + Debug, U: Debug>(what: &str, got: T, want: U) {
    check(what, got == want, format_args!("want {want:?}, got {got:?}"));
}

/// The call must be answered with one of these statuses.
pub fn refused<T>(what: &str, statuses: &[u16], result: Result<T, ClientError>) {
    match result {
        Ok(_) => check(what, false, "no error"),
        Err(error) => {
            check(what, status(&error).is_some_and(|s| statuses.contains(&s)), format_args!("want {statuses:?}, got {error:?}"))
        }
    }
}

/// What comes about in the background: it must within ten seconds.
pub async fn soon<F: AsyncFn() -> bool>(what: &str, holds: F) {
    for _ in 0..200 {
        if holds().await {
            return check(what, true, "");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    check(what, false, "it did not come about");
}

/// Whether the call was answered with this status.
pub fn failed<T>(with: u16, result: Result<T, ClientError>) -> bool {
    result.is_err_and(|error| status(&error) == Some(with))
}

pub fn status(error: &ClientError) -> Option<u16> {
    match error {
        ClientError::APIError { code, .. } => Some(*code),
        ClientError::RestClientError { source: rustify::errors::ClientError::ServerResponseError { code, .. } } => Some(*code),
        _ => None,
    }
}

/// What a part gave; an error in it is one failure, and the next part still runs.
pub fn section<T>(what: &str, result: Result<T, Fail>) -> Option<T> {
    result.map_err(|error| check(what, false, format_args!("{error:?}"))).ok()
}

pub fn close() -> ExitCode {
    let failed = FAILED.load(Relaxed);
    println!("{} passed, {failed} failed", PASSED.load(Relaxed));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
