//! The dev server's certificate: an authority made for this one run, and a certificate signed by it. The authority's key is dropped,
//! so that nobody can sign anything else with it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd};
use strongroom_http::TlsVersion;
use strongroom_types::{Rng as _, SecretString, Timestamp};

use crate::config::Tls;
use crate::system::SystemRng;

const CA_FILE: &str = "strongroom-ca.pem";
const CERT_FILE: &str = "strongroom-cert.pem";
const KEY_FILE: &str = "strongroom-key.pem";
/// A day that every month has.
const LAST_DAY: u8 = 28;

/// What is asked for.
pub struct Wish {
    /// None: a new one below `temp_folder`, removed at the end.
    pub folder: Option<PathBuf>,
    pub temp_folder: PathBuf,
    /// Beside localhost and the loopback addresses.
    pub names: Vec<String>,
    /// Where the server listens.
    pub ip: IpAddr,
}

/// The files.
#[derive(Debug)]
pub struct Made {
    /// What clients trust.
    pub ca_file: PathBuf,
    cert_file: PathBuf,
    key_file: PathBuf,
    /// Removed on drop.
    temporary: Option<PathBuf>,
}

impl Made {
    pub fn tls(&self) -> Tls {
        let (cert_file, key_file) = (self.cert_file.clone(), self.key_file.clone());
        Tls { cert_file, key_file, version_min: TlsVersion::V1_3, client_certificates: true }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if let Some(folder) = &self.temporary {
            // Somebody may have removed it already.
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// Makes the certificate and writes its files. Valid for a year from `now`.
pub fn make(wish: Wish, now: Timestamp) -> anyhow::Result<Made> {
    let (folder, is_temporary) = match &wish.folder {
        Some(folder) => (folder.clone(), false),
        None => (temporary_folder(&wish.temp_folder)?, true),
    };
    fs::create_dir_all(&folder).with_context(|| format!("-dev-tls-cert-dir `{}`", folder.display()))?;
    let (ca_file, cert_file, key_file) = (folder.join(CA_FILE), folder.join(CERT_FILE), folder.join(KEY_FILE));
    let made = Made { ca_file, cert_file, key_file, temporary: is_temporary.then_some(folder) };
    let signed = sign(&wish, now).context("making the dev server's certificate")?;
    write(&made.ca_file, &signed.ca, 0o644)?;
    write(&made.cert_file, &signed.cert, 0o644)?;
    write(&made.key_file, signed.key.expose(), 0o600)?;
    Ok(made)
}

struct Signed {
    ca: String,
    cert: String,
    key: SecretString,
}

fn sign(wish: &Wish, now: Timestamp) -> anyhow::Result<Signed> {
    let ca_key = KeyPair::generate()?;
    let mut ca = within_a_year(CertificateParams::default(), now)?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    ca.distinguished_name.push(DnType::CommonName, "Strongroom dev server CA");
    let ca_pem = ca.self_signed(&ca_key)?.pem();

    let key = KeyPair::generate()?;
    let fixed = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let own = Some(wish.ip).filter(|ip| !ip.is_unspecified() && !ip.is_loopback()).map(|ip| ip.to_string());
    let names: Vec<String> = fixed.into_iter().chain(own).chain(wish.names.iter().cloned()).collect();
    let mut cert = within_a_year(CertificateParams::new(names)?, now)?;
    cert.distinguished_name.push(DnType::CommonName, "localhost");
    cert.use_authority_key_identifier_extension = true;
    let cert_pem = cert.signed_by(&key, &Issuer::new(ca, ca_key))?.pem();
    Ok(Signed { ca: ca_pem, cert: cert_pem, key: SecretString::new(key.serialize_pem()) })
}

fn within_a_year(mut params: CertificateParams, now: Timestamp) -> anyhow::Result<CertificateParams> {
    let (year, month, day) = date(now).ok_or_else(|| anyhow!("the clock shows an impossible date"))?;
    params.not_before = date_time_ymd(year, month, day);
    params.not_after = date_time_ymd(year.saturating_add(1), month, day);
    Ok(params)
}

/// Year, month and a day that exists in every year.
fn date(now: Timestamp) -> Option<(i32, u8, u8)> {
    let text = now.rfc3339();
    let mut parts = text.split('T').next()?.split('-');
    let (year, month, day): (i32, u8, u8) =
        (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some((year, month, day.min(LAST_DAY)))
}

fn temporary_folder(below: &Path) -> anyhow::Result<PathBuf> {
    let mut random = [0u8; 8];
    SystemRng::new().fill(&mut random);
    let folder = below.join(format!("strongroom-dev-tls-{}", hex::encode(random)));
    // SECURITY: a folder that somebody else prepared is an error.
    DirBuilder::new().mode(0o700).create(&folder).with_context(|| format!("making `{}`", folder.display()))?;
    Ok(folder)
}

/// Replaces the file, so that the mode is the one asked for.
fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let doing = || format!("writing `{}`", path.display());
    if path.exists() {
        fs::remove_file(path).with_context(doing)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).with_context(doing)?;
    file.write_all(text.as_bytes()).with_context(doing)
}
