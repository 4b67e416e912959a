//! Lets the flags of the reference through clap: long flags with one dash. Must never change what stands behind `--` or what is
//! not a flag.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::{EXIT_LOCAL, EXIT_OK};

/// Turns `-format=json` into `--format=json`; leaves `-h`, `-f`, `-` and everything behind `--` alone. The first argument is the
/// program.
pub fn normalize(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut flags_ended = false;
    let one = |(index, arg): (usize, OsString)| {
        flags_ended = flags_ended || arg == "--";
        if index == 0 || flags_ended || !is_long_with_one_dash(&arg) {
            return arg;
        }
        let mut long = OsString::from("-");
        long.push(arg);
        long
    };
    args.into_iter().enumerate().map(one).collect()
}

fn is_long_with_one_dash(arg: &OsString) -> bool {
    let Some(name) = arg.as_encoded_bytes().strip_prefix(b"-") else { return false };
    let name = name.split(|byte| *byte == b'=').next().unwrap_or_default();
    name.len() > 1 && name.first().is_some_and(u8::is_ascii_alphabetic)
}

/// Prints what clap has to say, help or a mistake, and tells the exit code.
pub fn report_usage(error: clap::Error) -> u8 {
    let is_mistake = error.use_stderr();
    // When even that can't be printed the code is all that is left to tell.
    let printed = without_stray_value(error).print();
    if is_mistake || printed.is_err() { EXIT_LOCAL } else { EXIT_OK }
}

/// SECURITY: an argument too many is shown by its kind only. It may be an unseal key or a token: `operator unseal KEY1 KEY2`.
pub(crate) fn without_stray_value(mut error: clap::Error) -> clap::Error {
    let stray = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(arg)) => error.kind() == ErrorKind::UnknownArgument && !arg.starts_with("--"),
        _ => false,
    };
    if stray {
        error.insert(ContextKind::InvalidArg, ContextValue::String("(one too many)".to_owned()));
        error.remove(ContextKind::Suggested);
    }
    error
}

/// `-force` is true, `-force=false` and none are false.
pub(crate) fn is_set(flag: Option<bool>) -> bool {
    flag.unwrap_or(false)
}

/// Checks a duration such as `1h` or `3600` and keeps the text: the server reads it.
pub(crate) fn duration_text(text: &str) -> Result<String, String> {
    duration_s(text).map(|_| text.to_owned())
}

/// A duration in whole seconds; a plain number counts seconds.
pub(crate) fn duration_s(text: &str) -> Result<u64, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let ns = strongroom_types::parse_duration_ns(text).map_err(|error| error.to_string())?;
    u64::try_from(ns.div_euclid(1_000_000_000)).map_err(|_| "a duration must not be negative".to_owned())
}

/// `key=value` of flags such as `-metadata`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected key=value".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &[&str], expected: &[&str]) {
        let program = |args: &[&str]| -> Vec<OsString> { ["strongroom"].iter().chain(args).map(OsString::from).collect() };
        assert_eq!(normalize(program(given)), program(expected));
    }

    #[test]
    fn long_flags_get_their_second_dash() {
        check(&["status", "-format=json"], &["status", "--format=json"]);
        check(&["server", "-dev", "-config=a.hcl"], &["server", "--dev", "--config=a.hcl"]);
        check(&["kv", "get", "--field=x", "a"], &["kv", "get", "--field=x", "a"]);
    }

    #[test]
    fn what_is_no_long_flag_stays() {
        check(&["-h"], &["-h"]);
        check(&["write", "-f", "a"], &["write", "-f", "a"]);
        check(&["operator", "init", "-n=1"], &["operator", "init", "-n=1"]);
        check(&["kv", "put", "a", "-"], &["kv", "put", "a", "-"]);
        check(&["kv", "put", "a", "x=-format"], &["kv", "put", "a", "x=-format"]);
        check(&["write", "a", "--", "-key=value"], &["write", "a", "--", "-key=value"]);
        check(&["write", "a", "-1"], &["write", "a", "-1"]);
    }

    #[test]
    fn durations_are_checked_before_they_are_sent() {
        for (text, expected) in
            [("90", Some(90)), ("1h30m", Some(5400)), ("0s", Some(0)), ("-1h", None), ("soon", None), ("", None)]
        {
            assert_eq!(duration_s(text).ok(), expected, "{text}");
        }
    }
}
