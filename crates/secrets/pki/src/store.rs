//! What the mount keeps, and where. Private keys are entries of their own, so that nothing that is shown is read with them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strongroom_engine::{Ctx, Error, Key, MountFacts, Result};
use strongroom_types::{SecretBytes, Timestamp};

use crate::key::{KeyPair, Kind};

/// DER of a certificate, in base64 within its record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Der(pub Vec<u8>);

impl Serialize for Der {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Der {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A certificate that signs others.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Issuer {
    pub id: String,
    /// Empty for none.
    pub name: String,
    /// Empty when its private key is not here.
    pub key_id: String,
    pub certificate: Der,
    pub leaf_not_after: LeafNotAfter,
    /// Hash of its signatures in bits where the key is RSA; 0 is the default.
    pub signature_bits: u32,
    pub made: Timestamp,
}

/// What becomes of a certificate that would outlive its issuer's.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "snake_case")]
pub enum LeafNotAfter {
    /// It is refused.
    #[default]
    Err,
    /// It ends with the issuer's.
    Truncate,
    /// It is issued as asked for; verifiers refuse it after the issuer's end.
    Permit,
}

/// A private key, without its secret.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct KeyEntry {
    pub id: String,
    /// Empty for none.
    pub name: String,
    pub key_type: String,
    /// 0 for Ed25519.
    pub key_bits: u32,
}

impl KeyEntry {
    pub fn kind(&self) -> Result<Kind> {
        Kind::parse(&self.key_type, i64::from(self.key_bits)).map_err(|_| Error::Internal("a key of an unknown kind".into()))
    }
}

/// A certificate of this mount, under its serial number.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Issued {
    pub certificate: Der,
    pub issuer: String,
    /// End of its validity in seconds since 1970.
    pub not_after_s: u64,
}

/// A revocation, under the serial number.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Revoked {
    pub issuer: String,
    pub at: Timestamp,
    /// End of the certificate's validity in seconds since 1970.
    pub not_after_s: u64,
}

/// The issuer that is meant where none is named.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
pub struct Defaults {
    /// Empty for none.
    pub default: String,
    pub default_follows_latest_issuer: bool,
}

/// Addresses that certificates carry.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
pub struct Urls {
    pub issuing_certificates: Vec<String>,
    pub crl_distribution_points: Vec<String>,
    pub ocsp_servers: Vec<String>,
}

impl Urls {
    pub fn is_empty(&self) -> bool {
        self.issuing_certificates.is_empty() && self.crl_distribution_points.is_empty() && self.ocsp_servers.is_empty()
    }
}

pub fn issuers(mount: &MountFacts) -> Key {
    mount.key("issuer")
}

pub fn keys(mount: &MountFacts) -> Key {
    mount.key("key")
}

/// Raw PKCS #8.
pub fn secret(mount: &MountFacts, key_id: &str) -> Key {
    mount.key("secret").name(key_id)
}

/// The id of the issuer that has this name.
pub fn issuer_name(mount: &MountFacts, name: &str) -> Key {
    mount.key("in").name(name)
}

/// The id of the key that has this name.
pub fn key_name(mount: &MountFacts, name: &str) -> Key {
    mount.key("kn").name(name)
}

pub fn issued(mount: &MountFacts) -> Key {
    mount.key("cert")
}

pub fn revoked(mount: &MountFacts) -> Key {
    mount.key("rev")
}

pub fn roles(mount: &MountFacts) -> Key {
    mount.key("role")
}

pub fn default_issuer(mount: &MountFacts) -> Key {
    mount.key("config").name("issuers")
}

pub fn default_key(mount: &MountFacts) -> Key {
    mount.key("config").name("keys")
}

pub fn urls(mount: &MountFacts) -> Key {
    mount.key("config").name("urls")
}

/// Another value after every change of what a revocation list says.
pub fn list_version(mount: &MountFacts) -> Key {
    mount.key("crl").name("version")
}

/// Marks the revocation lists as changed. It is written without being read, so that revocations don't wait for each other.
pub fn touch_lists(ctx: &mut Ctx) {
    let mut version = [0; 16];
    ctx.rng.fill(&mut version);
    let key = list_version(&ctx.mount);
    ctx.put(key, version.to_vec());
}

/// A private key with the material that signs. Errors: `Internal` when it is gone or damaged.
pub async fn key_pair(ctx: &mut Ctx, key_id: &str) -> Result<(Kind, SecretBytes)> {
    let key = keys(&ctx.mount).name(key_id);
    let entry: KeyEntry = ctx.load(&key).await?.ok_or_else(|| Error::Internal("an issuer's key is gone".into()))?;
    let key = secret(&ctx.mount, key_id);
    let found = ctx.get(&key).await?.ok_or_else(|| Error::Internal("an issuer's private key is gone".into()))?;
    Ok((entry.kind()?, SecretBytes::new(found.value().to_vec())))
}

/// Writes a key. `name` may be empty.
pub fn save_key(ctx: &mut Ctx, id: &str, name: &str, kind: Kind, pair: &KeyPair) -> Result<()> {
    let entry = KeyEntry { id: id.to_owned(), name: name.to_owned(), key_type: kind.name().into(), key_bits: kind.bits() };
    let (place, secret) = (keys(&ctx.mount).name(id), secret(&ctx.mount, id));
    ctx.save(place, &entry)?;
    ctx.put(secret, pair.pkcs8()?.expose().to_vec());
    if !name.is_empty() {
        let place = key_name(&ctx.mount, name);
        ctx.put(place, id.as_bytes().to_vec());
    }
    Ok(())
}
