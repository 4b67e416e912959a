//! A role's record, and the fields that change it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use strongroom_engine::{
    Cidrs, Ctx, Error, Field, Flag, Input, Key, List, MountFacts, Number, Output, Peek, Present, Result, Seconds, Text,
    TokenFields, TokenTerms, TokenType, field,
};
use strongroom_types::Ttl;

use crate::{cidr, id};

/// Longest name in bytes.
const NAME_BYTES_MAX: usize = 512;

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Role {
    /// Names this role from its creation to its deletion: a role of the same name made later has another, so that no secret
    /// id and no token outlives its role's deletion.
    pub life: String,
    pub role_id: String,
    pub binds_secret_id: bool,
    pub local_secret_ids: bool,
    /// Zero: secret ids do not expire.
    pub secret_id_ttl: Ttl,
    /// Zero is unlimited.
    pub secret_id_num_uses: u32,
    pub secret_id_bound_cidrs: Cidrs,
    pub terms: TokenTerms,
    /// `policies` and `period` were set by these older names, and are shown by them too.
    pub old_policies: bool,
    pub old_period: bool,
}

/// A role's own fields, as they come, beside the `token_*` fields.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RoleFields {
    pub role_name: Text,
    pub role_id: Present<Text>,
    pub bind_secret_id: Present<Flag>,
    pub local_secret_ids: Present<Flag>,
    pub secret_id_ttl: Present<Seconds>,
    pub secret_id_num_uses: Present<Number>,
    pub secret_id_bound_cidrs: Present<List>,
    pub bound_cidr_list: Present<List>,
    pub policies: Present<List>,
    pub period: Present<Seconds>,
}

impl Input for RoleFields {
    const FIELDS: &'static [Field] = &[
        field::<Text>("role_name", "Name of the role; upper and lower case are the same.").clear(),
        field::<Text>("role_id", "The role's id for logins; generated when left out."),
        field::<Flag>("bind_secret_id", "Whether a login needs a secret id; true unless said otherwise.").clear(),
        field::<Flag>("local_secret_ids", "Keeps secret ids in this cluster; settled when the role is made.").clear(),
        field::<Seconds>("secret_id_ttl", "Lifetime of secret ids; 0 is unlimited.").clear(),
        field::<Number>("secret_id_num_uses", "Logins that a secret id serves; 0 is unlimited.").clear(),
        field::<List>("secret_id_bound_cidrs", "Networks from which a login may come.").clear(),
        field::<List>("bound_cidr_list", "Older name of secret_id_bound_cidrs.").clear(),
        field::<List>("policies", "Older name of token_policies.").clear(),
        field::<Seconds>("period", "Older name of token_period.").clear(),
    ];
}

/// The role of the path, and nothing else.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Named {
    pub role_name: Text,
}

impl Input for Named {
    const FIELDS: &'static [Field] = &[field::<Text>("role_name", "Name of the role.").clear()];
}

impl Role {
    /// What a role is that says nothing.
    pub fn fresh(ctx: &Ctx) -> Self {
        Self {
            life: id::fresh_name(ctx.rng.as_ref(), ctx.now),
            role_id: String::new(),
            binds_secret_id: true,
            local_secret_ids: false,
            secret_id_ttl: Ttl::ZERO,
            secret_id_num_uses: 0,
            secret_id_bound_cidrs: Cidrs::default(),
            terms: TokenTerms::default(),
            old_policies: false,
            old_period: false,
        }
    }

    /// Changes what is given and leaves the rest; the role id is settled elsewhere. The answer is warnings. Errors: `Invalid`
    /// naming the field or the rule.
    pub fn apply(&mut self, own: RoleFields, mut tokens: TokenFields) -> Result<Vec<String>> {
        renamed(own.policies, &mut tokens.token_policies, &mut self.old_policies);
        renamed(own.period, &mut tokens.token_period, &mut self.old_period);
        let (mut cidrs, mut old) = (own.secret_id_bound_cidrs, false);
        renamed(own.bound_cidr_list, &mut cidrs, &mut old);
        if let Present::Is(List(cidrs)) = cidrs {
            self.secret_id_bound_cidrs = cidr::networks("secret_id_bound_cidrs", &cidrs)?;
        }
        if let Present::Is(Flag(binds)) = own.bind_secret_id {
            self.binds_secret_id = binds;
        }
        if let Present::Is(Flag(local)) = own.local_secret_ids {
            self.local_secret_ids = local;
        }
        if let Present::Is(Seconds(ttl)) = own.secret_id_ttl {
            self.secret_id_ttl = ttl;
        }
        if let Present::Is(uses) = own.secret_id_num_uses {
            self.secret_id_num_uses = uses_of("secret_id_num_uses", uses)?;
        }
        tokens.apply(&mut self.terms)?;
        self.check()?;
        Ok(self.settle_kind())
    }

    /// Errors: `Invalid` when anybody who knows the role id could log in from anywhere.
    pub fn check(&self) -> Result<()> {
        if self.binds_secret_id || !self.secret_id_bound_cidrs.is_empty() || !self.terms.bound_cidrs.is_empty() {
            return Ok(());
        }
        Err(Error::invalid("at least one constraint should be enabled on the role"))
    }

    /// A role's kind of token is no default for others.
    fn settle_kind(&mut self) -> Vec<String> {
        let settled = match self.terms.kind {
            TokenType::DefaultBatch => TokenType::Batch,
            TokenType::DefaultService => TokenType::Service,
            _ => return Vec::new(),
        };
        let said = std::mem::replace(&mut self.terms.kind, settled);
        vec![format!("{} has no useful meaning; adjusting to {}", said.as_str(), settled.as_str())]
    }

    /// As a read shows it.
    pub fn shown(&self) -> Map<String, Value> {
        let mut shown = self.terms.shown();
        shown.insert("bind_secret_id".into(), json!(self.binds_secret_id));
        shown.insert("local_secret_ids".into(), json!(self.local_secret_ids));
        shown.insert("secret_id_bound_cidrs".into(), self.shown_cidrs());
        shown.insert("secret_id_num_uses".into(), json!(self.secret_id_num_uses));
        shown.insert("secret_id_ttl".into(), json!(self.secret_id_ttl.as_s()));
        if self.old_policies {
            shown.insert("policies".into(), json!(self.terms.policies));
        }
        if self.old_period {
            shown.insert("period".into(), json!(self.terms.period.as_s()));
        }
        shown
    }

    /// None set is null.
    pub fn shown_cidrs(&self) -> Value {
        if self.secret_id_bound_cidrs.is_empty() { Value::Null } else { json!(self.secret_id_bound_cidrs.networks()) }
    }
}

/// Takes an older name's value unless the newer name is given too.
fn renamed<T>(old: Present<T>, new: &mut Present<T>, said_old: &mut bool) {
    match (&*new, old) {
        (Present::Is(_), _) => *said_old = false,
        (_, Present::Is(value)) => {
            *new = Present::Is(value);
            *said_old = true;
        }
        _ => {}
    }
}

/// A count of uses. Errors: `Invalid` naming the field.
pub fn uses_of(field: &'static str, Number(uses): Number) -> Result<u32> {
    let what = if uses < 0 { "be negative" } else { "exceed 4294967295" };
    u32::try_from(uses).map_err(|_| Error::invalid(format!("{field} cannot {what}")))
}

/// A role's name as it is kept: folded. Errors: `UnsupportedPath` for what can name no role.
pub fn folded(name: &str) -> Result<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let has_form = name.starts_with(is_word) && name.ends_with(is_word) && name.chars().all(|c| is_word(c) || "-.".contains(c));
    if !has_form || name.len() > NAME_BYTES_MAX {
        return Err(Error::UnsupportedPath);
    }
    Ok(name.to_ascii_lowercase())
}

pub fn key(mount: &MountFacts, name: &str) -> Key {
    mount.key("role").name(name)
}

/// The role of a folded name; the transaction rests on it.
pub async fn load(ctx: &mut Ctx, name: &str) -> Result<Option<Role>> {
    let key = key(&ctx.mount, name);
    ctx.load(&key).await
}

/// As `load`, for those who only look.
pub async fn load_shared(ctx: &mut Ctx, name: &str) -> Result<Option<Arc<Role>>> {
    let key = key(&ctx.mount, name);
    ctx.load_shared(&key).await
}

pub async fn exists(peek: &Peek, path: &str) -> Result<bool> {
    let Ok(name) = folded(path.strip_prefix("role/").unwrap_or(path)) else { return Ok(false) };
    Ok(peek.get(&key(&peek.mount, &name)).await?.is_some())
}

/// Writes a role back. The answer is an empty one with these warnings.
pub fn save(ctx: &mut Ctx, name: &str, role: &Role, warnings: Vec<String>) -> Result<Output> {
    let key = key(&ctx.mount, name);
    ctx.save(key, role)?;
    if warnings.is_empty() {
        return Ok(Output::nothing());
    }
    Ok(Output { warnings, ..Output::raw_data(b"null".to_vec()) })
}
