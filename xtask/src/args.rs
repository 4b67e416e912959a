//! The flags of a command: `--name value`, `--name=value` or `--name`, and plain words. Unknown flags are refused by
//! the command's own list, so that a typing error never runs a rig with its defaults.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, bail};

/// Flags that take no value.
const SWITCHES: &[&str] = &["verbose", "bless", "ours-only", "keep", "no-build", "no-tidy"];

/// The parsed command line after the command's name.
#[derive(Debug, Default)]
pub struct Args {
    flags: BTreeMap<String, String>,
    words: Vec<String>,
    seen: RefCell<Vec<String>>,
}

impl Args {
    /// Errors: a flag that needs a value stands last.
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Self> {
        let mut args = Self::default();
        let mut words = words.peekable();
        while let Some(word) = words.next() {
            let Some(flag) = word.strip_prefix("--") else {
                args.words.push(word);
                continue;
            };
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, value.to_owned()),
                None if SWITCHES.contains(&flag) => (flag, String::new()),
                None => (flag, words.next().with_context(|| format!("--{flag} needs a value"))?),
            };
            args.flags.insert(name.to_owned(), value);
        }
        Ok(args)
    }

    /// The same command line without words and with these flags (for commands that call another).
    pub fn of(flags: &[(&str, &str)]) -> Self {
        let flags = flags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Self { flags, ..Self::default() }
    }

    /// The words that are not flags.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether a switch was given.
    pub fn has(&self, name: &str) -> bool {
        self.text(name).is_some()
    }

    /// A flag's text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.seen.borrow_mut().push(name.to_owned());
        self.flags.get(name).map(String::as_str)
    }

    /// A flag's path, made absolute: rigs run in folders of their own.
    pub fn path(&self, name: &str) -> Result<Option<PathBuf>> {
        self.text(name).map(|p| std::path::absolute(p).with_context(|| format!("--{name} {p}"))).transpose()
    }

    /// A flag's number or the default.
    pub fn number<T: FromStr>(&self, name: &str, default: T) -> Result<T> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => text.parse().ok().with_context(|| format!("--{name} {text}: not a number in range")),
        }
    }

    /// Refuses the flags that the command did not ask for; called when it has read all of its own.
    pub fn finish(&self) -> Result<()> {
        let seen = self.seen.borrow();
        let unknown: Vec<_> = self.flags.keys().filter(|k| !seen.contains(k)).collect();
        if !unknown.is_empty() {
            bail!("unknown flags: {unknown:?}");
        }
        Ok(())
    }
}
