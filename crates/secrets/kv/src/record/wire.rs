//! Bytes of a record. Decoding takes any input without panic and answers None for what this program did not write.

use strongroom_types::Timestamp;

use super::{Draft, Head, KeySettings, Place, Record, Version};

/// First byte of every record; another layout gets another number.
const FORMAT: u8 = 1;
/// Created, deletion, row stamp, place.
pub const LINE_BYTES: usize = 25;
/// Format, flags, five numbers of the head, max_versions, delete_after_s, count of lines, length of custom metadata.
const HEAD_BYTES: usize = 2 + 5 * 8 + 4 + 8 + 4 + 4;

const CAS_REQUIRED: u8 = 1;
const METADATA_CAS_REQUIRED: u8 = 2;

/// Takes numbers off the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn time(&mut self) -> Option<Timestamp> {
        self.u64().map(Timestamp::from_ns)
    }

    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }
}

pub fn parse(bytes: &[u8]) -> Option<Record<'_>> {
    let mut r = Reader(bytes);
    if r.u8()? != FORMAT {
        return None;
    }
    let flags = r.u8()?;
    let (id, created, updated, current, metadata_version) = (r.u64()?, r.time()?, r.time()?, r.u64()?, r.u64()?);
    let settings = KeySettings {
        cas_required: flags & CAS_REQUIRED != 0,
        metadata_cas_required: flags & METADATA_CAS_REQUIRED != 0,
        max_versions: r.u32()?,
        delete_after_s: r.u64()?,
    };
    let (lines, custom_bytes) = (usize::try_from(r.u32()?).ok()?, usize::try_from(r.u32()?).ok()?);
    let (table, rest) = r.bytes(lines.checked_mul(LINE_BYTES)?)?.as_chunks::<LINE_BYTES>();
    let fits = rest.is_empty() && u64::try_from(lines).ok()? <= current && table.iter().all(|bytes| line(bytes).is_some());
    let custom = std::str::from_utf8(r.bytes(custom_bytes)?).ok()?;
    let head = Head { id, created, updated, current, metadata_version, settings };
    fits.then_some(Record { head, table, custom, inline: r.0 })
}

pub fn line(bytes: &[u8; LINE_BYTES]) -> Option<Version> {
    let mut r = Reader(bytes);
    let (created, deletion, stamp) = (r.time()?, r.time()?, r.u64()?);
    let place = match r.u8()? {
        0 => Place::Inline,
        1 => Place::Row(stamp),
        2 => Place::Gone,
        _ => return None,
    };
    Some(Version { created, deletion: (deletion.ns() != 0).then_some(deletion), place })
}

pub fn encode(draft: &Draft<'_>) -> Vec<u8> {
    let Head { id, created, updated, current, metadata_version, settings } = draft.head;
    let lines = draft.versions.len();
    let size = HEAD_BYTES.saturating_add(lines.saturating_mul(LINE_BYTES));
    let mut out = Vec::with_capacity(size.saturating_add(draft.custom.len()).saturating_add(draft.inline.len()));
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    let flags = flag(settings.cas_required, CAS_REQUIRED) | flag(settings.metadata_cas_required, METADATA_CAS_REQUIRED);
    out.extend([FORMAT, flags]);
    for number in [id, created.ns(), updated.ns(), current, metadata_version] {
        out.extend(number.to_be_bytes());
    }
    out.extend(settings.max_versions.to_be_bytes());
    out.extend(settings.delete_after_s.to_be_bytes());
    out.extend(length(lines));
    out.extend(length(draft.custom.len()));
    for version in &draft.versions {
        let (place, stamp) = match version.place {
            Place::Inline => (0, 0),
            Place::Row(stamp) => (1, stamp),
            Place::Gone => (2, 0),
        };
        for number in [version.created.ns(), version.deletion.map_or(0, Timestamp::ns), stamp] {
            out.extend(number.to_be_bytes());
        }
        out.push(place);
    }
    out.extend_from_slice(draft.custom.as_bytes());
    out.extend_from_slice(draft.inline);
    out
}

/// Lengths are bounded far below 4 GiB by the limits of values and custom metadata.
fn length(n: usize) -> [u8; 4] {
    u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes()
}
