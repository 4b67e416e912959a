//! The signed part in front.

use std::io::Read;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The format this code reads and writes.
pub const FORMAT: u32 = 1;
pub const MAC_BYTES: usize = 32;
const MAGIC: &[u8; 8] = b"SGRMSNAP";
const HEADER_BYTES_MAX: usize = 4096;

/// What a snapshot says about itself. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub format: u32,
    /// Of the server that made it.
    pub server_version: String,
    /// RFC 3339.
    pub created: String,
    /// The store's newest revision: all records are of this moment.
    pub revision: u64,
    pub entry_count: u64,
    /// Of all records, as they stand in the file.
    pub content_bytes: u64,
    /// Hex, over all records as they stand in the file.
    pub sha256: String,
}

/// The header with the bytes that its signature covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub header: Header,
    signed: Vec<u8>,
    mac: [u8; MAC_BYTES],
}

impl Head {
    /// `mac` is given the bytes to sign.
    pub fn new(header: Header, mac: impl FnOnce(&[u8]) -> [u8; MAC_BYTES]) -> Result<Self> {
        let json = serde_json::to_vec(&header).map_err(|_| Error::Damaged("its header can't be written"))?;
        let length = u32::try_from(json.len()).map_err(|_| Error::Damaged("its header is too long"))?;
        let signed = [MAGIC.as_slice(), &length.to_be_bytes(), &json].concat();
        let mac = mac(&signed);
        Ok(Self { header, signed, mac })
    }

    /// Reads as far as the first record. Nothing is verified but the form.
    /// Errors: `NotASnapshot`, `Newer`, `Truncated`, `Damaged`.
    pub fn read(from: &mut impl Read) -> Result<Self> {
        let mut magic = [0u8; 8];
        from.read_exact(&mut magic).map_err(|_| Error::NotASnapshot)?;
        if &magic != MAGIC {
            return Err(Error::NotASnapshot);
        }
        let mut length = [0u8; 4];
        from.read_exact(&mut length)?;
        let json_bytes = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if json_bytes > HEADER_BYTES_MAX {
            return Err(Error::Damaged("its header is too long"));
        }
        let mut json = vec![0u8; json_bytes];
        from.read_exact(&mut json)?;
        let mut mac = [0u8; MAC_BYTES];
        from.read_exact(&mut mac)?;
        let header = Self::parse(&json)?;
        Ok(Self { header, signed: [magic.as_slice(), &length, &json].concat(), mac })
    }

    fn parse(json: &[u8]) -> Result<Header> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let damaged = |_| Error::Damaged("its header can't be read");
        let found: Version = serde_json::from_slice(json).map_err(damaged)?;
        if found.format != FORMAT {
            return Err(Error::Newer(found.format));
        }
        serde_json::from_slice(json).map_err(damaged)
    }

    /// What the signature covers.
    pub fn signed(&self) -> &[u8] {
        &self.signed
    }

    pub fn mac(&self) -> &[u8; MAC_BYTES] {
        &self.mac
    }

    /// As it stands in the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.signed.as_slice(), &self.mac].concat()
    }

    /// Length of the whole file.
    pub fn file_bytes(&self) -> u64 {
        let own = self.signed.len().saturating_add(MAC_BYTES);
        u64::try_from(own).unwrap_or(u64::MAX).saturating_add(self.header.content_bytes)
    }
}
