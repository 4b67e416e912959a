//! Signing requests (PKCS #10) and signatures of others. Everything here comes from outside.

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use der::asn1::{AnyRef, BitString, ObjectIdentifier, UintRef, Utf8StringRef};
use der::{Decode, Encode, Sequence};
use strongroom_engine::{Error, Result};
use x509_cert::ext::Extensions;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::request::CertReqInfo;
use x509_cert::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use crate::key::{ED25519, Kind};
use crate::name::Wanted;
use crate::name::other::OtherName;
use crate::pem;
use crate::role::Role;

const LABELS: [&str; 2] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];
/// Longest request as text.
const BYTES_MAX: usize = 128 * 1024;

const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
const ALTERNATIVE_NAMES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// What is signed, as it came: no byte of it may be encoded anew.
#[derive(Sequence)]
struct Outer<'a> {
    info: AnyRef<'a>,
    algorithm: AlgorithmIdentifier,
    signature: BitString,
}

/// RFC 8017, appendix A.1.1.
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// A request whose signature is its key's.
pub struct SigningRequest {
    pub public_key: SubjectPublicKeyInfo,
    /// Its common name and alternative names.
    pub names: Wanted,
}

impl SigningRequest {
    /// Reads a request in PEM. Errors: `Invalid` for what is none, what the role does not take, or a wrong signature.
    pub fn read(text: &str, role: &Role) -> Result<Self> {
        if text.is_empty() {
            return Err(Error::invalid("\"csr\" is empty"));
        }
        if text.len() > BYTES_MAX {
            return Err(Error::invalid("csr is longer than 128 KiB"));
        }
        let der = pem::decode(text, &LABELS).ok_or_else(|| Error::invalid("csr contains no data"))?;
        let malformed = |_| Error::invalid("certificate request could not be parsed");
        let outer = Outer::from_der(&der).map_err(malformed)?;
        let body = outer.info.to_der().map_err(malformed)?;
        let info = CertReqInfo::from_der(&body).map_err(malformed)?;
        check_key(role, kind_of(&info.public_key)?)?;
        if !verifies(&info.public_key, &outer.algorithm, &body, &outer.signature) {
            return Err(Error::invalid("request signature invalid"));
        }
        let mut names = alternative_names(&info)?;
        names.common_name = common_name(&info)?;
        Ok(Self { public_key: info.public_key, names })
    }
}

fn check_key(role: &Role, kind: Kind) -> Result<()> {
    let takes = |name: &str| role.key_type == "any" || role.key_type == name;
    if !takes(kind.name()) {
        return Err(Error::invalid(format!("role requires keys of type {}", role.key_type)));
    }
    let of_role = u32::try_from(role.key_bits).unwrap_or(0);
    let least = match kind {
        Kind::Rsa(_) => of_role.max(2048),
        Kind::Ec(_) => of_role.max(256),
        Kind::Ed25519 => 0,
    };
    let bits = kind.bits();
    if bits < least {
        let text = format!("role requires a minimum of a {least}-bit key, but CSR's key is {bits} bits");
        return Err(Error::invalid(text));
    }
    Ok(())
}

/// Algorithm and size of a public key. Errors: `Invalid` for one that is not supported.
fn kind_of(key: &SubjectPublicKeyInfo) -> Result<Kind> {
    let unsupported = || Error::invalid("the public key is not RSA, EC (P-256, P-384, P-521) or Ed25519");
    let curve = || key.algorithm.parameters.as_ref().and_then(|p| p.decode_as::<ObjectIdentifier>().ok());
    match key.algorithm.oid {
        RSA => {
            let inner = RsaPublicKey::from_der(key.subject_public_key.raw_bytes()).map_err(|_| unsupported())?;
            Ok(Kind::Rsa(bits_of(inner.modulus.as_bytes())))
        }
        EC => match curve() {
            Some(P256) => Ok(Kind::Ec(256)),
            Some(P384) => Ok(Kind::Ec(384)),
            Some(P521) => Ok(Kind::Ec(521)),
            _ => Err(unsupported()),
        },
        ED25519 => Ok(Kind::Ed25519),
        _ => Err(unsupported()),
    }
}

/// Bits of a number without leading zero octets.
fn bits_of(number: &[u8]) -> u32 {
    let octets = u32::try_from(number.len()).unwrap_or(u32::MAX);
    octets.saturating_mul(8).saturating_sub(number.first().map_or(0, |first| first.leading_zeros()))
}

/// Whether a signature over `message` is this key's. Only what is safe today is verified: no SHA-1, no RSA below 2048 bits.
pub fn verifies(key: &SubjectPublicKeyInfo, algorithm: &AlgorithmIdentifier, message: &[u8], signature: &BitString) -> bool {
    let Ok(kind) = kind_of(key) else { return false };
    let Some(verifier) = verifier(kind, algorithm.oid) else { return false };
    let Some(signature) = signature.as_bytes() else { return false };
    UnparsedPublicKey::new(verifier, key.subject_public_key.raw_bytes()).verify(message, signature).is_ok()
}

fn verifier(kind: Kind, algorithm: ObjectIdentifier) -> Option<&'static dyn VerificationAlgorithm> {
    let name = algorithm.to_string();
    Some(match (kind, name.as_str()) {
        (Kind::Rsa(_), "1.2.840.113549.1.1.11") => &signature::RSA_PKCS1_2048_8192_SHA256,
        (Kind::Rsa(_), "1.2.840.113549.1.1.12") => &signature::RSA_PKCS1_2048_8192_SHA384,
        (Kind::Rsa(_), "1.2.840.113549.1.1.13") => &signature::RSA_PKCS1_2048_8192_SHA512,
        (Kind::Ec(256), "1.2.840.10045.4.3.2") => &signature::ECDSA_P256_SHA256_ASN1,
        (Kind::Ec(256), "1.2.840.10045.4.3.3") => &signature::ECDSA_P256_SHA384_ASN1,
        (Kind::Ec(384), "1.2.840.10045.4.3.2") => &signature::ECDSA_P384_SHA256_ASN1,
        (Kind::Ec(384), "1.2.840.10045.4.3.3") => &signature::ECDSA_P384_SHA384_ASN1,
        (Kind::Ec(521), "1.2.840.10045.4.3.2") => &signature::ECDSA_P521_SHA256_ASN1,
        (Kind::Ec(521), "1.2.840.10045.4.3.3") => &signature::ECDSA_P521_SHA384_ASN1,
        (Kind::Ec(521), "1.2.840.10045.4.3.4") => &signature::ECDSA_P521_SHA512_ASN1,
        (Kind::Ed25519, "1.3.101.112") => &signature::ED25519,
        _ => return None,
    })
}

/// The common name; empty for none. Errors: `Invalid` when there are several, of which a check would see one only.
fn common_name(info: &CertReqInfo) -> Result<String> {
    let mut found = info.subject.iter().filter(|attribute| attribute.oid == COMMON_NAME);
    let Some(first) = found.next() else { return Ok(String::new()) };
    if found.next().is_some() {
        return Err(Error::invalid("the CSR has more than one common name"));
    }
    let text = x509_cert::ext::pkix::name::DirectoryString::try_from(&first.value);
    text.map(|t| t.value().into_owned()).map_err(|_| Error::invalid("the CSR's common name is not a text"))
}

fn alternative_names(info: &CertReqInfo) -> Result<Wanted> {
    let malformed = |_| Error::invalid("the CSR's extensions could not be parsed");
    let mut wanted = Wanted::default();
    for attribute in info.attributes.iter().filter(|a| a.oid == EXTENSION_REQUEST) {
        for value in attribute.values.iter() {
            let extensions: Extensions = value.decode_as().map_err(malformed)?;
            for extension in extensions.iter().filter(|e| e.extn_id == ALTERNATIVE_NAMES) {
                let names = SubjectAltName::from_der(extension.extn_value.as_bytes()).map_err(malformed)?;
                for name in names.0 {
                    take(&mut wanted, name)?;
                }
            }
        }
    }
    Ok(wanted)
}

/// SECURITY (CVE-2026-105818): a kind of name that no check of the role covers is refused, never signed or dropped.
fn take(wanted: &mut Wanted, name: GeneralName) -> Result<()> {
    let refused = || Error::invalid("the CSR has an alternative name of a kind that is not supported");
    match name {
        GeneralName::DnsName(name) if !name.as_str().contains('@') => wanted.alternatives.push(name.as_str().to_owned()),
        GeneralName::Rfc822Name(name) if name.as_str().contains('@') => wanted.alternatives.push(name.as_str().to_owned()),
        GeneralName::UniformResourceIdentifier(uri) => wanted.uris.push(uri.as_str().to_owned()),
        GeneralName::IpAddress(octets) => {
            let four = <[u8; 4]>::try_from(octets.as_bytes()).map(std::net::IpAddr::from);
            let sixteen = || <[u8; 16]>::try_from(octets.as_bytes()).map(std::net::IpAddr::from);
            wanted.addresses.push(four.or_else(|_| sixteen()).map_err(|_| refused())?);
        }
        GeneralName::OtherName(other) => {
            let value: Utf8StringRef<'_> = other.value.decode_as().map_err(|_| refused())?;
            let text = format!("{};UTF8:{}", other.type_id, value.as_str());
            wanted.others.push(OtherName::parse(&text).map_err(|_| refused())?);
        }
        _ => return Err(refused()),
    }
    Ok(())
}
