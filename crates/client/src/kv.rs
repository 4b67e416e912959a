//! Key-value secrets: which version a mount has, and where its parts are. Must never guess the version: a wrong guess writes to
//! another path.

use serde_json::{Map, Value};
use strongroom_api::{Envelope, MetadataSettings, UiMount, VersionNumbers, WriteOptions, WriteVersion};

use crate::Client;
use crate::error::Error;
use crate::exchange::{Method, Request};
use crate::response::Response;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KvVersion {
    One,
    Two,
}

/// A key-value mount, and its name as this caller spells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvMount {
    /// Without a trailing slash; with the namespace in front where the caller wrote it so.
    pub path: String,
    pub version: KvVersion,
}

impl KvMount {
    /// `secret`, `data`, `a` make `secret/data/a`; version 1 has no parts.
    pub fn path_of(&self, part: &str, key: &str) -> String {
        let pieces = match self.version {
            KvVersion::One => [self.path.as_str(), "", key.trim_matches('/')],
            KvVersion::Two => [self.path.as_str(), part, key.trim_matches('/')],
        };
        pieces.into_iter().filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join("/")
    }
}

impl Client {
    /// The mount that `path` belongs to, and what remains of the path below it. Errors: a refusal, also for an unknown mount.
    pub async fn kv_mount(&self, path: &str) -> Result<(KvMount, String), Error> {
        let path = path.trim_matches('/');
        // Never wrapped nor previewed: the answer is for this client alone, and decides what is asked next.
        let asking = self.without_wrapping().without_preview();
        let answer = asking.request::<()>(Method::Get, &format!("sys/internal/ui/mounts/{path}"), None).await?;
        Ok(split(path, &answer.data()?))
    }

    /// `version` 0 reads the newest. None when there is nothing; data null inside the envelope when the version is deleted.
    pub async fn kv_read(&self, mount: &KvMount, key: &str, version: u64) -> Result<Option<Envelope>, Error> {
        let number = version.to_string();
        let query = [("version", number.as_str())];
        let query = if version == 0 { &[][..] } else { &query[..] };
        self.read(&mount.path_of("data", key), query).await
    }

    /// Writes a whole secret. `cas` holds for version 2 only.
    pub async fn kv_write(
        &self,
        mount: &KvMount,
        key: &str,
        data: Map<String, Value>,
        cas: Option<u64>,
    ) -> Result<Response, Error> {
        let path = mount.path_of("data", key);
        match mount.version {
            KvVersion::One => self.request(Method::Put, &path, Some(&data)).await,
            KvVersion::Two => self.request(Method::Put, &path, Some(&WriteVersion { data, options: WriteOptions { cas } })).await,
        }
    }

    /// Merges into the newest version, on the server; null removes a key. Version 2 only.
    pub async fn kv_patch(&self, mount: &KvMount, key: &str, body: &WriteVersion) -> Result<Response, Error> {
        self.request(Method::Patch, &mount.path_of("data", key), Some(body)).await
    }

    /// `action` is `delete`, `undelete` or `destroy`. Version 2 only.
    pub async fn kv_versions(&self, mount: &KvMount, action: &str, key: &str, versions: Vec<u64>) -> Result<(), Error> {
        self.request(Method::Put, &mount.path_of(action, key), Some(&VersionNumbers { versions })).await.map(drop)
    }

    /// Version 2 only.
    pub async fn kv_metadata_write(&self, mount: &KvMount, key: &str, settings: &MetadataSettings) -> Result<(), Error> {
        self.request(Method::Put, &mount.path_of("metadata", key), Some(settings)).await.map(drop)
    }

    /// GET of any path; 404 without content is None.
    pub async fn read(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Envelope>, Error> {
        self.exchange::<()>(Request { method: Method::Get, path, query, body: None }).await?.found()
    }

    /// LIST of any path; 404 without content is None.
    pub async fn list(&self, path: &str) -> Result<Option<Envelope>, Error> {
        self.exchange::<()>(Request { method: Method::List, path, query: &[], body: None }).await?.found()
    }
}

/// The server answers the mount's path inside its namespace; the caller may have written the namespace in front.
fn split(path: &str, found: &UiMount) -> (KvMount, String) {
    let mount = found.path.trim_matches('/');
    let version = match found.options.as_ref().and_then(|options| options.get("version")).map(String::as_str) {
        Some("2") => KvVersion::Two,
        _ => KvVersion::One,
    };
    let (whole, key) = below(path, mount).unwrap_or((mount.to_owned(), String::new()));
    (KvMount { path: whole, version }, key)
}

/// Finds `mount` as whole segments in `path`: what stands up to its end, and what remains.
fn below(path: &str, mount: &str) -> Option<(String, String)> {
    let framed = format!("/{path}/");
    let (prefix, rest) = framed.split_once(&format!("/{mount}/"))?;
    Some((format!("{prefix}/{mount}").trim_matches('/').to_owned(), rest.trim_matches('/').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, mount: &str, version: Option<&str>, part: &str, expected: &str) {
        let options = version.map(|version| [("version".to_owned(), version.to_owned())].into());
        let (found, key) = split(path, &UiMount { path: mount.into(), mount_type: "kv".into(), options });
        assert_eq!(found.path_of(part, &key), expected, "{path} in {mount}");
    }

    #[test]
    fn version_two_puts_the_part_behind_the_mount() {
        check("secret/a", "secret/", Some("2"), "data", "secret/data/a");
        check("secret/a/b", "secret/", Some("2"), "metadata", "secret/metadata/a/b");
        check("secret", "secret/", Some("2"), "metadata", "secret/metadata");
        check("team/kv/a", "team/kv/", Some("2"), "data", "team/kv/data/a");
    }

    #[test]
    fn version_one_paths_stay_as_they_are() {
        check("kv1/a", "kv1/", None, "data", "kv1/a");
        check("kv1/a", "kv1/", Some("1"), "data", "kv1/a");
        check("kv1", "kv1/", None, "metadata", "kv1");
    }

    #[test]
    fn a_namespace_in_front_is_kept() {
        check("ns1/secret/a", "secret/", Some("2"), "data", "ns1/secret/data/a");
    }

    #[test]
    fn a_mount_is_found_by_whole_segments() {
        check("secret/xsecret/a", "secret/", Some("2"), "data", "secret/data/xsecret/a");
        check("xsecret/secret/a", "secret/", Some("2"), "data", "xsecret/secret/data/a");
    }
}
