//! Entities and groups as they are stored, and the keys of the area `y`. An entity's record holds its aliases, so that
//! everything about one entity changes in one write; indexes lead to it from every name it has.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strongroom_barrier::Txn;
use strongroom_engine::{Error, Key, Result};
use strongroom_types::{AliasName, EntityName, GroupName, Timestamp};

/// Aliases of one entity: one for each auth mount it comes through.
pub const ALIASES_MAX: usize = 32;
/// Entities that were merged into one entity.
pub const MERGED_MAX: usize = 64;
/// Entities that are members of an internal group.
pub const MEMBERS_MAX: usize = 10_000;
/// Groups that are members of one group, and groups below a group that are looked at for cycles.
pub const MEMBER_GROUPS_MAX: usize = 500;

/// Texts that an operator or a login attaches.
pub type Metadata = BTreeMap<String, String>;

/// A person or workload.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Entity {
    pub id: String,
    pub name: String,
    /// Folded, sorted, each once; never `root`.
    pub policies: Vec<String>,
    pub metadata: Metadata,
    pub disabled: bool,
    /// At most one for each mount.
    pub aliases: Vec<Alias>,
    /// Ids that lead here since a merge.
    pub merged: Vec<String>,
    pub created: Timestamp,
    pub updated: Timestamp,
}

/// The name by which one auth mount knows an entity.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Alias {
    pub id: String,
    pub name: String,
    pub accessor: String,
    /// What the newest login said.
    pub metadata: Metadata,
    /// What an operator said; None shows as null.
    pub custom_metadata: Option<Metadata>,
    pub merged_from: Vec<String>,
    /// External groups that the mount vouched for at the newest login.
    pub groups: Vec<Vouched>,
    pub created: Timestamp,
    pub updated: Timestamp,
}

/// A membership that holds while the group's alias is the one that it was given for.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Vouched {
    pub group: String,
    /// `GroupAlias::stamp`.
    pub stamp: u64,
}

#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum GroupKind {
    /// Members are set by operators.
    Internal,
    /// Members are whom an auth method vouches for.
    External,
}

impl GroupKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::External => "external",
        }
    }
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Group {
    pub id: String,
    pub name: String,
    pub kind: GroupKind,
    pub policies: Vec<String>,
    pub metadata: Metadata,
    /// Ids of entities, sorted; internal groups only.
    pub members: Vec<String>,
    /// Ids of groups, sorted; internal groups only. May name groups that are gone.
    pub groups: Vec<String>,
    pub alias: Option<GroupAlias>,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// Counts writes, from 1.
    pub modify_index: u64,
}

/// The name by which an auth mount knows an external group.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct GroupAlias {
    pub id: String,
    pub name: String,
    pub accessor: String,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// The group's `modify_index` when mount or name were last set: another one ends all memberships given before.
    pub stamp: u64,
}

impl Entity {
    pub fn alias_of(&self, accessor: &str) -> Option<&Alias> {
        self.aliases.iter().find(|a| a.accessor == accessor)
    }

    pub fn vouched(&self) -> impl Iterator<Item = &Vouched> {
        self.aliases.iter().flat_map(|a| &a.groups)
    }
}

/// An index from a name: also keeps the name as it was written, for lists.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Named {
    pub id: String,
    pub name: String,
}

fn area(kind: &str) -> Key {
    Key::area("y").id(kind)
}

pub fn entity_key(id: &str) -> Key {
    entities_area().name(id)
}

pub fn entities_area() -> Key {
    area("e")
}

pub fn entity_name_key(name: &EntityName) -> Key {
    area("n").name(name.folded())
}

pub fn entity_names() -> Key {
    area("n")
}

/// From mount and alias name to the entity's id.
pub fn alias_key(accessor: &str, name: &AliasName) -> Key {
    aliases_of(accessor).name(name.folded())
}

pub fn aliases_of(accessor: &str) -> Key {
    area("a").id(accessor)
}

/// From an alias's id to the entity's id.
pub fn alias_id_key(id: &str) -> Key {
    area("i").name(id)
}

/// From the id of an entity that was merged to the one it is part of now.
pub fn merged_key(id: &str) -> Key {
    area("m").name(id)
}

pub fn group_key(id: &str) -> Key {
    area("g").name(id)
}

pub fn group_name_key(name: &GroupName) -> Key {
    area("h").name(name.folded())
}

pub fn group_names() -> Key {
    area("h")
}

pub fn group_alias_key(accessor: &str, name: &AliasName) -> Key {
    group_aliases_of(accessor).name(name.folded())
}

pub fn group_aliases_of(accessor: &str) -> Key {
    area("b").id(accessor)
}

pub fn group_alias_id_key(id: &str) -> Key {
    area("j").name(id)
}

/// Who is in an external group, for showing it. The entities' own records decide.
pub fn member_key(vouched: &Vouched, entity: &str) -> Key {
    members_of(&vouched.group, vouched.stamp).name(entity)
}

pub fn members_of(group: &str, stamp: u64) -> Key {
    all_members_of(group).id(&stamp.to_string())
}

pub fn all_members_of(group: &str) -> Key {
    area("x").id(group)
}

/// Ids are made by this server; every other text names nothing, and is never part of a key.
pub fn is_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

pub async fn load<T: serde::de::DeserializeOwned>(txn: &mut Txn, key: &Key) -> Result<Option<T>> {
    let Some(found) = txn.get(key.as_bytes()).await? else { return Ok(None) };
    decode(found.value()).map(Some)
}

pub fn decode<T: serde::de::DeserializeOwned>(value: &[u8]) -> Result<T> {
    // SECURITY: serde's text would quote the value.
    serde_json::from_slice(value).map_err(|_| Error::Internal("an identity entry is not of the expected form".into()))
}

pub fn save<T: Serialize>(txn: &mut Txn, key: Key, value: &T) -> Result<()> {
    let bytes = serde_json::to_vec(value).map_err(|e| Error::Internal(format!("encoding an identity entry: {e}")))?;
    txn.put(key.into_bytes(), bytes);
    Ok(())
}

/// The id that an index entry holds.
pub async fn id_at(txn: &mut Txn, key: &[u8]) -> Result<Option<String>> {
    let Some(found) = txn.get(key).await? else { return Ok(None) };
    std::str::from_utf8(found.value())
        .map(|id| Some(id.to_owned()))
        .map_err(|_| Error::Internal("an identity index entry is malformed".into()))
}
