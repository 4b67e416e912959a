use super::proof::range_hash;
use super::*;

/// The definition of RFC 6962 section 2.1, word by word.
fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves.len() {
        0 => sha256(&[]),
        1 => leaves[0],
        n => {
            let k = n.next_power_of_two() / 2;
            node_hash(&naive_root(&leaves[..k]), &naive_root(&leaves[k..]))
        }
    }
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

fn grown(leaves: &[Hash]) -> Tree {
    let mut tree = Tree::default();
    leaves.iter().for_each(|l| tree.push(*l));
    tree
}

#[test]
fn hashes_are_those_of_rfc_6962() {
    let hex_of = |h: Hash| hex::encode(h);
    assert_eq!(hex_of(grown(&[]).root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(hex_of(leaf_hash(b"")), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
}

#[test]
fn root_equals_the_definition_at_every_size() {
    let all = leaves(600);
    let mut tree = Tree::default();
    for size in 0..all.len() {
        assert_eq!(tree.root(), naive_root(&all[..size]), "{size}");
        tree.push(all[size]);
    }
}

#[test]
fn tree_goes_on_from_its_tiles() {
    let dir = tempfile::tempdir().unwrap();
    let tiles = Tiles::new(dir.path());
    let all = leaves(256 * 256 * 2 + 256 * 3 + 77);
    let mut tree = grown(&all);
    let full = tree.take_full();
    assert_eq!(full.iter().filter(|t| t.level == 1).map(|t| t.index).collect::<Vec<_>>(), [0, 1]);
    full.iter().for_each(|t| tiles.write(t).unwrap());
    let edge_from = all.len() as u64 / 256 * 256;
    let mut again = Tree::from_tiles(&tiles, edge_from).unwrap();
    all[edge_from as usize..].iter().for_each(|l| again.push(*l));
    assert_eq!((again.root(), again.size()), (tree.root(), tree.size()));
    assert_eq!(again.partial, tree.partial);

    let reader = TreeReader::new(tiles, edge_from, all[edge_from as usize..].to_vec());
    let size = all.len() as u64;
    assert_eq!(range_hash(&reader, 0..size), Some(tree.root()));
    for leaf in [0, 1, 255, 256, 65_535, 65_536, 131_071, 131_072, size - 78, size - 77, size - 1] {
        let path = inclusion(&reader, leaf, size).unwrap();
        let hash = all[leaf as usize];
        assert!(check_inclusion(&hash, leaf, size, &path, &tree.root()), "{leaf}");
        assert!(!check_inclusion(&hash, leaf ^ 1, size, &path, &tree.root()));
        assert!(!check_inclusion(&all[7], leaf, size, &path, &tree.root()));
        assert!(!check_inclusion(&hash, leaf, size, &path[1..], &tree.root()));
    }
    assert_eq!(inclusion(&reader, size, size), None);
}

#[test]
fn inclusion_holds_for_every_leaf_of_small_trees() {
    struct Leaves(Vec<Hash>);
    impl Nodes for Leaves {
        fn node(&self, height: u32, index: u64) -> Option<Hash> {
            let from = (index << height) as usize;
            self.0.get(from..from + (1 << height)).map(naive_root)
        }
    }
    for size in 1..40u64 {
        let all = leaves(size);
        let root = naive_root(&all);
        let nodes = Leaves(all.clone());
        for leaf in 0..size {
            let path = inclusion(&nodes, leaf, size).unwrap();
            assert!(check_inclusion(&all[leaf as usize], leaf, size, &path, &root), "{leaf} of {size}");
        }
    }
}

#[test]
fn tile_paths_are_those_of_tlog_tiles() {
    let tiles = Tiles::new("t".as_ref());
    assert_eq!(tiles.path(0, 1_234_067), std::path::Path::new("t/tile/0/x001/x234/067"));
    assert_eq!(tiles.path(1, 5), std::path::Path::new("t/tile/1/005"));
    assert_eq!(tiles.partial_folder(999), std::path::Path::new("t/tile/0/999.p"));
}
