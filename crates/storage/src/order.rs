//! The arithmetic of ordered keys: which name stands directly below a folder, and where the next name can start.
//! Pure; shared by the stores so that they list alike.

/// Name of a key directly below a folder: up to and including the next `/`.
pub(crate) fn child(rest: &[u8]) -> &[u8] {
    match rest.iter().position(|b| *b == b'/') {
        Some(slash) => rest.split_at_checked(slash.saturating_add(1)).map_or(rest, |(name, _)| name),
        None => rest,
    }
}

/// Smallest key after `prefix` + `after`: keys are ordered bytewise, so nothing fits between `k` and `k\0`.
pub(crate) fn just_after(prefix: &[u8], after: &[u8]) -> Vec<u8> {
    [prefix, after, b"\0"].concat()
}

/// Smallest key that is in no way below the child `name` of `prefix`: `0` is the byte after `/`.
pub(crate) fn past_child(prefix: &[u8], name: &[u8]) -> Vec<u8> {
    match name.strip_suffix(b"/") {
        Some(folder) => [prefix, folder, b"0"].concat(),
        None => just_after(prefix, name),
    }
}

/// Where a listing of the names after `after` starts.
pub(crate) fn list_start(prefix: &[u8], after: Option<&[u8]>) -> Vec<u8> {
    after.map_or_else(|| just_after(prefix, b""), |after| past_child(prefix, after))
}

/// Where a scan of the keys after the full key `after` starts.
pub(crate) fn scan_start(prefix: &[u8], after: Option<&[u8]>) -> Vec<u8> {
    after.map_or_else(Vec::new, |after| just_after(after, b"")).max(prefix.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_with_the_next_slash() {
        let check = |rest: &str, expected: &str| assert_eq!(child(rest.as_bytes()), expected.as_bytes(), "{rest}");
        check("a", "a");
        check("a/b/c", "a/");
        check("/x", "/");
        check("", "");
    }

    #[test]
    fn seeking_past_a_child_leaves_out_all_below_it_and_nothing_else() {
        let past = past_child(b"p/", b"a/");
        assert!(past.as_slice() > b"p/a/\xff\xff".as_slice() && past.as_slice() <= b"p/a0".as_slice());
        let past = past_child(b"p/", b"a");
        assert!(past.as_slice() > b"p/a".as_slice() && past.as_slice() <= b"p/a\0".as_slice());
    }
}
