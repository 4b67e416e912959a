//! Values of the selectors in policy templates, such as `identity.entity.name`. What is not known has no value, and the
//! rule then grants nothing.

use strongroom_types::GroupName;

use super::facts::EntityFacts;
use super::record::{Alias, Group, Metadata};

impl EntityFacts {
    /// None for what this entity does not have. Unsafe values are refused where they are filled in.
    pub fn value_of(&self, selector: &str) -> Option<String> {
        let rest = selector.strip_prefix("identity.")?;
        if let Some(field) = rest.strip_prefix("entity.") {
            return self.of_entity(field);
        }
        let rest = rest.strip_prefix("groups.")?;
        if let Some(rest) = rest.strip_prefix("ids.") {
            let (id, field) = rest.split_once('.')?;
            return of_group(self.groups.iter().find(|g| g.id == id)?, field);
        }
        self.of_named_group(rest.strip_prefix("names.")?)
    }

    fn of_entity(&self, field: &str) -> Option<String> {
        match field {
            "id" => return Some(self.entity.id.clone()),
            "name" => return Some(self.entity.name.clone()),
            _ => {}
        }
        if let Some(key) = field.strip_prefix("metadata.") {
            return self.entity.metadata.get(key).cloned();
        }
        // SECURITY: the alias of the mount that is named, and no other (CVE-2021-43998, CVE-2022-40186).
        let (accessor, field) = field.strip_prefix("aliases.")?.split_once('.')?;
        of_alias(self.entity.alias_of(accessor)?, field)
    }

    /// A group's name may hold dots: every way to split is tried, and two groups that fit are none.
    fn of_named_group(&self, rest: &str) -> Option<String> {
        let mut found = None;
        for (dot, _) in rest.match_indices('.') {
            let (name, field) = rest.split_at_checked(dot)?;
            let Ok(name) = GroupName::parse(name) else { continue };
            let group = self.groups.iter().find(|g| GroupName::parse(&g.name).is_ok_and(|n| n.folded() == name.folded()));
            if let Some(value) = group.and_then(|g| of_group(g, field.strip_prefix('.')?)) {
                if found.is_some() {
                    return None;
                }
                found = Some(value);
            }
        }
        found
    }
}

fn of_alias(alias: &Alias, field: &str) -> Option<String> {
    let value = |map: &Metadata, key: &str| map.get(key).cloned();
    match field {
        "id" => Some(alias.id.clone()),
        "name" => Some(alias.name.clone()),
        _ => match (field.strip_prefix("metadata."), field.strip_prefix("custom_metadata.")) {
            (Some(key), _) => value(&alias.metadata, key),
            (_, Some(key)) => value(alias.custom_metadata.as_ref()?, key),
            (None, None) => None,
        },
    }
}

fn of_group(group: &Group, field: &str) -> Option<String> {
    match field {
        "id" => Some(group.id.clone()),
        "name" => Some(group.name.clone()),
        _ => group.metadata.get(field.strip_prefix("metadata.")?).cloned(),
    }
}
