//! Certificates and revocation lists: assembled by field (RFC 5280), signed, and read back.

use der::asn1::{BitString, OctetString};
use der::{Decode, Sequence};
use strongroom_engine::{Error, Result};
use strongroom_types::{Rng, Timestamp};
use x509_cert::ext::pkix::SubjectKeyIdentifier;
use x509_cert::ext::{Extension, Extensions};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::{Time, Validity};
use x509_cert::{AlgorithmIdentifier, Certificate, SubjectPublicKeyInfo, Version};

use crate::error::encoding;
use crate::key::{Algorithm, KeyPair, der_of};

/// The last second that a certificate can name: 9999-12-31T23:59:59Z.
pub const END_OF_TIME_S: u64 = 253_402_300_799;

/// RFC 5280 section 4.1, version 3 without the unique ids that it forbids.
#[derive(Sequence)]
struct ToBeSigned {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: Version,
    serial_number: SerialNumber,
    signature: AlgorithmIdentifier,
    issuer: Name,
    validity: Validity,
    subject: Name,
    public_key: SubjectPublicKeyInfo,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Extensions,
}

/// What RFC 5280 signs: the bytes of the body, and how.
#[derive(Sequence)]
struct Signed {
    body: der::Any,
    algorithm: AlgorithmIdentifier,
    signature: BitString,
}

/// All of a certificate that its issuer does not settle.
pub struct Draft {
    pub serial: Serial,
    pub subject: Name,
    pub public_key: SubjectPublicKeyInfo,
    /// Seconds since 1970, both inclusive.
    pub not_before_s: u64,
    pub not_after_s: u64,
    pub extensions: Extensions,
}

impl Draft {
    /// The DER of the signed certificate.
    pub fn sign(self, issuer: Name, key: &KeyPair, algorithm: &Algorithm) -> Result<Vec<u8>> {
        let body = ToBeSigned {
            version: Version::V3,
            serial_number: self.serial.number()?,
            signature: algorithm.identifier(),
            issuer,
            validity: Validity::new(time(self.not_before_s)?, time(self.not_after_s)?),
            subject: self.subject,
            public_key: self.public_key,
            extensions: self.extensions,
        };
        signed(&der_of(&body)?, key, algorithm)
    }
}

/// Signs a body and puts both into one structure.
pub fn signed(body: &[u8], key: &KeyPair, algorithm: &Algorithm) -> Result<Vec<u8>> {
    let signature = key.sign(algorithm, body)?;
    der_of(&Signed {
        body: der::Any::from_der(body).map_err(encoding)?,
        algorithm: algorithm.identifier(),
        signature: BitString::from_bytes(&signature).map_err(encoding)?,
    })
}

/// Seconds since 1970 as a certificate writes them: two digits of the year until 2049, then four.
pub fn time(s: u64) -> Result<Time> {
    let date = der::DateTime::from_unix_duration(std::time::Duration::from_secs(s.min(END_OF_TIME_S))).map_err(encoding)?;
    Ok(Time::from(date))
}

/// A certificate's serial number: a positive number of up to 20 octets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Serial(Vec<u8>);

impl Serial {
    /// 158 random bits in 20 octets. The first is never zero, so that every spelling has the same length.
    pub fn random(rng: &dyn Rng) -> Self {
        let mut bytes = vec![0; 20];
        rng.fill(&mut bytes);
        if let Some(first) = bytes.first_mut() {
            *first = (*first & 0x3f) | 0x40;
        }
        Self(bytes)
    }

    /// Reads `0a:1b`, `0a-1b` or `0a1b`. None for what is no number.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| *c != ':' && *c != '-').collect();
        let digits = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits };
        let bytes = hex::decode(digits).ok().filter(|bytes| !bytes.is_empty() && bytes.len() <= 21)?;
        let significant: Vec<u8> = bytes.iter().copied().skip_while(|b| *b == 0).collect();
        Some(Self(if significant.is_empty() { vec![0] } else { significant }))
    }

    pub fn of(certificate: &Certificate) -> Self {
        let bytes = certificate.tbs_certificate().serial_number().as_bytes();
        let significant: Vec<u8> = bytes.iter().copied().skip_while(|b| *b == 0).collect();
        Self(significant)
    }

    /// `0a:1b`, as the contract shows it; also the name under which records are kept.
    pub fn text(&self) -> String {
        let pairs: Vec<String> = self.0.iter().map(|b| format!("{b:02x}")).collect();
        pairs.join(":")
    }

    pub fn number(&self) -> Result<SerialNumber> {
        SerialNumber::new(&self.0).map_err(encoding)
    }
}

/// A certificate of this mount. Errors: `Internal` when it is damaged.
pub fn read(der: &[u8]) -> Result<Certificate> {
    Certificate::from_der(der).map_err(|_| Error::Internal("a stored certificate is damaged".into()))
}

/// Its end in seconds since 1970.
pub fn not_after_s(certificate: &Certificate) -> u64 {
    certificate.tbs_certificate().validity().not_after.to_unix_duration().as_secs()
}

/// How certificates and lists name its key: as its own extension does, or by its key.
pub fn key_id(certificate: &Certificate) -> Result<Vec<u8>> {
    let body = certificate.tbs_certificate();
    match body.get_extension::<SubjectKeyIdentifier>() {
        Ok(Some((_, id))) => Ok(id.0.as_bytes().to_vec()),
        _ => Ok(key_id_of(body.subject_public_key_info())),
    }
}

/// RFC 7093 section 2, method 1: the leftmost 160 bits of the SHA-256 hash of the key's bits.
pub fn key_id_of(public_key: &SubjectPublicKeyInfo) -> Vec<u8> {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, public_key.subject_public_key.raw_bytes());
    hash.as_ref().iter().copied().take(20).collect()
}

/// One extension. Errors: `Internal` when it can't be encoded.
pub fn extension<T: der::oid::AssociatedOid + der::Encode>(critical: bool, value: &T) -> Result<Extension> {
    let extn_value = OctetString::new(der_of(value)?).map_err(encoding)?;
    Ok(Extension { extn_id: T::OID, critical, extn_value })
}

/// Seconds since 1970 of a moment, cut to what a certificate can name.
pub fn second_of(at: Timestamp) -> u64 {
    at.unix_s().min(END_OF_TIME_S)
}
