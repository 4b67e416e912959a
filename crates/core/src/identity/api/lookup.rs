//! `identity/lookup`: finds an entity or a group by whatever is known of it.

use serde::Deserialize;
use strongroom_engine::{Ctx, Error, Field, Input, Output, Result, Route, Text, Verb, field, route};
use strongroom_types::{AliasName, EntityName, GroupName};

use super::{entities, groups};
use crate::identity::record::{alias_id_key, alias_key, group_alias_id_key, group_alias_key, is_id};
use crate::identity::store::{entity, entity_behind, entity_by_name, group, group_behind, group_by_name};

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::Write, "lookup/entity", "Finds an entity.", of_entity),
        route(Verb::Write, "lookup/group", "Finds a group.", of_group),
    ]
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Lookup {
    id: Text,
    name: Text,
    alias_id: Text,
    alias_name: Text,
    alias_mount_accessor: Text,
}

impl Input for Lookup {
    const FIELDS: &'static [Field] = &[
        field::<Text>("id", "The id.").clear(),
        field::<Text>("name", "The name.").clear(),
        field::<Text>("alias_id", "The id of an alias.").clear(),
        field::<Text>("alias_name", "The name of an alias; needs alias_mount_accessor.").clear(),
        field::<Text>("alias_mount_accessor", "Accessor of the alias's auth mount; needs alias_name.").clear(),
    ];
}

/// The one way that a request names.
enum By {
    Id(String),
    Name(String),
    AliasId(String),
    Alias { accessor: String, name: String },
}

impl Lookup {
    fn by(self) -> Result<By> {
        let (name, accessor) = (self.alias_name.0, self.alias_mount_accessor.0);
        let mut ways = Vec::new();
        if !name.is_empty() || !accessor.is_empty() {
            if name.is_empty() || accessor.is_empty() {
                return Err(Error::invalid("both 'alias_name' and 'alias_mount_accessor' needs to be set"));
            }
            ways.push(By::Alias { accessor, name });
        }
        let ids = [(self.id.0, By::Id as fn(String) -> By), (self.name.0, By::Name), (self.alias_id.0, By::AliasId)];
        ways.extend(ids.into_iter().filter(|(text, _)| !text.is_empty()).map(|(text, make)| make(text)));
        match (ways.pop(), ways.pop()) {
            (Some(way), None) => Ok(way),
            (None, _) => Err(Error::invalid("query parameter not supplied")),
            _ => Err(Error::invalid("query parameter conflict; please supply distinct set of query parameters")),
        }
    }
}

async fn of_entity(ctx: &mut Ctx, input: Lookup) -> Result<Output> {
    let txn = &mut ctx.txn;
    let found = match input.by()? {
        By::Id(id) => entity(txn, &id).await?,
        By::Name(name) => match EntityName::parse(&name) {
            Ok(name) => entity_by_name(txn, &name).await?,
            Err(_) => None,
        },
        By::AliasId(id) if is_id(&id) => entity_behind(txn, &alias_id_key(&id)).await?,
        By::AliasId(_) => None,
        By::Alias { accessor, name } => match AliasName::parse(&name) {
            Ok(name) if !accessor.contains('/') => entity_behind(txn, &alias_key(&accessor, &name)).await?,
            _ => None,
        },
    };
    match found {
        Some(entity) => entities::answer(ctx, entity).await,
        None => Ok(Output::nothing()),
    }
}

async fn of_group(ctx: &mut Ctx, input: Lookup) -> Result<Output> {
    let txn = &mut ctx.txn;
    let found = match input.by()? {
        By::Id(id) => group(txn, &id).await?,
        By::Name(name) => match GroupName::parse(&name) {
            Ok(name) => group_by_name(txn, &name).await?,
            Err(_) => None,
        },
        By::AliasId(id) if is_id(&id) => group_behind(txn, &group_alias_id_key(&id)).await?,
        By::AliasId(_) => None,
        By::Alias { accessor, name } => match AliasName::parse(&name) {
            Ok(name) if !accessor.contains('/') => group_behind(txn, &group_alias_key(&accessor, &name)).await?,
            _ => None,
        },
    };
    match found {
        Some(group) => groups::answer(ctx, &group).await,
        None => Ok(Output::nothing()),
    }
}
