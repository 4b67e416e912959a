//! Issuers and keys by id or name, and which of them is meant where none is named.

use serde::Deserialize;
use serde_json::json;
use strongroom_engine::{Ctx, Error, Field, Flag, Input, NoFields, Output, Present, Result, Route, Text, Verb, field, route};

use crate::error::printable;
use crate::store::{self, Defaults, Issuer, Urls};

/// Longest name.
const NAME_BYTES_MAX: usize = 128;
const URLS_MAX: usize = 16;
const URL_BYTES_MAX: usize = 2048;
const DEFAULT: &str = "default";

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::Read, "config/issuers", "Shows the default issuer.", read_default).shows(DEFAULTS_SHOWN),
        route(Verb::Write, "config/issuers", "Sets the default issuer.", write_default).shows(DEFAULTS_SHOWN),
        route(Verb::Read, "config/keys", "Shows the default key.", read_default_key).shows(&["default"]),
        route(Verb::Read, "config/urls", "Shows the addresses that certificates carry.", read_urls).shows(URLS_SHOWN),
        route(Verb::Write, "config/urls", "Sets the addresses that certificates carry.", write_urls).shows(URLS_SHOWN),
    ]
}

const DEFAULTS_SHOWN: &[&str] = &["default", "default_follows_latest_issuer"];
const URLS_SHOWN: &[&str] = &["issuing_certificates", "crl_distribution_points", "ocsp_servers"];

/// The issuer that a reference means: `default`, an id or a name. The transaction rests on it.
pub async fn find(ctx: &mut Ctx, reference: &str) -> Result<Option<Issuer>> {
    let id = match reference {
        "" | DEFAULT => defaults(ctx).await?.default,
        other => {
            let named = store::issuer_name(&ctx.mount, other);
            match ctx.get(&named).await? {
                Some(entry) => String::from_utf8_lossy(entry.value()).into_owned(),
                None => other.to_owned(),
            }
        }
    };
    if id.is_empty() {
        return Ok(None);
    }
    let key = store::issuers(&ctx.mount).name(&id);
    ctx.load(&key).await
}

/// As `find`. Errors: `Invalid` when there is none.
pub async fn load(ctx: &mut Ctx, reference: &str) -> Result<Issuer> {
    let found = find(ctx, reference).await?;
    found.ok_or_else(|| {
        let why = match reference {
            "" | DEFAULT => "no default issuer currently configured".to_owned(),
            other => format!("unable to find PKI issuer for reference: {}", printable(other)),
        };
        Error::invalid(format!("could not fetch the CA certificate (was one set?): {why}"))
    })
}

/// A warning where a role names an issuer that is not there. Errors: `Invalid` for what can't be a reference.
pub async fn missing(ctx: &mut Ctx, reference: &str) -> Result<Vec<String>> {
    if reference != DEFAULT {
        check_name("issuer_ref", reference)?;
    }
    Ok(match (find(ctx, reference).await?, reference) {
        (Some(_), _) => Vec::new(),
        (None, DEFAULT) => vec![
            "Issuing Certificate was set to default, but no default issuing certificate (configurable at /config/issuers) is \
             currently set"
                .to_owned(),
        ],
        (None, other) => {
            vec![format!("Issuing Certificate was set to {other} but no issuing certificate currently has that name")]
        }
    })
}

pub async fn defaults(ctx: &mut Ctx) -> Result<Defaults> {
    let key = store::default_issuer(&ctx.mount);
    Ok(ctx.load(&key).await?.unwrap_or_default())
}

pub async fn urls(ctx: &mut Ctx) -> Result<Urls> {
    let key = store::urls(&ctx.mount);
    Ok(ctx.load(&key).await?.unwrap_or_default())
}

/// What a name of an issuer or key may be. Errors: `Invalid` naming the field.
pub fn check_name(what: &str, name: &str) -> Result<()> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let has_form = name.starts_with(is_word) && name.ends_with(is_word) && name.chars().all(|c| is_word(c) || "-.".contains(c));
    if !has_form || name.len() > NAME_BYTES_MAX {
        let rule = "must be letters, digits, _, - and ., at most 128, and begin and end with a letter or digit";
        return Err(Error::invalid(format!("{what} {rule}")));
    }
    Ok(())
}

/// Whether a new issuer may have this name; empty is none. Errors: `Invalid`.
pub async fn check_new_issuer_name(ctx: &mut Ctx, name: &str) -> Result<()> {
    if name.is_empty() {
        return Ok(());
    }
    if name == DEFAULT {
        return Err(Error::invalid("reserved keyword 'default' can not be used as issuer name"));
    }
    check_name("issuer_name", name)?;
    if find(ctx, name).await?.is_some() {
        return Err(Error::invalid("issuer name already in use"));
    }
    Ok(())
}

/// Whether a new key may have this name; empty is none. Errors: `Invalid`.
pub async fn check_new_key_name(ctx: &mut Ctx, name: &str) -> Result<()> {
    if name.is_empty() {
        return Ok(());
    }
    if name == DEFAULT {
        return Err(Error::invalid("reserved keyword 'default' can not be used as key name"));
    }
    check_name("key_name", name)?;
    let (named, id) = (store::key_name(&ctx.mount, name), store::keys(&ctx.mount).name(name));
    if ctx.get(&named).await?.is_some() || ctx.get(&id).await?.is_some() {
        return Err(Error::invalid("key name already in use"));
    }
    Ok(())
}

async fn read_default(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    Output::data(&defaults(ctx).await?)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NewDefault {
    default: Text,
    default_follows_latest_issuer: Present<Flag>,
}

impl Input for NewDefault {
    const FIELDS: &'static [Field] = &[
        field::<Text>("default", "Id or name of the issuer.").clear(),
        field::<Flag>("default_follows_latest_issuer", "Makes each issuer that is made the default.").clear(),
    ];
}

async fn write_default(ctx: &mut Ctx, input: NewDefault) -> Result<Output> {
    let mut kept = defaults(ctx).await?;
    if input.default.0.is_empty() || input.default.0 == DEFAULT {
        return Err(Error::invalid("Invalid issuer specification; must be non-empty and can't be 'default'."));
    }
    let unknown = || {
        let shown = printable(&input.default.0);
        Error::invalid(format!("Error resolving issuer reference: unable to find PKI issuer for reference: {shown}"))
    };
    kept.default = find(ctx, &input.default.0).await?.ok_or_else(unknown)?.id;
    if let Present::Is(Flag(follows)) = input.default_follows_latest_issuer {
        kept.default_follows_latest_issuer = follows;
    }
    let key = store::default_issuer(&ctx.mount);
    ctx.save(key, &kept)?;
    Output::data(&kept)
}

async fn read_default_key(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let key = store::default_key(&ctx.mount);
    let kept: Defaults = ctx.load(&key).await?.unwrap_or_default();
    Output::data(&json!({ "default": kept.default }))
}

async fn read_urls(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    Output::data(&urls(ctx).await?)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NewUrls {
    issuing_certificates: Present<strongroom_engine::List>,
    crl_distribution_points: Present<strongroom_engine::List>,
    ocsp_servers: Present<strongroom_engine::List>,
}

impl Input for NewUrls {
    const FIELDS: &'static [Field] = &[
        field::<strongroom_engine::List>("issuing_certificates", "Where the issuer's certificate is.").clear(),
        field::<strongroom_engine::List>("crl_distribution_points", "Where the revocation list is.").clear(),
        field::<strongroom_engine::List>("ocsp_servers", "Where OCSP is answered.").clear(),
    ];
}

async fn write_urls(ctx: &mut Ctx, input: NewUrls) -> Result<Output> {
    let mut kept = urls(ctx).await?;
    let changes = [
        ("issuing_certificates", input.issuing_certificates, &mut kept.issuing_certificates),
        ("crl_distribution_points", input.crl_distribution_points, &mut kept.crl_distribution_points),
        ("ocsp_servers", input.ocsp_servers, &mut kept.ocsp_servers),
    ];
    for (name, given, place) in changes {
        if let Some(list) = given.into_option() {
            check_urls(name, &list.0)?;
            *place = list.0;
        }
    }
    let key = store::urls(&ctx.mount);
    ctx.save(key, &kept)?;
    Output::data(&kept)
}

/// Verifiers fetch these in clear: http, https and ldap, without spaces.
fn check_urls(name: &str, urls: &[String]) -> Result<()> {
    let is_url = |url: &String| {
        let schemes = ["http://", "https://", "ldap://"];
        let rest = schemes.iter().find_map(|s| url.get(..s.len()).filter(|h| h.eq_ignore_ascii_case(s)).and(url.get(s.len()..)));
        rest.is_some_and(|r| !r.is_empty()) && url.len() <= URL_BYTES_MAX && url.bytes().all(|b| b.is_ascii_graphic())
    };
    if urls.len() > URLS_MAX || !urls.iter().all(is_url) {
        return Err(Error::invalid(format!("{name} must be at most {URLS_MAX} http, https or ldap URLs")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use strongroom_engine::testing::assert_fields_match;

    #[test]
    fn input_tables_match() {
        assert_fields_match::<super::NewDefault>();
        assert_fields_match::<super::NewUrls>();
    }
}
