//! Inclusion proofs. Source: RFC 9162 sections 2.1.3.1 and 2.1.3.2.

use std::ops::Range;

use super::{Hash, Nodes, fold, node_hash};

/// The path of `leaf` in the tree of the first `size` leaves, lowest sibling first. None when the leaf is not in it or a
/// hash is missing.
pub(crate) fn inclusion(nodes: &dyn Nodes, leaf: u64, size: u64) -> Option<Vec<Hash>> {
    if leaf >= size {
        return None;
    }
    let mut siblings = Vec::new();
    let mut range = 0..size;
    while range.end.checked_sub(range.start)? > 1 {
        let middle = range.start.checked_add(split(range.end.checked_sub(range.start)?))?;
        let (left, right) = (range.start..middle, middle..range.end);
        let (next, sibling) = if leaf < middle { (left, right) } else { (right, left) };
        siblings.push(range_hash(nodes, sibling)?);
        range = next;
    }
    siblings.reverse();
    Some(siblings)
}

/// Root over the leaves of a range whose start is a multiple of the largest subtree in it.
pub(crate) fn range_hash(nodes: &dyn Nodes, mut range: Range<u64>) -> Option<Hash> {
    let mut subtrees = Vec::new();
    while range.start < range.end {
        let height = range.end.checked_sub(range.start)?.ilog2();
        subtrees.push(nodes.node(height, range.start >> height)?);
        range.start = range.start.checked_add(1u64.checked_shl(height)?)?;
    }
    Some(fold(&subtrees))
}

/// The largest power of two below `count`, which is at least two.
fn split(count: u64) -> u64 {
    1u64.checked_shl(count.saturating_sub(1).max(1).ilog2()).unwrap_or(1)
}

/// Whether the path leads from the leaf to the root.
pub(crate) fn check_inclusion(leaf_hash: &Hash, leaf: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if leaf >= size {
        return false;
    }
    let (mut at, mut last) = (leaf, size.saturating_sub(1));
    let mut hash = *leaf_hash;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}
