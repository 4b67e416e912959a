//! Reading the small files of a tree: checkpoints and copies of appointments.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

use crate::epoch::Appointment;
use crate::note::NoteSignature;
use crate::{AuditError, Checkpoint};

/// Lines of a stored checkpoint, the empty one behind it included.
const NOTE_LINES: u64 = 10;

/// Checkpoints one after the other.
pub(crate) struct Notes {
    reader: Option<BufReader<File>>,
    /// Lines read.
    pub(crate) line: u64,
}

pub(crate) struct Found {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) signature: NoteSignature,
    /// The text, without the empty line behind it.
    pub(crate) note: String,
}

pub(crate) enum NextNote {
    Note(Box<Found>),
    /// The file ends within a note.
    Torn,
    /// Not a checkpoint; nothing behind it is read.
    Damaged,
    End,
}

impl Notes {
    pub(crate) fn open(path: &Path) -> Result<Self, AuditError> {
        let reader = match File::open(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            file => Some(BufReader::with_capacity(128 * 1024, file.map_err(AuditError::io("opening", path))?)),
        };
        Ok(Self { reader, line: 0 })
    }

    pub(crate) fn next(&mut self) -> io::Result<NextNote> {
        let Some(reader) = &mut self.reader else { return Ok(NextNote::End) };
        let mut text = Vec::new();
        for n in 0..NOTE_LINES {
            let bytes = reader.read_until(b'\n', &mut text)?;
            if bytes == 0 || text.last() != Some(&b'\n') {
                self.reader = None;
                return Ok(if n == 0 && bytes == 0 { NextNote::End } else { NextNote::Torn });
            }
        }
        self.line = self.line.saturating_add(NOTE_LINES);
        let note = text.strip_suffix(b"\n").and_then(|note| String::from_utf8(note.to_vec()).ok());
        match note.and_then(|note| Checkpoint::parse(&note).map(|(c, s)| (c, s, note))) {
            Some((checkpoint, signature, note)) => Ok(NextNote::Note(Box::new(Found { checkpoint, signature, note }))),
            None => {
                self.reader = None;
                Ok(NextNote::Damaged)
            }
        }
    }
}

/// A line of `epochs`.
pub(crate) struct Copy {
    pub(crate) line: Vec<u8>,
    pub(crate) appointment: Option<Appointment>,
    pub(crate) line_number: u64,
}

/// Copies of all appointments, and whether the last one is torn.
pub(crate) fn read_copies(path: &Path) -> Result<(Vec<Copy>, bool), AuditError> {
    let bytes = match fs::read(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), false)),
        bytes => bytes.map_err(AuditError::io("reading", path))?,
    };
    let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at.saturating_add(1));
    let lines = bytes.get(..whole).unwrap_or_default().split_inclusive(|b| *b == b'\n').zip(1u64..);
    let copies = lines.map(|(entry, line_number)| {
        let line = entry.strip_suffix(b"\n").unwrap_or(entry).to_vec();
        let appointment = Appointment::parse(&line).map(|signed| signed.appointment);
        Copy { line, appointment, line_number }
    });
    Ok((copies.collect(), whole < bytes.len()))
}
