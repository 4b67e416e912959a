//! Runs other programs: loudly, quietly, or with their output marked as not ours, so that the only plain closing line
//! of a run is the one that xtask prints itself.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|w| w.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Runs to the end with our own output; anything but exit 0 is an error.
pub fn must(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| shown(command))?;
    if !status.success() {
        bail!("{}: {status}", shown(command));
    }
    Ok(())
}

/// Runs to the end and returns what it printed; anything but exit 0 is an error that shows its last words.
pub fn text(command: &mut Command) -> Result<String> {
    let output = output(command)?;
    if !output.status.success() {
        bail!("{}: {}\n{}", shown(command), output.status, String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs to the end and returns everything.
pub fn output(command: &mut Command) -> Result<Output> {
    command.stdin(Stdio::null()).output().with_context(|| shown(command))
}

/// Runs to the end, printing each line behind `  | `; returns the status and all the lines.
pub fn marked(command: &mut Command) -> Result<(ExitStatus, Vec<String>)> {
    let what = shown(command);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().with_context(|| what.clone())?;
    let errors = child.stderr.take().map(|pipe| thread::spawn(move || echo(pipe)));
    let mut lines = child.stdout.take().map(echo).unwrap_or_default();
    if let Some(errors) = errors {
        lines.extend(errors.join().map_err(|_| anyhow::anyhow!("{what}: reading its output failed"))?);
    }
    Ok((child.wait().with_context(|| what)?, lines))
}

fn echo(pipe: impl Read) -> Vec<String> {
    let mut lines = Vec::new();
    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        println!("  | {line}");
        lines.push(line);
    }
    lines
}

/// The last `N passed` of a program's output, with its `N failed` if there is one.
pub fn closing_line(lines: &[String]) -> Option<crate::Tally> {
    lines.iter().rev().find_map(|line| {
        let count = |word: &str| line.split(", ").find_map(|part| part.split_once(word)?.0.rsplit(' ').next()?.parse().ok());
        Some(crate::Tally { passed: count(" passed")?, failed: count(" failed").unwrap_or(0) })
    })
}

/// Whether a program can be found.
pub fn found(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| Path::new(&dir).join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tally;

    #[test]
    fn closing_lines_of_the_runners_are_read() {
        for (line, want) in [
            ("746 passed, 2 failed, 37 skipped", Some(Tally { passed: 746, failed: 2 })),
            ("     Summary [   0.049s] 10 tests run: 10 passed, 0 skipped", Some(Tally { passed: 10, failed: 0 })),
            ("Summary [1s] 9 tests run: 7 passed (1 slow), 2 failed, 0 skipped", Some(Tally { passed: 7, failed: 2 })),
            ("the tests passed", None),
        ] {
            assert_eq!(closing_line(&["first".into(), line.into()]), want, "{line}");
        }
    }
}
