//! Where the token lies between two commands: in a file, or with a program of the user's that keeps it. Must never write a token
//! to a place that was not named by the user or by other clients of this API.

mod config;
mod file;
mod program;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use strongroom_types::SecretString;

use crate::environment::Files;
use crate::output::Failure;

const FILE: &str = ".vault-token";

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TokenStore {
    File(PathBuf),
    /// A program that is called with `get` or `store`.
    Helper(PathBuf),
    /// No home, so no place.
    Nowhere,
}

impl TokenStore {
    /// The helper that a configuration file names, else the token file. Errors: a configuration that can't be used.
    pub(crate) fn find(files: &Files) -> Result<Self, Failure> {
        if let Some(helper) = config::token_helper(files)? {
            return Ok(Self::Helper(helper));
        }
        let below_home = files.home.as_deref().map(|home| home.join(FILE));
        Ok(files.token.clone().or(below_home).map_or(Self::Nowhere, Self::File))
    }

    /// None when there is no token.
    pub(crate) fn load(&self) -> Result<Option<SecretString>, Failure> {
        match self {
            Self::File(path) => {
                file::load(path).map_err(|error| Failure::local(format!("Error reading the token file: {error}")))
            }
            Self::Helper(program) => program::get(program),
            Self::Nowhere => Ok(None),
        }
    }

    pub(crate) fn store(&self, token: &SecretString) -> Result<(), Failure> {
        match self {
            Self::File(path) => file::store(path, token)
                .map_err(|error| Failure::local(format!("Error storing the token in {}: {error}", path.display()))),
            Self::Helper(program) => program::store(program, token),
            Self::Nowhere => Err(Failure::local("HOME is not set, so there is no place for the token; use -no-store")),
        }
    }

    /// For messages.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Helper(program) => format!("the token helper {}", program.display()),
            Self::Nowhere => String::new(),
        }
    }
}

/// `~/x` below the home.
fn below_home(path: &Path, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}
