//! Which logger has which level. A logger is a part of the program that an operator may want to hear more or less of.

use std::collections::BTreeMap;

use strongroom_engine::{Builtin, EngineKind};
use tracing_subscriber::filter::{LevelFilter, Targets};

use super::Level;

/// Every crate of ours begins with this.
const OURS: &str = "strongroom";

/// Names, and the modules that log under them; a longer module wins.
const PARTS: [(&str, &str); 11] = [
    ("audit", "strongroom_audit"),
    ("barrier", "strongroom_barrier"),
    ("core", "strongroom_core"),
    ("expiration", "strongroom_core::task"),
    ("http", "strongroom_http"),
    ("policy", "strongroom_policy"),
    ("server", "strongroom::"),
    ("storage", "strongroom_storage"),
    ("system", "strongroom_core::sys"),
    ("token", "strongroom_core::token"),
    ("wrapping", "strongroom_core::wrap"),
];

#[derive(Debug)]
pub struct Levels {
    /// Name and module.
    loggers: BTreeMap<String, String>,
    /// What flags, environment and files say.
    configured: Level,
    /// Of all loggers that have none of their own.
    general: Level,
    own: BTreeMap<String, Level>,
}

impl Levels {
    /// With a logger for each of these plug-ins, whose crates are called like them.
    pub fn new(configured: Level, plugins: &[Builtin]) -> Self {
        let plugin = |b: &Builtin| {
            let class = if b.kind == EngineKind::Auth { "auth" } else { "secrets" };
            (format!("{class}.{}", b.name), format!("{OURS}_{}", b.name.replace('-', "_")))
        };
        let parts = PARTS.iter().map(|(name, module)| ((*name).to_owned(), (*module).to_owned()));
        Self { loggers: parts.chain(plugins.iter().map(plugin)).collect(), configured, general: configured, own: BTreeMap::new() }
    }

    /// As after a start with this level.
    pub fn configure(&mut self, level: Level) {
        (self.configured, self.general) = (level, level);
        self.own.clear();
    }

    /// Sets one logger's level, or that of all; None is the configured one. False: there is no such logger.
    pub fn set(&mut self, logger: Option<&str>, level: Option<Level>) -> bool {
        let level = level.unwrap_or(self.configured);
        match logger {
            None => {
                self.general = level;
                self.own.clear();
            }
            Some(name) if self.loggers.contains_key(name) => drop(self.own.insert(name.to_owned(), level)),
            Some(_) => return false,
        }
        true
    }

    pub fn shown(&self) -> Vec<(String, &'static str)> {
        self.loggers.keys().map(|name| (name.clone(), self.of(name).name())).collect()
    }

    fn of(&self, name: &str) -> Level {
        self.own.get(name).copied().unwrap_or(self.general)
    }

    /// SECURITY: foreign crates stay at `warn` or above whatever is set; below it HTTP libraries print headers, which hold tokens.
    pub fn targets(&self) -> Targets {
        let foreign = self.general.filter().min(LevelFilter::WARN);
        let ours = Targets::new().with_default(foreign).with_target(OURS, self.general.filter());
        self.loggers.iter().fold(ours, |all, (name, module)| all.with_target(module.as_str(), self.of(name).filter()))
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level as L;

    use super::*;

    fn levels() -> Levels {
        Levels::new(Level::Info, crate::catalog::BUILTINS)
    }

    #[test]
    fn foreign_crates_stay_silent_below_warn() {
        let mut levels = levels();
        assert!(levels.set(None, Some(Level::Trace)));
        let targets = levels.targets();
        assert!(targets.would_enable("strongroom_core::pipeline", &L::TRACE));
        assert!(targets.would_enable("h2::codec", &L::WARN));
        assert!(!targets.would_enable("h2::codec", &L::INFO));
        levels.set(None, Some(Level::Error));
        assert!(!levels.targets().would_enable("h2::codec", &L::WARN));
    }

    #[test]
    fn a_logger_is_set_alone() {
        let mut levels = levels();
        assert!(levels.set(Some("core"), Some(Level::Debug)));
        assert!(levels.set(Some("secrets.kv"), Some(Level::Error)));
        assert!(!levels.set(Some("nosuch"), Some(Level::Debug)));
        let targets = levels.targets();
        assert!(targets.would_enable("strongroom_core::pipeline", &L::DEBUG));
        assert!(!targets.would_enable("strongroom_core::token::revoke", &L::DEBUG), "`token` is a logger of its own");
        assert!(!targets.would_enable("strongroom_kv::v2", &L::WARN));
        assert!(levels.shown().contains(&("core".to_owned(), "debug")));
        assert!(levels.shown().contains(&("token".to_owned(), "info")));
    }

    #[test]
    fn the_configured_level_comes_back() {
        let mut levels = levels();
        levels.set(None, Some(Level::Trace));
        levels.set(Some("core"), None);
        assert!(levels.shown().contains(&("core".to_owned(), "info")) && levels.shown().contains(&("token".to_owned(), "trace")));
        levels.set(None, None);
        assert!(levels.shown().iter().all(|(_, level)| *level == "info"));
        levels.set(Some("core"), Some(Level::Trace));
        levels.configure(Level::Warn);
        assert!(levels.shown().iter().all(|(_, level)| *level == "warn"));
    }
}
