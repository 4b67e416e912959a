//! The client commands of the command line: own help and words, but flags, environment variables, exit codes and output shapes
//! that scripts written for the reference know. Must never touch a server crate, print a secret anywhere but on stdout, or put
//! one into a log, an error or a file that others can read.
//!
//! The binary flattens [`ClientCommand`] into its own commands, passes the arguments through [`normalize`] first, and runs what
//! was parsed with [`run`].

mod arguments;
mod aside;
mod command;
mod connection;
mod environment;
mod input;
mod output;
mod policy_text;
mod random;
mod tar;
mod token_store;

use std::io::{Read, Write};

use output::Printed;

pub use arguments::{normalize, report_usage};
pub use aside::Aside;
/// All client commands, to be flattened into a binary's own. Has no Debug: arguments can be secrets.
pub use command::{AuditCommand, ClientCommand, OperatorCommand};
pub use environment::{Environment, Files, TlsVariables};

/// All went well.
pub const EXIT_OK: u8 = 0;
/// The command, a file or the environment is wrong; nothing was asked of the server.
pub const EXIT_LOCAL: u8 = 1;
/// The server refused, found nothing or could not be reached; for `status`: it is sealed.
pub const EXIT_SERVER: u8 = 2;

/// Where a command reads and writes.
pub struct Streams<'a> {
    pub input: &'a mut dyn Read,
    pub out: &'a mut dyn Write,
    pub err: &'a mut dyn Write,
}

/// Runs a command on the process's own streams and environment. The result is the exit code.
pub async fn run(command: ClientCommand) -> u8 {
    let (mut input, mut out, mut err) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    run_with(command, &Environment::read(), Streams { input: &mut input, out: &mut out, err: &mut err }).await
}

/// The same with everything given. Nothing is written before the command has ended.
pub async fn run_with(command: ClientCommand, environment: &Environment, streams: Streams<'_>) -> u8 {
    let printed = match command.execute(environment, streams.input).await {
        Ok(printed) => printed,
        Err(failure) => match environment.aside.planned() {
            Some((show, planned)) => output::preview::print(show, &planned, environment.aside.program()),
            None => Printed::from(failure).named(environment.aside.program()),
        },
    };
    let notes = environment.aside.notes();
    let err = [printed.err.as_bytes(), notes.as_bytes()].concat();
    let warned = streams.err.write_all(&err).and_then(|()| streams.err.flush());
    let written = streams.out.write_all(printed.out.as_bytes()).and_then(|()| streams.out.flush());
    // A reader that went away must not look like success: `kv get | head` may have lost the end of a secret.
    if warned.is_err() || written.is_err() { printed.code.max(EXIT_LOCAL) } else { printed.code }
}

#[cfg(test)]
mod tests;
