//! Seals: what protects the root key at rest, and how far an unsealing has come. A seal sees the root key and nothing
//! else; it must never keep it.

mod progress;
mod shamir;

pub use progress::{Given, Progress, Shares, Unsealing, parse_share};
pub use shamir::ShamirSeal;

use serde::{Deserialize, Serialize};
use strongroom_types::{BoxFuture, SecretBytes};

use crate::{Error, Result};

/// Wraps and unwraps the root key: Shamir's key-encryption key, a cloud KMS, an HSM.
pub trait Seal: Send + Sync {
    /// The name in the seal configuration, such as `shamir`.
    fn kind(&self) -> &'static str;

    /// The root key as it may be stored.
    fn wrap<'a>(&'a self, root_key: &'a SecretBytes) -> BoxFuture<'a, Result<Vec<u8>>>;

    /// Errors: `InvalidKey` when this seal did not wrap it.
    fn unwrap<'a>(&'a self, wrapped: &'a [u8]) -> BoxFuture<'a, Result<SecretBytes>>;
}

/// Stored in clear, since it is needed before anything can be opened. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealConfig {
    #[serde(rename = "type")]
    pub kind: String,
    pub shares: u8,
    pub threshold: u8,
}

impl SealConfig {
    /// Errors: `InvalidShape` with the text of the wire contract.
    pub fn shamir(shares: u8, threshold: u8) -> Result<Self> {
        let refuse = |text| Err(Error::InvalidShape(text));
        match (shares, threshold) {
            (0, _) => refuse("invalid seal configuration: shares must be at least one"),
            (_, 0) => refuse("invalid seal configuration: threshold must be at least one"),
            (2.., 1) => refuse("invalid seal configuration: threshold must be greater than one for multiple shares"),
            (s, t) if t > s => refuse("invalid seal configuration: threshold cannot be larger than shares"),
            _ => Ok(Self { kind: "shamir".into(), shares, threshold }),
        }
    }
}

/// Where the barrier stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Uninitialised,
    Sealed { config: SealConfig, progress: Progress },
    Unsealed { config: SealConfig },
}

#[cfg(test)]
mod tests;
