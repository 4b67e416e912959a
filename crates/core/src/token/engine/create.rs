//! `auth/token/create`: who may ask for what.

use serde::Deserialize;
use strongroom_engine::{
    Auth, Ctx, Error, Field, Flag, Input, NewToken, Number, Output, Present, Result, Seconds, StringMap, Text, TokenKind, field,
};
use strongroom_types::{PolicyName, SecretString, Ttl};

use super::roles::ByName;
use crate::SystemCall;
use crate::acl;
use crate::token::LiveToken;
use crate::token::role::{self, Role};

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Create {
    id: Present<Text>,
    policies: Names,
    meta: Present<StringMap>,
    no_parent: Flag,
    no_default_policy: Flag,
    renewable: Present<Flag>,
    ttl: Present<Seconds>,
    lease: Present<Seconds>,
    explicit_max_ttl: Present<Seconds>,
    period: Present<Seconds>,
    display_name: Text,
    num_uses: Number,
    r#type: Text,
    entity_alias: Text,
}

impl Input for Create {
    const FIELDS: &'static [Field] = &[
        field::<Text>("id", "The token's text, instead of a generated one. Needs root or sudo."),
        field::<Names>("policies", "Names of policies; the caller's own when left out.").clear(),
        field::<StringMap>("meta", "Texts that are shown with the token and in the audit log."),
        field::<Flag>("no_parent", "Makes an orphan. Needs root or sudo.").clear(),
        field::<Flag>("no_default_policy", "Leaves out the policy `default`.").clear(),
        field::<Flag>("renewable", "Whether the token can be renewed; true when left out.").clear(),
        field::<Seconds>("ttl", "Lifetime.").clear(),
        field::<Seconds>("lease", "Older name of ttl.").clear(),
        field::<Seconds>("explicit_max_ttl", "End that no renewal passes, counted from creation.").clear(),
        field::<Seconds>("period", "Lifetime after each renewal, without a maximum. Needs root or sudo.").clear(),
        field::<Text>("display_name", "Shown in the audit log."),
        field::<Number>("num_uses", "Requests that the token serves; 0 is unlimited.").clear(),
        field::<Text>("type", "`service` or `batch`.").clear(),
        field::<Text>("entity_alias", "Alias whose entity the token is given; only with a role that allows it."),
    ];
}

/// Policy names: an array, or one text that is one name and is not split.
#[derive(Default)]
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Many(Vec<String>),
            One(String),
            None(()),
        }
        Ok(Self(match Either::deserialize(d)? {
            Either::Many(names) => names,
            Either::One(name) => vec![name],
            Either::None(()) => Vec::new(),
        }))
    }
}
impl strongroom_engine::Loose for Names {
    const KIND: &'static str = "array";
}

/// How the token is asked for.
enum Way {
    Child,
    Orphan,
    ByRole(String, Box<Role>),
}

pub async fn create(ctx: &mut Ctx, input: Create) -> Result<Output> {
    make(ctx, input, Way::Child).await
}

pub async fn create_orphan(ctx: &mut Ctx, input: Create) -> Result<Output> {
    make(ctx, input, Way::Orphan).await
}

pub async fn create_by_role(ctx: &mut Ctx, (by, input): (ByName, Create)) -> Result<Output> {
    let role = role::load(ctx, &by.role_name).await?.ok_or_else(|| Error::invalid("unknown role"))?;
    make(ctx, input, Way::ByRole(by.role_name, Box::new(role))).await
}

impl Way {
    fn role(&self) -> Option<&Role> {
        match self {
            Self::ByRole(_, role) => Some(role),
            Self::Child | Self::Orphan => None,
        }
    }

    /// A role alone decides about its tokens' parents.
    fn is_orphan(&self, input: &Create) -> bool {
        match self {
            Self::Child => input.no_parent.0,
            Self::Orphan => true,
            Self::ByRole(_, role) => role.orphan,
        }
    }
}

async fn make(ctx: &mut Ctx, input: Create, way: Way) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let live = call.token.clone().ok_or(Error::Denied)?;
    if live.caller.kind == TokenKind::Batch {
        return Err(Error::invalid("batch tokens cannot create more tokens"));
    }
    if call.was_limited {
        return Err(Error::invalid("restricted use token cannot generate child tokens"));
    }
    let privileged = live.caller.is_root || ctx.has_sudo || matches!(way, Way::Orphan);
    check_privileges(&input, &way, privileged)?;
    check_sizes(&input)?;
    let (policies, is_root) = policies_of(&input, &way, &live, privileged)?;
    let mut new = new_token(ctx, input, &way, &live)?;
    (new.policies, new.is_root) = (policies, is_root);
    check_batch(&new)?;
    let mut output = Output::default();
    for name in new.policies.iter().filter(|n| *n != acl::ROOT) {
        if !call.core.policies.exists(name).await? {
            output.warnings.push(format!("Policy \"{name}\" does not exist"));
        }
    }
    output.auth = Some(Auth::Issue(Box::new(new)));
    Ok(output)
}

/// What was asked for within what the way permits, without its policies.
fn new_token(ctx: &Ctx, input: Create, way: &Way, live: &LiveToken) -> Result<NewToken> {
    let is_orphan = way.is_orphan(&input);
    let mut new = NewToken {
        batch: is_batch(&input, way.role())?,
        ttl: seconds(if input.ttl == Present::Absent { &input.lease } else { &input.ttl }),
        explicit_max_ttl: seconds(&input.explicit_max_ttl),
        period: seconds(&input.period),
        num_uses: u32::try_from(input.num_uses.0).map_err(|_| Error::invalid("number of uses cannot be negative"))?,
        renewable: input.renewable.into_option().is_none_or(|r| r.0),
        display_name: display_name(&input.display_name.0),
        meta: input.meta.into_option().map(|m| m.0).unwrap_or_default(),
        parent: (!is_orphan).then(|| live.entry.family.clone()),
        path: format!("{}{}", ctx.mount.path, ctx.path),
        // A child acts for whoever its parent acts for; an orphan for nobody.
        entity_id: if is_orphan { String::new() } else { live.entry.entity_id.clone() },
        entity_alias: input.entity_alias.0,
        // SECURITY: a token that is bound to addresses must not be a way to one that is not.
        bound_cidrs: live.entry.bound_cidrs.clone(),
        ..NewToken::default()
    };
    if let Way::ByRole(name, role) = way {
        role.bind(&mut new);
        new.role.clone_from(name);
    }
    if let Present::Is(id) = input.id {
        new.custom_id = Some(chosen_id(id.0)?);
    }
    Ok(new)
}

fn seconds(value: &Present<Seconds>) -> Ttl {
    match value {
        Present::Is(s) => s.0,
        Present::Absent | Present::Null => Ttl::ZERO,
    }
}

fn check_privileges(input: &Create, way: &Way, privileged: bool) -> Result<()> {
    let alias = &input.entity_alias.0;
    match way.role() {
        _ if alias.is_empty() => {}
        None => return Err(Error::invalid("'entity_alias' is only allowed in combination with token role")),
        Some(role) if !role.allows_entity_alias(alias) => return Err(Error::invalid("invalid 'entity_alias' value")),
        Some(_) => {}
    }
    let asks = [
        (matches!(input.id, Present::Is(_)), "specify token id"),
        (input.no_parent.0 && way.role().is_none(), "create orphan token"),
        (!seconds(&input.period).is_zero(), "create periodic token"),
    ];
    match asks.iter().find(|(asked, _)| *asked && !privileged) {
        Some((_, what)) => Err(Error::invalid(format!("root or sudo privileges required to {what}"))),
        None => Ok(()),
    }
}

/// Most policies of one token, entries of its metadata, and bytes of one of those.
const POLICIES_MAX: usize = 256;
const META_ENTRIES_MAX: usize = 64;
const META_BYTES_MAX: usize = 512;

fn check_sizes(input: &Create) -> Result<()> {
    if input.policies.0.len() > POLICIES_MAX {
        return Err(Error::invalid("policies must have at most 256 names"));
    }
    let Present::Is(meta) = &input.meta else { return Ok(()) };
    let fits = meta.0.iter().all(|(k, v)| k.len() <= META_BYTES_MAX && v.len() <= META_BYTES_MAX);
    if meta.0.len() > META_ENTRIES_MAX || !fits {
        return Err(Error::invalid("meta must have at most 64 entries, each with at most 512 bytes of name and of text"));
    }
    Ok(())
}

/// The policies of the new token and whether it is root. SECURITY: root authority comes from a root parent only.
fn policies_of(input: &Create, way: &Way, live: &LiveToken, privileged: bool) -> Result<(Vec<String>, bool)> {
    let wanted = input.policies.0.iter().map(|name| PolicyName::parse(name).map(|n| n.as_str().to_owned()));
    let wanted = wanted.collect::<std::result::Result<Vec<_>, _>>().map_err(|e| Error::invalid(format!("policies: {e}")))?;
    let parent = &live.entry.grant.policies;
    let no_default = input.no_default_policy.0 || way.role().is_some_and(|role| role.no_default_policy);
    let policies = match way.role().filter(|role| role.has_policy_lists()) {
        Some(role) => role.choose(&wanted, parent, no_default)?,
        None => usual_policies(wanted, parent, no_default, privileged)?,
    };
    if policies.iter().any(|p| p == acl::ROOT) {
        if !live.caller.is_root {
            return Err(Error::invalid("root tokens may not be created without parent token being root"));
        }
        return Ok((vec![acl::ROOT.to_owned()], true));
    }
    Ok((policies, false))
}

/// Those of the parent or some of them; a privileged caller's choice is free.
fn usual_policies(wanted: Vec<String>, parent: &[String], no_default: bool, privileged: bool) -> Result<Vec<String>> {
    let inherits = wanted.is_empty();
    let mut policies = if inherits { parent.to_vec() } else { wanted };
    if !inherits && !privileged && !policies.iter().all(|p| parent.contains(p)) {
        return Err(Error::invalid("child policies must be subset of parent"));
    }
    let parent_has_default = privileged || parent.iter().any(|p| p == acl::DEFAULT);
    if no_default {
        policies.retain(|p| p != acl::DEFAULT || !inherits);
    } else if parent_has_default {
        policies.push(acl::DEFAULT.to_owned());
    }
    policies.sort_unstable();
    policies.dedup();
    Ok(policies)
}

fn is_batch(input: &Create, role: Option<&Role>) -> Result<bool> {
    let wanted = match input.r#type.0.as_str() {
        "" => None,
        "service" => Some(false),
        "batch" => Some(true),
        _ => return Err(Error::invalid("type must be `service` or `batch`")),
    };
    Ok(role.map_or(wanted == Some(true), |role| role.token_type.is_batch(wanted)))
}

fn check_batch(new: &NewToken) -> Result<()> {
    let has = [
        (new.num_uses > 0, "num_uses"),
        (!new.period.is_zero(), "period"),
        (!new.explicit_max_ttl.is_zero(), "explicit_max_ttl"),
    ];
    if !new.batch {
        return Ok(());
    }
    if new.is_root {
        return Err(Error::invalid("batch tokens cannot be root tokens"));
    }
    match has.iter().find(|(set, _)| *set) {
        Some((_, field)) => Err(Error::invalid(format!("batch tokens cannot have \"{field}\" set"))),
        None => Ok(()),
    }
}

/// SECURITY: the prefixes of generated tokens are ours, so that a chosen text can never be read as one of them.
fn chosen_id(id: String) -> Result<SecretString> {
    let length_fits = (1..=256).contains(&id.len());
    if !length_fits || id.starts_with("s.") || id.starts_with("b.") || !id.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Error::invalid("id must be 1 to 256 visible ASCII characters and must not start with `s.` or `b.`"));
    }
    Ok(SecretString::new(id))
}

/// `token`, or `token-` and the name with everything but letters and digits as dashes.
fn display_name(name: &str) -> String {
    let folded: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(128).collect();
    match folded.trim_matches('-') {
        "" => "token".into(),
        name => format!("token-{name}"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_field_table_is_true() {
        strongroom_engine::testing::assert_fields_match::<super::Create>();
    }
}
