//! `auth/token/create`: who may ask for what.

use serde::Deserialize;
use strongroom_engine::{
    Auth, Ctx, Error, Field, Flag, Input, NewToken, Number, Output, Present, Result, Seconds, StringMap, Text, TokenKind, field,
};
use strongroom_types::{PolicyName, SecretString, Ttl};

use crate::SystemCall;
use crate::acl;

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

pub async fn create(ctx: &mut Ctx, input: Create) -> Result<Output> {
    make(ctx, input, false).await
}

pub async fn create_orphan(ctx: &mut Ctx, input: Create) -> Result<Output> {
    make(ctx, input, true).await
}

async fn make(ctx: &mut Ctx, input: Create, orphan_path: bool) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let live = call.token.clone().ok_or(Error::Denied)?;
    if live.caller.kind == TokenKind::Batch {
        return Err(Error::invalid("batch tokens cannot create more tokens"));
    }
    if call.was_limited {
        return Err(Error::invalid("restricted use token cannot generate child tokens"));
    }
    let privileged = live.caller.is_root || ctx.has_sudo || orphan_path;
    check_privileges(&input, privileged)?;
    check_sizes(&input)?;
    let (policies, is_root) = policies_of(&input, &live.entry.grant.policies, live.caller.is_root, privileged)?;
    let mut new = NewToken {
        batch: is_batch(&input)?,
        is_root,
        policies,
        ttl: seconds(if input.ttl == Present::Absent { &input.lease } else { &input.ttl }),
        explicit_max_ttl: seconds(&input.explicit_max_ttl),
        period: seconds(&input.period),
        num_uses: u32::try_from(input.num_uses.0).map_err(|_| Error::invalid("number of uses cannot be negative"))?,
        renewable: input.renewable.into_option().is_none_or(|r| r.0),
        display_name: display_name(&input.display_name.0),
        meta: input.meta.into_option().map(|m| m.0).unwrap_or_default(),
        parent: (!input.no_parent.0 && !orphan_path).then(|| live.entry.family.clone()),
        path: format!("{}{}", ctx.mount.path, ctx.path),
        // A child acts for whoever its parent acts for; an orphan for nobody.
        entity_id: if input.no_parent.0 || orphan_path { String::new() } else { live.entry.entity_id.clone() },
        ..NewToken::default()
    };
    check_batch(&new)?;
    if let Present::Is(id) = input.id {
        new.custom_id = Some(chosen_id(id.0)?);
    }
    let mut output = Output::default();
    for name in new.policies.iter().filter(|n| *n != acl::ROOT) {
        if !call.core.policies.exists(name).await? {
            output.warnings.push(format!("Policy \"{name}\" does not exist"));
        }
    }
    output.auth = Some(Auth::Issue(Box::new(new)));
    Ok(output)
}

fn seconds(value: &Present<Seconds>) -> Ttl {
    match value {
        Present::Is(s) => s.0,
        Present::Absent | Present::Null => Ttl::ZERO,
    }
}

fn check_privileges(input: &Create, privileged: bool) -> Result<()> {
    let asks = [
        (matches!(input.id, Present::Is(_)), "specify token id"),
        (input.no_parent.0, "create orphan token"),
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
fn policies_of(input: &Create, parent: &[String], parent_is_root: bool, privileged: bool) -> Result<(Vec<String>, bool)> {
    let wanted = input.policies.0.iter().map(|name| PolicyName::parse(name).map(|n| n.as_str().to_owned()));
    let wanted = wanted.collect::<std::result::Result<Vec<_>, _>>().map_err(|e| Error::invalid(format!("policies: {e}")))?;
    let inherits = wanted.is_empty();
    let mut policies = if inherits { parent.to_vec() } else { wanted };
    if !inherits && !privileged && !policies.iter().all(|p| parent.contains(p)) {
        return Err(Error::invalid("child policies must be subset of parent"));
    }
    if policies.iter().any(|p| p == acl::ROOT) {
        if !parent_is_root {
            return Err(Error::invalid("root tokens may not be created without parent token being root"));
        }
        return Ok((vec![acl::ROOT.to_owned()], true));
    }
    let parent_has_default = privileged || parent.iter().any(|p| p == acl::DEFAULT);
    if input.no_default_policy.0 {
        policies.retain(|p| p != acl::DEFAULT || !inherits);
    } else if parent_has_default {
        policies.push(acl::DEFAULT.to_owned());
    }
    policies.sort_unstable();
    policies.dedup();
    Ok((policies, false))
}

fn is_batch(input: &Create) -> Result<bool> {
    match input.r#type.0.as_str() {
        "" | "service" => Ok(false),
        "batch" => Ok(true),
        _ => Err(Error::invalid("type must be `service` or `batch`")),
    }
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
