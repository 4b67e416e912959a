//! The Merkle tree over the lines of a log, as RFC 6962 defines it, kept as a frontier of log n hashes, and the tiles
//! of 256 hashes in which it is stored (C2SP tlog-tiles). Nothing here knows about records, keys or signatures.

mod proof;
mod reader;
mod tiles;

use aws_lc_rs::digest;

pub(crate) use proof::{check_inclusion, inclusion};
pub(crate) use reader::{Nodes, TreeReader};
pub(crate) use tiles::{TILE_BYTES, TILE_HASHES, Tile, Tiles};

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// SHA-256(0x00 || line), the line without its newline. Source: RFC 6962 section 2.1.
pub fn leaf_hash(line: &[u8]) -> Hash {
    sha256(&[&[0], line])
}

/// SHA-256(0x01 || left || right). Source: RFC 6962 section 2.1.
pub(crate) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut input = [1u8; 65];
    for (place, b) in input.iter_mut().skip(1).zip(left.iter().chain(right)) {
        *place = *b;
    }
    sha256(&[&input])
}

pub(crate) fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    for (place, b) in out.iter_mut().zip(context.finish().as_ref()) {
        *place = *b;
    }
    out
}

/// A growing tree: its size, its right edge, and the tiles that filled up since they were last taken.
#[derive(Default, Clone)]
pub(crate) struct Tree {
    size: u64,
    /// Roots of the full subtrees, largest first: one per bit of `size`.
    edge: Vec<Hash>,
    /// Bytes of the incomplete tile of each level.
    partial: Vec<Vec<u8>>,
    full: Vec<Tile>,
}

impl Tree {
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn push(&mut self, leaf: Hash) {
        self.store(0, &leaf);
        let mut hash = leaf;
        let mut height = 0u32;
        let mut bits = self.size;
        while bits & 1 == 1 {
            let Some(left) = self.edge.pop() else { break };
            hash = node_hash(&left, &hash);
            height = height.saturating_add(1);
            bits >>= 1;
            if height.is_multiple_of(8) {
                self.store(height / 8, &hash);
            }
        }
        self.edge.push(hash);
        self.size = self.size.saturating_add(1);
    }

    /// The root; of the empty tree the hash of nothing.
    pub(crate) fn root(&self) -> Hash {
        fold(&self.edge)
    }

    /// Tiles that are full and not yet taken.
    pub(crate) fn take_full(&mut self) -> Vec<Tile> {
        std::mem::take(&mut self.full)
    }

    /// Gives tiles back that could not be written.
    pub(crate) fn give_back(&mut self, mut tiles: Vec<Tile>) {
        tiles.append(&mut self.full);
        self.full = tiles;
    }

    /// Bytes of the incomplete tile of the lowest level; empty when it is just full.
    pub(crate) fn partial_leaves(&self) -> &[u8] {
        self.partial.first().map_or(&[], Vec::as_slice)
    }

    /// Puts a hash at the end of its level's tile. `self.size` is still the index of the leaf that completed it.
    fn store(&mut self, level: u32, hash: &Hash) {
        let slot = level as usize;
        if self.partial.len() <= slot {
            self.partial.resize(slot.saturating_add(1), Vec::new());
        }
        let Some(bytes) = self.partial.get_mut(slot) else { return };
        bytes.extend_from_slice(hash);
        if bytes.len() >= TILE_BYTES {
            let shift = level.saturating_add(1).saturating_mul(8);
            let index = self.size.checked_shr(shift).unwrap_or(0);
            self.full.push(Tile { level, index, bytes: std::mem::take(bytes) });
        }
    }

    /// The tree of `size` leaves, a multiple of 256, from its stored tiles. None when a tile is missing or short.
    pub(crate) fn from_tiles(tiles: &Tiles, size: u64) -> Option<Self> {
        let mut tree = Self { size, partial: vec![Vec::new()], ..Self::default() };
        let mut parts: Vec<Vec<Hash>> = Vec::new();
        let mut full = size / TILE_HASHES;
        let mut level = 0u32;
        while full > 0 {
            let from = full.saturating_sub(full % TILE_HASHES);
            let roots: Option<Vec<Hash>> = (from..full).map(|i| tiles.read(level, i).map(|t| tile_root(&t))).collect();
            let roots = roots?;
            tree.partial.push(roots.as_flattened().to_vec());
            parts.push(perfect_subtrees(&roots));
            full /= TILE_HASHES;
            level = level.checked_add(1)?;
        }
        tree.edge = parts.into_iter().rev().flatten().collect();
        Some(tree)
    }
}

/// Root over subtrees, largest first.
fn fold(subtrees: &[Hash]) -> Hash {
    let mut from_right = subtrees.iter().rev();
    let Some(last) = from_right.next() else { return sha256(&[]) };
    from_right.fold(*last, |right, left| node_hash(left, &right))
}

/// Hashes of one height joined to the fewest perfect subtrees, largest first.
fn perfect_subtrees(hashes: &[Hash]) -> Vec<Hash> {
    let mut stack: Vec<Hash> = Vec::new();
    for (n, hash) in hashes.iter().enumerate() {
        let mut hash = *hash;
        for _ in 0..n.trailing_ones() {
            let Some(left) = stack.pop() else { break };
            hash = node_hash(&left, &hash);
        }
        stack.push(hash);
    }
    stack
}

/// Root over hashes of one height.
pub(crate) fn root_over(hashes: &[Hash]) -> Hash {
    fold(&perfect_subtrees(hashes))
}

pub(crate) fn tile_root(bytes: &[u8]) -> Hash {
    root_over(bytes.as_chunks::<32>().0)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
