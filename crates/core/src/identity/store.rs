//! Changes of entities and groups inside a transaction: the record and every index that leads to it, together.

use std::collections::BTreeSet;
use std::sync::Arc;

use strongroom_barrier::Txn;
use strongroom_engine::{Error, Key, List, Result};
use strongroom_types::{AliasName, EntityName, GroupName, PolicyName, Rng, Timestamp, uuid_v4};

use super::Identities;
use super::leftovers::{Leftovers, leftovers_key};
use super::record::{
    Alias, Entity, Group, GroupAlias, Metadata, Named, Vouched, alias_id_key, alias_key, decode, entity_key, entity_name_key,
    group_alias_id_key, group_alias_key, group_key, group_name_key, id_at, is_id, load, member_key, merged_key, save,
};
use crate::acl;

/// Bytes of one entity's record.
const ENTITY_BYTES_MAX: usize = 256 * 1024;
const POLICIES_MAX: usize = 256;
const METADATA_ENTRIES_MAX: usize = 64;
const METADATA_KEY_BYTES_MAX: usize = 128;
const METADATA_VALUE_BYTES_MAX: usize = 512;
/// Merges, one after the other, that a look may meet.
const MERGES_FOLLOWED_MAX: usize = 8;
/// What one transaction does beside an entity's own record and its aliases.
pub const SMALL_MAX: usize = 24;
/// Memberships that a login changes in its own transaction.
const MEMBERSHIPS_MAX: usize = 60;
/// Members of the groups that one transaction rewrites: about 40 bytes each.
const REWRITTEN_MEMBERS_MAX: usize = 15_000;

/// Policy names as they come: folded, sorted, each once. SECURITY: no spelling of root passes (CVE-2025-5999,
/// CVE-2025-64761, CVE-2024-9180).
pub fn policies(given: &List) -> Result<Vec<String>> {
    let mut names = BTreeSet::new();
    for name in given.0.iter().filter(|name| !name.trim().is_empty()) {
        let name = PolicyName::parse(name).map_err(|e| Error::invalid(format!("policies: {e}")))?;
        if name.as_str() == acl::ROOT {
            return Err(Error::invalid("policies cannot contain root"));
        }
        names.insert(name.as_str().to_owned());
    }
    if names.len() > POLICIES_MAX {
        return Err(Error::invalid("policies must have at most 256 names"));
    }
    Ok(names.into_iter().collect())
}

/// Errors: `Invalid` naming the field and the limit.
pub fn check_metadata(field: &str, metadata: &Metadata) -> Result<()> {
    let fits = |(k, v): (&String, &String)| k.len() <= METADATA_KEY_BYTES_MAX && v.len() <= METADATA_VALUE_BYTES_MAX;
    if metadata.len() > METADATA_ENTRIES_MAX || !metadata.iter().all(fits) {
        return Err(Error::invalid(format!(
            "{field} must have at most 64 entries, each with at most 128 bytes of name and 512 bytes of text"
        )));
    }
    Ok(())
}

pub async fn entity(txn: &mut Txn, id: &str) -> Result<Option<Entity>> {
    if is_id(id) { load(txn, &entity_key(id)).await } else { Ok(None) }
}

/// As `entity`, for those who mostly only look.
pub async fn shared_entity(txn: &mut Txn, id: &str) -> Result<Option<Arc<Entity>>> {
    if !is_id(id) {
        return Ok(None);
    }
    let found = txn.get(entity_key(id).as_bytes()).await?;
    found.map(|entry| entry.decoded(decode)).transpose()
}

pub async fn entity_by_name(txn: &mut Txn, name: &EntityName) -> Result<Option<Entity>> {
    let Some(named) = load::<Named>(txn, &entity_name_key(name)).await? else { return Ok(None) };
    entity(txn, &named.id).await
}

/// The entity that an index of aliases leads to: also when it is merged into another between two looks.
pub async fn entity_behind(txn: &mut Txn, index: &Key) -> Result<Option<Entity>> {
    let mut at = id_at(txn, index.as_bytes()).await?;
    for _ in 0..MERGES_FOLLOWED_MAX {
        let Some(id) = at else { return Ok(None) };
        if let Some(found) = entity(txn, &id).await? {
            return Ok(Some(found));
        }
        at = id_at(txn, merged_key(&id).as_bytes()).await?;
    }
    Ok(None)
}

/// An entity without a name yet; `name_entity` gives it one and `put_entity` writes it.
pub fn new_entity(rng: &dyn Rng, now: Timestamp) -> Entity {
    Entity {
        id: uuid_v4(rng),
        name: String::new(),
        policies: Vec::new(),
        metadata: Metadata::new(),
        disabled: false,
        aliases: Vec::new(),
        merged: Vec::new(),
        created: now,
        updated: now,
    }
}

pub fn new_alias(rng: &dyn Rng, now: Timestamp, accessor: &str, name: &AliasName) -> Alias {
    Alias {
        id: uuid_v4(rng),
        name: name.shown().to_owned(),
        accessor: accessor.to_owned(),
        metadata: Metadata::new(),
        custom_metadata: None,
        merged_from: Vec::new(),
        groups: Vec::new(),
        created: now,
        updated: now,
    }
}

/// `entity_` or `group_` and twelve random digits.
pub fn made_up(kind: &str, rng: &dyn Rng) -> String {
    let digits: String = uuid_v4(rng).chars().filter(|c| *c != '-').take(12).collect();
    format!("{kind}_{digits}")
}

/// Claims a name. Errors: `Invalid` when another entity has it.
pub async fn name_entity(txn: &mut Txn, entity: &mut Entity, name: &EntityName) -> Result<()> {
    let place = entity_name_key(name);
    if load::<Named>(txn, &place).await?.is_some_and(|holder| holder.id != entity.id) {
        return Err(Error::invalid("entity name is already in use"));
    }
    if let Ok(old) = EntityName::parse(&entity.name)
        && old.folded() != name.folded()
    {
        txn.delete(entity_name_key(&old).into_bytes());
    }
    entity.name = name.shown().to_owned();
    save(txn, place, &Named { id: entity.id.clone(), name: entity.name.clone() })
}

/// Errors: `Invalid` when the record would be too large.
pub fn put_entity(txn: &mut Txn, entity: &Entity) -> Result<()> {
    let bytes = serde_json::to_vec(entity).map_err(|e| Error::Internal(format!("encoding an entity: {e}")))?;
    if bytes.len() > ENTITY_BYTES_MAX {
        return Err(Error::invalid("the entity's record would be larger than 262144 bytes: it needs less metadata"));
    }
    txn.put(entity_key(&entity.id).into_bytes(), bytes);
    Ok(())
}

/// Makes an alias lead to its entity, by name and by id. The caller has made sure that the name is free.
pub fn index_alias(txn: &mut Txn, entity: &str, alias: &Alias) -> Result<()> {
    let place = alias_key(&alias.accessor, &alias_name(&alias.name)?);
    txn.put(place.into_bytes(), entity.as_bytes().to_vec());
    txn.put(alias_id_key(&alias.id).into_bytes(), entity.as_bytes().to_vec());
    Ok(())
}

/// Takes an alias out of the indexes. The caller takes it out of the record.
pub fn unindex_alias(txn: &mut Txn, alias: &Alias) -> Result<()> {
    txn.delete(alias_key(&alias.accessor, &alias_name(&alias.name)?).into_bytes());
    txn.delete(alias_id_key(&alias.id).into_bytes());
    Ok(())
}

fn alias_name(stored: &str) -> Result<AliasName> {
    AliasName::parse(stored).map_err(|_| Error::Internal("a stored alias has no valid name".into()))
}

/// Keeps the lists of external groups true for what an entity's record now says; more than fits follows in the background.
pub async fn list_members(txn: &mut Txn, entity: &str, old: &[Vouched], new: &[Vouched]) -> Result<()> {
    let gone = old.iter().filter(|v| !new.contains(v));
    let come = new.iter().filter(|v| !old.contains(v));
    let changed: Vec<Vouched> = gone.chain(come).cloned().collect();
    if changed.len() > MEMBERSHIPS_MAX {
        return leave(txn, entity, changed, Vec::new()).await;
    }
    for vouched in changed {
        list_member(txn, entity, &vouched, new.contains(&vouched));
    }
    Ok(())
}

/// Leaves work to the background, beside what was left before.
pub async fn leave(txn: &mut Txn, entity: &str, external: Vec<Vouched>, merged: Vec<String>) -> Result<()> {
    let mut left: Leftovers = load(txn, &leftovers_key(entity)).await?.unwrap_or_default();
    left.external.extend(external);
    left.merged.extend(merged);
    save(txn, leftovers_key(entity), &left)
}

pub fn list_member(txn: &mut Txn, entity: &str, vouched: &Vouched, is_member: bool) {
    let key = member_key(vouched, entity).into_bytes();
    if is_member { txn.put(key, Vec::new()) } else { txn.delete(key) }
}

/// Operations that `delete_entity` takes at most.
pub fn cost_of_deletion(entity: &Entity) -> usize {
    entity.aliases.len().saturating_mul(2).saturating_add(SMALL_MAX).saturating_add(2)
}

/// Ends an entity: its tokens are refused from the commit on. What hangs on it and decides nothing goes with it, or in
/// the background where that is much. Gives the members of the groups that were rewritten.
pub async fn delete_entity(txn: &mut Txn, identities: &Identities, entity: &Entity, now: Timestamp) -> Result<usize> {
    txn.delete(entity_key(&entity.id).into_bytes());
    if let Ok(name) = EntityName::parse(&entity.name) {
        txn.delete(entity_name_key(&name).into_bytes());
    }
    for alias in &entity.aliases {
        unindex_alias(txn, alias)?;
    }
    let external: Vec<Vouched> = entity.vouched().cloned().collect();
    let (groups, members) = internal_groups(identities, &entity.id).await?;
    let rest = external.len().saturating_add(entity.merged.len()).saturating_add(groups.len());
    if rest > SMALL_MAX || members > REWRITTEN_MEMBERS_MAX {
        leave(txn, &entity.id, external, entity.merged.clone()).await?;
        return Ok(0);
    }
    external.iter().for_each(|vouched| list_member(txn, &entity.id, vouched, false));
    entity.merged.iter().for_each(|id| txn.delete(merged_key(id).into_bytes()));
    replace_in_groups(txn, &groups, &entity.id, None, now).await?;
    Ok(members)
}

/// The internal groups that name an entity, and how many members those have together.
async fn internal_groups(identities: &Identities, entity: &str) -> Result<(Vec<String>, usize)> {
    let look = |table: &super::table::Table| {
        let groups: Vec<String> = table.of_entity(entity).cloned().collect();
        let members = groups.iter().filter_map(|id| table.get(id)).map(|g| g.members.len()).fold(0, usize::saturating_add);
        (groups, members)
    };
    identities.groups.look(look).await
}

/// Moves the internal memberships of one entity to another. Errors: `Invalid` when they are more than one change can move.
pub async fn move_memberships(txn: &mut Txn, identities: &Identities, from: &str, to: &str, now: Timestamp) -> Result<()> {
    let (groups, members) = internal_groups(identities, from).await?;
    if groups.len() > SMALL_MAX || members > REWRITTEN_MEMBERS_MAX {
        return Err(Error::invalid(
            "the entity to merge from is in more than 24 groups, or in very large ones: take it out of some first",
        ));
    }
    replace_in_groups(txn, &groups, from, Some(to), now).await
}

/// Takes an entity out of internal groups, and puts another in its place.
pub async fn replace_in_groups(txn: &mut Txn, groups: &[String], from: &str, to: Option<&str>, now: Timestamp) -> Result<()> {
    for id in groups {
        let Some(mut group) = load::<Group>(txn, &group_key(id)).await? else { continue };
        group.members.retain(|member| member != from);
        if let Some(to) = to.filter(|to| !group.members.iter().any(|m| m == to)) {
            group.members.push(to.to_owned());
            group.members.sort_unstable();
        }
        touch(&mut group, now);
        save(txn, group_key(id), &group)?;
    }
    Ok(())
}

/// Counts a write of a group.
pub fn touch(group: &mut Group, now: Timestamp) {
    group.modify_index = group.modify_index.saturating_add(1);
    group.updated = now;
}

pub async fn group(txn: &mut Txn, id: &str) -> Result<Option<Group>> {
    if is_id(id) { load(txn, &group_key(id)).await } else { Ok(None) }
}

pub async fn group_by_name(txn: &mut Txn, name: &GroupName) -> Result<Option<Group>> {
    let Some(named) = load::<Named>(txn, &group_name_key(name)).await? else { return Ok(None) };
    group(txn, &named.id).await
}

pub async fn group_behind(txn: &mut Txn, index: &Key) -> Result<Option<Group>> {
    match id_at(txn, index.as_bytes()).await? {
        Some(id) => group(txn, &id).await,
        None => Ok(None),
    }
}

/// Claims a name. Errors: `Invalid` when another group has it.
pub async fn name_group(txn: &mut Txn, group: &mut Group, name: &GroupName) -> Result<()> {
    let place = group_name_key(name);
    if load::<Named>(txn, &place).await?.is_some_and(|holder| holder.id != group.id) {
        return Err(Error::invalid("group name is already in use"));
    }
    if let Ok(old) = GroupName::parse(&group.name)
        && old.folded() != name.folded()
    {
        txn.delete(group_name_key(&old).into_bytes());
    }
    group.name = name.shown().to_owned();
    save(txn, place, &Named { id: group.id.clone(), name: group.name.clone() })
}

pub fn unindex_group_alias(txn: &mut Txn, alias: &GroupAlias) -> Result<()> {
    txn.delete(group_alias_key(&alias.accessor, &alias_name(&alias.name)?).into_bytes());
    txn.delete(group_alias_id_key(&alias.id).into_bytes());
    Ok(())
}

pub fn index_group_alias(txn: &mut Txn, group: &str, alias: &GroupAlias) -> Result<()> {
    txn.put(group_alias_key(&alias.accessor, &alias_name(&alias.name)?).into_bytes(), group.as_bytes().to_vec());
    txn.put(group_alias_id_key(&alias.id).into_bytes(), group.as_bytes().to_vec());
    Ok(())
}
