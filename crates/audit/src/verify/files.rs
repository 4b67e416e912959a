//! Reading the small files of a tree: checkpoints and copies of appointments.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

use super::torn::{is_torn_copy, is_torn_note};
use crate::epoch::Appointment;
use crate::note::NoteSignature;
use crate::{AuditError, Checkpoint};

/// Lines of a stored checkpoint, the empty one behind it included.
const NOTE_LINES: u64 = Checkpoint::LINES as u64 + 1;

/// Checkpoints one after the other.
pub(crate) struct Notes {
    reader: Option<BufReader<File>>,
    /// Line at which the checkpoint last read begins.
    pub(crate) line: u64,
    next_line: u64,
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
        Ok(Self { reader, line: 0, next_line: 1 })
    }

    pub(crate) fn next(&mut self) -> io::Result<NextNote> {
        let Some(reader) = &mut self.reader else { return Ok(NextNote::End) };
        self.line = self.next_line;
        let mut text = Vec::new();
        for n in 0..NOTE_LINES {
            let bytes = reader.read_until(b'\n', &mut text)?;
            if bytes == 0 || text.last() != Some(&b'\n') {
                self.reader = None;
                return Ok(match n == 0 && bytes == 0 {
                    true => NextNote::End,
                    false if is_torn_note(&text) => NextNote::Torn,
                    false => NextNote::Damaged,
                });
            }
        }
        self.next_line = self.line.saturating_add(NOTE_LINES);
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

/// How a file of lines ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Whole,
    /// Within a line, as a crash leaves it.
    Torn,
    /// As no crash leaves it.
    Damaged,
}

/// Copies of all appointments, and how the file ends behind the last whole one.
pub(crate) fn read_copies(path: &Path) -> Result<(Vec<Copy>, Ending), AuditError> {
    let bytes = match fs::read(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), Ending::Whole)),
        bytes => bytes.map_err(AuditError::io("reading", path))?,
    };
    let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at.saturating_add(1));
    let (whole, rest) = bytes.split_at_checked(whole).unwrap_or_default();
    let ending = match rest {
        [] => Ending::Whole,
        rest if is_torn_copy(rest) => Ending::Torn,
        _ => Ending::Damaged,
    };
    let lines = whole.split_inclusive(|b| *b == b'\n').zip(1u64..);
    let copies = lines.map(|(entry, line_number)| {
        let line = entry.strip_suffix(b"\n").unwrap_or(entry).to_vec();
        let appointment = Appointment::parse(&line).map(|signed| signed.appointment);
        Copy { line, appointment, line_number }
    });
    Ok((copies.collect(), ending))
}
