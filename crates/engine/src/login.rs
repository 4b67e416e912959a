//! What an auth method gives back when somebody proved who they are, and the `token_*` settings that all methods share.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use strongroom_types::Ttl;

use crate::{Cidrs, Error, Field, Flag, Input, List, Number, Present, Result, Seconds, Text, field};

/// Somebody proved who they are. The core makes the token out of it, the mount's limits and the identity behind the alias.
#[derive(Default)]
pub struct Login {
    /// Stable, canonical name at this mount: what the entity's alias is called. Empty makes a token without an entity.
    pub alias: String,
    pub alias_metadata: BTreeMap<String, String>,
    /// Shown in the audit log behind the mount's path.
    pub display_name: String,
    /// Shown with the token and in the audit log.
    pub metadata: BTreeMap<String, String>,
    /// Names of external groups that the method vouches for at this moment.
    pub groups: Vec<String>,
    pub terms: TokenTerms,
    /// What `Engine::renew_login` will be given; kept sealed in the token's record and never shown.
    pub renewal: Value,
}

/// SECURITY: without what the method keeps for renewals and what it says of the person.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("terms", &self.terms).finish_non_exhaustive()
    }
}

/// Which kind of token a login gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenType {
    /// What the mount says.
    #[default]
    Default,
    Service,
    Batch,
    /// Of a mount: service unless the role says otherwise.
    DefaultService,
    /// Of a mount: batch unless the role says otherwise.
    DefaultBatch,
}

impl TokenType {
    /// None for an unknown name; an empty name is `Default`.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "" | "default" => Self::Default,
            "service" => Self::Service,
            "batch" => Self::Batch,
            "default-service" => Self::DefaultService,
            "default-batch" => Self::DefaultBatch,
            _ => return None,
        })
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Service => "service",
            Self::Batch => "batch",
            Self::DefaultService => "default-service",
            Self::DefaultBatch => "default-batch",
        }
    }

    /// Whether a role of this type on a mount of that type makes batch tokens. A mount that names a kind decides alone.
    pub fn is_batch_on(self, mount: Self) -> bool {
        match (mount, self) {
            (Self::Batch, _) => true,
            (Self::Service, _) => false,
            (_, Self::Batch | Self::DefaultBatch) => true,
            (_, Self::Service | Self::DefaultService) => false,
            (mount, Self::Default) => mount == Self::DefaultBatch,
        }
    }
}

/// What a role or user says about its tokens. Zero and empty mean "nothing said".
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenTerms {
    pub policies: Vec<String>,
    pub no_default_policy: bool,
    pub ttl: Ttl,
    pub max_ttl: Ttl,
    pub explicit_max_ttl: Ttl,
    pub period: Ttl,
    pub num_uses: u32,
    pub bound_cidrs: Cidrs,
    /// Binds the token to the address that logged in.
    pub strictly_bind_ip: bool,
    pub kind: TokenType,
}

impl TokenTerms {
    /// As a role's read shows them.
    pub fn shown(&self) -> Map<String, Value> {
        let shown = json!({
            "token_bound_cidrs": self.bound_cidrs.texts(),
            "token_explicit_max_ttl": self.explicit_max_ttl.as_s(),
            "token_max_ttl": self.max_ttl.as_s(),
            "token_no_default_policy": self.no_default_policy,
            "token_num_uses": self.num_uses,
            "token_period": self.period.as_s(),
            "token_policies": self.policies,
            "token_strictly_bind_ip": self.strictly_bind_ip,
            "token_ttl": self.ttl.as_s(),
            "token_type": self.kind.as_str(),
        });
        match shown {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}

/// The `token_*` fields of a role, as they come. A route takes them beside its own: `async fn write(ctx, (role, tokens): (Role, TokenFields))`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct TokenFields {
    pub token_policies: Present<List>,
    pub token_no_default_policy: Present<Flag>,
    pub token_ttl: Present<Seconds>,
    pub token_max_ttl: Present<Seconds>,
    pub token_explicit_max_ttl: Present<Seconds>,
    pub token_period: Present<Seconds>,
    pub token_num_uses: Present<Number>,
    pub token_bound_cidrs: Present<List>,
    pub token_strictly_bind_ip: Present<Flag>,
    pub token_type: Present<Text>,
}

impl Input for TokenFields {
    const FIELDS: &'static [Field] = &[
        field::<List>("token_policies", "Policies of the token.").clear(),
        field::<Flag>("token_no_default_policy", "Leaves out the policy `default`.").clear(),
        field::<Seconds>("token_ttl", "First lifetime; the mount's default when zero.").clear(),
        field::<Seconds>("token_max_ttl", "Longest lifetime with renewals; the mount's when zero.").clear(),
        field::<Seconds>("token_explicit_max_ttl", "End that no renewal passes, counted from the login.").clear(),
        field::<Seconds>("token_period", "Lifetime after each renewal, without a maximum.").clear(),
        field::<Number>("token_num_uses", "Requests that the token serves; 0 is unlimited.").clear(),
        field::<List>("token_bound_cidrs", "Networks from which the token may be used.").clear(),
        field::<Flag>("token_strictly_bind_ip", "Binds the token to the address that logged in.").clear(),
        field::<Text>("token_type", "`service`, `batch` or `default`.").clear(),
    ];
}

impl TokenFields {
    /// Whether a field with a former name came under its present one: `token_policies`, `token_ttl`, `token_max_ttl`,
    /// `token_bound_cidrs`, `token_period`.
    pub fn gives(&self, name: &str) -> bool {
        match name {
            "token_policies" => self.token_policies != Present::Absent,
            "token_ttl" => self.token_ttl != Present::Absent,
            "token_max_ttl" => self.token_max_ttl != Present::Absent,
            "token_period" => self.token_period != Present::Absent,
            "token_bound_cidrs" => self.token_bound_cidrs != Present::Absent,
            _ => false,
        }
    }

    /// Changes what is given and leaves the rest. Errors: `Invalid` naming the field.
    pub fn apply(self, to: &mut TokenTerms) -> Result<()> {
        if let Present::Is(List(policies)) = self.token_policies {
            to.policies = policies;
        }
        for (given, place) in [
            (self.token_ttl, &mut to.ttl),
            (self.token_max_ttl, &mut to.max_ttl),
            (self.token_explicit_max_ttl, &mut to.explicit_max_ttl),
            (self.token_period, &mut to.period),
        ] {
            if let Present::Is(Seconds(ttl)) = given {
                *place = ttl;
            }
        }
        for (given, place) in
            [(self.token_no_default_policy, &mut to.no_default_policy), (self.token_strictly_bind_ip, &mut to.strictly_bind_ip)]
        {
            if let Present::Is(Flag(flag)) = given {
                *place = flag;
            }
        }
        if let Present::Is(Number(uses)) = self.token_num_uses {
            to.num_uses = u32::try_from(uses).map_err(|_| Error::invalid("'token_num_uses' cannot be negative"))?;
        }
        if let Present::Is(List(cidrs)) = self.token_bound_cidrs {
            to.bound_cidrs = Cidrs::parse(&cidrs)?;
        }
        if let Present::Is(Text(kind)) = self.token_type {
            to.kind = TokenType::parse(&kind).ok_or_else(|| Error::invalid("invalid 'token_type' value"))?;
        }
        check(to)
    }
}

fn check(terms: &TokenTerms) -> Result<()> {
    if !terms.max_ttl.is_zero() && terms.ttl > terms.max_ttl {
        return Err(Error::invalid("'token_ttl' cannot be greater than 'token_max_ttl'"));
    }
    if matches!(terms.kind, TokenType::Batch | TokenType::DefaultBatch) {
        if !terms.period.is_zero() {
            return Err(Error::invalid("'token_type' cannot be 'batch' or 'default_batch' when set to generate periodic tokens"));
        }
        if terms.num_uses > 0 {
            return Err(Error::invalid(
                "'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens with limited use count",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_fields_match;

    #[test]
    fn the_field_table_is_true() {
        assert_fields_match::<TokenFields>();
    }

    #[test]
    fn a_mount_that_names_a_kind_decides_alone() {
        use TokenType::{Batch, Default, DefaultBatch, DefaultService, Service};
        for (role, mount, batch) in [
            (Default, DefaultService, false),
            (Default, DefaultBatch, true),
            (Batch, DefaultService, true),
            (Service, DefaultBatch, false),
            (Batch, Service, false),
            (Service, Batch, true),
        ] {
            assert_eq!(role.is_batch_on(mount), batch, "{role:?} on {mount:?}");
        }
    }
}
