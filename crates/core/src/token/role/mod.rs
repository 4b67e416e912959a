//! Token roles: what tokens made by name get and may ask for. A role is stored in the part of the store that belongs to
//! `auth/token/`.

mod policies;

use serde::{Deserialize, Serialize};
use strongroom_engine::{Cidrs, Ctx, Key, MountFacts, NewToken, Result};
use strongroom_types::{Ttl, glob_fits};

use super::Life;

/// One role. Zero and empty mean that the role does not say.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(default)]
pub struct Role {
    pub allowed_policies: Vec<String>,
    pub disallowed_policies: Vec<String>,
    pub allowed_policies_glob: Vec<String>,
    pub disallowed_policies_glob: Vec<String>,
    /// Lower case; `*` stands for any text.
    pub allowed_entity_aliases: Vec<String>,
    pub orphan: bool,
    pub renewable: bool,
    /// Appended to the path of its tokens.
    pub path_suffix: String,
    pub bound_cidrs: Cidrs,
    pub explicit_max_ttl: Ttl,
    pub period: Ttl,
    pub num_uses: u32,
    pub no_default_policy: bool,
    pub token_type: RoleTokenType,
}

/// Which kind of token a role makes.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "kebab-case")]
pub enum RoleTokenType {
    Service,
    Batch,
    /// A service token unless the request says otherwise.
    #[default]
    DefaultService,
    /// A batch token unless the request says otherwise.
    DefaultBatch,
}

impl RoleTokenType {
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "service" => Self::Service,
            "batch" => Self::Batch,
            "" | "default-service" => Self::DefaultService,
            "default-batch" => Self::DefaultBatch,
            _ => return None,
        })
    }

    /// `wanted` is what the request says; None when it says nothing.
    pub fn is_batch(self, wanted: Option<bool>) -> bool {
        match self {
            Self::Service => false,
            Self::Batch => true,
            Self::DefaultService => wanted.unwrap_or(false),
            Self::DefaultBatch => wanted.unwrap_or(true),
        }
    }
}

impl Default for Role {
    fn default() -> Self {
        Self {
            allowed_policies: Vec::new(),
            disallowed_policies: Vec::new(),
            allowed_policies_glob: Vec::new(),
            disallowed_policies_glob: Vec::new(),
            allowed_entity_aliases: Vec::new(),
            orphan: false,
            renewable: true,
            path_suffix: String::new(),
            bound_cidrs: Cidrs::default(),
            explicit_max_ttl: Ttl::ZERO,
            period: Ttl::ZERO,
            num_uses: 0,
            no_default_policy: false,
            token_type: RoleTokenType::default(),
        }
    }
}

/// The key of a role; `name` has no slash. `mount` is that of `auth/token/`.
pub fn key(mount: &MountFacts, name: &str) -> Key {
    mount.key("role").name(name)
}

pub async fn load(ctx: &mut Ctx, name: &str) -> Result<Option<Role>> {
    let key = key(&ctx.mount, name);
    ctx.load(&key).await
}

impl Role {
    /// Puts the role's limits on a token that is about to be made by it. A request may ask for less, never for more.
    pub fn bind(&self, new: &mut NewToken) {
        new.explicit_max_ttl = lesser_ttl(self.explicit_max_ttl, new.explicit_max_ttl);
        new.period = lesser_ttl(self.period, new.period);
        new.num_uses = match (self.num_uses, new.num_uses) {
            (0, wanted) => wanted,
            (limit, 0) => limit,
            (limit, wanted) => limit.min(wanted),
        };
        new.renewable &= self.renewable;
        if !self.bound_cidrs.is_empty() {
            new.bound_cidrs = self.bound_cidrs.clone();
        }
        if !self.path_suffix.is_empty() {
            new.path = format!("{}/{}", new.path, self.path_suffix);
        }
    }

    /// The limits of a renewal: the role as it is now counts, and what the token was made with still binds it.
    pub fn bound_life(&self, life: &Life) -> Life {
        Life {
            period: if self.period.is_zero() { life.period } else { self.period },
            explicit_max_ttl: lesser_ttl(self.explicit_max_ttl, life.explicit_max_ttl),
            ..life.clone()
        }
    }

    pub fn allows_entity_alias(&self, alias: &str) -> bool {
        let alias = alias.to_lowercase();
        self.allowed_entity_aliases.iter().any(|pattern| glob_fits(pattern, &alias))
    }
}

/// The smaller of two limits where zero is none.
fn lesser_ttl(a: Ttl, b: Ttl) -> Ttl {
    match (a.is_zero(), b.is_zero()) {
        (true, _) => b,
        (_, true) => a,
        _ => a.min(b),
    }
}

#[cfg(test)]
mod tests {
    use strongroom_engine::NewToken;
    use strongroom_types::Ttl;

    use super::{Role, RoleTokenType};
    use crate::token::Life;

    const fn s(seconds: u64) -> Ttl {
        Ttl::from_s(seconds)
    }

    #[test]
    fn a_request_may_ask_for_less_and_never_for_more() {
        let role = Role { explicit_max_ttl: s(100), period: s(50), num_uses: 3, renewable: false, ..Role::default() };
        for (asked, given) in [((0, 0, 0), (100, 50, 3)), ((90, 40, 2), (90, 40, 2)), ((200, 60, 4), (100, 50, 3))] {
            let mut new = NewToken {
                explicit_max_ttl: s(asked.0),
                period: s(asked.1),
                num_uses: asked.2,
                renewable: true,
                ..NewToken::default()
            };
            role.bind(&mut new);
            assert_eq!(
                (new.explicit_max_ttl.as_s(), new.period.as_s(), new.num_uses, new.renewable),
                (given.0, given.1, given.2, false)
            );
        }
    }

    #[test]
    fn a_renewal_is_bound_by_the_role_of_today_and_by_the_token() {
        let life = Life { period: s(10), explicit_max_ttl: s(100), ..Life::default() };
        let bound = |period, explicit| {
            let role = Role { period: s(period), explicit_max_ttl: s(explicit), ..Role::default() };
            let life = role.bound_life(&life);
            (life.period.as_s(), life.explicit_max_ttl.as_s())
        };
        assert_eq!(bound(0, 0), (10, 100));
        assert_eq!(bound(20, 50), (20, 50));
        assert_eq!(bound(5, 500), (5, 100));
    }

    #[test]
    fn the_role_decides_the_type_where_it_says_so() {
        for (text, unsaid, service, batch) in [
            ("service", false, false, false),
            ("batch", true, true, true),
            ("default-service", false, false, true),
            ("default-batch", true, false, true),
        ] {
            let kind = RoleTokenType::parse(text).unwrap();
            assert_eq!(
                (kind.is_batch(None), kind.is_batch(Some(false)), kind.is_batch(Some(true))),
                (unsaid, service, batch),
                "{text}"
            );
        }
        assert_eq!(RoleTokenType::parse("default"), None);
    }

    #[test]
    fn entity_aliases_are_allowed_by_name_and_by_pattern() {
        let role = Role { allowed_entity_aliases: vec!["one".into(), "web-*".into()], ..Role::default() };
        for (alias, allowed) in [("one", true), ("ONE", true), ("web-1", true), ("two", false), ("web", false), ("", false)] {
            assert_eq!(role.allows_entity_alias(alias), allowed, "{alias}");
        }
        assert!(!Role::default().allows_entity_alias("one"));
    }
}
