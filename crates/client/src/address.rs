//! Reads a server's address. Must never accept one that would send requests to another place than it seems to name.

use std::net::SocketAddr;
use std::path::PathBuf;

use reqwest::Url;

use crate::error::Error;

#[derive(Debug)]
pub(crate) struct Address {
    /// Scheme, host, port and an optional path prefix, without a trailing slash.
    pub base: Url,
    /// Set for `unix://`: then `base` only fills the Host header.
    pub socket: Option<PathBuf>,
}

impl Address {
    /// Errors: `Address`.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let bad = |reason| Error::Address { address: shown(text), reason };
        if let Some(path) = text.strip_prefix("unix://") {
            let socket = PathBuf::from(path);
            let base = Url::parse("http://localhost").map_err(|_| bad("not a url"))?;
            return if socket.is_absolute() {
                Ok(Self { base, socket: Some(socket) })
            } else {
                Err(bad("the socket's path must be absolute"))
            };
        }
        let base = Url::parse(text).map_err(|_| bad("not a url"))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(bad("the scheme must be http, https or unix"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(bad("it must not hold a user name or password"));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(bad("it must not hold a query or fragment"));
        }
        Ok(Self { base, socket: None })
    }

    /// Where the host is, for requests that name it otherwise. Asks the system's resolver. Errors: `Address`.
    pub(crate) fn resolve(&self) -> Result<Vec<SocketAddr>, Error> {
        let found = self.base.socket_addrs(|| None);
        found.map_err(|_| Error::Address { address: self.base.to_string(), reason: "the host is not known" })
    }
}

/// The address for an error text: what stands before an `@` may be a password.
fn shown(text: &str) -> String {
    text.rsplit('@').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::Address;

    fn check(text: &str, expected: Option<&str>) {
        let found = Address::parse(text).ok().map(|address| match address.socket {
            Some(path) => path.display().to_string(),
            None => address.base.as_str().trim_end_matches('/').to_owned(),
        });
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn only_plain_server_addresses_are_accepted() {
        check("https://vault.example:8200", Some("https://vault.example:8200"));
        check("http://127.0.0.1:8200/", Some("http://127.0.0.1:8200"));
        check("https://proxy.example/vault", Some("https://proxy.example/vault"));
        check("unix:///run/strongroom.sock", Some("/run/strongroom.sock"));
        for text in
            ["nonsense", "", "ftp://a", "127.0.0.1:8200", "https://u:p@a", "https://a/?x=1", "https://a/#f", "unix://relative"]
        {
            check(text, None);
        }
    }

    #[test]
    fn cve_2020_13223_a_password_in_the_address_is_not_repeated() {
        let error = Address::parse("https://user:hunter2@host").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
