//! Stage 9: the envelope. Made in this one place, serialised once, from texts that the handlers made.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;
use strongroom_engine::{AuthView, Body, Error, Output};

use super::admit::NotAdmitted;
use super::bind::Bound;
use crate::token;
use crate::wire::{Answer, Content};
use crate::wrap::WrapView;

/// Whether there is anything that wrapping could hide.
pub fn has_something(bound: &Bound) -> bool {
    bound.auth.is_some() || bound.lease.is_some() || !matches!(bound.output.body, Body::Nothing)
}

/// What wrapping can hide: not what is no JSON.
pub fn can_be_wrapped(bound: &Bound) -> bool {
    has_something(bound) && !matches!(bound.output.body, Body::Raw(..) | Body::Streamed(..))
}

/// The wire form of a handler's answer.
pub fn success(id: &str, bound: &Bound) -> Answer {
    let status = |usual| bound.output.status.unwrap_or(usual);
    if let Some(wrap) = &bound.wrap {
        return Answer::json(200, wrap_envelope(wrap));
    }
    if !has_something(bound) && bound.output.warnings.is_empty() {
        return Answer::empty(status(204));
    }
    with_body(id, status(200), bound)
}

fn with_body(id: &str, status: u16, bound: &Bound) -> Answer {
    match &bound.output.body {
        Body::Raw(raw) => Answer { content_type: raw.content_type, ..Answer::json(status, Bytes::copy_from_slice(&raw.bytes)) },
        Body::Streamed(streamed) => {
            let file = streamed.take().map(|reader| Content { bytes: streamed.bytes, reader });
            Answer { content_type: streamed.content_type, file, ..Answer::empty(status) }
        }
        _ => Answer::json(status, envelope(id, bound)),
    }
}

/// The wire form of a refusal.
pub fn failure(id: &str, error: Error) -> Answer {
    let status = error.status();
    let retry_after_s = (status == 503).then_some(1);
    let answer = match error {
        Error::With(status, output) => with_body(id, status, &Bound::of(*output)),
        Error::NotFoundBare => Answer::empty(404),
        other => {
            let text = other.public_text();
            Answer::errors(status, text.as_deref().as_slice())
        }
    };
    Answer { retry_after_s, ..answer }
}

/// The answer to what stage 1 did not let in.
pub fn not_admitted(id: &str, reason: NotAdmitted) -> Answer {
    match reason {
        NotAdmitted::Redirect(location) => Answer { location: Some(location), ..Answer::empty(307) },
        NotAdmitted::BadPath => Answer::empty(400),
        NotAdmitted::BadVerb => Answer::errors(405, &[]),
        NotAdmitted::Origin => Answer::errors(403, &["origin not allowed"]),
        NotAdmitted::Preflight(status) => Answer::empty(status),
        NotAdmitted::Error(error) => failure(id, error),
    }
}

/// The whole envelope; a body that is one already goes out as it is.
pub fn envelope(id: &str, bound: &Bound) -> Bytes {
    let data: &[u8] = match &bound.output.body {
        Body::Whole(bytes) => return Bytes::copy_from_slice(bytes),
        Body::Data(text) => text,
        Body::Nothing | Body::Raw(..) | Body::Streamed(..) => b"null",
    };
    let mut out = Vec::with_capacity(data.len().saturating_mul(2).saturating_add(512));
    out.extend_from_slice(b"{\"request_id\":\"");
    out.extend_from_slice(id.as_bytes());
    push_lease(&mut out, bound);
    if bound.output.also_top_level
        && let Some(fields) = data.strip_prefix(b"{").and_then(|d| d.strip_suffix(b"}")).filter(|f| !f.is_empty())
    {
        out.push(b',');
        out.extend_from_slice(fields);
    }
    out.extend_from_slice(b",\"data\":");
    out.extend_from_slice(data);
    out.extend_from_slice(b",\"wrap_info\":null,\"warnings\":");
    push_warnings(&mut out, &bound.output);
    out.extend_from_slice(b",\"auth\":");
    match &bound.auth {
        Some(auth) => push_json(&mut out, &AuthShown::of(auth)),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b"}\n");
    Bytes::from(out)
}

/// After the request id's text.
fn push_lease(out: &mut Vec<u8>, bound: &Bound) {
    let (id, renewable, ttl) =
        bound.lease.as_ref().map_or(("", false, bound.output.lease_duration), |l| (l.id.as_str(), l.renewable, l.ttl));
    out.extend_from_slice(b"\",\"lease_id\":");
    push_json(out, id);
    out.extend_from_slice(if renewable { b",\"renewable\":true" } else { b",\"renewable\":false" });
    out.extend_from_slice(b",\"lease_duration\":");
    out.extend_from_slice(itoa::Buffer::new().format(ttl.as_s()).as_bytes());
}

/// null, not an empty list, when there are none.
fn push_warnings(out: &mut Vec<u8>, output: &Output) {
    let is_null = output.warnings.is_empty() && !output.lists_warnings;
    if is_null { out.extend_from_slice(b"null") } else { push_json(out, &output.warnings) }
}

fn push_json(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // Writing a value to memory cannot fail.
    let _ = serde_json::to_writer(out, value);
}

/// The `auth` block of an answer.
#[derive(Serialize)]
struct AuthShown<'a> {
    client_token: &'a str,
    accessor: &'a str,
    policies: Cow<'a, [String]>,
    token_policies: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    identity_policies: &'a [String],
    metadata: Option<&'a BTreeMap<String, String>>,
    lease_duration: u64,
    renewable: bool,
    entity_id: &'a str,
    token_type: &'static str,
    orphan: bool,
    mfa_requirement: (),
    num_uses: u32,
}

impl<'a> AuthShown<'a> {
    fn of(auth: &'a AuthView) -> Self {
        Self {
            client_token: auth.client_token.expose(),
            accessor: if auth.batch { "" } else { &auth.accessor },
            policies: token::union(&auth.policies, &auth.identity_policies),
            token_policies: &auth.policies,
            identity_policies: &auth.identity_policies,
            metadata: Some(&auth.metadata).filter(|m| !m.is_empty()),
            lease_duration: auth.lease_duration.as_s(),
            renewable: auth.renewable,
            entity_id: &auth.entity_id,
            token_type: if auth.batch { "batch" } else { "service" },
            orphan: auth.orphan,
            mfa_requirement: (),
            num_uses: auth.num_uses,
        }
    }
}

/// The envelope around a wrapping token: it has no request id of its own.
pub fn wrap_envelope(wrap: &WrapView) -> Vec<u8> {
    let mut info = json!({
        "token": wrap.token.expose(),
        "accessor": wrap.accessor,
        "ttl": wrap.ttl.as_s(),
        "creation_time": wrap.created.rfc3339(),
        "creation_path": wrap.creation_path,
    });
    if let Some(info) = info.as_object_mut().filter(|_| !wrap.wrapped_accessor.is_empty()) {
        info.insert("wrapped_accessor".into(), json!(wrap.wrapped_accessor));
    }
    let whole = json!({
        "request_id": "", "lease_id": "", "renewable": false, "lease_duration": 0,
        "data": null, "wrap_info": info, "warnings": null, "auth": null,
    });
    let mut out = serde_json::to_vec(&whole).unwrap_or_default();
    out.push(b'\n');
    out
}
