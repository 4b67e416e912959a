//! The `strongroom` program: it reads configuration, flags and environment, makes the real clock, random source, sockets and
//! files, and puts the parts together. No rule of the service itself lives here.

pub mod catalog;
mod commands;
pub mod config;
mod environment;
pub mod log;
mod machine;
mod process;
mod system;

use std::process::ExitCode;

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    ExitCode::from(commands::run(std::env::args_os()))
}
