//! Opening a log: everything since the last checkpoint is read again and must lead to it, and the log must extend what
//! was acknowledged. Only a last line without newline, which no checkpoint covers, may be dropped.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::FileConfig;
use super::ledger::{BLOCK_RECORDS, Files, Ledger, Settings};
use super::medium::{Wrap, folder_of, make_folder, open_append};
use super::reserve::Reserve;
use super::segment::{self, Lines, Segment, Step};
use super::writer::Writer;
use crate::appender::Appender;
use crate::epoch::{Appointment, log_origin};
use crate::line;
use crate::note::{Checkpoint, note_hash};
use crate::tree::{Hash, TILE_HASHES, Tiles, Tree, leaf_hash};
use crate::{AuditError, Head, log_public_key};

pub(super) struct Recovered {
    pub(super) writer: Writer,
    pub(super) ledger: Ledger,
    pub(super) next_seq: u64,
    pub(super) dropped_bytes: u64,
}

pub(super) fn open(config: &FileConfig, wrap: Wrap) -> Result<Recovered, AuditError> {
    let folder = segment::tree_folder(&config.path);
    for folder in [folder_of(&config.path), &folder] {
        make_folder(folder).map_err(AuditError::io("creating", folder))?;
    }
    let public = log_public_key(&config.log_key)?;
    let file = open_append(&config.path)?;
    let key_file = lock_and_check_key(&folder.join("key"), &public)?;
    let last = last_checkpoint(&config.path, &folder.join("checkpoints"), config.expected)?;
    let segments = segment::list(&config.path).map_err(AuditError::io("listing", &config.path))?;
    let tail = read_tail(&config.path, &folder, &segments, last.as_ref().map(|l| l.checkpoint.head))?;
    let size = tail.tree.size();
    let epochs_path = folder.join("epochs");
    let epochs = read_epochs(&epochs_path, size)?;
    if let Some(last) = &last {
        check_signature(&config.path, last, epochs.key_of(last.checkpoint.epoch, &tail.appointments))?;
        check_store(config, last.checkpoint.store)?;
    }

    let (bytes, dropped_bytes) = cut_torn(&config.path, &file, &segments, tail.torn_bytes)?;
    let first_seq = segments.last().filter(|s| s.path == config.path).map_or(size, |s| s.first_seq);
    let reserve = Arc::new(Reserve::open(&folder));
    let writer = Writer::new(config.path.clone(), wrap(file), bytes, first_seq, reserve);
    let is_owed = |a: &Appointment| epochs.last_seq.is_none_or(|s| a.seq > s);
    let owed = tail.appointments.iter().filter(|(a, _)| is_owed(a)).flat_map(|(_, line)| line.iter().copied()).collect();
    let ledger = Ledger {
        epoch: tail.appointments.last().map(|(a, _)| a.epoch).max(epochs.last_epoch).unwrap_or(0),
        tree: tail.tree,
        tiles: Tiles::new(&folder),
        files: Files {
            checkpoints: Appender::open(&folder.join("checkpoints"), last.as_ref().map_or(0, |l| l.end))?,
            epochs: Appender::open(&epochs_path, epochs.bytes)?,
            owed,
            key: key_file,
        },
        key: None,
        kept: last.as_ref().map_or(0, |l| l.checkpoint.kept),
        origin: log_origin(&public),
        last: last.map_or((0, [0; 32]), |l| (l.checkpoint.head.size, note_hash(&l.note))),
        closed: segments.into_iter().filter(|s| s.path != config.path).collect(),
        synced: size.saturating_sub(size % BLOCK_RECORDS),
        settings: Settings {
            path: config.path.clone(),
            limits: config.limits,
            store_head: config.store_head.clone(),
            rng: config.rng.clone(),
            wrap,
        },
    };
    Ok(Recovered { writer, ledger, next_seq: size, dropped_bytes })
}

/// The key file is written once. It holds the lock against a second process.
fn lock_and_check_key(path: &Path, public: &Hash) -> Result<File, AuditError> {
    let mut file = open_append(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Err(AuditError::Locked { file: path.to_owned() }),
        Err(fs::TryLockError::Error(e)) => return Err(AuditError::io("locking", path)(e)),
    }
    let expected = format!("{}\n", BASE64.encode(public));
    let mut found = String::new();
    file.read_to_string(&mut found).map_err(AuditError::io("reading", path))?;
    if found.is_empty() {
        file.write_all(expected.as_bytes()).and_then(|()| file.sync_all()).map_err(AuditError::io("writing", path))?;
    } else if found != expected {
        return Err(AuditError::mismatch(path, 0, "the log belongs to another key"));
    }
    Ok(file)
}

/// SECURITY: a store older than what the log's last checkpoint saw was put back to an earlier state: revoked tokens would
/// live again (security.md S2).
fn check_store(config: &FileConfig, recorded: u64) -> Result<(), AuditError> {
    let store = (config.store_head)();
    if store < recorded && !config.accepts_older_store {
        return Err(AuditError::StoreBehind { file: config.path.clone(), store, recorded });
    }
    Ok(())
}

struct LastNote {
    checkpoint: Checkpoint,
    note: String,
    /// Where it ends in the file. What lies behind is torn.
    end: u64,
}

/// The last whole checkpoint. The log must hold `expected` among its checkpoints.
fn last_checkpoint(log: &Path, path: &Path, expected: Option<Head>) -> Result<Option<LastNote>, AuditError> {
    let mut file = match File::open(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return check_expected(log, expected, &[]).map(|()| None),
        file => file.map_err(AuditError::io("opening", path))?,
    };
    let mut window = 64 * 1024u64;
    loop {
        let (start, text) = read_end(&mut file, window).map_err(AuditError::io("reading", path))?;
        let whole = text.get(..whole_notes_bytes(&text)).unwrap_or_default();
        let heads: Vec<Head> = notes_backwards(whole).map_while(Checkpoint::parse).map(|(c, _)| c.head).collect();
        let reaches_back = heads.last().is_some_and(|h| expected.is_none_or(|e| h.size <= e.size));
        if start > 0 && !reaches_back {
            window = window.saturating_mul(4);
            continue;
        }
        check_expected(log, expected, &heads)?;
        let Some(note) = notes_backwards(whole).next() else { return Ok(None) };
        let unreadable = || AuditError::mismatch(path, 0, "the last checkpoint can't be read");
        let (checkpoint, _) = Checkpoint::parse(note).ok_or_else(unreadable)?;
        return Ok(Some(LastNote { checkpoint, note: note.to_owned(), end: start.saturating_add(whole.len() as u64) }));
    }
}

/// `heads` are the checkpoints of the log, newest first.
fn check_expected(log: &Path, expected: Option<Head>, heads: &[Head]) -> Result<(), AuditError> {
    let Some(expected) = expected else { return Ok(()) };
    let size = heads.first().map_or(0, |h| h.size);
    if size < expected.size {
        return Err(AuditError::Behind { file: log.to_owned(), size, expected: expected.size });
    }
    match heads.contains(&expected) {
        true => Ok(()),
        false => Err(AuditError::mismatch(log, expected.size, "the log is not the one that was acknowledged")),
    }
}

/// At most `window` bytes from the end of the file, from a character boundary on, and where they begin.
fn read_end(file: &mut File, window: u64) -> std::io::Result<(u64, String)> {
    let start = file.metadata()?.len().saturating_sub(window);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let skipped = bytes.iter().take(4).take_while(|b| **b & 0xc0 == 0x80).count();
    let bytes = bytes.get(skipped..).unwrap_or_default();
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // A torn write may end within a character; anything else is damage.
        Err(e) if e.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..e.valid_up_to()).unwrap_or_default()).unwrap_or_default()
        }
        Err(e) => return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, e)),
    };
    Ok((start.saturating_add(skipped as u64), text.to_owned()))
}

/// Bytes up to the end of the last whole note: a signature line and the empty line behind it.
fn whole_notes_bytes(text: &str) -> usize {
    let mut end = text.len();
    while let Some(at) = text.get(..end).and_then(|t| t.rfind("\n\n")) {
        let line = text.get(..at).and_then(|t| t.rsplit('\n').next()).unwrap_or_default();
        if line.starts_with("— ") {
            return at.saturating_add(2);
        }
        end = at.saturating_add(1);
    }
    0
}

/// Whole notes from the last to the first. Each is two paragraphs.
fn notes_backwards(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let body_end = rest.strip_suffix("\n\n")?.rfind("\n\n")?;
        let start = rest.get(..body_end)?.rfind("\n\n").map_or(0, |at| at.saturating_add(2));
        let note = rest.get(start..)?.strip_suffix('\n')?;
        rest = rest.get(..start)?;
        Some(note)
    })
}

struct Tail {
    tree: Tree,
    torn_bytes: u64,
    /// Appointments among the lines read, with their bytes and newline.
    appointments: Vec<(Appointment, Vec<u8>)>,
}

/// Rebuilds the tree: from tiles as far as they are whole, from lines behind them.
fn read_tail(log: &Path, folder: &Path, segments: &[Segment], head: Option<Head>) -> Result<Tail, AuditError> {
    let size = head.map_or(0, |h| h.size);
    let (mut tree, from) = tree_from_tiles(log, folder, segments, size)?;
    let mut tail = Tail { tree: Tree::default(), torn_bytes: 0, appointments: Vec::new() };
    let mut lines = Lines::from_seq(segments, from)?;
    loop {
        if let Some(head) = head.filter(|h| h.size == tree.size() && h.root != tree.root()) {
            return Err(AuditError::mismatch(log, head.size, "the records do not lead to the root of the last checkpoint"));
        }
        let path = lines.path();
        match lines.step()? {
            Step::Segment(_) => {}
            Step::Line(line) => {
                let prefix = line::parse(line).filter(|p| p.seq == tree.size());
                let Some(prefix) = prefix else {
                    return Err(AuditError::mismatch(path, tree.size(), "the record is missing or damaged"));
                };
                if prefix.is_appointment() {
                    let signed = Appointment::parse(line)
                        .ok_or_else(|| AuditError::mismatch(path, prefix.seq, "the record is damaged"))?;
                    tail.appointments.push((signed.appointment, [line, b"\n"].concat()));
                }
                tree.push(leaf_hash(line));
            }
            Step::Torn(bytes) if path == log => tail.torn_bytes = bytes,
            Step::Torn(_) => return Err(AuditError::mismatch(path, tree.size(), "a closed segment ends within a record")),
            Step::End => break,
        }
    }
    if tree.size() < size {
        return Err(AuditError::Behind { file: log.to_owned(), size: tree.size(), expected: size });
    }
    tail.tree = tree;
    Ok(tail)
}

/// The tree up to the last whole tile below `size`, then with the kept leaves of an incomplete tile as far as lines
/// are missing; and the number of the first line to read.
fn tree_from_tiles(log: &Path, folder: &Path, segments: &[Segment], size: u64) -> Result<(Tree, u64), AuditError> {
    let tiles = Tiles::new(folder);
    let block = size.saturating_sub(size % BLOCK_RECORDS);
    let is_whole = |start: &u64| tiles.read(0, start / TILE_HASHES).is_some();
    let in_block =
        (block..size).step_by(TILE_HASHES as usize).take_while(|s| s.saturating_add(TILE_HASHES) <= size && is_whole(s));
    let from = block.saturating_add((in_block.count() as u64).saturating_mul(TILE_HASHES));
    let missing = || AuditError::mismatch(log, from, "hash tiles are missing");
    let mut tree = Tree::from_tiles(&tiles, from).ok_or_else(missing)?;
    let first_line = contiguous_from(segments).unwrap_or(size);
    if let Some(count) = first_line.checked_sub(from).filter(|c| *c > 0) {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let kept = tiles.partials(from / TILE_HASHES).pop().map(|(_, leaves)| leaves);
        let leaves = kept.as_deref().and_then(|leaves| leaves.get(..count)).ok_or_else(missing)?;
        leaves.iter().for_each(|leaf| tree.push(*leaf));
    }
    Ok((tree, from.max(first_line)))
}

/// Number of the first line that is present.
fn contiguous_from(segments: &[Segment]) -> Option<u64> {
    segments.first().map(|s| s.first_seq)
}

#[derive(Default)]
struct Epochs {
    last_seq: Option<u64>,
    last_epoch: Option<u64>,
    /// Where the last entry that the log confirms ends.
    bytes: u64,
    keys: Vec<(u64, Hash)>,
}

impl Epochs {
    fn key_of(&self, epoch: u64, tail: &[(Appointment, Vec<u8>)]) -> Option<Hash> {
        let in_tail = tail.iter().map(|(a, _)| (a.epoch, a.key));
        in_tail.chain(self.keys.iter().copied()).find(|(e, _)| *e == epoch).map(|(_, key)| key)
    }
}

/// Whole entries for records that the log holds.
fn read_epochs(path: &Path, size: u64) -> Result<Epochs, AuditError> {
    let bytes = match fs::read(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Epochs::default()),
        bytes => bytes.map_err(AuditError::io("reading", path))?,
    };
    let mut epochs = Epochs::default();
    for entry in bytes.split_inclusive(|b| *b == b'\n') {
        let Some(line) = entry.strip_suffix(b"\n") else { break };
        let Some(signed) = Appointment::parse(line) else {
            return Err(AuditError::mismatch(path, 0, "an appointment can't be read"));
        };
        let found = signed.appointment;
        if found.seq >= size {
            break;
        }
        epochs.bytes = epochs.bytes.saturating_add(entry.len() as u64);
        epochs.last_seq = Some(found.seq);
        epochs.last_epoch = Some(found.epoch);
        epochs.keys.push((found.epoch, found.key));
    }
    Ok(epochs)
}

fn check_signature(log: &Path, last: &LastNote, key: Option<Hash>) -> Result<(), AuditError> {
    let signed = Checkpoint::parse(&last.note).zip(key);
    match signed.is_some_and(|((found, signature), key)| found.is_signed_by(&signature, &key)) {
        true => Ok(()),
        false => {
            Err(AuditError::mismatch(log, last.checkpoint.head.size, "the last checkpoint is not signed by its epoch's key"))
        }
    }
}

/// Cuts off what a crash left behind the last whole line. Whole bytes and cut bytes.
fn cut_torn(path: &Path, file: &File, segments: &[Segment], torn_bytes: u64) -> Result<(u64, u64), AuditError> {
    let all = file.metadata().map_err(AuditError::io("reading", path))?.len();
    let is_listed = segments.last().is_some_and(|s| s.path == path);
    // A file that was not listed has no first line; if it has any line at all, it is not ours.
    if !is_listed && fs::read(path).map_err(AuditError::io("reading", path))?.contains(&b'\n') {
        return Err(AuditError::mismatch(path, 0, "the file is not an audit log"));
    }
    let torn = if is_listed { torn_bytes } else { all };
    let whole = all.saturating_sub(torn);
    if torn > 0 {
        file.set_len(whole).and_then(|()| file.sync_data()).map_err(AuditError::io("repairing", path))?;
    }
    Ok((whole, torn))
}
