//! What commands print: pure functions from answers to text. Must never write anywhere; `run_with` does, at the end.

pub(crate) mod ceremony;
pub(crate) mod kv;
pub(crate) mod mounts;
pub(crate) mod seal;
pub(crate) mod secret;
pub(crate) mod table;
pub(crate) mod value;

use std::fmt::Write as _;

use serde::Serialize;
use strongroom_client::Error;
use zeroize::Zeroizing;

use crate::{EXIT_LOCAL, EXIT_OK, EXIT_SERVER};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Json,
    /// The body as it came; `read` only.
    Raw,
}

impl Format {
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        match text.to_ascii_lowercase().as_str() {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            "raw" => Ok(Self::Raw),
            _ => Err(Failure::local(format!("Invalid output format: {text} (table and json are known)"))),
        }
    }
}

/// The end of a command: text for both streams and the exit code. Wiped on drop, secrets stand in `out` only.
pub(crate) struct Printed {
    pub out: Zeroizing<String>,
    pub err: String,
    pub code: u8,
}

impl Printed {
    pub(crate) fn text(out: impl Into<String>) -> Self {
        Self { out: Zeroizing::new(out.into()), err: String::new(), code: EXIT_OK }
    }

    pub(crate) fn line(out: impl std::fmt::Display) -> Self {
        Self::text(format!("{out}\n"))
    }

    pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, Failure> {
        Ok(Self::line(pretty(value)?))
    }

    pub(crate) fn warned(self, warnings: Option<&Vec<String>>) -> Self {
        Self { err: secret::warnings(warnings), ..self }
    }

    pub(crate) fn with_code(self, code: u8) -> Self {
        Self { code, ..self }
    }
}

/// A command that did not do what was asked, and why. The text is for stderr: it must not hold a secret.
#[derive(Debug)]
pub(crate) struct Failure {
    pub code: u8,
    pub message: String,
}

impl Failure {
    pub(crate) fn local(message: impl Into<String>) -> Self {
        Self { code: EXIT_LOCAL, message: message.into() }
    }

    pub(crate) fn server(message: impl Into<String>) -> Self {
        Self { code: EXIT_SERVER, message: message.into() }
    }

    pub(crate) fn nothing_at(path: &str) -> Self {
        Self::server(format!("No value found at {path}"))
    }

    /// `doing` completes "Error ..."; empty leaves the error to speak for itself.
    pub(crate) fn of(error: &Error, doing: &str) -> Self {
        let mut message = if doing.is_empty() { String::new() } else { format!("Error {doing}: ") };
        let mut cause: Option<&dyn std::error::Error> = Some(error);
        let mut separator = "";
        while let Some(one) = cause {
            // Writing to a String cannot fail.
            let _ = write!(message, "{separator}{one}");
            separator = ": ";
            cause = one.source();
        }
        Self { code: if error.is_callers() { EXIT_LOCAL } else { EXIT_SERVER }, message }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::of(&error, "")
    }
}

impl From<Failure> for Printed {
    fn from(failure: Failure) -> Self {
        Self { out: Zeroizing::default(), err: format!("{}\n", failure.message.trim_end()), code: failure.code }
    }
}

/// JSON in two-space indentation.
pub(crate) fn pretty<T: Serialize + ?Sized>(value: &T) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(|_| Failure::local("the answer cannot be written as JSON"))
}
