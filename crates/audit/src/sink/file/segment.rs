//! Record files by their names: `<file>` is the current one, `<file>.<first sequence number>` are older ones. What is
//! in them is found by bisection, since every line begins with its number.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::medium::folder_of;
use crate::AuditError;
use crate::line::parse_seq;

/// Digits of the first number in a name.
const DIGITS: usize = 12;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) first_seq: u64,
    pub(crate) bytes: u64,
}

/// The name of a closed segment.
pub(crate) fn closed_path(path: &Path, first_seq: u64) -> PathBuf {
    with_suffix(path, &format!(".{first_seq:012}"))
}

pub(crate) fn tree_folder(path: &Path) -> PathBuf {
    with_suffix(path, ".tree")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// All segments that hold something, oldest first; the current one last, numbered by its first line.
pub(crate) fn list(path: &Path) -> io::Result<Vec<Segment>> {
    let mut found = Vec::new();
    let Some(name) = path.file_name().and_then(|n| n.to_str()) else { return Ok(found) };
    let entries = match fs::read_dir(folder_of(path)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let entry_name = entry.file_name();
        let number = entry_name.to_str().and_then(|n| n.strip_prefix(name)?.strip_prefix('.')).filter(|n| n.len() >= DIGITS);
        let Some(first_seq) = number.and_then(|n| n.parse().ok()) else { continue };
        found.push(Segment { path: entry.path(), first_seq, bytes: entry.metadata()?.len() });
    }
    found.sort_by_key(|s| s.first_seq);
    if let Some((first_seq, bytes)) = current(path)? {
        found.push(Segment { path: path.to_owned(), first_seq, bytes });
    }
    Ok(found)
}

/// First number and length of the current segment. None when it is missing or its first line is not whole.
fn current(path: &Path) -> io::Result<Option<(u64, u64)>> {
    let file = match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let bytes = file.metadata()?.len();
    let mut start = Vec::new();
    file.take(64).read_to_end(&mut start)?;
    Ok(parse_seq(&start).map(|(seq, _)| (seq, bytes)))
}

/// Reads lines one after the other over all segments.
pub(crate) struct Lines<'a> {
    segments: std::slice::Iter<'a, Segment>,
    open: Option<(&'a Path, BufReader<File>)>,
    line: Vec<u8>,
    /// Place of the line last read, for messages; lines count from 1 at the place where reading began.
    pub(crate) line_number: u64,
    /// Bytes of the current segment that are whole lines read so far, from its start.
    pub(crate) offset: u64,
}

/// One step of reading.
pub(crate) enum Step<'a> {
    Segment(&'a Segment),
    /// Without its newline.
    Line(&'a [u8]),
    /// Bytes without a newline at the end of a segment.
    Torn(u64),
    End,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(segments: &'a [Segment]) -> Self {
        Self { segments: segments.iter(), open: None, line: Vec::new(), line_number: 0, offset: 0 }
    }

    /// Begins at the line with this number, in the segment that should hold it.
    pub(crate) fn from_seq(segments: &'a [Segment], seq: u64) -> Result<Self, AuditError> {
        let at = segments.iter().rposition(|s| s.first_seq <= seq).unwrap_or(0);
        let mut lines = Self::new(segments.get(at..).unwrap_or_default());
        if let Some(segment) = lines.segments.next() {
            let mut file = File::open(&segment.path).map_err(AuditError::io("opening", &segment.path))?;
            let offset = find(&mut file, seq).map_err(AuditError::io("reading", &segment.path))?;
            file.seek(SeekFrom::Start(offset)).map_err(AuditError::io("reading", &segment.path))?;
            lines.offset = offset;
            lines.open = Some((&segment.path, BufReader::with_capacity(READ_BYTES, file)));
        }
        Ok(lines)
    }

    pub(crate) fn path(&self) -> &'a Path {
        self.open.as_ref().map_or(Path::new(""), |(path, _)| path)
    }

    pub(crate) fn step(&mut self) -> Result<Step<'_>, AuditError> {
        let Some((path, reader)) = &mut self.open else { return self.next_segment() };
        self.line.clear();
        let bytes = reader.read_until(b'\n', &mut self.line).map_err(AuditError::io("reading", path))?;
        if bytes == 0 {
            self.open = None;
            return self.next_segment();
        }
        self.line_number = self.line_number.saturating_add(1);
        if self.line.pop_if(|b| *b == b'\n').is_none() {
            return Ok(Step::Torn(bytes as u64));
        }
        self.offset = self.offset.saturating_add(bytes as u64);
        Ok(Step::Line(&self.line))
    }

    fn next_segment(&mut self) -> Result<Step<'_>, AuditError> {
        let Some(segment) = self.segments.next() else { return Ok(Step::End) };
        let file = File::open(&segment.path).map_err(AuditError::io("opening", &segment.path))?;
        self.open = Some((&segment.path, BufReader::with_capacity(READ_BYTES, file)));
        self.line_number = 0;
        self.offset = 0;
        Ok(Step::Segment(segment))
    }
}

const READ_BYTES: usize = 256 * 1024;

/// Offset of the first line whose number is at least `seq`. Wrong in files that are not in order, which those who
/// read on from there find out.
fn find(file: &mut File, seq: u64) -> io::Result<u64> {
    let (mut low, mut high) = (0u64, file.metadata()?.len());
    while high.saturating_sub(low) > 64 * 1024 {
        let middle = low.midpoint(high);
        match line_behind(file, middle, high)? {
            Some((offset, found)) if found < seq => low = offset,
            _ => high = middle,
        }
    }
    file.seek(SeekFrom::Start(low))?;
    let mut reader = BufReader::new(&*file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let bytes = reader.read_until(b'\n', &mut line)?;
        if bytes == 0 || parse_seq(&line).is_none_or(|(found, _)| found >= seq) {
            return Ok(low);
        }
        low = low.saturating_add(bytes as u64);
    }
}

/// Offset and number of the first line that begins in `from..to`.
fn line_behind(file: &mut File, from: u64, to: u64) -> io::Result<Option<(u64, u64)>> {
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::new(&*file);
    let skipped = reader.skip_until(b'\n')?;
    let offset = from.saturating_add(skipped as u64);
    let mut start = Vec::new();
    reader.take(64).read_to_end(&mut start)?;
    Ok(parse_seq(&start).filter(|_| offset < to).map(|(seq, _)| (offset, seq)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_found_by_its_number() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut text = String::new();
        let mut offsets = Vec::new();
        for seq in 500..1500 {
            offsets.push(text.len() as u64);
            let long = if seq % 100 == 0 { 100_000 } else { seq % 70 };
            text.push_str(&format!("{{\"seq\":{seq},\"x\":\"{}\"}}\n", "y".repeat(long)));
        }
        std::fs::write(&path, &text).unwrap();
        let mut file = File::open(&path).unwrap();
        for (n, offset) in offsets.iter().enumerate() {
            assert_eq!(find(&mut file, 500 + n as u64).unwrap(), *offset);
        }
        assert_eq!(find(&mut file, 3).unwrap(), 0);
        assert_eq!(find(&mut file, 1500).unwrap(), text.len() as u64);
        assert_eq!(list(&path).unwrap()[0].first_seq, 500);
    }
}
