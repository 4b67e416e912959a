//! `issue/` makes a key with its certificate, `sign/` certifies the key of a signing request. Both under a role.

use der::asn1::ObjectIdentifier;
use serde::{Deserialize, Serialize};
use serde_json::json;
use strongroom_engine::{
    Ctx, Error, Field, Flag, Input, List, NewLease, Number, Output, Present, Result, Route, Seconds, Text, Verb, field, route,
};
use strongroom_types::{SecretBytes, SecretString, Ttl};
use x509_cert::ext::pkix::BasicConstraints;
use x509_cert::{Certificate, SubjectPublicKeyInfo};

use crate::certificate::{self, Draft, Serial};
use crate::csr::SigningRequest;
use crate::extensions::Contents;
use crate::format::{Format, KeyForm};
use crate::key::{KeyPair, Kind};
use crate::name::{self, ip, other, subject};
use crate::role::{self, Role};
use crate::store::{self, Der, Issued, Issuer, Urls};
use crate::times::{self, Bounds, Validity};
use crate::{issuers, list};

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::Write, "issue/{role}", "Makes a key and its certificate.", issue).shows(SHOWN),
        route(Verb::Write, "sign/{role}", "Certifies the key of a signing request.", sign).shows(SHOWN),
    ]
}

/// SECURITY: without the certificate, which holds the private key where a bundle is asked for.
const SHOWN: &[&str] = &["ca_chain", "expiration", "issuing_ca", "not_before", "private_key_type", "serial_number"];

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct IssueFields {
    role: Text,
    common_name: Text,
    alt_names: List,
    ip_sans: List,
    uri_sans: List,
    other_sans: List,
    serial_number: Text,
    user_ids: List,
    exclude_cn_from_sans: Flag,
    ttl: Seconds,
    not_before: Text,
    not_after: Text,
    format: Text,
    private_key_format: Text,
    remove_roots_from_chain: Flag,
}

impl Input for IssueFields {
    const FIELDS: &'static [Field] = &[
        field::<Text>("role", "Name of the role.").clear(),
        field::<Text>("common_name", "Common name, usually a host name.").clear(),
        field::<List>("alt_names", "Further host names and mail addresses.").clear(),
        field::<List>("ip_sans", "IP addresses.").clear(),
        field::<List>("uri_sans", "URIs.").clear(),
        field::<List>("other_sans", "Other names, each as OID;UTF8:VALUE.").clear(),
        field::<Text>("serial_number", "Serial number of the subject; not that of the certificate.").clear(),
        field::<List>("user_ids", "User ids of the subject.").clear(),
        field::<Flag>("exclude_cn_from_sans", "Leaves the common name out of the alternative names.").clear(),
        field::<Seconds>("ttl", "Lifetime.").clear(),
        field::<Text>("not_before", "Beginning, as an RFC 3339 time.").clear(),
        field::<Text>("not_after", "End, as an RFC 3339 time, instead of a lifetime.").clear(),
        field::<Text>("format", "pem, der (in base64) or pem_bundle.").clear(),
        field::<Text>("private_key_format", "der for the key's traditional form, pkcs8 for PKCS #8.").clear(),
        field::<Flag>("remove_roots_from_chain", "Leaves self-signed certificates out of the chain.").clear(),
    ];
}

/// Which key `issue/` makes, for roles that leave it open.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct KeyFields {
    key_type: Present<Text>,
    key_bits: Present<Number>,
}

impl Input for KeyFields {
    const FIELDS: &'static [Field] = &[
        field::<Text>("key_type", "Kind of key, for roles whose key_type is any.").clear(),
        field::<Number>("key_bits", "Size of the key, for roles whose key_type is any.").clear(),
    ];
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct CsrField {
    csr: Text,
}

impl Input for CsrField {
    const FIELDS: &'static [Field] = &[field::<Text>("csr", "Signing request in PEM.")];
}

impl IssueFields {
    fn names(&mut self) -> Result<name::Wanted> {
        Ok(name::Wanted {
            common_name: std::mem::take(&mut self.common_name.0),
            alternatives: list::given(&mut self.alt_names),
            addresses: ip::parse(&self.ip_sans.0)?,
            uris: list::given(&mut self.uri_sans),
            others: other::parse(&self.other_sans.0)?,
            excludes_common_name: self.exclude_cn_from_sans.0,
            serial_number: std::mem::take(&mut self.serial_number.0),
            user_ids: list::given(&mut self.user_ids),
        })
    }

    fn times(&mut self) -> times::Wanted {
        let (not_before, not_after) = (std::mem::take(&mut self.not_before.0), std::mem::take(&mut self.not_after.0));
        times::Wanted { ttl: self.ttl.0, not_before, not_after }
    }
}

async fn issue(ctx: &mut Ctx, (mut input, key): (IssueFields, KeyFields)) -> Result<Output> {
    let form = KeyForm::parse(&input.private_key_format.0)?;
    let role = role::load(ctx, &input.role.0).await?;
    let kind = key_kind(&role, &key)?;
    let names = input.names()?;
    let plan = Plan::of(ctx, role, names, &mut input).await?;
    let format = plan.format;
    let work = move || {
        let pair = KeyPair::generate(kind)?;
        let made = plan.make(pair.public_info()?)?;
        let secret = format.private_key(&pair, form)?;
        Ok((made, Some((kind.name(), secret))))
    };
    finish(ctx, work, Vec::new()).await
}

async fn sign(ctx: &mut Ctx, (mut input, csr): (IssueFields, CsrField)) -> Result<Output> {
    let role = role::load(ctx, &input.role.0).await?;
    let mut names = input.names()?;
    let (limits, text) = (role.clone(), csr.csr.0);
    let request = ctx.pool.run(move || SigningRequest::read(&text, &limits)).await??;
    let warnings = merge(&role, &mut names, request.names);
    let plan = Plan::of(ctx, role, names, &mut input).await?;
    let public_key = request.public_key;
    finish(ctx, move || Ok((plan.make(public_key)?, None)), warnings).await
}

/// What the role takes from a request instead of the parameters. The answer is warnings about parameters that don't count.
fn merge(role: &Role, names: &mut name::Wanted, request: name::Wanted) -> Vec<String> {
    let warn = |given: bool, field: &str, flag: &str| {
        given.then(|| format!("the {field} field was provided but the role is set with \"{flag}\" set to true"))
    };
    let mut warnings = Vec::new();
    if role.use_csr_common_name {
        warnings.extend(warn(!names.common_name.is_empty(), "common_name", "use_csr_common_name"));
        if !request.common_name.is_empty() {
            names.common_name = request.common_name;
        }
    }
    if role.use_csr_sans {
        warnings.extend(warn(!names.alternatives.is_empty(), "alt_names", "use_csr_sans"));
        warnings.extend(warn(!names.addresses.is_empty(), "ip_sans", "use_csr_sans"));
        warnings.extend(warn(!names.uris.is_empty(), "uri_sans", "use_csr_sans"));
        warnings.extend(warn(!names.others.is_empty(), "other_sans", "use_csr_sans"));
        names.alternatives = request.alternatives;
        names.addresses = request.addresses;
        names.uris = request.uris;
        names.others = request.others;
    }
    warnings
}

/// The kind of key that the role settles, or leaves open. Errors: `Invalid` when neither says, or they differ.
fn key_kind(role: &Role, asked: &KeyFields) -> Result<Kind> {
    let (kind, bits) = match asked {
        KeyFields { key_type: Present::Is(kind), key_bits: Present::Is(bits) } => (Some(kind.0.as_str()), Some(bits.0)),
        KeyFields { key_type: Present::Is(kind), .. } => (Some(kind.0.as_str()), None),
        KeyFields { key_bits: Present::Is(bits), .. } => (None, Some(bits.0)),
        _ => (None, None),
    };
    if role.key_type != "any" {
        let settled = Kind::parse(&role.key_type, role.key_bits)?;
        let asked = Kind::parse(kind.unwrap_or(&role.key_type), bits.unwrap_or(role.key_bits))?;
        if asked != settled {
            return Err(Error::invalid("key_type and key_bits are settled by this role"));
        }
        return Ok(settled);
    }
    let open = "role key type \"any\" not allowed for issuing certificates without providing key_type and/or key_bits request \
                parameters";
    match (kind, bits) {
        (None, None) => Err(Error::invalid(open)),
        (kind, bits) => Kind::parse(kind.unwrap_or("rsa"), bits.unwrap_or(0)),
    }
}

/// All that making one certificate takes beside its key; settled before the slow work.
struct Plan {
    role: Role,
    issuer: Issuer,
    ca: Certificate,
    ca_key: (Kind, SecretBytes),
    names: name::Wanted,
    validity: Validity,
    urls: Urls,
    serial: Serial,
    format: Format,
    removes_roots: bool,
}

/// A certificate and what its answer needs.
struct Made {
    der: Vec<u8>,
    chain: Vec<Vec<u8>>,
    plan: Plan,
}

impl Plan {
    async fn of(ctx: &mut Ctx, role: Role, names: name::Wanted, input: &mut IssueFields) -> Result<Self> {
        let format = Format::parse(&input.format.0)?;
        let display_name = ctx.caller.as_ref().map(|c| c.display_name.clone()).unwrap_or_default();
        name::judge(&role, &display_name, &names)?;
        let issuer = issuers::load(ctx, &role.issuer_ref).await?;
        let ca = certificate::read(&issuer.certificate.0)?;
        let validity = Bounds::of_role(&role, ctx).settle(&input.times())?;
        let validity = validity.bounded(certificate::not_after_s(&ca), issuer.leaf_not_after)?;
        if issuer.key_id.is_empty() {
            return Err(Error::invalid("the issuer's private key is not in this mount"));
        }
        let ca_key = store::key_pair(ctx, &issuer.key_id).await?;
        let (urls, serial) = (issuers::urls(ctx).await?, Serial::random(ctx.rng.as_ref()));
        let removes_roots = input.remove_roots_from_chain.0;
        Ok(Self { role, issuer, ca, ca_key, names, validity, urls, serial, format, removes_roots })
    }

    /// Signs. Takes up to milliseconds: for the pool.
    fn make(self, public_key: SubjectPublicKeyInfo) -> Result<Made> {
        let subject = subject::Subject {
            common_name: self.names.common_name.clone(),
            serial_number: self.names.serial_number.clone(),
            user_ids: self.names.user_ids.clone(),
            ..subject::of_role(&self.role)?
        };
        let subject = subject.name()?;
        let names = self.names.general_names()?;
        if subject.is_empty() && names.is_empty() {
            return Err(Error::invalid("a certificate needs a name: give a common name or an alternative name"));
        }
        let contents = Contents {
            key_usage: role::key_usages(&self.role.key_usage)?,
            ext_key_usage: ext_key_usage(&self.role)?,
            basic: self
                .role
                .basic_constraints_valid_for_non_ca
                .then_some(BasicConstraints { ca: false, path_len_constraint: None }),
            names,
            has_subject: !subject.is_empty(),
            permitted_domains: Vec::new(),
            policies: role::policies(&self.role.policy_identifiers)?,
            urls: self.urls.clone(),
            own_key_id: certificate::key_id_of(&public_key),
            issuer_key_id: certificate::key_id(&self.ca)?,
        };
        let draft = Draft {
            serial: self.serial.clone(),
            subject,
            public_key,
            not_before_s: self.validity.not_before_s,
            not_after_s: self.validity.not_after_s,
            extensions: contents.extensions()?,
        };
        let (kind, secret) = &self.ca_key;
        let key = KeyPair::read(*kind, secret)?;
        let bits = u32::try_from(self.role.signature_bits).unwrap_or(0);
        let algorithm = key.algorithm(if bits == 0 { self.issuer.signature_bits } else { bits })?;
        let der = draft.sign(self.ca.tbs_certificate().subject().clone(), &key, &algorithm)?;
        let is_root = self.ca.tbs_certificate().subject() == self.ca.tbs_certificate().issuer();
        let chain = if self.removes_roots && is_root { Vec::new() } else { vec![self.issuer.certificate.0.clone()] };
        Ok(Made { der, chain, plan: self })
    }
}

/// Those of the role's flags and lists, each once.
fn ext_key_usage(role: &Role) -> Result<Vec<ObjectIdentifier>> {
    let flags = [
        (role.server_flag, "ServerAuth"),
        (role.client_flag, "ClientAuth"),
        (role.code_signing_flag, "CodeSigning"),
        (role.email_protection_flag, "EmailProtection"),
    ];
    let names = flags.iter().filter(|(set, _)| *set).map(|(_, name)| (*name).to_owned());
    role::ext_key_usages(&names.chain(role.ext_key_usage.iter().cloned()).collect::<Vec<_>>(), &role.ext_key_usage_oids)
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ca_chain: Vec<String>,
    certificate: &'a str,
    expiration: u64,
    issuing_ca: String,
    not_before: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key_type: Option<&'static str>,
    serial_number: String,
}

type Work = (Made, Option<(&'static str, SecretString)>);

/// Does the slow work, keeps the certificate, and answers.
async fn finish(
    ctx: &mut Ctx,
    work: impl FnOnce() -> Result<Work> + Send + 'static,
    mut warnings: Vec<String>,
) -> Result<Output> {
    let (Made { der, chain, plan }, secret) = ctx.pool.run(work).await??;
    keep(ctx, &plan, &der)?;
    let (format, validity) = (plan.format, &plan.validity);
    let certificate = format.leaf(secret.as_ref().map(|(_, key)| key), &der, &chain);
    warnings.extend(validity.warnings.iter().cloned());
    let answer = Answer {
        ca_chain: chain.iter().map(|c| format.certificate(c)).collect(),
        certificate: &certificate,
        expiration: validity.not_after_s,
        issuing_ca: format.certificate(&plan.issuer.certificate.0),
        not_before: validity.not_before_s,
        private_key: secret.as_ref().map(|(_, key)| key.expose()),
        private_key_type: secret.as_ref().map(|(kind, _)| *kind),
        serial_number: plan.serial.text(),
    };
    let lease = plan.role.generate_lease.then(|| Box::new(lease(ctx, &plan)));
    Ok(Output { warnings, lease, ..Output::data(&answer)? })
}

fn keep(ctx: &mut Ctx, plan: &Plan, der: &[u8]) -> Result<()> {
    if plan.role.no_store {
        return Ok(());
    }
    let issued =
        Issued { certificate: Der(der.to_vec()), issuer: plan.issuer.id.clone(), not_after_s: plan.validity.not_after_s };
    let key = store::issued(&ctx.mount).name(&plan.serial.text());
    ctx.save(key, &issued)
}

/// Ends just after the certificate, so that what expires by itself is not revoked; its early end revokes.
fn lease(ctx: &Ctx, plan: &Plan) -> NewLease {
    let ttl = Ttl::from_s(plan.validity.not_after_s.saturating_sub(ctx.now.unix_s()));
    let recipe = json!({
        "serial": plan.serial.text(),
        "issuer": plan.issuer.id,
        "not_after_s": plan.validity.not_after_s,
    });
    NewLease { ttl, max_ttl: Ttl::ZERO, renewable: false, recipe }
}

#[cfg(test)]
mod tests {
    use strongroom_engine::testing::assert_fields_match;

    #[test]
    fn input_tables_match() {
        assert_fields_match::<super::IssueFields>();
        assert_fields_match::<super::KeyFields>();
        assert_fields_match::<super::CsrField>();
    }
}
