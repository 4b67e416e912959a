//! Collecting unseal shares. Pure state: no store, no time. Must never say which of the shares was wrong.

use strongroom_types::{Rng, SecretBytes, eq_constant_time, uuid_v4};
use zeroize::Zeroizing;

use super::SealConfig;
use crate::{Error, Result, shamir};

/// Shares carry an AES key of 16 to 32 bytes and perhaps an x coordinate.
const SHARE_BYTES_MIN: usize = 16;
const SHARE_BYTES_MAX: usize = 33;
/// Longest printed share that is looked at.
const SHARE_TEXT_MAX: usize = 1024;

/// What may be shown of an unsealing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Different shares given so far.
    pub given: u8,
    /// Names this attempt; empty before the first share.
    pub nonce: String,
}

/// Different shares of one key, until there are enough.
#[derive(Default)]
pub struct Shares(Vec<SecretBytes>);

/// What a share did.
pub enum Given {
    /// It was there already and does not count.
    Repeated,
    /// More are needed.
    Counted,
    /// It was the last one needed: the key they give, right or not. None are kept.
    Complete(SecretBytes),
}

impl Shares {
    /// Different shares so far.
    pub fn count(&self) -> u8 {
        u8::try_from(self.0.len()).unwrap_or(u8::MAX)
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Errors: `InvalidShare` for one that can't be a share, `InvalidShares` when they don't fit together: none are kept.
    pub fn offer(&mut self, share: SecretBytes, config: &SealConfig) -> Result<Given> {
        check_length(share.len())?;
        if self.0.iter().any(|known| eq_constant_time(known.expose(), share.expose())) {
            return Ok(Given::Repeated);
        }
        self.0.push(share);
        if self.0.len() < usize::from(config.threshold) {
            return Ok(Given::Counted);
        }
        key_of(std::mem::take(&mut self.0), config).map(Given::Complete)
    }
}

/// An unsealing on its way.
#[derive(Default)]
pub enum Unsealing {
    #[default]
    Idle,
    Collecting {
        nonce: String,
        shares: Shares,
    },
}

impl Unsealing {
    pub fn progress(&self) -> Progress {
        match self {
            Self::Idle => Progress::default(),
            Self::Collecting { nonce, shares } => Progress { given: shares.count(), nonce: nonce.clone() },
        }
    }

    /// Forgets the shares given so far.
    pub fn reset(&mut self) {
        *self = Self::Idle;
    }

    /// Takes a share. A repeated one does not count. With the last one needed, gives the key and starts again.
    /// Errors: `InvalidShare` for one that can't be a share, `InvalidShares` when they don't fit together.
    pub fn offer(&mut self, share: SecretBytes, config: &SealConfig, rng: &dyn Rng) -> Result<Option<SecretBytes>> {
        check_length(share.len())?;
        if let Self::Idle = self {
            *self = Self::Collecting { nonce: uuid_v4(rng), shares: Shares::default() };
        }
        let Self::Collecting { shares, .. } = self else { return Ok(None) };
        match shares.offer(share, config) {
            Ok(Given::Complete(key)) => {
                self.reset();
                Ok(Some(key))
            }
            Ok(Given::Repeated | Given::Counted) => Ok(None),
            Err(refused) => {
                self.reset();
                Err(refused)
            }
        }
    }
}

fn check_length(bytes: usize) -> Result<()> {
    match bytes {
        ..SHARE_BYTES_MIN => Err(Error::InvalidShare("invalid key: key is shorter than minimum 16 bytes")),
        SHARE_BYTES_MIN..=SHARE_BYTES_MAX => Ok(()),
        _ => Err(Error::InvalidShare("invalid key: key is longer than maximum 33 bytes")),
    }
}

fn key_of(mut shares: Vec<SecretBytes>, config: &SealConfig) -> Result<SecretBytes> {
    if config.threshold == 1 {
        return shares.pop().ok_or(Error::InvalidKey);
    }
    shamir::combine(&shares).map_err(|error| match error {
        Error::InvalidShare(reason) => Error::InvalidShares(reason),
        other => other,
    })
}

/// Reads a printed share, hex or base64. Errors: `InvalidShare`.
pub fn parse_share(text: &str) -> Result<SecretBytes> {
    if text.is_empty() {
        return Err(Error::InvalidShare("'key' must be specified in request body as JSON, or 'reset' set to true"));
    }
    if text.len() > SHARE_TEXT_MAX {
        return Err(Error::InvalidShare("invalid key: key is longer than maximum 33 bytes"));
    }
    from_hex(text).or_else(|| from_base64(text)).ok_or(Error::InvalidShare("'key' must be a valid hex or base64 string"))
}

fn from_hex(text: &str) -> Option<SecretBytes> {
    let mut bytes = Zeroizing::new(vec![0u8; text.len() / 2]);
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(SecretBytes::new(std::mem::take(&mut *bytes)))
}

fn from_base64(text: &str) -> Option<SecretBytes> {
    use base64::Engine as _;
    let mut buffer = Zeroizing::new([0u8; SHARE_TEXT_MAX]);
    let length = base64::engine::general_purpose::STANDARD.decode_slice(text, buffer.as_mut_slice()).ok()?;
    buffer.get(..length).map(|bytes| SecretBytes::new(bytes.to_vec()))
}
