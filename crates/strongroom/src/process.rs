//! This process as the core sees it: its log, its machine, its configuration.

use serde_json::Value;
use strongroom_core::{LevelRefused, Process};

use crate::log::{Control, Level};
use crate::machine;

pub struct ThisProcess {
    pub log: Control,
    /// Public fields only.
    pub configuration: Value,
}

impl Process for ThisProcess {
    fn loggers(&self) -> Vec<(String, &'static str)> {
        self.log.levels()
    }

    fn set_level(&self, logger: Option<&str>, level: &str) -> Result<(), LevelRefused> {
        let level: Level = level.parse().map_err(|_| LevelRefused::UnknownLevel)?;
        self.log.set(logger, Some(level))
    }

    fn reset_level(&self, logger: Option<&str>) -> Result<(), LevelRefused> {
        self.log.set(logger, None)
    }

    fn hostname(&self) -> String {
        machine::hostname()
    }

    fn machine(&self) -> Value {
        machine::describe()
    }

    fn configuration(&self) -> Value {
        self.configuration.clone()
    }
}
