#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "test code")]

use std::io::Cursor;

use super::*;

fn sample() -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (key, revision, value) in [("a", 1, "one"), ("b/c", 3, ""), ("b/d", 2, "two")] {
        writer.write(key.as_bytes(), revision, value.as_bytes()).unwrap();
    }
    let (content, tally) = writer.finish().unwrap();
    let Tally { entry_count, content_bytes, sha256 } = tally;
    let header = Header {
        format: FORMAT,
        server_version: "0.1.0".into(),
        created: "2026-11-25T08:00:00Z".into(),
        revision: 3,
        entry_count,
        content_bytes,
        sha256,
    };
    let head = Head::new(header, |_| [7; MAC_BYTES]).unwrap();
    let file = [head.to_bytes(), content].concat();
    assert_eq!(head.file_bytes(), file.len() as u64);
    file
}

/// The head's signature is not looked at here: its key is the barrier's.
fn read(file: &[u8]) -> Result<Vec<Entry>> {
    let mut from = Cursor::new(file);
    let head = Head::read(&mut from)?;
    Entries::new(&head, from).collect()
}

#[test]
fn what_was_written_is_read() {
    let entries = read(&sample()).unwrap();
    let found: Vec<_> = entries.iter().map(|e| (e.key.as_ref(), e.revision, e.value.as_ref())).collect();
    assert_eq!(found, [(&b"a"[..], 1, &b"one"[..]), (b"b/c", 3, b""), (b"b/d", 2, b"two")]);
}

#[test]
fn a_truncated_file_is_refused_wherever_it_ends_and_so_is_a_longer_one() {
    let file = sample();
    for length in 0..file.len() {
        assert!(read(&file[..length]).is_err(), "{length}");
    }
    assert!(read(&[file.as_slice(), b"x"].concat()).is_err());
}

#[test]
fn cve_2026_105816_every_changed_byte_changes_what_is_signed_or_is_refused() {
    let (file, mut from) = (sample(), Cursor::new(sample()));
    let head = Head::read(&mut from).unwrap();
    for at in 0..file.len() {
        for flip in [1u8, 0x80] {
            let mut changed = file.clone();
            changed[at] ^= flip;
            let mut from = Cursor::new(changed.as_slice());
            let seen = Head::read(&mut from);
            let differs = seen.as_ref().is_ok_and(|seen| seen.signed() != head.signed() || seen.mac() != head.mac());
            assert!(differs || read(&changed).is_err(), "{at}");
        }
    }
}

#[test]
fn a_newer_format_and_another_file_are_told_apart() {
    let mut newer = sample();
    let at = newer.windows(10).position(|w| w == b"\"format\":1").unwrap() + 9;
    newer[at] = b'2';
    assert!(matches!(read(&newer), Err(Error::Newer(2))));
    assert!(matches!(read(b"SQLite format 3\0"), Err(Error::NotASnapshot)));
    assert!(matches!(read(b""), Err(Error::NotASnapshot)));
}

#[test]
fn lengths_that_a_file_claims_reserve_nothing_beyond_the_limits() {
    let mut writer = Writer::new(Vec::new());
    assert!(writer.write(&vec![0; KEY_BYTES_MAX + 1], 1, b"").is_err());
    assert!(writer.write(b"", 1, b"").is_err());
    assert!(writer.write(b"a", 1, &vec![0; VALUE_BYTES_MAX + 1]).is_err());
    let claim = [b"SGRMSNAP".as_slice(), &u32::MAX.to_be_bytes()].concat();
    assert!(matches!(read(&claim), Err(Error::Damaged(_))));
}
