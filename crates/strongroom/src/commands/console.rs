//! Standard output and the last word of a failed command.

use std::io::Write as _;

use strongroom_cli::EXIT_LOCAL;

/// Writes to standard output. Errors: a closed or full one, which must not look like success.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// The exit code of a command; a failure is told on standard error, with its causes.
pub fn exit_code(result: anyhow::Result<u8>) -> u8 {
    match result {
        Ok(code) => code,
        Err(error) => {
            // When even that can't be written, the code is all that is left to tell.
            let _ = writeln!(std::io::stderr(), "Error: {error:#}");
            EXIT_LOCAL
        }
    }
}
