//! The record's form: what is written comes back, other bytes are refused without panic.

use proptest::prelude::*;
use std::borrow::Cow;

use super::*;

fn at(s: u64) -> Timestamp {
    Timestamp::from_s(s)
}

fn sample() -> Draft<'static> {
    let mut draft = Draft::new(7, at(1));
    for second in 1..=3 {
        draft.displace(second);
        draft.push(Version { created: at(second), deletion: None, place: Place::Inline }, 2);
    }
    draft.inline = b"{\"a\":1.10}";
    draft.custom = Cow::Borrowed(r#"{"k":"v"}"#);
    draft.head.settings = KeySettings { cas_required: true, metadata_cas_required: false, max_versions: 2, delete_after_s: 9 };
    draft
}

#[test]
fn what_is_written_comes_back() {
    let draft = sample();
    let bytes = draft.encode();
    let record = Record::parse(&bytes).unwrap();
    assert_eq!(record.head, draft.head);
    assert_eq!((record.inline, record.custom), (&b"{\"a\":1.10}"[..], r#"{"k":"v"}"#));
    let versions: Vec<_> = record.versions().collect();
    assert_eq!(versions.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(record.version(0), record.version(3));
    assert_eq!(record.version(2).unwrap().1.place, Place::Row(3));
    assert_eq!((record.version(1), record.version(4), record.oldest()), (None, None, 2));
    assert_eq!(Draft::of(&record).encode(), bytes);
}

#[test]
fn a_key_without_versions_has_no_oldest() {
    let bytes = Draft::new(7, at(1)).encode();
    let record = Record::parse(&bytes).unwrap();
    assert_eq!((record.oldest(), record.version(0), record.versions().count()), (0, None, 0));
}

#[test]
fn other_bytes_are_refused() {
    let good = sample().encode();
    // The record ends with the value, which may have any length: cut anywhere before it.
    for end in 0..good.len() - sample().inline.len() {
        assert!(Record::parse(&good[..end]).is_err(), "cut at {end}");
    }
    let mut other_format = good.clone();
    other_format[0] = 2;
    assert!(Record::parse(&other_format).is_err());
    assert!(!Record::parse(&other_format).err().unwrap().to_string().contains("1.10"));
}

#[test]
fn deletion_lies_ahead_or_behind() {
    let version = Version { created: at(1), deletion: Some(at(5)), place: Place::Inline };
    assert!(version.is_live(at(4)) && !version.is_live(at(5)));
    assert!(!Version { place: Place::Gone, deletion: None, ..version }.is_live(at(1)));
}

proptest! {
    #[test]
    fn any_bytes_parse_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() {
            *first = 1;
        }
        if let Ok(record) = Record::parse(&bytes) {
            prop_assert!(record.versions().count() as u64 <= record.head.current);
        }
    }
}
