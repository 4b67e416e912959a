//! What is searched for, and the search: every secret in clear, base64 (at each alignment) and hex. `grep` looks for
//! all of them at once, in text and binary files alike.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// The texts that must not be found.
#[derive(Default)]
pub struct Needles {
    texts: BTreeSet<String>,
}

impl Needles {
    pub fn add(&mut self, secret: &str) {
        self.texts.insert(secret.to_owned());
        self.texts.insert(hex::encode(secret));
        self.texts.insert(hex::encode_upper(secret));
        self.texts.extend(base64_forms(secret));
    }

    /// Where they stand, as `file:offset:text`, at most 20 lines.
    pub fn find(&self, list: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
        if files.is_empty() {
            return Ok(Vec::new());
        }
        fs::write(list, self.texts.iter().map(|t| format!("{t}\n")).collect::<String>())?;
        let output =
            Command::new("grep").env("LC_ALL", "C").args(["-aHobF", "-f"]).arg(list).args(files).output().context("grep")?;
        match output.status.code() {
            Some(0) => Ok(String::from_utf8_lossy(&output.stdout).lines().take(20).map(str::to_owned).collect()),
            Some(1) => Ok(Vec::new()),
            _ => bail!("grep: {}", String::from_utf8_lossy(&output.stderr)),
        }
    }
}

/// The characters that a secret's bytes alone decide, for each of the three places it can have in a longer text.
fn base64_forms(secret: &str) -> impl Iterator<Item = String> {
    (0..3_usize).map(move |ahead| {
        let bytes: Vec<u8> = std::iter::repeat_n(0, ahead).chain(secret.bytes()).collect();
        let text = STANDARD_NO_PAD.encode(&bytes);
        let (from, to) = ((ahead * 8).div_ceil(6), bytes.len() * 8 / 6);
        text[from..to].to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_base64_at_every_alignment() {
        for ahead in ["", "x", "xy", "xyz"] {
            let text = STANDARD_NO_PAD.encode(format!("{ahead}the-secret-itself{ahead}"));
            assert!(base64_forms("the-secret-itself").any(|form| text.contains(&form)), "{ahead:?}");
        }
    }
}
