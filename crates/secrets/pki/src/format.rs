//! The forms in which certificates and private keys leave.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_engine::{Error, Result};
use strongroom_types::SecretString;
use zeroize::Zeroizing;

use crate::key::KeyPair;
use crate::pem;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Format {
    #[default]
    Pem,
    /// DER in base64.
    Der,
    /// Key, certificate and chain in one text.
    PemBundle,
}

impl Format {
    /// Errors: `Invalid` for an unknown one; an empty text is PEM.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "" | "pem" => Ok(Self::Pem),
            "der" => Ok(Self::Der),
            "pem_bundle" => Ok(Self::PemBundle),
            _ => Err(Error::invalid("the \"format\" path parameter must be \"pem\", \"der\", or \"pem_bundle\"")),
        }
    }

    pub fn certificate(self, der: &[u8]) -> String {
        match self {
            Self::Der => STANDARD.encode(der),
            Self::Pem | Self::PemBundle => pem::encode("CERTIFICATE", der),
        }
    }

    /// The certificate field: in a bundle with what belongs to it.
    pub fn leaf(self, key: Option<&SecretString>, der: &[u8], chain: &[Vec<u8>]) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::new());
        if self != Self::PemBundle {
            *out = self.certificate(der);
            return out;
        }
        let certificates: Vec<String> =
            std::iter::once(self.certificate(der)).chain(chain.iter().map(|c| self.certificate(c))).collect();
        let certificates = certificates.join("\n");
        let key = key.map_or("", SecretString::expose);
        out.reserve_exact(key.len().saturating_add(certificates.len()).saturating_add(1));
        if !key.is_empty() {
            out.push_str(key);
            out.push('\n');
        }
        out.push_str(&certificates);
        out
    }

    /// The private key: PKCS #8 when asked for, else in its traditional form.
    pub fn private_key(self, pair: &KeyPair, form: KeyForm) -> Result<SecretString> {
        let (label, der) = match form {
            KeyForm::Pkcs8 => ("PRIVATE KEY", pair.pkcs8()?),
            KeyForm::Traditional => pair.traditional()?,
        };
        Ok(match self {
            Self::Der => SecretString::new(STANDARD.encode(der.expose())),
            Self::Pem | Self::PemBundle => pem::encode_secret(label, der.expose()),
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum KeyForm {
    #[default]
    Traditional,
    Pkcs8,
}

impl KeyForm {
    /// Errors: `Invalid` for an unknown one; an empty text is the traditional form.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "" | "der" | "pem" => Ok(Self::Traditional),
            "pkcs8" => Ok(Self::Pkcs8),
            _ => Err(Error::invalid("private_key_format must be \"der\", \"pem\" or \"pkcs8\"")),
        }
    }
}
