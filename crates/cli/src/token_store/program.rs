//! A token helper: a program that prints the token for `get` and takes it on standard input for `store`. The token must never be
//! one of its arguments.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use strongroom_types::SecretString;
use zeroize::Zeroizing;

use crate::output::Failure;

pub(super) fn get(program: &Path) -> Result<Option<SecretString>, Failure> {
    let child = start(program, "get", Stdio::null(), Stdio::piped())?;
    let done = child.wait_with_output().map_err(|error| failed(program, "get", &error.to_string()))?;
    let text = Zeroizing::new(done.stdout);
    if !done.status.success() {
        return Err(failed(program, "get", &done.status.to_string()));
    }
    let text = std::str::from_utf8(&text).map_err(|_| failed(program, "get", "what it printed is no text"))?;
    let token = SecretString::from(text.trim());
    Ok(Some(token).filter(|token| !token.is_empty()))
}

pub(super) fn store(program: &Path, token: &SecretString) -> Result<(), Failure> {
    let mut child = start(program, "store", Stdio::piped(), Stdio::null())?;
    let given = child.stdin.take().map(|mut input| input.write_all(token.expose().as_bytes()));
    let status = child.wait().map_err(|error| failed(program, "store", &error.to_string()))?;
    match given {
        Some(Ok(())) if status.success() => Ok(()),
        Some(Err(error)) if status.success() => Err(failed(program, "store", &error.to_string())),
        _ => Err(failed(program, "store", &status.to_string())),
    }
}

/// It speaks to the user by its standard error.
fn start(program: &Path, verb: &str, input: Stdio, output: Stdio) -> Result<Child, Failure> {
    let started = Command::new(program).arg(verb).stdin(input).stdout(output).stderr(Stdio::inherit()).spawn();
    started.map_err(|error| failed(program, verb, &error.to_string()))
}

fn failed(program: &Path, verb: &str, why: &str) -> Failure {
    Failure::local(format!("Error running the token helper {} {verb}: {why}", program.display()))
}
