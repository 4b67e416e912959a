//! How a server is trusted and how it trusts us: files and names from flags and the environment. Must never let a doubtful value
//! switch verification off.

use std::path::{Path, PathBuf};

use clap::Args;
use strongroom_client::Config;
use strongroom_types::SecretString;
use zeroize::Zeroizing;

use super::truth;
use crate::environment::TlsVariables;
use crate::output::Failure;

#[derive(Args, Debug, Clone, Default)]
pub(super) struct Tls {
    /// PEM file with the only authorities to trust [environment: STRONGROOM_CACERT]
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    ca_cert: Option<PathBuf>,
    /// Folder of PEM files with the only authorities to trust [environment: STRONGROOM_CAPATH]
    #[arg(long, value_name = "FOLDER", help_heading = "TLS")]
    ca_path: Option<PathBuf>,
    /// PEM file with the certificate to show to the server [environment: STRONGROOM_CLIENT_CERT]
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    client_cert: Option<PathBuf>,
    /// PEM file with the private key of that certificate [environment: STRONGROOM_CLIENT_KEY]
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    client_key: Option<PathBuf>,
    /// Name that the server's certificate must have, if not the address's [environment: STRONGROOM_TLS_SERVER_NAME]
    #[arg(long, value_name = "NAME", help_heading = "TLS")]
    tls_server_name: Option<String>,
    /// Accept any server certificate; for experiments only [environment: STRONGROOM_SKIP_VERIFY]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, help_heading = "TLS")]
    tls_skip_verify: Option<bool>,
}

impl Tls {
    pub(super) fn apply(&self, variables: &TlsVariables, config: &mut Config) -> Result<(), Failure> {
        let skip = || truth("SKIP_VERIFY", variables.skip_verify.as_deref());
        config.tls_skip_verify = self.tls_skip_verify.map_or_else(skip, Ok)?;
        config.tls_server_name = self.tls_server_name.clone().or_else(|| variables.server_name.clone());
        config.ca_certificates_pem = self.authorities(variables)?;
        let cert = self.client_cert.as_deref().or(variables.client_cert.as_deref());
        let key = self.client_key.as_deref().or(variables.client_key.as_deref());
        config.client_identity_pem = match (cert, key) {
            (Some(cert), Some(key)) => Some(identity(cert, key)?),
            (None, None) => None,
            _ => return Err(Failure::local("-client-cert and -client-key are needed together")),
        };
        Ok(())
    }

    /// A file wins over a folder.
    fn authorities(&self, variables: &TlsVariables) -> Result<Option<Vec<u8>>, Failure> {
        if let Some(file) = self.ca_cert.as_ref().or(variables.ca_cert.as_ref()) {
            return read(file).map(Some);
        }
        let Some(folder) = self.ca_path.as_ref().or(variables.ca_path.as_ref()) else { return Ok(None) };
        let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
        let mut all = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| unreadable(folder, &error))?.path();
            if path.is_file() {
                all.extend(read(&path)?);
                all.push(b'\n');
            }
        }
        Ok(Some(all))
    }
}

/// Both in one PEM text.
fn identity(cert: &Path, key: &Path) -> Result<SecretString, Failure> {
    let text = |path: &Path| std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| unreadable(path, &error));
    let (cert, key) = (text(cert)?, text(key)?);
    Ok(SecretString::new([cert.as_str(), "\n", key.as_str()].concat()))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::local(format!("Error reading {}: {error}", path.display()))
}
