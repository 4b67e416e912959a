//! `root/generate/`: a key and its self-signed certificate, which becomes an issuer of the mount.

use der::flagset::FlagSet;
use serde::{Deserialize, Serialize};
use strongroom_engine::{
    Ctx, Error, Field, Flag, Input, List, Number, Output, Present, Result, Route, Seconds, Text, Verb, field, route,
};
use strongroom_types::{SecretString, Ttl, uuid_v4};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsages};

use crate::certificate::{self, Draft, Serial};
use crate::extensions::Contents;
use crate::format::{Format, KeyForm};
use crate::key::{KeyPair, Kind};
use crate::name::{Wanted, host::Host, ip, other, subject::Subject, uri};
use crate::role::{ext_key_usages, key_usages};
use crate::store::{self, Defaults, Der, Issued, Issuer, LeafNotAfter, Urls};
use crate::times::{self, Bounds, Validity};
use crate::{issuers, list};

const NO_SUBJECT: &str = "This issuer certificate was generated without a Subject; this makes it likely that issuing leaf certs with \
                          this certificate will cause TLS validation libraries to reject this certificate.";
pub const NO_URLS: &str = "This mount hasn't configured any authority information access (AIA) fields; this may make it harder for \
                           systems to find missing certificates in the chain or to validate revocation status of certificates. \
                           Consider updating /config/urls or the newly generated issuer with this information.";

pub fn routes() -> Vec<Route> {
    vec![route(Verb::Write, "root/generate/{exported}", "Makes a key and its self-signed certificate.", generate).shows(SHOWN)]
}

/// SECURITY: without the certificate, which holds the private key where a bundle is asked for.
const SHOWN: &[&str] =
    &["expiration", "issuer_id", "issuer_name", "issuing_ca", "key_id", "key_name", "private_key_type", "serial_number"];

/// What the certificate says of its holder.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct HolderFields {
    common_name: Text,
    alt_names: List,
    ip_sans: List,
    uri_sans: List,
    other_sans: List,
    exclude_cn_from_sans: Flag,
    serial_number: Text,
    ou: List,
    organization: List,
    country: List,
    locality: List,
    province: List,
    street_address: List,
    postal_code: List,
}

impl Input for HolderFields {
    const FIELDS: &'static [Field] = &[
        field::<Text>("common_name", "Common name.").clear(),
        field::<List>("alt_names", "Host names and mail addresses.").clear(),
        field::<List>("ip_sans", "IP addresses.").clear(),
        field::<List>("uri_sans", "URIs.").clear(),
        field::<List>("other_sans", "Other names, each as OID;UTF8:VALUE.").clear(),
        field::<Flag>("exclude_cn_from_sans", "Leaves the common name out of the alternative names.").clear(),
        field::<Text>("serial_number", "Serial number of the subject; not that of the certificate.").clear(),
        field::<List>("ou", "Organizational units.").clear(),
        field::<List>("organization", "Organizations.").clear(),
        field::<List>("country", "Countries.").clear(),
        field::<List>("locality", "Localities.").clear(),
        field::<List>("province", "Provinces.").clear(),
        field::<List>("street_address", "Street addresses.").clear(),
        field::<List>("postal_code", "Postal codes.").clear(),
    ];
}

/// What is made, and how it is given out.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RootFields {
    exported: Text,
    issuer_name: Text,
    key_name: Text,
    key_type: Present<Text>,
    key_bits: Number,
    signature_bits: Number,
    use_pss: Flag,
    ttl: Seconds,
    not_before: Text,
    not_before_duration: Present<Seconds>,
    not_after: Text,
    max_path_length: Present<Number>,
    permitted_dns_domains: List,
    key_usage: Present<List>,
    ext_key_usage: List,
    ext_key_usage_oids: List,
    format: Text,
    private_key_format: Text,
}

impl Input for RootFields {
    const FIELDS: &'static [Field] = &[
        field::<Text>("exported", "internal keeps the private key here, exported also answers it.").clear(),
        field::<Text>("issuer_name", "Name of the issuer.").clear(),
        field::<Text>("key_name", "Name of the key.").clear(),
        field::<Text>("key_type", "rsa, ec or ed25519.").clear(),
        field::<Number>("key_bits", "Size of the key; 0 is the type's default.").clear(),
        field::<Number>("signature_bits", "Hash of an RSA key's signatures: 256, 384 or 512; 0 is the default.").clear(),
        field::<Flag>("use_pss", "Not offered: must be false.").clear(),
        field::<Seconds>("ttl", "Lifetime; 0 is the mount's default.").clear(),
        field::<Text>("not_before", "Beginning, as an RFC 3339 time.").clear(),
        field::<Seconds>("not_before_duration", "How long before the present the certificate begins.").clear(),
        field::<Text>("not_after", "End, as an RFC 3339 time, instead of a lifetime.").clear(),
        field::<Number>("max_path_length", "CAs that may follow below this one; -1 is any number.").clear(),
        field::<List>("permitted_dns_domains", "Domains that certificates below may name.").clear(),
        field::<List>("key_usage", "Key usages beside CertSign and CRLSign.").clear(),
        field::<List>("ext_key_usage", "Extended key usages by name.").clear(),
        field::<List>("ext_key_usage_oids", "Extended key usages by OID.").clear(),
        field::<Text>("format", "pem, der (in base64) or pem_bundle.").clear(),
        field::<Text>("private_key_format", "der for the key's traditional form, pkcs8 for PKCS #8.").clear(),
    ];
}

/// A certificate to be made, settled before the slow work.
struct Plan {
    kind: Kind,
    signature_bits: u32,
    subject: Subject,
    names: Wanted,
    key_usage: FlagSet<KeyUsages>,
    ext_key_usage: Vec<der::asn1::ObjectIdentifier>,
    path_length: Option<u8>,
    permitted_domains: Vec<String>,
    validity: Validity,
    urls: Urls,
    serial: Serial,
}

async fn generate(ctx: &mut Ctx, (input, holder): (RootFields, HolderFields)) -> Result<Output> {
    let exported = match input.exported.0.as_str() {
        "internal" => false,
        "exported" => true,
        "existing" | "kms" => return Err(Error::invalid("only \"internal\" and \"exported\" are offered by this server")),
        _ => {
            let text = "the \"exported\" path parameter must be \"internal\", \"existing\", exported\" or \"kms\"";
            return Err(Error::invalid(text));
        }
    };
    let (format, form) = (Format::parse(&input.format.0)?, KeyForm::parse(&input.private_key_format.0)?);
    issuers::check_new_issuer_name(ctx, &input.issuer_name.0).await?;
    issuers::check_new_key_name(ctx, &input.key_name.0).await?;
    let (issuer_name, key_name) = (input.issuer_name.0.clone(), input.key_name.0.clone());
    let plan = Plan::of(ctx, input, holder).await?;
    let (pair, der, plan) = ctx.pool.run(move || plan.make()).await??;
    let issuer = keep(ctx, &plan, &pair, &der, issuer_name, &key_name).await?;
    let secret = if exported { Some(format.private_key(&pair, form)?) } else { None };
    answer(&plan, &issuer, &key_name, format, secret)
}

impl Plan {
    async fn of(ctx: &mut Ctx, input: RootFields, mut holder: HolderFields) -> Result<Self> {
        if input.use_pss.0 {
            return Err(Error::invalid("use_pss is not offered by this server"));
        }
        let kind_name = input.key_type.into_option().map_or_else(|| "rsa".to_owned(), |t| t.0);
        let kind = Kind::parse(&kind_name, input.key_bits.0)?;
        let signature_bits = u32::try_from(input.signature_bits.0).ok().filter(|bits| [0, 256, 384, 512].contains(bits));
        let signature_bits = signature_bits.ok_or_else(|| Error::invalid("signature_bits must be 0, 256, 384 or 512"))?;
        let (names, subject) = (holder.names()?, holder.subject());
        uri::check(&names.uris)?;
        names.general_names()?;
        subject.name()?;
        let backdated = input.not_before_duration.into_option().map_or(Ttl::from_s(30), |d| d.0);
        let wanted = times::Wanted { ttl: input.ttl.0, not_before: input.not_before.0, not_after: input.not_after.0 };
        let validity = Bounds::of_root(backdated, ctx).settle(&wanted)?;
        let further = input.key_usage.into_option().unwrap_or_default();
        Ok(Self {
            kind,
            signature_bits,
            subject,
            names,
            key_usage: key_usages(&further.0)? | KeyUsages::KeyCertSign | KeyUsages::CRLSign,
            ext_key_usage: ext_key_usages(&input.ext_key_usage.0, &input.ext_key_usage_oids.0)?,
            path_length: path_length(&input.max_path_length)?,
            permitted_domains: permitted(&input.permitted_dns_domains.0)?,
            validity,
            urls: issuers::urls(ctx).await?,
            serial: Serial::random(ctx.rng.as_ref()),
        })
    }

    /// Makes the key and signs. RSA keys take up to seconds: for the pool only.
    fn make(self) -> Result<(KeyPair, Vec<u8>, Self)> {
        let pair = KeyPair::generate(self.kind)?;
        let public_key = pair.public_info()?;
        let (subject, key_id) = (self.subject.name()?, certificate::key_id_of(&public_key));
        let contents = Contents {
            key_usage: self.key_usage,
            ext_key_usage: self.ext_key_usage.clone(),
            basic: Some(BasicConstraints { ca: true, path_len_constraint: self.path_length }),
            names: self.names.general_names()?,
            has_subject: !subject.is_empty(),
            permitted_domains: self.permitted_domains.clone(),
            policies: Vec::new(),
            urls: self.urls.clone(),
            own_key_id: key_id.clone(),
            issuer_key_id: key_id,
        };
        let draft = Draft {
            serial: self.serial.clone(),
            subject: subject.clone(),
            public_key,
            not_before_s: self.validity.not_before_s,
            not_after_s: self.validity.not_after_s,
            extensions: contents.extensions()?,
        };
        let der = draft.sign(subject, &pair, &pair.algorithm(self.signature_bits)?)?;
        Ok((pair, der, self))
    }
}

impl HolderFields {
    fn names(&mut self) -> Result<Wanted> {
        Ok(Wanted {
            common_name: self.common_name.0.clone(),
            alternatives: list::given(&mut self.alt_names),
            addresses: ip::parse(&self.ip_sans.0)?,
            uris: list::given(&mut self.uri_sans),
            others: other::parse(&self.other_sans.0)?,
            excludes_common_name: self.exclude_cn_from_sans.0,
            serial_number: String::new(),
            user_ids: Vec::new(),
        })
    }

    fn subject(self) -> Subject {
        Subject {
            country: self.country.0,
            organization: self.organization.0,
            ou: self.ou.0,
            locality: self.locality.0,
            province: self.province.0,
            street_address: self.street_address.0,
            postal_code: self.postal_code.0,
            user_ids: Vec::new(),
            common_name: self.common_name.0,
            serial_number: self.serial_number.0,
        }
    }
}

fn path_length(given: &Present<Number>) -> Result<Option<u8>> {
    match given {
        Present::Is(Number(-1)) | Present::Absent | Present::Null => Ok(None),
        Present::Is(Number(n)) => u8::try_from(*n).map(Some).map_err(|_| Error::invalid("max_path_length must be -1 to 255")),
    }
}

/// RFC 5280 section 4.2.1.10: a domain, with all names below it; a leading dot leaves out the domain itself.
fn permitted(domains: &[String]) -> Result<Vec<String>> {
    let ascii = |domain: &String| {
        let (dot, rest) = domain.strip_prefix('.').map_or(("", domain.as_str()), |rest| (".", rest));
        let host = Host::parse(rest).filter(|host| !host.is_wildcard);
        let host = host.ok_or_else(|| Error::invalid("permitted_dns_domains takes domains such as example.com"))?;
        Ok(format!("{dot}{}", host.ascii))
    };
    domains.iter().map(|d| d.trim().to_owned()).filter(|d| !d.is_empty()).map(|d| ascii(&d)).collect()
}

/// Writes key, issuer and certificate, and makes them the defaults where there are none.
async fn keep(ctx: &mut Ctx, plan: &Plan, pair: &KeyPair, der: &[u8], name: String, key_name: &str) -> Result<Issuer> {
    let (id, key_id) = (uuid_v4(ctx.rng.as_ref()), uuid_v4(ctx.rng.as_ref()));
    store::save_key(ctx, &key_id, key_name, plan.kind, pair)?;
    let issuer = Issuer {
        id: id.clone(),
        name,
        key_id: key_id.clone(),
        certificate: Der(der.to_vec()),
        leaf_not_after: LeafNotAfter::default(),
        signature_bits: plan.signature_bits,
        made: ctx.now,
    };
    let place = store::issuers(&ctx.mount).name(&id);
    ctx.save(place, &issuer)?;
    if !issuer.name.is_empty() {
        let place = store::issuer_name(&ctx.mount, &issuer.name);
        ctx.put(place, id.as_bytes().to_vec());
    }
    let issued = Issued { certificate: Der(der.to_vec()), issuer: id.clone(), not_after_s: plan.validity.not_after_s };
    let place = store::issued(&ctx.mount).name(&plan.serial.text());
    ctx.save(place, &issued)?;
    store::touch_lists(ctx);
    let (of_issuers, of_keys) = (store::default_issuer(&ctx.mount), store::default_key(&ctx.mount));
    default_to(ctx, of_issuers, &id).await?;
    default_to(ctx, of_keys, &key_id).await?;
    Ok(issuer)
}

async fn default_to(ctx: &mut Ctx, key: strongroom_engine::Key, id: &str) -> Result<()> {
    let mut kept: Defaults = ctx.load(&key).await?.unwrap_or_default();
    if kept.default.is_empty() || kept.default_follows_latest_issuer {
        id.clone_into(&mut kept.default);
        ctx.save(key, &kept)?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Answer<'a> {
    certificate: &'a str,
    expiration: u64,
    issuer_id: &'a str,
    issuer_name: &'a str,
    issuing_ca: String,
    key_id: &'a str,
    key_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key_type: Option<&'static str>,
    serial_number: String,
}

fn answer(plan: &Plan, issuer: &Issuer, key_name: &str, format: Format, secret: Option<SecretString>) -> Result<Output> {
    let der = &issuer.certificate.0;
    let certificate = format.leaf(secret.as_ref(), der, &[]);
    let answer = Answer {
        certificate: &certificate,
        expiration: plan.validity.not_after_s,
        issuer_id: &issuer.id,
        issuer_name: &issuer.name,
        issuing_ca: format.certificate(der),
        key_id: &issuer.key_id,
        key_name,
        private_key: secret.as_ref().map(SecretString::expose),
        private_key_type: secret.as_ref().map(|_| plan.kind.name()),
        serial_number: plan.serial.text(),
    };
    let mut warnings = plan.validity.warnings.clone();
    if plan.subject.name()?.is_empty() {
        warnings.push(NO_SUBJECT.into());
    }
    if plan.urls.is_empty() {
        warnings.push(NO_URLS.into());
    }
    Ok(Output { warnings, ..Output::data(&answer)? })
}

#[cfg(test)]
mod tests {
    use strongroom_engine::testing::assert_fields_match;

    #[test]
    fn input_tables_match() {
        assert_fields_match::<super::RootFields>();
        assert_fields_match::<super::HolderFields>();
    }
}
