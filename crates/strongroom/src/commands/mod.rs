//! The command line of the program: its own commands beside the client's. Flags may be written with one dash, as in the
//! reference. Must never print an argument back: it may be a secret.

mod audit;
mod completion;
mod console;
mod operator;
mod server;
mod version;

use std::ffi::OsString;

use clap::{Parser, Subcommand};

/// Strongroom keeps secrets: a server and its command line, compatible with the API of Vault and OpenBao.
// No Debug: arguments can be secrets.
#[derive(Parser)]
#[command(name = "strongroom", version = version::TEXT, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a server
    Server(server::Args),
    /// Check an audit log and prove its records, or manage the audit devices of a server
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Initialize, unseal, seal and rotate keys; check a machine before a start
    #[command(subcommand)]
    Operator(operator::Operator),
    /// Show the version
    Version,
    /// Print a script that completes commands and flags in a shell
    Completion(completion::Args),
    /// Write man pages into a folder, for packages
    #[command(hide = true)]
    Man(completion::ManArgs),
    #[command(flatten)]
    Client(Box<strongroom_cli::ClientCommand>),
}

/// Runs what the arguments say; the first is the program's name. The result is the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    match Cli::try_parse_from(strongroom_cli::normalize(args)) {
        Ok(Cli { command }) => execute(command),
        Err(error) => strongroom_cli::report_usage(error),
    }
}

fn execute(command: Command) -> u8 {
    match command {
        Command::Server(args) => console::exit_code(server::run(args)),
        Command::Audit(command) => console::exit_code(audit::run(command)),
        Command::Operator(command) => console::exit_code(operator::run(command)),
        Command::Completion(args) => console::exit_code(completion::run(&args).map(|()| strongroom_cli::EXIT_OK)),
        Command::Man(args) => console::exit_code(completion::man(&args).map(|()| strongroom_cli::EXIT_OK)),
        Command::Version => console::exit_code(console::print(&format!("{}\n", version::LINE)).map(|()| strongroom_cli::EXIT_OK)),
        Command::Client(command) => console::exit_code(client(*command)),
    }
}

/// One request after the other: one thread is enough.
fn client(command: strongroom_cli::ClientCommand) -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(strongroom_cli::run(command)))
}
