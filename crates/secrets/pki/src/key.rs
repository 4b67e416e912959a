//! Key pairs: made, kept as PKCS #8, and used to sign. All arithmetic is the crypto library's.

use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding};
use der::asn1::{AnyRef, Null, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Sequence};
use strongroom_engine::{Error, Result};
use strongroom_types::SecretBytes;
use x509_cert::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use crate::error::{crypto, encoding};

const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
pub const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Algorithm and size of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Size of the modulus in bits.
    Rsa(u32),
    /// Size of the curve in bits: 256, 384 or 521.
    Ec(u32),
    Ed25519,
}

impl Kind {
    /// The kind that a type name and a size in bits mean; 0 is the type's default. Errors: `Invalid` naming the rule.
    pub fn parse(name: &str, bits: i64) -> Result<Self> {
        match (name, bits) {
            ("rsa", 0) => Ok(Self::Rsa(2048)),
            ("rsa", 2048 | 3072 | 4096) => Ok(Self::Rsa(u32::try_from(bits).unwrap_or(2048))),
            ("rsa", ..2048) => Err(Error::invalid(format!("RSA keys < 2048 bits are unsafe and not supported: got {bits}"))),
            ("rsa", _) => Err(Error::invalid("key_bits of an RSA key must be 2048, 3072 or 4096")),
            ("ec", 0) => Ok(Self::Ec(256)),
            ("ec", 256 | 384 | 521) => Ok(Self::Ec(u32::try_from(bits).unwrap_or(256))),
            ("ec", _) => Err(Error::invalid("key_bits of an EC key must be 256, 384 or 521")),
            ("ed25519", _) => Ok(Self::Ed25519),
            (other, _) => Err(Error::invalid(format!("unknown key type {}", crate::error::printable(other)))),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa(_) => "rsa",
            Self::Ec(_) => "ec",
            Self::Ed25519 => "ed25519",
        }
    }

    /// 0 where the type has one size only.
    pub fn bits(self) -> u32 {
        match self {
            Self::Rsa(bits) | Self::Ec(bits) => bits,
            Self::Ed25519 => 0,
        }
    }
}

/// A key pair that can sign.
pub struct KeyPair(Inner);

enum Inner {
    Rsa(rsa::KeyPair),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl KeyPair {
    /// A fresh key. RSA takes up to seconds: for the pool only.
    pub fn generate(kind: Kind) -> Result<Self> {
        Ok(Self(match kind {
            Kind::Rsa(bits) => Inner::Rsa(rsa::KeyPair::generate(rsa_size(bits)?).map_err(crypto)?),
            Kind::Ec(bits) => Inner::Ec(EcdsaKeyPair::generate(curve(bits)?).map_err(crypto)?),
            Kind::Ed25519 => Inner::Ed25519(Ed25519KeyPair::generate().map_err(crypto)?),
        }))
    }

    /// A key as `pkcs8` keeps it. Errors: `Internal` when it is damaged.
    pub fn read(kind: Kind, pkcs8: &SecretBytes) -> Result<Self> {
        let damaged = |_| Error::Internal("a stored private key is damaged".into());
        Ok(Self(match kind {
            Kind::Rsa(_) => Inner::Rsa(rsa::KeyPair::from_pkcs8(pkcs8.expose()).map_err(damaged)?),
            Kind::Ec(bits) => Inner::Ec(EcdsaKeyPair::from_pkcs8(curve(bits)?, pkcs8.expose()).map_err(damaged)?),
            Kind::Ed25519 => Inner::Ed25519(Ed25519KeyPair::from_pkcs8(pkcs8.expose()).map_err(damaged)?),
        }))
    }

    /// PKCS #8, version 1.
    pub fn pkcs8(&self) -> Result<SecretBytes> {
        let bytes = match &self.0 {
            Inner::Rsa(pair) => AsDer::<Pkcs8V1Der<'_>>::as_der(pair).map_err(crypto)?.as_ref().to_vec(),
            Inner::Ec(pair) => pair.to_pkcs8v1().map_err(crypto)?.as_ref().to_vec(),
            Inner::Ed25519(pair) => pair.to_pkcs8v1().map_err(crypto)?.as_ref().to_vec(),
        };
        Ok(SecretBytes::new(bytes))
    }

    /// The form that each type had before PKCS #8 (PKCS #1, SEC 1), with its PEM label. Ed25519 never had another.
    pub fn traditional(&self) -> Result<(&'static str, SecretBytes)> {
        match &self.0 {
            Inner::Rsa(_) => Ok(("RSA PRIVATE KEY", inner_of(&self.pkcs8()?)?)),
            Inner::Ec(pair) => {
                let sec1 = AsDer::<EcPrivateKeyRfc5915Der<'_>>::as_der(&pair.private_key()).map_err(crypto)?;
                Ok(("EC PRIVATE KEY", SecretBytes::new(sec1.as_ref().to_vec())))
            }
            Inner::Ed25519(_) => Ok(("PRIVATE KEY", self.pkcs8()?)),
        }
    }

    pub fn public_info(&self) -> Result<SubjectPublicKeyInfo> {
        let bytes = match &self.0 {
            Inner::Rsa(pair) => AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).map_err(crypto)?,
            Inner::Ec(pair) => AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).map_err(crypto)?,
            Inner::Ed25519(pair) => AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).map_err(crypto)?,
        };
        SubjectPublicKeyInfo::from_der(bytes.as_ref()).map_err(encoding)
    }

    /// How this key signs. `bits` is the hash's size for RSA, 0 for the default; curves settle theirs themselves.
    pub fn algorithm(&self, bits: u32) -> Result<Algorithm> {
        Ok(match &self.0 {
            Inner::Rsa(_) => match bits {
                0 | 256 => Algorithm { oid: RSA_SHA256, rsa: Some(&signature::RSA_PKCS1_SHA256) },
                384 => Algorithm { oid: RSA_SHA384, rsa: Some(&signature::RSA_PKCS1_SHA384) },
                512 => Algorithm { oid: RSA_SHA512, rsa: Some(&signature::RSA_PKCS1_SHA512) },
                _ => return Err(Error::invalid("signature_bits must be 0, 256, 384 or 512")),
            },
            Inner::Ec(pair) => {
                let of_curve = [
                    (&signature::ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_SHA256),
                    (&signature::ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_SHA384),
                ];
                let found = of_curve.iter().find(|(algorithm, _)| *algorithm == pair.algorithm());
                Algorithm { oid: found.map_or(ECDSA_SHA512, |(_, oid)| *oid), rsa: None }
            }
            Inner::Ed25519(_) => Algorithm { oid: ED25519, rsa: None },
        })
    }

    pub fn sign(&self, algorithm: &Algorithm, message: &[u8]) -> Result<Vec<u8>> {
        let rng = SystemRandom::new();
        match (&self.0, algorithm.rsa) {
            (Inner::Rsa(pair), Some(padding)) => {
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &rng, message, &mut out).map_err(crypto)?;
                Ok(out)
            }
            (Inner::Rsa(_), None) => Err(Error::Internal("an RSA key was asked for another signature".into())),
            (Inner::Ec(pair), _) => Ok(pair.sign(&rng, message).map_err(crypto)?.as_ref().to_vec()),
            (Inner::Ed25519(pair), _) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

/// A signature algorithm of one key.
pub struct Algorithm {
    oid: ObjectIdentifier,
    rsa: Option<&'static dyn RsaEncoding>,
}

impl Algorithm {
    pub fn identifier(&self) -> AlgorithmIdentifier {
        // RFC 4055: RSA has a NULL for parameters; RFC 5758 and RFC 8410: the others have none.
        AlgorithmIdentifier { oid: self.oid, parameters: self.rsa.map(|_| AnyRef::from(Null).into()) }
    }
}

fn rsa_size(bits: u32) -> Result<rsa::KeySize> {
    match bits {
        2048 => Ok(rsa::KeySize::Rsa2048),
        3072 => Ok(rsa::KeySize::Rsa3072),
        4096 => Ok(rsa::KeySize::Rsa4096),
        _ => Err(Error::Internal("an RSA key of an unknown size".into())),
    }
}

fn curve(bits: u32) -> Result<&'static EcdsaSigningAlgorithm> {
    match bits {
        256 => Ok(&signature::ECDSA_P256_SHA256_ASN1_SIGNING),
        384 => Ok(&signature::ECDSA_P384_SHA384_ASN1_SIGNING),
        521 => Ok(&signature::ECDSA_P521_SHA512_ASN1_SIGNING),
        _ => Err(Error::Internal("an EC key of an unknown size".into())),
    }
}

/// RFC 5208 `PrivateKeyInfo`, as far as its inner key is wanted.
#[derive(Sequence)]
struct PrivateKeyInfo<'a> {
    version: u8,
    algorithm: AnyRef<'a>,
    private_key: &'a OctetStringRef,
}

fn inner_of(pkcs8: &SecretBytes) -> Result<SecretBytes> {
    let info = PrivateKeyInfo::from_der(pkcs8.expose()).map_err(encoding)?;
    Ok(SecretBytes::new(info.private_key.as_bytes().to_vec()))
}

/// DER of any value, as an error of this crate.
pub fn der_of(value: &impl Encode) -> Result<Vec<u8>> {
    value.to_der().map_err(encoding)
}
