//! Proof that one record is in the log, for somebody who has neither the log nor a server: the line, its path in the
//! tree, and what signs the root. A record before a restart is proven by the restart line, which the log key signed; a
//! later one by the next checkpoint and the chain of keys since the restart, about 0.4 kB per epoch.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::epoch::{Appointment, Cause, log_origin};
use crate::line;
use crate::note::hash_from;
use crate::sink::file::segment::{self, Lines, Segment, Step};
use crate::tree::{Hash, TILE_HASHES, Tiles, TreeReader, check_inclusion, inclusion, leaf_hash};
use crate::verify::{Found, NextNote, Notes};
use crate::{AuditError, Checkpoint};

/// As it is written to a file, in JSON.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    pub seq: u64,
    /// The record.
    pub line: String,
    /// Size of the tree that was signed.
    pub size: u64,
    /// Sibling hashes from the leaf upwards, base64.
    pub path: Vec<String>,
    /// Lines that appoint keys, the first one signed by the log key.
    pub chain: Vec<String>,
    /// Signed by the last key of the chain. None when the only line of `chain` signs the tree itself.
    pub checkpoint: Option<String>,
}

/// What a proof shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proven {
    pub seq: u64,
    pub line: String,
    pub size: u64,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum ProofError {
    #[error("record {0} is not in the log, or its line was deleted")]
    NoRecord(u64),
    #[error("record {0} is not covered by a checkpoint yet")]
    NotCovered(u64),
    #[error("the log is damaged: {0}")]
    Damaged(&'static str),
    #[error("the proof can't be read")]
    Unreadable,
    #[error("the proof does not hold: {0}")]
    Wrong(&'static str),
    #[error(transparent)]
    Audit(#[from] AuditError),
}

/// Makes the proof for record `seq` of the log whose current segment is `path`. Does not verify the log. Blocks.
pub fn prove(path: &Path, seq: u64) -> Result<Proof, ProofError> {
    let folder = segment::tree_folder(path);
    let segments = segment::list(path).map_err(AuditError::io("listing", path))?;
    let line = find_line(&segments, seq)?;
    let (size, chain, checkpoint) = anchor(&folder, seq)?;
    let tiles = Tiles::new(&folder);
    let edge_from = size.saturating_sub(size % TILE_HASHES);
    let edge = edge_leaves(&tiles, &segments, edge_from, size)?;
    let hashes =
        inclusion(&TreeReader::new(tiles, edge_from, edge), seq, size).ok_or(ProofError::Damaged("hash tiles are missing"))?;
    let path = hashes.iter().map(|h| BASE64.encode(h)).collect();
    Ok(Proof { seq, line, size, path, chain, checkpoint })
}

fn find_line(segments: &[Segment], seq: u64) -> Result<String, ProofError> {
    let mut lines = Lines::from_seq(segments, seq)?;
    loop {
        match lines.step()? {
            Step::Segment(_) => {}
            Step::Line(text) if line::parse_seq(text).is_some_and(|(found, _)| found == seq) => {
                return String::from_utf8(text.to_vec()).map_err(|_| ProofError::Damaged("a line is not text"));
            }
            _ => return Err(ProofError::NoRecord(seq)),
        }
    }
}

/// Size of a signed tree that holds `seq`, the appointments that lead to its signature, and the checkpoint.
fn anchor(folder: &Path, seq: u64) -> Result<(u64, Vec<String>, Option<String>), ProofError> {
    let text = fs::read_to_string(folder.join("epochs")).map_err(AuditError::io("reading", folder))?;
    let mut chain: Vec<String> = Vec::new();
    let mut later: Vec<(u64, &str)> = Vec::new();
    for text in text.lines() {
        let Some(signed) = Appointment::parse(text.as_bytes()) else { break };
        let Appointment { seq: at, cause, epoch, .. } = signed.appointment;
        match cause {
            Cause::Restart { .. } if at > seq => return Ok((at, vec![text.to_owned()], None)),
            Cause::Restart { .. } => chain = vec![text.to_owned()],
            Cause::Rotate if at <= seq => chain.push(text.to_owned()),
            Cause::Rotate => later.push((epoch, text)),
        }
    }
    let (checkpoint, note) = first_checkpoint_above(&folder.join("checkpoints"), seq)?;
    let needed = later.iter().filter(|(epoch, _)| *epoch <= checkpoint.epoch);
    chain.extend(needed.map(|(_, text)| (*text).to_owned()));
    Ok((checkpoint.head.size, chain, Some(note)))
}

fn first_checkpoint_above(path: &Path, seq: u64) -> Result<(Checkpoint, String), ProofError> {
    let mut notes = Notes::open(path)?;
    loop {
        match notes.next().map_err(AuditError::io("reading", path))? {
            NextNote::Note(found) if found.checkpoint.head.size > seq => {
                let Found { checkpoint, note, .. } = *found;
                return Ok((checkpoint, note));
            }
            NextNote::Note(_) => {}
            NextNote::Damaged => return Err(ProofError::Damaged("a checkpoint can't be read")),
            NextNote::Torn | NextNote::End => return Err(ProofError::NotCovered(seq)),
        }
    }
}

/// Leaves of the last, incomplete tile of a tree.
fn edge_leaves(tiles: &Tiles, segments: &[Segment], from: u64, to: u64) -> Result<Vec<Hash>, ProofError> {
    let count = usize::try_from(to.saturating_sub(from)).unwrap_or(0);
    let stored = tiles.read(0, from / TILE_HASHES).map(|bytes| bytes.as_chunks::<32>().0.to_vec());
    let mut leaves = stored.or_else(|| tiles.partials(from / TILE_HASHES).pop().map(|(_, l)| l)).unwrap_or_default();
    leaves.truncate(count);
    if leaves.len() < count {
        let mut lines = Lines::from_seq(segments, from.saturating_add(leaves.len() as u64))?;
        while leaves.len() < count {
            match lines.step()? {
                Step::Segment(_) => {}
                Step::Line(text) => leaves.push(leaf_hash(text)),
                Step::Torn(_) | Step::End => return Err(ProofError::Damaged("records are missing")),
            }
        }
    }
    Ok(leaves)
}

/// Checks a proof against the log's public key. Needs nothing else.
/// Errors: `Unreadable`; `Wrong` with the first thing that does not hold.
pub fn check_proof(proof: &str, key: &Hash) -> Result<Proven, ProofError> {
    let proof: Proof = serde_json::from_str(proof).map_err(|_| ProofError::Unreadable)?;
    let root = signed_root(&proof, key)?;
    let path: Option<Vec<Hash>> = proof.path.iter().map(|text| hash_from(text)).collect();
    let leaf = leaf_hash(proof.line.as_bytes());
    if !check_inclusion(&leaf, proof.seq, proof.size, &path.ok_or(ProofError::Unreadable)?, &root) {
        return Err(ProofError::Wrong("the record is not in the signed tree"));
    }
    if line::parse_seq(proof.line.as_bytes()).map(|(seq, _)| seq) != Some(proof.seq) {
        return Err(ProofError::Wrong("the record has another number"));
    }
    Ok(Proven { seq: proof.seq, line: proof.line, size: proof.size })
}

/// The root of the tree of `proof.size` records, once its signatures hold.
fn signed_root(proof: &Proof, log_key: &Hash) -> Result<Hash, ProofError> {
    let wrong = |what| Err(ProofError::Wrong(what));
    let mut signer = *log_key;
    let mut last: Option<Appointment> = None;
    for text in &proof.chain {
        let signed = Appointment::parse(text.as_bytes()).ok_or(ProofError::Unreadable)?;
        let appointment = signed.appointment.clone();
        let follows = match &last {
            None => appointment.cause != Cause::Rotate && appointment.origin == log_origin(log_key),
            Some(last) => {
                appointment.cause == Cause::Rotate
                    && last.epoch.checked_add(1) == Some(appointment.epoch)
                    && appointment.seq > last.seq
                    && appointment.origin == last.origin
            }
        };
        if !follows || !signed.is_signed_by(&signer) {
            return wrong("the chain of keys does not lead from the log's key");
        }
        signer = appointment.key;
        last = Some(appointment);
    }
    let Some(last) = last else { return wrong("there is no chain of keys") };
    let Some(note) = &proof.checkpoint else {
        let is_alone = proof.chain.len() == 1 && last.seq == proof.size;
        return if is_alone { Ok(last.root) } else { wrong("nothing signs the tree") };
    };
    let (checkpoint, signature) = Checkpoint::parse(note).ok_or(ProofError::Unreadable)?;
    let is_right = checkpoint.origin == last.origin
        && checkpoint.epoch == last.epoch
        && checkpoint.head.size == proof.size
        && checkpoint.head.size > last.seq
        && checkpoint.is_signed_by(&signature, &signer);
    if is_right { Ok(checkpoint.head.root) } else { wrong("the checkpoint is not signed by its epoch's key") }
}
