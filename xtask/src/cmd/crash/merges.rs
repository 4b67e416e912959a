//! Entities that are merged: after a crash a merge is there as a whole or not at all, and no alias is lost.

use anyhow::{Result, bail};
use rand::Rng;
use serde_json::json;

use super::load::{Step, Worker};
use super::thing::{Thing, soon, text};
use crate::api::Api;

/// More than one batch, now and then.
const MANY: usize = 40;

#[derive(Debug)]
struct Merge {
    to: String,
    from: Vec<String>,
    /// Of the first in `from`: its name and the accessor of its mount.
    alias: (String, String),
    is_asked_for: bool,
    is_acknowledged: bool,
}

impl Merge {
    fn merged(&self, api: &Api) -> Result<usize> {
        let shown = api.must("GET", &format!("identity/entity/id/{}", self.to), None)?["data"].take();
        Ok(shown["merged_entity_ids"].as_array().map_or(0, Vec::len))
    }

    /// Where the alias leads.
    fn holder(&self, api: &Api) -> Result<String> {
        let body = json!({"alias_name": self.alias.0, "alias_mount_accessor": self.alias.1});
        Ok(text(&api.must("POST", "identity/lookup/entity", Some(&body))?["data"]["id"]))
    }
}

impl Thing for Merge {
    fn settle(&mut self, api: &Api) -> Result<()> {
        if self.is_acknowledged && self.merged(api)? != self.from.len() {
            bail!("an acknowledged merge is not whole");
        }
        let holder = self.holder(api)?;
        if holder != self.to && holder != self.from[0] {
            bail!("the alias leads to {holder:?}");
        }
        if self.is_asked_for {
            soon("a merge that is whole or not there", || Ok([0, self.from.len()].contains(&self.merged(api)?)))?;
            self.is_acknowledged = self.merged(api)? > 0;
        } else if self.merged(api)? > 0 {
            bail!("nobody asked for this merge");
        }
        let expected = if self.is_acknowledged { &self.to } else { &self.from[0] };
        if self.holder(api)? != *expected {
            bail!("merged: {}, and the alias leads elsewhere", self.is_acknowledged);
        }
        Ok(())
    }
}

/// Some entities, the first of them with an alias, become one.
pub fn merges(w: &mut Worker<'_>) -> Step {
    let name = w.name("e");
    let count = if w.rng.random_bool(0.3) { MANY } else { 3 };
    let mut ids = Vec::new();
    for n in 0..=count {
        let made = w.root("POST", "identity/entity", Some(&json!({"name": format!("{name}-{n}")})))?;
        ids.push(text(&made["data"]["id"]));
    }
    let accessor = text(&w.root("GET", "sys/auth/up", None)?["data"]["accessor"]);
    let to = ids.remove(0);
    let alias = json!({"name": name, "mount_accessor": accessor, "canonical_id": ids[0]});
    w.root("POST", "identity/entity-alias", Some(&alias))?;
    let body = json!({"to_entity_id": to, "from_entity_ids": ids});
    w.keep(Merge { to, from: ids, alias: (name, accessor), is_asked_for: false, is_acknowledged: false });
    if w.rng.random_bool(0.8) {
        w.newest::<Merge>(|merge| merge.is_asked_for = true);
        w.root("POST", "identity/entity/merge", Some(&body))?;
        w.newest::<Merge>(|merge| merge.is_acknowledged = true);
    }
    Ok(())
}
