//! One walk over a log: leaves of pruned records from tiles, then every line; at each size the checkpoints made there.

use std::fs;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::vec::IntoIter;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use strongroom_types::Timestamp;

use super::chain::Chain;
use super::files::{Copy, Ending, Found, NextNote, Notes, read_copies};
use super::{Options, Problem, Report, Restart};
use crate::epoch::{Appointment, Cause};
use crate::note::{NoteSignature, note_hash};
use crate::sink::file::segment::{self, Lines, Segment, Step};
use crate::tree::{Hash, TILE_HASHES, Tiles, Tree, leaf_hash};
use crate::{AuditError, Checkpoint, line};

const PROBLEMS_MAX: usize = 100;
/// Lines may be this much older than one before them.
const CLOCK_STEP_S: u64 = 5;

pub(super) struct Walk {
    path: PathBuf,
    folder: PathBuf,
    tiles: Tiles,
    tree: Tree,
    chain: Chain,
    checkpoints: Checkpoints,
    copies: Peekable<IntoIter<Copy>>,
    /// Size at which the first missing tile would have been full.
    missing_tile: Option<u64>,
    archived: bool,
    latest: Timestamp,
    report: Report,
}

/// The checkpoints still to come.
struct Checkpoints {
    notes: Notes,
    next: Option<Box<Found>>,
    /// Hash of the last note.
    prev: Hash,
    /// One that was kept elsewhere.
    given: Option<(Checkpoint, NoteSignature)>,
}

/// Where a leaf comes from.
#[derive(Clone, Copy)]
enum Source<'a> {
    Tile,
    Line { text: &'a [u8], file: &'a Path, number: u64 },
}

impl Walk {
    pub(super) fn new(path: &Path, key: &Hash, options: &Options) -> Result<Self, AuditError> {
        let folder = segment::tree_folder(path);
        let (copies, ending) = read_copies(&folder.join("epochs"))?;
        let given = options.checkpoint.as_deref().map(|note| Checkpoint::parse(&format!("{}\n", note.trim())));
        let notes = Notes::open(&folder.join("checkpoints"))?;
        let mut walk = Self {
            path: path.to_owned(),
            tiles: Tiles::new(&folder),
            tree: Tree::default(),
            chain: Chain::new(key),
            checkpoints: Checkpoints { notes, next: None, prev: [0; 32], given: None },
            copies: copies.into_iter().peekable(),
            missing_tile: None,
            archived: options.archived,
            latest: Timestamp::default(),
            report: Report::default(),
            folder,
        };
        match given {
            Some(None) => walk.problem(path, 0, "the checkpoint to compare with can't be read"),
            Some(given) => walk.checkpoints.given = given,
            None => {}
        }
        walk.check_copies_end(ending);
        walk.check_key_file(key);
        Ok(walk)
    }

    pub(super) fn run(mut self) -> Result<Report, AuditError> {
        let segments = segment::list(&self.path).map_err(AuditError::io("listing", &self.path))?;
        self.read_note()?;
        self.read_pruned(segments.first().map_or(u64::MAX, |s| s.first_seq))?;
        self.read_lines(&segments)?;
        self.finish(&segments);
        Ok(self.report)
    }

    fn check_copies_end(&mut self, ending: Ending) {
        let path = self.folder.join("epochs");
        match ending {
            Ending::Whole => {}
            Ending::Torn => self.warn(&path, 0, "the file ends within a line"),
            Ending::Damaged => self.problem(&path, 0, "the last line can't be read"),
        }
    }

    fn check_key_file(&mut self, key: &Hash) {
        let path = self.folder.join("key");
        let expected = format!("{}\n", BASE64.encode(key));
        if fs::read(&path).ok().as_deref() != Some(expected.as_bytes()) {
            self.problem(&path, 0, "the key in the tree folder is not the given one");
        }
    }

    /// Records whose lines are gone: their leaves are in tiles, their appointments in `epochs`.
    fn read_pruned(&mut self, first_line: u64) -> Result<(), AuditError> {
        while self.tree.size() < first_line {
            let index = self.tree.size() / TILE_HASHES;
            let full = self.tiles.read(0, index).map(|bytes| bytes.as_chunks::<32>().0.to_vec());
            let Some(leaves) = full.or_else(|| self.tiles.partials(index).pop().map(|(_, leaves)| leaves)) else { break };
            let from = usize::try_from(self.tree.size() % TILE_HASHES).unwrap_or(0);
            let wanted = usize::try_from(first_line.saturating_sub(self.tree.size())).unwrap_or(usize::MAX);
            let leaves = leaves.get(from..).unwrap_or_default();
            if leaves.is_empty() {
                break;
            }
            for leaf in leaves.iter().take(wanted) {
                self.leaf(*leaf, Source::Tile)?;
            }
        }
        self.report.pruned_below = self.tree.size();
        if first_line != u64::MAX && self.tree.size() < first_line {
            let path = self.path.clone();
            self.problem(&path, 0, format!("records from {} on are missing, and so are their hashes", self.tree.size()));
        }
        Ok(())
    }

    fn read_lines(&mut self, segments: &[Segment]) -> Result<(), AuditError> {
        let mut lines = Lines::new(segments);
        while self.report.problems.len() < PROBLEMS_MAX {
            let (file, number) = (lines.path(), lines.line_number.saturating_add(1));
            match lines.step()? {
                Step::Segment(segment) if segment.first_seq != self.tree.size() => {
                    let what = format!("the file begins at record {} instead of {}", segment.first_seq, self.tree.size());
                    self.problem(&segment.path, 0, what);
                }
                Step::Segment(_) => {}
                Step::Line(text) => self.leaf(leaf_hash(text), Source::Line { text, file, number })?,
                Step::Torn(bytes) if file == self.path => self.report.torn_bytes = bytes,
                Step::Torn(_) => self.problem(file, number, "the file ends within a line"),
                Step::End => break,
            }
        }
        Ok(())
    }

    fn leaf(&mut self, leaf: Hash, source: Source<'_>) -> Result<(), AuditError> {
        match source {
            Source::Tile => self.pruned_record(&leaf),
            Source::Line { text, file, number } => self.record(text, file, number),
        }
        self.tree.push(leaf);
        for tile in self.tree.take_full() {
            match self.tiles.read(tile.level, tile.index) {
                Some(bytes) if bytes == tile.bytes => {}
                Some(_) => {
                    let path = self.tiles.path(tile.level, tile.index);
                    self.problem(&path, 0, "the hashes are not those of the records");
                }
                None => self.missing_tile = self.missing_tile.or(Some(self.tree.size())),
            }
        }
        self.check_notes()
    }

    /// A record whose line is gone can still appoint a key, by its copy.
    fn pruned_record(&mut self, leaf: &Hash) {
        let seq = self.tree.size();
        let Some(copy) = self.copies.next_if(|c| c.appointment.as_ref().is_none_or(|a| a.seq <= seq)) else { return };
        let path = self.folder.join("epochs");
        if leaf_hash(&copy.line) != *leaf {
            return self.problem(&path, copy.line_number, "the line is not the one that was logged");
        }
        self.appoint(&copy.line, &path, copy.line_number);
    }

    fn record(&mut self, text: &[u8], file: &Path, number: u64) {
        let Some(prefix) = line::parse(text) else { return self.problem(file, number, "the line can't be read") };
        if prefix.seq != self.tree.size() {
            self.problem(file, number, format!("the line says record {} where {} belongs", prefix.seq, self.tree.size()));
        }
        if self.latest.seconds_since(prefix.time) > CLOCK_STEP_S {
            self.warn(file, number, "the clock stepped back by more than 5 seconds");
            self.latest = prefix.time;
        }
        self.latest = self.latest.max(prefix.time);
        if prefix.is_appointment() {
            self.appoint(text, file, number);
            self.check_copy(text, prefix.seq);
        } else if !self.chain.has_begun() && self.tree.size() == 0 {
            self.problem(file, number, "the log does not begin with a key appointed by the log key");
        }
    }

    fn appoint(&mut self, text: &[u8], file: &Path, number: u64) {
        match self.chain.appoint(text, &self.tree.root()) {
            Ok(Appointment { seq, time, cause, epoch, .. }) => {
                self.report.epochs = self.report.epochs.saturating_add(1);
                if let Cause::Restart { dropped_bytes } = cause {
                    self.report.restarts.push(Restart { seq, time, epoch, dropped_bytes });
                }
            }
            Err(what) => self.problem(file, number, what),
        }
    }

    /// The copy may be missing only where a crash could have prevented it: behind the last checkpoint.
    fn check_copy(&mut self, text: &[u8], seq: u64) {
        let path = self.folder.join("epochs");
        match self.copies.next() {
            Some(copy) if copy.line == text => {}
            Some(copy) => self.problem(&path, copy.line_number, "the line is not the one that was logged"),
            None if self.checkpoints.next.is_none() => {
                self.warn(&path, 0, format!("the appointment of record {seq} has no copy yet"));
            }
            None => self.problem(&path, 0, format!("the copy of the appointment of record {seq} is missing")),
        }
    }

    /// Checks what was signed at the present size.
    fn check_notes(&mut self) -> Result<(), AuditError> {
        let size = self.tree.size();
        while let Some(found) = self.checkpoints.next.take_if(|found| found.checkpoint.head.size <= size) {
            let Found { checkpoint, signature, note } = *found;
            let (path, number) = (self.folder.join("checkpoints"), self.checkpoints.notes.line);
            let checked = if checkpoint.head.size < size {
                Err("the checkpoint is out of order")
            } else if checkpoint.prev != self.checkpoints.prev {
                Err("the checkpoint does not follow the one before it")
            } else {
                self.chain.check(&checkpoint, &signature, &self.tree.root())
            };
            self.checkpoints.prev = note_hash(&note);
            match checked {
                Ok(()) => {
                    self.report.checkpoints = self.report.checkpoints.saturating_add(1);
                    self.checkpoints.given.take_if(|(given, _)| *given == checkpoint);
                    self.report.last = Some(checkpoint);
                }
                Err(what) => {
                    let since = self.report.last.as_ref().map_or(0, |c| c.head.size);
                    self.problem(&path, number, format!("{what} (records {since} to {size})"));
                }
            }
            self.read_note()?;
        }
        // The log's own checkpoints of this size were compared above.
        if let Some((given, signature)) = self.checkpoints.given.take_if(|(c, _)| c.head.size <= size) {
            let checked = self.chain.check(&given, &signature, &self.tree.root());
            let what = checked.err().unwrap_or("it is not among the checkpoints of the log");
            let path = self.path.clone();
            self.problem(&path, 0, format!("the log does not extend the given checkpoint: {what}"));
        }
        Ok(())
    }

    fn read_note(&mut self) -> Result<(), AuditError> {
        let path = self.folder.join("checkpoints");
        let next = self.checkpoints.notes.next().map_err(AuditError::io("reading", &path))?;
        let number = self.checkpoints.notes.line;
        match next {
            NextNote::Note(found) => self.checkpoints.next = Some(found),
            NextNote::Torn => self.warn(&path, number, "the file ends within a checkpoint"),
            NextNote::Damaged => self.problem(&path, number, "the checkpoint can't be read"),
            NextNote::End => {}
        }
        Ok(())
    }

    fn finish(&mut self, segments: &[Segment]) {
        let (path, size) = (self.path.clone(), self.tree.size());
        if let Some(next) = self.checkpoints.next.take() {
            self.problem(
                &path,
                0,
                format!("the log ends at record {size}, but {} records were signed", next.checkpoint.head.size),
            );
        }
        if let Some((given, _)) = self.checkpoints.given.take() {
            self.problem(&path, 0, format!("the log ends at record {size}, before the given checkpoint of {}", given.head.size));
        }
        let signed = self.report.last.as_ref().map_or(0, |c| c.head.size);
        if signed == 0 {
            self.problem(&path, 0, "no checkpoint holds");
        }
        if self.missing_tile.is_some_and(|end| end <= signed) {
            self.problem(&self.folder.join("tile"), 0, "hash tiles are missing");
        }
        if let Some(copy) = self.copies.next() {
            let what = "the line appoints a key that the log does not have";
            self.problem(&self.folder.join("epochs"), copy.line_number, what);
        }
        self.check_beginning();
        self.check_partials();
        self.check_unlisted(segments);
        self.report.size = size;
        self.report.root = self.tree.root();
        self.report.uncheckpointed = size.saturating_sub(signed);
    }

    /// SECURITY: the hashes of missing lines are still there, so without this anybody could delete the oldest lines.
    fn check_beginning(&mut self) {
        let (begin, kept) = (self.report.pruned_below, self.report.last.as_ref().map_or(0, |c| c.kept));
        if begin > kept && !self.archived {
            let path = self.path.clone();
            self.problem(&path, 0, format!("the lines begin at record {begin}, but the server keeps them from record {kept} on"));
        }
    }

    fn check_partials(&mut self) {
        let leaves = self.tree.partial_leaves().as_chunks::<32>().0.to_vec();
        for (path, kept) in self.tiles.partials(self.tree.size() / TILE_HASHES) {
            if !leaves.starts_with(&kept) {
                self.problem(&path, 0, "the hashes are not those of the records");
            }
        }
    }

    /// A current file without a first line was not read: a crash can leave half a line, nobody leaves more.
    fn check_unlisted(&mut self, segments: &[Segment]) {
        let path = self.path.clone();
        if segments.last().is_some_and(|s| s.path == path) {
            return;
        }
        match fs::read(&path) {
            Ok(bytes) if bytes.contains(&b'\n') => self.problem(&path, 1, "the line can't be read"),
            Ok(bytes) => self.report.torn_bytes = bytes.len() as u64,
            Err(_) => {} // between two segments there is none
        }
    }

    fn problem(&mut self, file: &Path, line: u64, what: impl Into<String>) {
        push(&mut self.report.problems, file, line, what.into());
    }

    fn warn(&mut self, file: &Path, line: u64, what: impl Into<String>) {
        push(&mut self.report.warnings, file, line, what.into());
    }
}

fn push(list: &mut Vec<Problem>, file: &Path, line: u64, what: String) {
    if list.len() < PROBLEMS_MAX {
        list.push(Problem { file: file.to_owned(), line, what });
    }
}
