//! Key ceremonies: replacing the unseal keys, and root tokens for whoever brings enough of them. What has been given so far
//! is in this node's memory alone, and gone when it is sealed.

pub mod generate_root;
mod printed;
pub mod rekey;
pub mod rotation;
mod settling;

pub use printed::Printed;
pub use settling::Which;

use strongroom_barrier::seal::parse_share;
use strongroom_engine::{Error, Result};
use strongroom_types::{SecretBytes, eq_constant_time};

/// The ceremonies of an unsealed server.
#[derive(Default)]
pub struct Keys {
    pub rekey: tokio::sync::Mutex<Option<rekey::Attempt>>,
    pub root: tokio::sync::Mutex<Option<generate_root::Attempt>>,
    settling: settling::Settling,
    pub rotation: rotation::Counter,
}

/// Reads a share. Errors: `Invalid`; the texts name the field `key`.
fn share(text: &str) -> Result<SecretBytes> {
    if text.is_empty() {
        return Err(Error::invalid("'key' must be specified in request body as JSON"));
    }
    parse_share(text).map_err(refused)
}

/// Wrong shares are the caller's mistake, everything else is not.
fn refused(error: strongroom_barrier::Error) -> Error {
    use strongroom_barrier::Error as Refusal;
    match error {
        Refusal::InvalidShare(_) | Refusal::InvalidShares(_) | Refusal::InvalidKey | Refusal::InvalidShape(_) => {
            Error::invalid(error.to_string())
        }
        other => Error::Barrier(other),
    }
}

/// A nonce ties a share to the ceremony that its holder saw: it guards against mistakes, and is no secret.
fn check_nonce(given: &str, expected: &str) -> Result<()> {
    if given.is_empty() {
        return Err(Error::invalid("missing required field 'nonce'"));
    }
    if !eq_constant_time(given.as_bytes(), expected.as_bytes()) {
        return Err(Error::invalid("incorrect nonce supplied; the nonce is shown by the status of this operation"));
    }
    Ok(())
}

/// A cancellation throws away what share holders gave: it needs the nonce or sudo. Before the first share there is nothing
/// to lose.
fn may_cancel(given: Option<&str>, expected: &str, has_sudo: bool, shares: u8) -> Result<()> {
    match given {
        _ if has_sudo || shares == 0 => Ok(()),
        Some(nonce) => check_nonce(nonce, expected),
        None => Err(Error::invalid("cancelling after the first key was given needs the field 'nonce', or sudo on this path")),
    }
}

const REPEATED: &str = "given key has already been provided during this generation operation";
