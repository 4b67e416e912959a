//! What the process around the core tells and does: its log, its machine, its configuration. The binary implements it.

use serde_json::Value;

/// Why a log level was not changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LevelRefused {
    UnknownLevel,
    UnknownLogger,
    /// The log can't be changed any more; the process's own log says why.
    Failed,
}

pub trait Process: Send + Sync + 'static {
    /// Every logger with its level, such as `("core", "info")`.
    fn loggers(&self) -> Vec<(String, &'static str)>;

    /// Sets the level of one logger, or of all. Takes effect at once and lasts until the process ends.
    fn set_level(&self, logger: Option<&str>, level: &str) -> Result<(), LevelRefused>;

    /// Puts the configured level back, for one logger or for all.
    fn reset_level(&self, logger: Option<&str>) -> Result<(), LevelRefused>;

    /// Name of this machine.
    fn hostname(&self) -> String;

    /// An object with `cpu`, `cpu_times`, `disk`, `host` and `memory`; what this system does not tell is left out. Blocks.
    fn machine(&self) -> Value;

    /// The running configuration, as an object. SECURITY: only fields that are known to be no secret.
    fn configuration(&self) -> Value;
}
