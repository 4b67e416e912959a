//! What commands print: pure functions from answers to text. Must never write anywhere; `run_with` does, at the end.

pub(crate) mod ceremony;
mod hint;
pub(crate) mod kv;
pub(crate) mod mounts;
pub(crate) mod preview;
pub(crate) mod seal;
pub(crate) mod secret;
pub(crate) mod table;
pub(crate) mod value;
pub(crate) mod yaml;

use std::fmt::Write as _;

use serde::Serialize;
use strongroom_client::Error;
use zeroize::Zeroizing;

use crate::{EXIT_LOCAL, EXIT_OK, EXIT_SERVER};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Json,
    Yaml,
    /// The body as it came; `read` only.
    Raw,
}

impl Format {
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        match text.to_ascii_lowercase().as_str() {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            "yaml" | "yml" => Ok(Self::Yaml),
            "raw" => Ok(Self::Raw),
            _ => Err(Failure::local(format!("Invalid output format: {text} (table, json and yaml are known, and raw for read)"))),
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

    /// For programs: YAML if that was asked for, else JSON.
    pub(crate) fn structured<T: Serialize + ?Sized>(value: &T, format: Format) -> Result<Self, Failure> {
        structured(value, format).map(Self::text)
    }

    pub(crate) fn warned(self, warnings: Option<&Vec<String>>) -> Self {
        Self { err: secret::warnings(warnings), ..self }
    }

    /// Puts our name into hints.
    pub(crate) fn named(self, program: &str) -> Self {
        Self { err: self.err.replace("{program}", program), ..self }
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
    /// What to do next; `{program}` stands for the name that we were called by.
    pub hint: Option<String>,
}

impl Failure {
    pub(crate) fn local(message: impl Into<String>) -> Self {
        Self { code: EXIT_LOCAL, message: message.into(), hint: None }
    }

    pub(crate) fn server(message: impl Into<String>) -> Self {
        Self { code: EXIT_SERVER, message: message.into(), hint: None }
    }

    pub(crate) fn nothing_at(path: &str) -> Self {
        Self::server(format!("No value found at {path}"))
    }

    /// The same at the server's door: scripts see no difference between "not given" and "not accepted" there.
    pub(crate) fn when(self, doing: &str) -> Self {
        Self { hint: self.hint, ..Self::server(format!("Error {doing}: {}", self.message)) }
    }

    pub(crate) fn hinted(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same when there is something to say; else what it says already.
    pub(crate) fn hinted_by(self, hint: impl FnOnce() -> Option<String>) -> Self {
        let hint = hint().or(self.hint);
        Self { hint, ..self }
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
        Self { code: if error.is_callers() { EXIT_LOCAL } else { EXIT_SERVER }, message, hint: hint::of(error) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::of(&error, "")
    }
}

impl From<Failure> for Printed {
    fn from(failure: Failure) -> Self {
        let hint = failure.hint.map(|hint| format!("\nHint: {hint}\n")).unwrap_or_default();
        Self { out: Zeroizing::default(), err: format!("{}\n{hint}", failure.message.trim_end()), code: failure.code }
    }
}

/// JSON in two-space indentation or YAML, with a line feed at the end.
pub(crate) fn structured<T: Serialize + ?Sized>(value: &T, format: Format) -> Result<String, Failure> {
    let unwritable = |_| Failure::local("the answer cannot be written in this format");
    if format == Format::Yaml {
        return serde_json::to_value(value).map(|value| yaml::text(&value)).map_err(unwritable);
    }
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(unwritable)
}
