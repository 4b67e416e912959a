//! Patterns as one prefix tree: the edges are text, a `+` is an edge for a whole segment. A lookup visits only nodes
//! whose pattern matches the path so far, allocates nothing, and recurses once per `+` on its way (`PLUS_COUNT_MAX`).
//! Nodes lie in one vector, so that neither dropping nor building recurses.

use crate::pattern::{Pattern, Piece};
use crate::reason::RuleId;

#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    /// Text between the parent and here; empty for the root and below a `+`.
    edge: Box<[u8]>,
    /// First byte of the edge and the node, by byte.
    children: Vec<(u8, u32)>,
    plus: Option<u32>,
    /// The rule of the pattern that ends here.
    end: Option<RuleId>,
    /// The rule of the pattern that ends here with a star.
    glob: Option<RuleId>,
}

const ROOT: u32 = 0;

impl Tree {
    pub(crate) fn new() -> Self {
        Self { nodes: vec![Node::default()] }
    }

    /// The place for a pattern's rule, made if need be. None only beyond 2^32 nodes.
    pub(crate) fn place(&mut self, pattern: &Pattern) -> Option<&mut Option<RuleId>> {
        let mut at = ROOT;
        for piece in pattern.pieces() {
            at = match piece {
                Piece::Text(text) => self.text_below(at, text.as_bytes())?,
                Piece::Plus => self.plus_below(at)?,
            };
        }
        let node = self.node_mut(at)?;
        Some(if pattern.is_glob() { &mut node.glob } else { &mut node.end })
    }

    /// Calls `found(rule, is_exact)` for every pattern that matches the whole path.
    pub(crate) fn matching(&self, path: &str, found: &mut impl FnMut(RuleId, bool)) {
        self.descend(ROOT, path.as_bytes(), true, found);
    }

    fn descend(&self, mut at: u32, mut rest: &[u8], is_exact: bool, found: &mut impl FnMut(RuleId, bool)) {
        while let Some(node) = self.node(at) {
            if let Some(rule) = node.glob {
                found(rule, false);
            }
            if let Some(rule) = node.end.filter(|_| rest.is_empty()) {
                found(rule, is_exact);
            }
            if let Some(plus) = node.plus {
                self.descend(plus, after_segment(rest), false, found);
            }
            let Some((child, below)) = self.child(node, rest) else { return };
            (at, rest) = (child, below);
        }
    }

    /// The child whose edge the rest begins with, and what follows the edge.
    fn child<'p>(&self, node: &Node, rest: &'p [u8]) -> Option<(u32, &'p [u8])> {
        let child = node.child(*rest.first()?)?;
        Some((child, rest.strip_prefix(&*self.node(child)?.edge)?))
    }

    /// Calls `found(rule, covers_all)` for every pattern that matches some path that begins with `prefix`;
    /// `covers_all` is true for a star before or at the prefix's end: it matches every such path.
    pub(crate) fn below(&self, prefix: &str, found: &mut impl FnMut(RuleId, bool)) {
        self.descend_below(ROOT, prefix.as_bytes(), found);
    }

    fn descend_below(&self, mut at: u32, mut rest: &[u8], found: &mut impl FnMut(RuleId, bool)) {
        while let Some(node) = self.node(at) {
            if let Some(rule) = node.glob {
                found(rule, true);
            }
            if rest.is_empty() {
                return self.whole(at, found);
            }
            if let Some(plus) = node.plus {
                self.descend_below(plus, after_segment(rest), found);
            }
            if let Some((child, below)) = self.child(node, rest) {
                (at, rest) = (child, below);
            } else {
                // The prefix may end inside of an edge.
                let child = rest.first().and_then(|byte| node.child(*byte));
                let ends_inside = |child: &u32| self.node(*child).is_some_and(|node| node.edge.starts_with(rest));
                return child.filter(ends_inside).into_iter().for_each(|child| self.whole(child, found));
            }
        }
    }

    /// Every rule at and below a node.
    fn whole(&self, at: u32, found: &mut impl FnMut(RuleId, bool)) {
        let mut open = vec![at];
        while let Some(node) = open.pop().and_then(|at| self.node(at)) {
            node.end.into_iter().chain(node.glob).for_each(|rule| found(rule, false));
            open.extend(node.children.iter().map(|(_, child)| *child).chain(node.plus));
        }
    }

    /// The node that lies `text` below `at`; splits an edge where two texts part.
    fn text_below(&mut self, mut at: u32, mut text: &[u8]) -> Option<u32> {
        while let Some(first) = text.first().copied() {
            let Some(child) = self.node(at)?.child(first) else {
                let leaf = self.add(Node { edge: text.into(), ..Node::default() })?;
                self.node_mut(at)?.set_child(first, leaf);
                return Some(leaf);
            };
            let edge = &self.node(child)?.edge;
            let shared = edge.iter().zip(text).take_while(|(a, b)| a == b).count();
            at = if shared == edge.len() { child } else { self.split(at, child, shared)? };
            text = text.get(shared..)?;
        }
        Some(at)
    }

    /// Puts a node into the edge above `child`, after its first `shared` bytes.
    fn split(&mut self, parent: u32, child: u32, shared: usize) -> Option<u32> {
        let (upper, lower) = self.node(child)?.edge.split_at_checked(shared)?;
        let (upper, lower): (Box<[u8]>, Box<[u8]>) = (upper.into(), lower.into());
        let (first, next) = (*upper.first()?, *lower.first()?);
        self.node_mut(child)?.edge = lower;
        let middle = self.add(Node { edge: upper, children: vec![(next, child)], ..Node::default() })?;
        self.node_mut(parent)?.set_child(first, middle);
        Some(middle)
    }

    fn plus_below(&mut self, at: u32) -> Option<u32> {
        if let Some(plus) = self.node(at)?.plus {
            return Some(plus);
        }
        let plus = self.add(Node::default())?;
        self.node_mut(at)?.plus = Some(plus);
        Some(plus)
    }

    fn add(&mut self, node: Node) -> Option<u32> {
        let at = u32::try_from(self.nodes.len()).ok()?;
        self.nodes.push(node);
        Some(at)
    }

    fn node(&self, at: u32) -> Option<&Node> {
        self.nodes.get(usize::try_from(at).ok()?)
    }

    fn node_mut(&mut self, at: u32) -> Option<&mut Node> {
        self.nodes.get_mut(usize::try_from(at).ok()?)
    }
}

impl Node {
    fn child(&self, first: u8) -> Option<u32> {
        let at = self.children.binary_search_by_key(&first, |(byte, _)| *byte).ok()?;
        self.children.get(at).map(|(_, child)| *child)
    }

    fn set_child(&mut self, first: u8, child: u32) {
        match self.children.binary_search_by_key(&first, |(byte, _)| *byte) {
            Ok(at) => self.children.get_mut(at).into_iter().for_each(|entry| *entry = (first, child)),
            Err(at) => self.children.insert(at, (first, child)),
        }
    }
}

/// What follows the segment that `rest` begins with, from its slash on.
fn after_segment(rest: &[u8]) -> &[u8] {
    let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
    rest.get(end..).unwrap_or_default()
}
