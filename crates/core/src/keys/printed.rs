//! Shares on their way to their holders: in hex and base64, or encrypted to each holder's OpenPGP key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_engine::{Error, Result};
use strongroom_pgp::Recipient;
use strongroom_types::{Rng, SecretBytes};
use zeroize::Zeroizing;

/// The texts of an answer. Wiped when dropped.
pub struct Printed {
    pub hex: Vec<Zeroizing<String>>,
    pub base64: Vec<Zeroizing<String>>,
}

impl Printed {
    /// Without recipients the shares themselves; else, as the contract has it, the hex text of each share, encrypted.
    pub fn new(shares: &[SecretBytes], recipients: &[Recipient], rng: &dyn Rng) -> Result<Self> {
        let mut printed = Self { hex: Vec::with_capacity(shares.len()), base64: Vec::with_capacity(shares.len()) };
        if recipients.is_empty() {
            shares.iter().for_each(|share| printed.push(share.expose()));
            return Ok(printed);
        }
        if recipients.len() != shares.len() {
            return Err(Error::Internal("as many OpenPGP keys as shares are needed".into()));
        }
        for (share, recipient) in shares.iter().zip(recipients) {
            let text = Zeroizing::new(hex::encode(share.expose()));
            let message =
                recipient.encrypt(text.as_bytes(), rng).map_err(|e| Error::Internal(format!("encrypting a share: {e}")))?;
            printed.push(&message);
        }
        Ok(printed)
    }

    fn push(&mut self, bytes: &[u8]) {
        self.hex.push(Zeroizing::new(hex::encode(bytes)));
        self.base64.push(Zeroizing::new(STANDARD.encode(bytes)));
    }

    pub fn hex(&self) -> Vec<&str> {
        self.hex.iter().map(|text| text.as_str()).collect()
    }

    pub fn base64(&self) -> Vec<&str> {
        self.base64.iter().map(|text| text.as_str()).collect()
    }
}
