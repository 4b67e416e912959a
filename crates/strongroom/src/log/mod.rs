//! The server's own log: lines or JSON on standard error. Foreign crates never log below `warn`: on lower levels HTTP libraries
//! print headers, which hold tokens.

mod levels;

use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_core::LevelRefused;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, fmt, reload};

use levels::Levels;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Level {
    Trace,
    Debug,
    #[default]
    Info,
    Warn,
    Error,
}

/// A word that is no level or format.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be one of: {0}")]
pub struct UnknownWord(&'static str);

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    pub(crate) fn filter(self) -> LevelFilter {
        match self {
            Self::Trace => LevelFilter::TRACE,
            Self::Debug => LevelFilter::DEBUG,
            Self::Info => LevelFilter::INFO,
            Self::Warn => LevelFilter::WARN,
            Self::Error => LevelFilter::ERROR,
        }
    }
}

impl FromStr for Level {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Ok(match word.to_ascii_lowercase().as_str() {
            "trace" => Self::Trace,
            "debug" => Self::Debug,
            "info" | "notice" => Self::Info,
            "warn" | "warning" => Self::Warn,
            "error" | "err" => Self::Error,
            _ => return Err(UnknownWord("trace, debug, info, warn, error")),
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Format {
    #[default]
    Standard,
    Json,
}

impl FromStr for Format {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word.to_ascii_lowercase().as_str() {
            "standard" => Ok(Self::Standard),
            "json" => Ok(Self::Json),
            _ => Err(UnknownWord("standard, json")),
        }
    }
}

/// Changes levels while the server runs. Clones are the same log.
#[derive(Clone, Debug)]
pub struct Control {
    levels: Arc<Mutex<Levels>>,
    filter: reload::Handle<Targets, Registry>,
}

impl Control {
    /// As after a start with this level.
    pub fn configure(&self, level: Level) {
        let mut levels = self.lock();
        levels.configure(level);
        // A log that can't be changed has said so.
        let _ = self.apply(&levels);
    }

    /// Every logger with its level.
    pub fn levels(&self) -> Vec<(String, &'static str)> {
        self.lock().shown()
    }

    /// Sets one logger's level, or that of all; None is the configured one.
    pub fn set(&self, logger: Option<&str>, level: Option<Level>) -> Result<(), LevelRefused> {
        let mut levels = self.lock();
        if !levels.set(logger, level) {
            return Err(LevelRefused::UnknownLogger);
        }
        self.apply(&levels)
    }

    fn apply(&self, levels: &Levels) -> Result<(), LevelRefused> {
        self.filter.reload(levels.targets()).map_err(|_| {
            tracing::error!("the log level can't be changed any more");
            LevelRefused::Failed
        })
    }

    fn lock(&self) -> MutexGuard<'_, Levels> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The filter of a log, and what changes it.
fn filter(level: Level) -> (reload::Layer<Targets, Registry>, Control) {
    let levels = Levels::new(level, crate::catalog::BUILTINS);
    let (layer, filter) = reload::Layer::new(levels.targets());
    (layer, Control { levels: Arc::new(Mutex::new(levels)), filter })
}

/// Starts the log of this process. A second call has no effect.
pub fn start(level: Level, format: Format) -> Control {
    let (filter, control) = filter(level);
    let registry = tracing_subscriber::registry().with(filter);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let started = match format {
        Format::Standard => registry.with(lines.with_ansi(false)).try_init(),
        Format::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    if started.is_err() {
        tracing::warn!("the log was started before");
    }
    control
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of a log.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_level_takes_effect_while_the_log_runs() {
        let lines = Lines::default();
        let (filter, control) = filter(Level::Info);
        let writer = lines.clone();
        let subscriber = tracing_subscriber::registry().with(filter).with(fmt::layer().with_writer(move || writer.clone()));
        let seen = || {
            tracing::debug!(target: "strongroom_core::pipeline", "detail");
            tracing::info!(target: "strongroom_core::sys::keys", "news");
            let text = String::from_utf8(std::mem::take(&mut *lines.0.lock().unwrap())).unwrap();
            (text.contains("detail"), text.contains("news"))
        };
        tracing::subscriber::with_default(subscriber, || {
            assert_eq!(seen(), (false, true));
            control.set(Some("core"), Some(Level::Debug)).unwrap();
            assert_eq!(seen(), (true, true));
            control.set(Some("system"), Some(Level::Error)).unwrap();
            assert_eq!(seen(), (true, false));
            control.set(None, None).unwrap();
            assert_eq!(seen(), (false, true));
            assert_eq!(control.set(Some("nosuch"), None), Err(LevelRefused::UnknownLogger));
            control.configure(Level::Error);
            assert_eq!(seen(), (false, false));
        });
    }

    #[test]
    fn words_of_the_reference_are_known() {
        for (word, level) in [("trace", Level::Trace), ("WARN", Level::Warn), ("err", Level::Error)] {
            assert_eq!(word.parse(), Ok(level));
        }
        assert!("loud".parse::<Level>().is_err());
        assert_eq!("json".parse(), Ok(Format::Json));
        assert!("xml".parse::<Format>().is_err());
    }
}
