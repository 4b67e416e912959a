//! From a login that an auth method vouches for to the entity behind it. Two looks at the store for somebody who is known,
//! however many others there are; for somebody new, the entity comes into being with the token, in one batch.

use strongroom_engine::{Ctx, Error, Login, Result};
use strongroom_types::{AliasName, EntityName, Timestamp};

use super::record::{Alias, Entity, Metadata, Vouched, alias_key, id_at};
use super::store::{index_alias, list_members, made_up, name_entity, new_alias, new_entity, put_entity, shared_entity};
use super::{Identities, REFUSED};

/// Bytes of all metadata that a login may bring.
const LOGIN_METADATA_BYTES_MAX: usize = 16 * 1024;
/// External groups of one alias.
const VOUCHED_MAX: usize = 1_000;

/// Who logged in.
pub struct Person {
    pub id: String,
    /// Of the entity and its groups.
    pub policies: Vec<String>,
}

/// What a mount says about somebody.
struct Said {
    name: AliasName,
    metadata: Metadata,
    groups: Vec<Vouched>,
}

/// Finds or makes the entity, and refreshes what the mount says about it. None for a login without an alias, and for an
/// unknown one where `creates` is false. Errors: `BadToken` when the entity is disabled; `Invalid` for an alias that is no
/// name or brings too much.
pub async fn on_login(identities: &Identities, ctx: &mut Ctx, login: &Login, creates: bool) -> Result<Option<Person>> {
    if login.alias.is_empty() {
        return Ok(None);
    }
    let accessor = ctx.mount.accessor.clone();
    let said = said(identities, &accessor, login).await?;
    let place = alias_key(&accessor, &said.name);
    match id_at(&mut ctx.txn, place.as_bytes()).await? {
        Some(id) => known(identities, ctx, id, &accessor, said).await.map(Some),
        None if creates => {
            let entity = made(ctx, &accessor, said).await?;
            changed(identities, entity).await.map(Some)
        }
        None => Ok(None),
    }
}

/// By a record that is not committed yet.
async fn changed(identities: &Identities, entity: Entity) -> Result<Person> {
    let facts = identities.derive(entity).await?;
    Ok(Person { id: facts.entity.id, policies: facts.policies })
}

async fn said(identities: &Identities, accessor: &str, login: &Login) -> Result<Said> {
    let name = AliasName::parse(&login.alias).map_err(|e| Error::invalid(format!("the login's alias: {e}")))?;
    let bytes = login.alias_metadata.iter().map(|(k, v)| k.len().saturating_add(v.len())).fold(0, usize::saturating_add);
    if bytes > LOGIN_METADATA_BYTES_MAX {
        return Err(Error::invalid("the login's metadata must have at most 16384 bytes"));
    }
    let groups = identities.groups.look(|table| table.vouched(accessor, &login.groups)).await?;
    if groups.len() > VOUCHED_MAX {
        return Err(Error::invalid("the login must be in at most 1000 external groups"));
    }
    Ok(Said { name, metadata: login.alias_metadata.clone(), groups })
}

/// The read of the record becomes a precondition of the token: who is disabled, deleted or merged meanwhile gets none.
async fn known(identities: &Identities, ctx: &mut Ctx, id: String, accessor: &str, said: Said) -> Result<Person> {
    // A merge or a deletion came between the two looks: the login runs again on what that left.
    let dangling = || Error::Barrier(strongroom_barrier::Error::Conflict);
    let known = shared_entity(&mut ctx.txn, &id).await?.ok_or_else(dangling)?;
    if known.disabled {
        return Err(REFUSED);
    }
    let alias = known.alias_of(accessor).ok_or_else(dangling)?;
    if alias.metadata == said.metadata && alias.groups == said.groups {
        let facts = identities.facts(&id).await?.ok_or_else(dangling)?;
        return Ok(Person { id, policies: facts.policies.clone() });
    }
    let mut entity = Entity::clone(&known);
    let alias = entity.aliases.iter_mut().find(|a| a.accessor == accessor).ok_or_else(dangling)?;
    let old = refresh(alias, said, ctx.now);
    let new = alias.groups.clone();
    list_members(&mut ctx.txn, &id, &old, &new).await?;
    put_entity(&mut ctx.txn, &entity)?;
    changed(identities, entity).await
}

/// Gives the memberships before the change.
fn refresh(alias: &mut Alias, said: Said, now: Timestamp) -> Vec<Vouched> {
    alias.metadata = said.metadata;
    alias.updated = now;
    std::mem::replace(&mut alias.groups, said.groups)
}

async fn made(ctx: &mut Ctx, accessor: &str, said: Said) -> Result<Entity> {
    let (rng, now) = (ctx.rng.clone(), ctx.now);
    let mut entity = new_entity(rng.as_ref(), now);
    let name = EntityName::parse(&made_up("entity", rng.as_ref())).map_err(|e| Error::Internal(e.to_string()))?;
    name_entity(&mut ctx.txn, &mut entity, &name).await?;
    let mut alias = new_alias(rng.as_ref(), now, accessor, &said.name);
    (alias.metadata, alias.groups) = (said.metadata, said.groups);
    index_alias(&mut ctx.txn, &entity.id, &alias)?;
    list_members(&mut ctx.txn, &entity.id, &[], &alias.groups).await?;
    entity.aliases.push(alias);
    put_entity(&mut ctx.txn, &entity)?;
    Ok(entity)
}
