//! The public key of a log: what a verifier has to be sure of. Not a secret.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use strongroom_audit::Hash;

use super::read;

/// `BASE64` or `@FILE`.
pub fn parse(text: &str) -> anyhow::Result<Hash> {
    let text = match text.strip_prefix('@') {
        Some(file) => read(&PathBuf::from(file))?,
        None => text.to_owned(),
    };
    let bytes = BASE64.decode(text.trim()).map_err(|_| anyhow!("-key must be base64, or @FILE with base64 in it"))?;
    bytes.try_into().map_err(|_| anyhow!("-key must have 32 bytes"))
}

/// The copy that lies beside the log.
pub fn beside(log: &Path) -> anyhow::Result<Hash> {
    let mut file = log.as_os_str().to_owned();
    file.push(".tree/key");
    parse(&read(&PathBuf::from(file))?).context("the log's own key file; give the key with -key")
}

pub fn shown(key: &Hash) -> String {
    BASE64.encode(key)
}
