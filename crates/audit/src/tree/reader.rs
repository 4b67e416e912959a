//! Any complete node of a stored tree: from full tiles, and from the leaves of the last, incomplete one.

use super::{Hash, TILE_HASHES, Tiles, node_hash, root_over};

/// Roots of perfect subtrees: `height` 0 are leaves, `index` counts subtrees of that height.
pub(crate) trait Nodes {
    fn node(&self, height: u32, index: u64) -> Option<Hash>;
}

/// Reads tiles on demand.
pub(crate) struct TreeReader {
    tiles: Tiles,
    /// Leaves behind the last full tile of level 0.
    edge_from: u64,
    edge: Vec<Hash>,
}

impl TreeReader {
    /// `edge` are the leaves from `edge_from`, a multiple of 256, on.
    pub(crate) fn new(tiles: Tiles, edge_from: u64, edge: Vec<Hash>) -> Self {
        Self { tiles, edge_from, edge }
    }

    /// Hashes of one height within one tile. None when the tile is not stored.
    fn in_tile(&self, height: u32, index: u64) -> Option<Hash> {
        let level = height / 8;
        let within = height % 8; // height above the tile's own hashes
        let first = index.checked_shl(within)?;
        let count = 1usize.checked_shl(within)?;
        let offset = usize::try_from(first % TILE_HASHES).ok()?;
        let bytes = self.tiles.read(level, first / TILE_HASHES)?;
        let hashes = bytes.as_chunks::<32>().0;
        Some(root_over(hashes.get(offset..offset.checked_add(count)?)?))
    }

    fn in_edge(&self, height: u32, index: u64) -> Option<Hash> {
        let first = index.checked_shl(height)?.checked_sub(self.edge_from)?;
        let from = usize::try_from(first).ok()?;
        let count = usize::try_from(1u64.checked_shl(height)?).ok()?;
        Some(root_over(self.edge.get(from..from.checked_add(count)?)?))
    }
}

impl Nodes for TreeReader {
    /// Goes down at most 63 levels.
    fn node(&self, height: u32, index: u64) -> Option<Hash> {
        if let Some(hash) = self.in_edge(height, index).or_else(|| self.in_tile(height, index)) {
            return Some(hash);
        }
        let below = height.checked_sub(1)?;
        let left = index.checked_mul(2)?;
        Some(node_hash(&self.node(below, left)?, &self.node(below, left.checked_add(1)?)?))
    }
}
