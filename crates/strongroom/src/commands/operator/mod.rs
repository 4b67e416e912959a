//! `strongroom operator`: what is done on the server's own machine, beside the client's commands for a server that runs.

mod checks;
mod diagnose;
#[cfg(test)]
mod tests;

use clap::Subcommand;

#[derive(Subcommand)]
pub enum Operator {
    /// Check whether a server could start with a configuration here (exit code 1: it could not; 2: with warnings)
    Diagnose(diagnose::Args),
    /// Check a configuration and nothing else
    ValidateConfig(diagnose::ValidateArgs),
    #[command(flatten)]
    Client(Box<strongroom_cli::OperatorCommand>),
}

pub fn run(command: Operator) -> anyhow::Result<u8> {
    match command {
        Operator::Diagnose(args) => diagnose::run(args),
        Operator::ValidateConfig(args) => diagnose::validate(args),
        Operator::Client(command) => super::client(strongroom_cli::ClientCommand::Operator(*command)),
    }
}
