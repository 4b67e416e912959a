//! An authority for one server and the certificate that it issues, as an operator with a house authority would have them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// The files that `write` makes in a folder.
#[derive(Debug, Clone)]
pub struct Files {
    /// For clients.
    pub authority: PathBuf,
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl Files {
    pub fn below(dir: &Path) -> Self {
        Self { authority: dir.join("ca.pem"), cert: dir.join("cert.pem"), key: dir.join("key.pem") }
    }

    /// Makes them for `localhost` and 127.0.0.1, unless they are there: a server that starts again keeps its certificate.
    pub fn write(&self) -> Result<()> {
        if self.cert.exists() {
            return Ok(());
        }
        let authority = authority()?;
        let key = KeyPair::generate()?;
        let mut params = named("localhost", &["localhost", "127.0.0.1"])?;
        params.use_authority_key_identifier_extension = true; // strict clients ask for it
        let cert = params.signed_by(&key, &authority.1)?;
        fs::write(&self.authority, authority.0)?;
        fs::write(&self.key, key.serialize_pem())?;
        fs::write(&self.cert, cert.pem())?;
        Ok(())
    }
}

/// OpenSSL takes two certificates of one subject for the same: each needs a name of its own.
fn named(subject: &str, hosts: &[&str]) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>())?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, subject);
    Ok(params)
}

/// Its certificate, and what issues others.
fn authority() -> Result<(String, Issuer<'static, KeyPair>)> {
    let key = KeyPair::generate()?;
    let mut params = named("authority of the rigs", &[])?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let pem = params.self_signed(&key)?.pem();
    Ok((pem, Issuer::new(params, key)))
}
