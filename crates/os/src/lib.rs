//! Hardens the process before the first secret is in memory: no core dumps, no tracing by other processes of the user, files for
//! the owner only, memory locked where the limit allows it (decisions.md 13). Must never decide what to do about a step that
//! failed: it reports, the caller logs or refuses. The one crate that may hold `unsafe`; with rustix none is needed.

mod disk;
mod priority;
mod swap;

use rustix::fs::Mode;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit, umask};

pub use disk::{DiskSpace, disk_space};
pub use priority::give_way;
pub use swap::swap_warning;

/// What became of one step. A failure carries the system's reason, ready for a log line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Done,
    /// Not tried, and why.
    Skipped(String),
    Failed(String),
}

/// The outcome of [`harden`], one field per step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Core files are limited to 0 bytes, also for a later raise by this process.
    pub core_dumps_off: Step,
    /// Other processes of the same user can't attach or read `/proc/<pid>/mem`.
    pub tracing_off: Step,
    /// Pages stay in RAM as they are touched.
    pub memory_locked: Step,
    /// Set when the machine has swap and memory isn't locked: secrets could reach a disk.
    pub swap_warning: Option<String>,
}

impl Report {
    /// One line for each thing an operator should know; empty when all is well.
    pub fn warnings(&self) -> Vec<String> {
        let steps = [
            ("core dumps are still possible", &self.core_dumps_off),
            ("other processes of this user can read memory", &self.tracing_off),
            ("memory is not locked", &self.memory_locked),
        ];
        let of_steps = steps.into_iter().filter_map(|(consequence, step)| match step {
            Step::Done => None,
            Step::Skipped(reason) | Step::Failed(reason) => Some(format!("{consequence}: {reason}")),
        });
        of_steps.chain(self.swap_warning.clone()).collect()
    }
}

/// Applies every step to this process and says what became of each. Call it once, first thing in `main`, before threads start.
/// `lock_memory` is false where the configuration turns locking off.
pub fn harden(lock_memory: bool) -> Report {
    // The mask cannot fail: files made from here on are for the owner only.
    umask(Mode::RWXG | Mode::RWXO);
    let memory_locked = if lock_memory { lock_all_memory() } else { Step::Skipped("switched off by configuration".to_owned()) };
    let swap_warning = if memory_locked == Step::Done { None } else { swap_warning() };
    Report { core_dumps_off: forbid_core_dumps(), tracing_off: forbid_tracing(), memory_locked, swap_warning }
}

fn forbid_core_dumps() -> Step {
    step(setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }))
}

fn forbid_tracing() -> Step {
    step(set_dumpable_behavior(DumpableBehavior::NotDumpable))
}

/// Locks pages as they are touched. Only under an unlimited memlock limit: allocators and SQLite reserve far more than they use,
/// reservations count, so under a finite limit the call fails or, worse, a later allocation does (prototype-findings.md 2).
fn lock_all_memory() -> Step {
    match getrlimit(Resource::Memlock).current {
        Some(limit_bytes) => Step::Skipped(format!("the memlock limit is {limit_bytes} bytes, not unlimited")),
        None => step(mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)),
    }
}

fn step(result: rustix::io::Result<()>) -> Step {
    match result {
        Ok(()) => Step::Done,
        Err(error) => Step::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
