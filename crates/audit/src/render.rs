//! One record to one line, keys and nesting as in the reference. What is rendered here begins after the sequence
//! number, which the device adds. Every value of a token or of data passes through the device's hash.

use crate::hash::HashKey;
use crate::json::{Object, push_string};
use crate::mask::mask;
use crate::record::{AuthBlock, AuthFacts, Data, Kind, PolicyFacts, Record, RequestFacts, ResponseFacts, WrapFacts};
use crate::sink::DeviceId;
use crate::time_text::{push_quoted_time, push_time};
use crate::{AuditError, AuthFragment};

/// Appends `"time":...}` for this device. Errors: `Malformed` when data is not JSON; the buffer is then useless.
pub(crate) fn render(record: &Record<'_>, device: DeviceId, key: &HashKey, out: &mut Vec<u8>) -> Result<(), AuditError> {
    out.extend_from_slice(b"\"time\":\"");
    push_time(out, record.time);
    out.extend_from_slice(match record.kind {
        Kind::Request => b"\",\"type\":\"request\",\"auth\":",
        Kind::Response => b"\",\"type\":\"response\",\"auth\":",
    });
    match record.request.kept.and_then(|kept| kept.text(device)) {
        Some(kept) => out.extend_from_slice(kept),
        None => push_asked(record, device, key, out)?,
    }
    if let Some(response) = record.response {
        out.extend_from_slice(b",\"response\":");
        push_response(out, response, key)?;
    }
    if let Some(error) = record.error {
        out.extend_from_slice(b",\"error\":");
        push_string(out, error);
    }
    out.push(b'}');
    Ok(())
}

/// Who asked, and what for.
fn push_asked(record: &Record<'_>, device: DeviceId, key: &HashKey, out: &mut Vec<u8>) -> Result<(), AuditError> {
    let fragment = record.auth.map(|auth: &AuthFacts<'_>| auth.fragments.fragment(device, key, &auth.block));
    let (fragment, from) = (fragment.as_deref(), out.len());
    push_auth(out, fragment, record.request.policy);
    out.extend_from_slice(b",\"request\":");
    push_request(out, record.request, fragment, key)?;
    if let (Kind::Request, Some(kept), Some(text)) = (record.kind, record.request.kept, out.get(from..)) {
        kept.keep(device, text);
    }
    Ok(())
}

fn push_auth(out: &mut Vec<u8>, fragment: Option<&AuthFragment>, policy: Option<&PolicyFacts<'_>>) {
    let mut auth = Object::open(out);
    match fragment {
        Some(fragment) => auth.splice(&fragment.auth),
        None => auth.text("token_type", "default"),
    }
    if let Some(policy) = policy {
        push_policy(auth.key("policy_results"), policy);
    }
    auth.close();
}

/// Token and accessor as a line shows them: quoted, hashed once for all places. Empty for what there isn't.
pub(crate) struct TokenHashes {
    token: Vec<u8>,
    accessor: Vec<u8>,
}

impl TokenHashes {
    pub(crate) fn of(block: &AuthBlock<'_>, key: &HashKey) -> Self {
        let hashed = |value: &str| {
            let mut out = Vec::new();
            if !value.is_empty() {
                key.push_quoted(&mut out, value.as_bytes());
            }
            out
        };
        Self { token: hashed(block.client_token), accessor: hashed(block.accessor) }
    }

    pub(crate) fn push(&self, object: &mut Object<'_>, token_name: &'static str, accessor_name: &'static str) {
        for (name, hash) in [(token_name, &self.token), (accessor_name, &self.accessor)] {
            if !hash.is_empty() {
                object.key(name).extend_from_slice(hash);
            }
        }
    }
}

/// Members of an `auth` object; also for issued tokens.
pub(crate) fn push_auth_members(auth: &mut Object<'_>, block: &AuthBlock<'_>, hashes: &TokenHashes) {
    hashes.push(auth, "client_token", "accessor");
    auth.text_if("display_name", block.display_name);
    auth.list("policies", block.policies.iter());
    auth.list("token_policies", block.token_policies.iter());
    auth.list("identity_policies", block.identity_policies.iter());
    if let Some(metadata) = block.metadata.filter(|m| !m.is_empty()) {
        push_metadata(auth.key("metadata"), metadata);
    }
    auth.text_if("entity_id", block.entity_id);
    auth.text_if("token_type", block.token_type);
    if block.token_ttl_s > 0 {
        auth.number("token_ttl", block.token_ttl_s);
    }
}

fn push_metadata(out: &mut Vec<u8>, metadata: &std::collections::BTreeMap<String, String>) {
    out.push(b'{');
    for (n, (name, value)) in metadata.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        push_string(out, name);
        out.push(b':');
        push_string(out, value);
    }
    out.push(b'}');
}

fn push_policy(out: &mut Vec<u8>, policy: &PolicyFacts<'_>) {
    let mut results = Object::open(out);
    results.flag("allowed", policy.is_allowed);
    let mut granting = policy.granting.iter().peekable();
    if granting.peek().is_some() {
        let list = results.key("granting_policies");
        list.push(b'[');
        for (n, name) in granting.enumerate() {
            if n > 0 {
                list.push(b',');
            }
            let mut one = Object::open(list);
            one.text("name", name);
            one.text_if("namespace_id", policy.namespace_id);
            one.text("type", "acl");
            one.close();
        }
        list.push(b']');
    }
    results.text_if("reason", policy.reason);
    results.close();
}

fn push_request(
    out: &mut Vec<u8>,
    facts: &RequestFacts<'_>,
    fragment: Option<&AuthFragment>,
    key: &HashKey,
) -> Result<(), AuditError> {
    let mut request = Object::open(out);
    request.text_if("id", facts.id);
    request.text_if("client_id", facts.client_id);
    request.text_if("operation", facts.operation);
    if let Some(mount) = facts.mount {
        request.splice(&mount.request);
    }
    match (fragment, facts.unknown_token) {
        (Some(fragment), _) => request.splice(&fragment.request),
        (None, Some(token)) => push_hashed_if(&mut request, "client_token", token, key),
        (None, None) => {}
    }
    push_namespace(&mut request, facts);
    request.text("path", facts.path);
    push_data(&mut request, facts.data, key)?;
    if let Some(remote) = facts.remote {
        request.text("remote_address", &remote.ip().to_canonical().to_string());
        request.number("remote_port", u64::from(remote.port()));
    }
    if let Some(ttl_s) = facts.wrap_ttl_s {
        request.number("wrap_ttl", ttl_s);
    }
    push_headers(&mut request, facts, key);
    request.close();
    Ok(())
}

fn push_namespace(request: &mut Object<'_>, facts: &RequestFacts<'_>) {
    let mut namespace = Object::open(request.key("namespace"));
    namespace.text("id", facts.namespace.id);
    namespace.text_if("path", facts.namespace.path);
    namespace.close();
}

/// `{"name":["value",..]}`.
fn push_headers(request: &mut Object<'_>, facts: &RequestFacts<'_>, key: &HashKey) {
    if facts.headers.is_empty() {
        return;
    }
    let out = request.key("headers");
    for (n, header) in facts.headers.iter().enumerate() {
        out.push(if n == 0 { b'{' } else { b',' });
        push_string(out, header.name);
        out.extend_from_slice(b":[");
        for (n, value) in header.values.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            match header.is_hashed {
                true => key.push_quoted(out, value.as_bytes()),
                false => push_string(out, value),
            }
        }
        out.push(b']');
    }
    out.push(b'}');
}

fn push_response(out: &mut Vec<u8>, facts: &ResponseFacts<'_>, key: &HashKey) -> Result<(), AuditError> {
    let mut response = Object::open(out);
    if let Some(block) = facts.auth {
        let mut auth = Object::open(response.key("auth"));
        push_auth_members(&mut auth, block, &TokenHashes::of(block, key));
        auth.close();
    }
    if let Some(mount) = facts.mount {
        response.splice(&mount.response);
    }
    if !facts.lease_id.is_empty() {
        let mut secret = Object::open(response.key("secret"));
        secret.text("lease_id", facts.lease_id);
        secret.close();
    }
    push_data(&mut response, facts.data, key)?;
    response.list("warnings", facts.warnings.iter());
    response.text_if("redirect", facts.redirect);
    if let Some(wrap) = facts.wrap {
        push_wrap(response.key("wrap_info"), wrap, key);
    }
    if let Some(status) = facts.status {
        response.number("status", u64::from(status));
    }
    response.close();
    Ok(())
}

fn push_wrap(out: &mut Vec<u8>, facts: &WrapFacts<'_>, key: &HashKey) {
    let mut wrap = Object::open(out);
    wrap.number("ttl", facts.ttl_s);
    push_hashed_if(&mut wrap, "token", facts.token, key);
    push_hashed_if(&mut wrap, "accessor", facts.accessor, key);
    push_quoted_time(wrap.key("creation_time"), facts.created);
    wrap.text_if("creation_path", facts.creation_path);
    push_hashed_if(&mut wrap, "wrapped_accessor", facts.wrapped_accessor, key);
    wrap.close();
}

fn push_data(object: &mut Object<'_>, data: Option<Data<'_>>, key: &HashKey) -> Result<(), AuditError> {
    match data {
        Some(data) => mask(&data, key, object.key("data")),
        None => Ok(()),
    }
}

fn push_hashed_if(object: &mut Object<'_>, name: &'static str, value: &str, key: &HashKey) {
    if !value.is_empty() {
        key.push_quoted(object.key(name), value.as_bytes());
    }
}

#[cfg(test)]
#[path = "render/tests.rs"]
mod tests;
