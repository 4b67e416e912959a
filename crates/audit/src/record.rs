//! What one line of the log says, borrowed from whoever knows it. Types that hold a token have no `Debug`.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use strongroom_types::{PolicyName, Timestamp};

use crate::{ClearPaths, FragmentCache, Kept, MountFragment};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Request,
    Response,
}

/// One line.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    pub kind: Kind,
    pub time: Timestamp,
    /// None when nobody is known: login paths, bad tokens.
    pub auth: Option<&'a AuthFacts<'a>>,
    pub request: &'a RequestFacts<'a>,
    pub response: Option<&'a ResponseFacts<'a>>,
    /// Goes out in clear: the public text of the error, which echoes no value.
    pub error: Option<&'a str>,
}

/// Who asks. `block` is only looked at when `fragments` does not hold its rendering yet.
#[derive(Clone, Copy)]
pub struct AuthFacts<'a> {
    pub block: AuthBlock<'a>,
    /// Kept with the token entry; must be dropped when anything in `block` changes.
    pub fragments: &'a FragmentCache,
}

/// A token, as the `auth` objects show it. Token and accessor are hashed, the rest is in clear.
#[derive(Clone, Copy, Default)]
pub struct AuthBlock<'a> {
    pub client_token: &'a str,
    pub accessor: &'a str,
    pub display_name: &'a str,
    pub policies: Names<'a>,
    pub token_policies: Names<'a>,
    pub identity_policies: Names<'a>,
    pub metadata: Option<&'a BTreeMap<String, String>>,
    pub entity_id: &'a str,
    /// `service` or `batch`.
    pub token_type: &'a str,
    /// Zero is left out.
    pub token_ttl_s: u64,
    /// None in blocks of issued tokens.
    pub issued: Option<Timestamp>,
}

/// A list of texts, however the owner keeps it.
#[derive(Clone, Copy)]
pub enum Names<'a> {
    Texts(&'a [&'a str]),
    Strings(&'a [String]),
    Policies(&'a [PolicyName]),
}

impl Default for Names<'_> {
    fn default() -> Self {
        Self::Texts(&[])
    }
}

impl<'a> Names<'a> {
    pub(crate) fn iter(self) -> impl Iterator<Item = &'a str> {
        let (texts, strings, policies): (&[&str], &[String], &[PolicyName]) = match self {
            Self::Texts(t) => (t, &[], &[]),
            Self::Strings(s) => (&[], s, &[]),
            Self::Policies(p) => (&[], &[], p),
        };
        texts.iter().copied().chain(strings.iter().map(String::as_str)).chain(policies.iter().map(PolicyName::as_str))
    }
}

/// What was asked for.
#[derive(Clone, Copy, Default)]
pub struct RequestFacts<'a> {
    pub id: &'a str,
    /// `read`, `create`, `update`, `patch`, `delete`, `list`, ...
    pub operation: &'a str,
    /// Empty is left out.
    pub client_id: &'a str,
    pub namespace: NamespaceFacts<'a>,
    pub mount: Option<&'a MountFragment>,
    pub path: &'a str,
    pub data: Option<Data<'a>>,
    pub remote: Option<SocketAddr>,
    /// Only those on the operator's allow-list.
    pub headers: &'a [Header<'a>],
    pub wrap_ttl_s: Option<u64>,
    /// The decision, once there is one.
    pub policy: Option<&'a PolicyFacts<'a>>,
    /// The token as sent, when it led to nobody; hashed. Ignored when `auth` is known.
    pub unknown_token: Option<&'a str>,
    /// What was rendered of it for the record before, `auth` included; filled by the record of the request.
    pub kept: Option<&'a Kept>,
}

#[derive(Clone, Copy, Default)]
pub struct NamespaceFacts<'a> {
    pub id: &'a str,
    /// Empty, for the root namespace, is left out.
    pub path: &'a str,
}

/// Valid JSON text whose strings and numbers are hashed, but for what `clear` and `clear_keys` name.
#[derive(Clone, Copy)]
pub struct Data<'a> {
    pub json: &'a str,
    pub clear: &'a ClearPaths,
    /// The mount's `audit_non_hmac_request_keys` or `audit_non_hmac_response_keys`: top-level names.
    pub clear_keys: &'a [String],
}

#[derive(Clone, Copy)]
pub struct Header<'a> {
    /// Lower case.
    pub name: &'a str,
    /// All its values, in the order in which they came.
    pub values: &'a [String],
    pub is_hashed: bool,
}

/// Rendered as `policy_results` of the `auth` object.
#[derive(Clone, Copy, Default)]
pub struct PolicyFacts<'a> {
    pub is_allowed: bool,
    pub granting: Names<'a>,
    /// Namespace of the granting policies.
    pub namespace_id: &'a str,
    /// Which rule led to the decision; our addition to the reference's format. Empty is left out.
    pub reason: &'a str,
}

/// A mount, as request and response name it.
#[derive(Clone, Copy, Default)]
pub struct MountFacts<'a> {
    /// With trailing slash.
    pub point: &'a str,
    pub kind: &'a str,
    pub accessor: &'a str,
    pub running_version: &'a str,
    /// `secret` or `auth`.
    pub class: &'a str,
}

/// What goes back.
#[derive(Clone, Copy, Default)]
pub struct ResponseFacts<'a> {
    pub mount: Option<&'a MountFragment>,
    pub data: Option<Data<'a>>,
    /// A token that was issued.
    pub auth: Option<&'a AuthBlock<'a>>,
    pub wrap: Option<&'a WrapFacts<'a>>,
    pub warnings: Names<'a>,
    /// Empty is left out.
    pub redirect: &'a str,
    /// Empty is left out.
    pub lease_id: &'a str,
    /// HTTP status, our addition. None is left out.
    pub status: Option<u16>,
}

/// A wrapping token. Token and accessors are hashed.
#[derive(Clone, Copy)]
pub struct WrapFacts<'a> {
    pub ttl_s: u64,
    pub token: &'a str,
    pub accessor: &'a str,
    pub created: Timestamp,
    pub creation_path: &'a str,
    /// Empty is left out.
    pub wrapped_accessor: &'a str,
}
