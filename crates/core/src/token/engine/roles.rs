//! `auth/token/roles`: writing and reading roles. A write changes the fields that it names and leaves the others.

use serde::{Deserialize, Serialize};
use strongroom_engine::{
    Cidrs, Ctx, Error, Field, Flag, Input, List, Number, Output, Peek, Present, Result, Route, Seconds, Text, Verb, field, route,
};
use strongroom_types::{BoxFuture, PolicyName, Ttl};

use super::lookup::Page;
use crate::token::role::{self, Role, RoleTokenType};

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::List, "roles/", "Lists the roles.", list).shows(&["keys"]),
        route(Verb::Read, "roles/{role_name}", "Shows a role.", read).shows(SHOWN),
        route(Verb::Write, "roles/{role_name}", "Writes a role.", write).exists(exists),
        route(Verb::Delete, "roles/{role_name}", "Deletes a role; its tokens can no longer be renewed.", delete),
    ]
}

/// Field order is the answer's.
#[derive(Serialize)]
struct Shown<'a> {
    allowed_entity_aliases: Option<&'a [String]>,
    allowed_policies: &'a [String],
    allowed_policies_glob: &'a [String],
    disallowed_policies: &'a [String],
    disallowed_policies_glob: &'a [String],
    /// The older form of `token_explicit_max_ttl`; never set here.
    explicit_max_ttl: u64,
    name: &'a str,
    orphan: bool,
    path_suffix: &'a str,
    /// The older form of `token_period`; never set here.
    period: u64,
    renewable: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    token_bound_cidrs: Vec<String>,
    token_explicit_max_ttl: u64,
    token_no_default_policy: bool,
    #[serde(skip_serializing_if = "is_zero")]
    token_num_uses: u32,
    token_period: u64,
    token_type: RoleTokenType,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// What the audit log may show of a role: it holds no secret.
const SHOWN: &[&str] = &[
    "name",
    "allowed_policies",
    "allowed_policies_glob",
    "disallowed_policies",
    "disallowed_policies_glob",
    "path_suffix",
    "token_bound_cidrs",
    "token_explicit_max_ttl",
    "token_num_uses",
    "token_period",
    "token_type",
];

#[derive(Deserialize)]
pub struct ByName {
    pub role_name: String,
}
impl Input for ByName {
    const FIELDS: &'static [Field] = &[field::<String>("role_name", "Name of the role.").clear()];
}

async fn list(ctx: &mut Ctx, page: Page) -> Result<Output> {
    let prefix = role::key(&ctx.mount, "");
    Output::keys(page.of(ctx, &prefix).await?)
}

async fn read(ctx: &mut Ctx, input: ByName) -> Result<Output> {
    let role = role::load(ctx, &input.role_name).await?.ok_or(Error::NotFound)?;
    Output::data(&Shown {
        allowed_entity_aliases: (!role.allowed_entity_aliases.is_empty()).then_some(&role.allowed_entity_aliases),
        allowed_policies: &role.allowed_policies,
        allowed_policies_glob: &role.allowed_policies_glob,
        disallowed_policies: &role.disallowed_policies,
        disallowed_policies_glob: &role.disallowed_policies_glob,
        explicit_max_ttl: 0,
        name: &input.role_name,
        orphan: role.orphan,
        path_suffix: &role.path_suffix,
        period: 0,
        renewable: role.renewable,
        token_bound_cidrs: role.bound_cidrs.texts(),
        token_explicit_max_ttl: role.explicit_max_ttl.as_s(),
        token_no_default_policy: role.no_default_policy,
        token_num_uses: role.num_uses,
        token_period: role.period.as_s(),
        token_type: role.token_type,
    })
}

async fn delete(ctx: &mut Ctx, input: ByName) -> Result<Output> {
    let key = role::key(&ctx.mount, &input.role_name);
    ctx.delete(key);
    Ok(Output::nothing())
}

fn exists<'a>(peek: &'a Peek, path: &'a str) -> BoxFuture<'a, Result<bool>> {
    Box::pin(async move {
        let name = path.strip_prefix("roles/").unwrap_or(path);
        Ok(peek.get(&role::key(&peek.mount, name)).await?.is_some())
    })
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Write {
    role_name: String,
    allowed_policies: Present<List>,
    disallowed_policies: Present<List>,
    allowed_policies_glob: Present<List>,
    disallowed_policies_glob: Present<List>,
    allowed_entity_aliases: Present<List>,
    orphan: Present<Flag>,
    renewable: Present<Flag>,
    path_suffix: Present<Text>,
    token_bound_cidrs: Present<List>,
    bound_cidrs: Present<List>,
    token_explicit_max_ttl: Present<Seconds>,
    explicit_max_ttl: Present<Seconds>,
    token_period: Present<Seconds>,
    period: Present<Seconds>,
    token_num_uses: Present<Number>,
    token_no_default_policy: Present<Flag>,
    token_type: Present<Text>,
}

impl Input for Write {
    const FIELDS: &'static [Field] = &[
        field::<String>("role_name", "Name of the role.").clear(),
        field::<List>("allowed_policies", "Policies that its tokens may have; all of them when a request names none.").clear(),
        field::<List>("disallowed_policies", "Policies that its tokens must not have.").clear(),
        field::<List>("allowed_policies_glob", "Names with `*` that its tokens may have.").clear(),
        field::<List>("disallowed_policies_glob", "Names with `*` that its tokens must not have.").clear(),
        field::<List>("allowed_entity_aliases", "Aliases, also with `*`, whose entity a token may be given.").clear(),
        field::<Flag>("orphan", "Its tokens have no parent.").clear(),
        field::<Flag>("renewable", "Its tokens can be renewed; true when left out.").clear(),
        field::<Text>("path_suffix", "Appended to the path of its tokens: letters, digits, `_`, `-` and `.`.").clear(),
        field::<List>("token_bound_cidrs", "Addresses and ranges from which its tokens work.").clear(),
        field::<List>("bound_cidrs", "Older name of token_bound_cidrs.").clear(),
        field::<Seconds>("token_explicit_max_ttl", "End that no renewal passes, counted from creation.").clear(),
        field::<Seconds>("explicit_max_ttl", "Older name of token_explicit_max_ttl.").clear(),
        field::<Seconds>("token_period", "Lifetime after each renewal, without a maximum.").clear(),
        field::<Seconds>("period", "Older name of token_period.").clear(),
        field::<Number>("token_num_uses", "Requests that a token serves; 0 is unlimited.").clear(),
        field::<Flag>("token_no_default_policy", "Leaves out the policy `default`.").clear(),
        field::<Text>("token_type", "`service`, `batch`, `default-service` or `default-batch`.").clear(),
    ];
}

async fn write(ctx: &mut Ctx, input: Write) -> Result<Output> {
    let name = input.role_name.clone();
    if name.len() > NAME_BYTES_MAX {
        return Err(Error::invalid("role_name must have at most 128 bytes"));
    }
    let mut role = role::load(ctx, &name).await?.unwrap_or_default();
    update(&mut role, input)?;
    check_batch(&role)?;
    let key = role::key(&ctx.mount, &name);
    ctx.save(key, &role)?;
    Ok(Output::nothing())
}

/// Longest name of a role, and most names in one of its lists.
const NAME_BYTES_MAX: usize = 128;
const NAMES_MAX: usize = 256;

fn update(role: &mut Role, input: Write) -> Result<()> {
    let policies: [(&str, Present<List>, &mut Vec<String>, Parse); 5] = [
        ("allowed_policies", input.allowed_policies, &mut role.allowed_policies, policy),
        ("disallowed_policies", input.disallowed_policies, &mut role.disallowed_policies, policy),
        ("allowed_policies_glob", input.allowed_policies_glob, &mut role.allowed_policies_glob, policy),
        ("disallowed_policies_glob", input.disallowed_policies_glob, &mut role.disallowed_policies_glob, policy),
        ("allowed_entity_aliases", input.allowed_entity_aliases, &mut role.allowed_entity_aliases, alias),
    ];
    for (field, list, place, parse) in policies {
        set(place, list.into_option().map(|l| names(field, &l.0, parse)).transpose()?);
    }
    set(&mut role.orphan, input.orphan.into_option().map(|f| f.0));
    set(&mut role.renewable, input.renewable.into_option().map(|f| f.0));
    set(&mut role.no_default_policy, input.token_no_default_policy.into_option().map(|f| f.0));
    let cidrs = input.token_bound_cidrs.into_option().or(input.bound_cidrs.into_option());
    set(&mut role.bound_cidrs, cidrs.map(|list| Cidrs::parse(&list.0)).transpose()?);
    set(&mut role.explicit_max_ttl, seconds(input.token_explicit_max_ttl, input.explicit_max_ttl));
    set(&mut role.period, seconds(input.token_period, input.period));
    set(&mut role.path_suffix, input.path_suffix.into_option().map(suffix).transpose()?);
    set(&mut role.num_uses, input.token_num_uses.into_option().map(uses).transpose()?);
    set(&mut role.token_type, input.token_type.into_option().map(token_type).transpose()?);
    Ok(())
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn seconds(value: Present<Seconds>, older: Present<Seconds>) -> Option<Ttl> {
    value.into_option().or(older.into_option()).map(|s| s.0)
}

type Parse = fn(&str) -> std::result::Result<String, String>;

fn policy(text: &str) -> std::result::Result<String, String> {
    PolicyName::parse(text).map(|name| name.as_str().to_owned()).map_err(|e| e.to_string())
}

fn alias(text: &str) -> std::result::Result<String, String> {
    let folded = text.trim().to_lowercase();
    let fits = !folded.is_empty() && folded.len() <= 512 && !folded.chars().any(char::is_control);
    if fits { Ok(folded) } else { Err("an alias has 1 to 512 bytes and no control characters".into()) }
}

/// Sorted, without duplicates.
fn names(field: &str, texts: &[String], parse: Parse) -> Result<Vec<String>> {
    if texts.len() > NAMES_MAX {
        return Err(Error::invalid(format!("{field} must have at most {NAMES_MAX} names")));
    }
    let names = texts.iter().map(|text| parse(text)).collect::<std::result::Result<Vec<_>, _>>();
    let mut names = names.map_err(|e| Error::invalid(format!("{field}: {e}")))?;
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

fn suffix(Text(text): Text) -> Result<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let has_own_letters = text.chars().all(|c| is_word(c) || c == '-' || c == '.');
    if text.is_empty()
        || (text.len() <= NAME_BYTES_MAX && has_own_letters && text.starts_with(is_word) && text.ends_with(is_word))
    {
        return Ok(text);
    }
    Err(Error::invalid("given role path suffix contains invalid characters; must match \\w[\\w-.]*\\w"))
}

fn uses(Number(n): Number) -> Result<u32> {
    u32::try_from(n).map_err(|_| Error::invalid("error parsing role fields: 'token_num_uses' cannot be negative"))
}

fn token_type(Text(text): Text) -> Result<RoleTokenType> {
    RoleTokenType::parse(&text)
        .ok_or_else(|| Error::invalid("invalid 'token_type' value; must be service, batch, default-service or default-batch"))
}

/// A batch token is not stored: it cannot be renewed, counted or ended with a parent's tree.
fn check_batch(role: &Role) -> Result<()> {
    let is_batch = role.token_type == RoleTokenType::Batch;
    let may_be_batch = is_batch || role.token_type == RoleTokenType::DefaultBatch;
    let refusals = [
        (is_batch && !role.orphan, "non-orphan tokens"),
        (is_batch && role.renewable, "renewable tokens"),
        (may_be_batch && !role.period.is_zero(), "periodic tokens"),
        (may_be_batch && !role.explicit_max_ttl.is_zero(), "tokens with an explicit max TTL"),
        (may_be_batch && role.num_uses > 0, "tokens with limited use count"),
    ];
    match refusals.iter().find(|(refused, _)| *refused) {
        Some((_, what)) => {
            Err(Error::invalid(format!("'token_type' cannot be 'batch' or 'default-batch' when role is set to generate {what}")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use strongroom_engine::testing::assert_fields_match;
    use strongroom_engine::{List, Number, Present, Text};

    use super::{ByName, Write, update};
    use crate::token::role::Role;

    #[test]
    fn the_field_tables_are_true() {
        assert_fields_match::<Write>();
        assert_fields_match::<ByName>();
    }

    #[test]
    fn a_write_changes_what_it_names() {
        let mut role = Role { orphan: true, num_uses: 3, ..Role::default() };
        let names = Present::Is(List(vec!["B".into(), "a".into(), "b".into()]));
        update(&mut role, Write { allowed_policies: names, ..Write::default() }).unwrap();
        assert_eq!((role.allowed_policies, role.orphan, role.num_uses), (vec!["a".into(), "b".into()], true, 3));
    }

    #[test]
    fn wrong_fields_are_refused() {
        for suffix in ["a/b", " a", "-a", "a-", "a b", "..", "\u{e4}"] {
            let input = Write { path_suffix: Present::Is(Text(suffix.into())), ..Write::default() };
            assert!(update(&mut Role::default(), input).is_err(), "{suffix}");
        }
        for suffix in ["", "a", "a-b.c_d"] {
            let input = Write { path_suffix: Present::Is(Text(suffix.into())), ..Write::default() };
            assert!(update(&mut Role::default(), input).is_ok(), "{suffix}");
        }
        let list = |text: &str| Present::Is(List(vec![text.into()]));
        for input in [
            Write { token_num_uses: Present::Is(Number(-1)), ..Write::default() },
            Write { token_type: Present::Is(Text("strange".into())), ..Write::default() },
            Write { token_bound_cidrs: list("nonsense"), ..Write::default() },
            Write { token_bound_cidrs: list(""), ..Write::default() },
            Write { allowed_policies: list(" "), ..Write::default() },
            Write { disallowed_policies: list("a/../b"), ..Write::default() },
            Write { allowed_entity_aliases: list(""), ..Write::default() },
        ] {
            assert!(update(&mut Role::default(), input).is_err());
        }
    }
}
