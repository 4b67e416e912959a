//! The allow-list of values that may be seen in the log, compiled once per route.

/// Containers whose place is tracked. Paths as deep as this never match, so they stay hidden.
pub(super) const DEPTH_MAX: usize = 16;

/// Dotted paths from the root of the data, such as `metadata.version`. An array is passed through: `keys` names its
/// elements. A path that names an object names all of it.
#[derive(Debug, Clone, Default)]
pub struct ClearPaths {
    nodes: Vec<Node>,
    is_all_clear: bool,
    only_forms: bool,
}

#[derive(Debug, Clone)]
struct Node {
    name: String,
    parent: usize,
    is_clear: bool,
}

/// Where a value stands with regard to the allow-list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Clear,
    /// In clear when it has a known form.
    Form,
    /// On the way to a path of the list.
    Towards(usize),
    Hidden,
}

impl Place {
    pub(super) const ROOT: Self = Self::Towards(ROOT);
}

const ROOT: usize = usize::MAX;

impl ClearPaths {
    /// Nothing is in clear.
    pub const fn none() -> Self {
        Self { nodes: Vec::new(), is_all_clear: false, only_forms: false }
    }

    /// Everything is in clear. Only for data that is no secret by its nature, such as health and seal status.
    pub const fn everything() -> Self {
        Self { nodes: Vec::new(), is_all_clear: true, only_forms: false }
    }

    pub fn new<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut list = Self::none();
        for path in paths {
            list.add(path);
        }
        list
    }

    /// As `new`, for what callers send: a value is in clear only when it looks like what belongs there (a number, a
    /// duration, a flag), so that a secret in the wrong field stays hidden.
    pub fn forms<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        Self { only_forms: true, ..Self::new(paths) }
    }

    /// Empty paths and those of 16 or more names are left out, which hides.
    fn add(&mut self, path: &str) {
        if path.is_empty() || path.split('.').count() >= DEPTH_MAX {
            return;
        }
        let mut at = ROOT;
        for name in path.split('.') {
            at = self.find(at, name.as_bytes()).unwrap_or_else(|| {
                self.nodes.push(Node { name: name.to_owned(), parent: at, is_clear: false });
                self.nodes.len().saturating_sub(1)
            });
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.is_clear = true;
        }
    }

    fn find(&self, parent: usize, name: &[u8]) -> Option<usize> {
        self.nodes.iter().position(|n| n.parent == parent && n.name.as_bytes() == name)
    }

    pub(super) fn is_all_clear(&self) -> bool {
        self.is_all_clear
    }

    pub(super) fn child(&self, of: Place, name: &[u8]) -> Place {
        let Place::Towards(parent) = of else { return of };
        match self.find(parent, name) {
            Some(at) if self.nodes.get(at).is_some_and(|n| n.is_clear) => {
                if self.only_forms {
                    Place::Form
                } else {
                    Place::Clear
                }
            }
            Some(at) => Place::Towards(at),
            None => Place::Hidden,
        }
    }
}
