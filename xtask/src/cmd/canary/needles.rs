//! What is searched for, and the search: every secret in clear, base64 (at each alignment) and hex. `grep` looks for
//! all of them at once, in text and binary files alike.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// How much before a find is shown.
const CONTEXT_BYTES: usize = 60;
/// How many finds of one search are shown.
const SHOWN_MAX: usize = 12;

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

    /// Where they stand: what comes before each, once for all places that look alike.
    pub fn find(&self, list: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
        if files.is_empty() {
            return Ok(Vec::new());
        }
        fs::write(list, self.texts.iter().map(|t| format!("{t}\n")).collect::<String>())?;
        let output =
            Command::new("grep").env("LC_ALL", "C").args(["-aHobF", "-f"]).arg(list).args(files).output().context("grep")?;
        match output.status.code() {
            Some(0) => Ok(contexts(&String::from_utf8_lossy(&output.stdout))),
            Some(1) => Ok(Vec::new()),
            _ => bail!("grep: {}", String::from_utf8_lossy(&output.stderr)),
        }
    }
}

/// `file:offset:text` lines as the file with the words before the offset; digits are left out, so that alike is alike.
fn contexts(hits: &str) -> Vec<String> {
    let (mut found, mut open) = (BTreeSet::new(), (String::new(), Vec::new()));
    for hit in hits.lines() {
        let mut parts = hit.splitn(3, ':');
        let (Some(file), Some(Ok(offset))) = (parts.next(), parts.next().map(str::parse::<usize>)) else { continue };
        if open.0 != file {
            open = (file.to_owned(), fs::read(file).unwrap_or_default());
        }
        let before = open.1.get(offset.saturating_sub(CONTEXT_BYTES)..offset).unwrap_or_default();
        let text: String = String::from_utf8_lossy(before).chars().filter(|c| !c.is_ascii_digit() && !c.is_control()).collect();
        found.insert(format!("{file}: {text}<here>"));
    }
    found.into_iter().take(SHOWN_MAX).collect()
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
