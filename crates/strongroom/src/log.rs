//! The server's own log: lines or JSON on standard error. Foreign crates never log below `warn`: on lower levels HTTP libraries
//! print headers, which hold tokens.

use std::str::FromStr;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, fmt, reload};

/// Every crate of ours begins with this.
const OURS: &str = "strongroom";

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

    fn filter(self) -> LevelFilter {
        match self {
            Self::Trace => LevelFilter::TRACE,
            Self::Debug => LevelFilter::DEBUG,
            Self::Info => LevelFilter::INFO,
            Self::Warn => LevelFilter::WARN,
            Self::Error => LevelFilter::ERROR,
        }
    }

    /// SECURITY: see the head of this file.
    fn targets(self) -> Targets {
        let foreign = self.filter().min(LevelFilter::WARN);
        Targets::new().with_default(foreign).with_target(OURS, self.filter())
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

/// Changes the level while the server runs.
#[derive(Clone, Debug)]
pub struct Control(reload::Handle<Targets, Registry>);

impl Control {
    pub fn set(&self, level: Level) {
        if self.0.reload(level.targets()).is_err() {
            tracing::error!("the log level can't be changed any more");
        }
    }
}

/// Starts the log of this process. A second call has no effect.
pub fn start(level: Level, format: Format) -> Control {
    let (filter, handle) = reload::Layer::new(level.targets());
    let registry = tracing_subscriber::registry().with(filter);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let started = match format {
        Format::Standard => registry.with(lines.with_ansi(false)).try_init(),
        Format::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    if started.is_err() {
        tracing::warn!("the log was started before");
    }
    Control(handle)
}

#[cfg(test)]
mod tests {
    use tracing::Level as L;

    use super::*;

    #[test]
    fn foreign_crates_stay_silent_below_warn() {
        let targets = Level::Trace.targets();
        assert!(targets.would_enable("strongroom_core::pipeline", &L::TRACE));
        assert!(targets.would_enable("h2::codec", &L::WARN));
        assert!(!targets.would_enable("h2::codec", &L::INFO));
        assert!(!Level::Error.targets().would_enable("h2::codec", &L::WARN));
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
