//! What a rule can grant, and what a request can ask for.

/// A set of capabilities. `deny` stands alone: a set that holds it grants nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Capabilities(u16);

impl Capabilities {
    pub const NONE: Self = Self(0);
    pub const CREATE: Self = Self(1);
    pub const READ: Self = Self(1 << 1);
    pub const UPDATE: Self = Self(1 << 2);
    pub const PATCH: Self = Self(1 << 3);
    pub const DELETE: Self = Self(1 << 4);
    pub const LIST: Self = Self(1 << 5);
    pub const SCAN: Self = Self(1 << 6);
    pub const SUDO: Self = Self(1 << 7);
    pub const DENY: Self = Self(1 << 8);

    /// The capability of that name, exactly as policies write it.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        if name == "deny" {
            return Some(Self::DENY);
        }
        NAMED.iter().find(|(known, _)| *known == name).map(|(_, capability)| *capability)
    }

    /// What the old `policy = "..."` stands for. The empty text stands for nothing.
    pub(crate) fn parse_legacy(level: &str) -> Option<Self> {
        let read = Self::READ.with(Self::LIST);
        let write = read.with(Self::CREATE).with(Self::UPDATE).with(Self::DELETE);
        match level {
            "" => Some(Self::NONE),
            "deny" => Some(Self::DENY),
            "read" => Some(read),
            "write" => Some(write),
            "sudo" => Some(write.with(Self::SUDO)),
            _ => None,
        }
    }

    /// Both sets together; deny swallows the rest.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        let all = self.0 | other.0;
        if all & Self::DENY.0 != 0 { Self::DENY } else { Self(all) }
    }

    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub const fn is_deny(self) -> bool {
        self.contains(Self::DENY)
    }

    /// True when anything at all is granted.
    pub const fn grants(self) -> bool {
        self.0 != 0 && !self.is_deny()
    }

    /// The names, sorted; `deny` alone when nothing is granted.
    pub fn names(self) -> Vec<&'static str> {
        if !self.grants() {
            return vec!["deny"];
        }
        NAMED.iter().filter(|(_, capability)| self.contains(*capability)).map(|(name, _)| *name).collect()
    }
}

/// Every capability but deny, by name.
const NAMED: [(&str, Capabilities); 8] = [
    ("create", Capabilities::CREATE),
    ("delete", Capabilities::DELETE),
    ("list", Capabilities::LIST),
    ("patch", Capabilities::PATCH),
    ("read", Capabilities::READ),
    ("scan", Capabilities::SCAN),
    ("sudo", Capabilities::SUDO),
    ("update", Capabilities::UPDATE),
];

/// What a request wants to do. Whether a write is a create or an update is for the caller to find out first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    Create,
    Read,
    Update,
    Patch,
    Delete,
    List,
    Scan,
    /// Shows the path's description; open to every token.
    Help,
}

impl Operation {
    /// The capability that the operation needs; None for help.
    pub(crate) const fn needs(self) -> Option<Capabilities> {
        match self {
            Self::Create => Some(Capabilities::CREATE),
            Self::Read => Some(Capabilities::READ),
            Self::Update => Some(Capabilities::UPDATE),
            Self::Patch => Some(Capabilities::PATCH),
            Self::Delete => Some(Capabilities::DELETE),
            Self::List => Some(Capabilities::LIST),
            Self::Scan => Some(Capabilities::SCAN),
            Self::Help => None,
        }
    }

    /// True for operations on the folder that a path names.
    pub(crate) const fn is_on_folder(self) -> bool {
        matches!(self, Self::List | Self::Scan)
    }

    /// True when parameter rules apply. Reads count, as in the reference: a rule may bind a query field such as `version`.
    pub(crate) const fn takes_parameters(self) -> bool {
        matches!(self, Self::Create | Self::Read | Self::Update | Self::Patch)
    }
}
