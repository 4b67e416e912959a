//! Prints an envelope: data, a token or a wrapping token. Must never print a token anywhere but in the text it returns.

use serde_json::{Value, json};
use strongroom_client::api::{Auth, Envelope, WrapInfo};

use super::value::{cell, duration, plain, quoted};
use super::{Failure, Format, Printed, structured, table};

/// The answer of most commands: one field, JSON, or a table with warnings beside it.
pub(crate) fn print(envelope: &Envelope, format: Format, field: Option<&str>) -> Result<Printed, Failure> {
    match (field, format) {
        (Some(name), _) => print_field(find(envelope, name), name, format),
        (None, Format::Json | Format::Yaml | Format::Raw) => Printed::structured(envelope, format),
        (None, Format::Table) => Ok(Printed::text(table_of(envelope)).warned(envelope.warnings.as_ref())),
    }
}

/// One value and no line feed, so that `$(...)` and files get it as it is. Errors: there is no such field.
pub(crate) fn print_field(value: Option<Value>, name: &str, format: Format) -> Result<Printed, Failure> {
    match value {
        None | Some(Value::Null) => Err(Failure::local(format!("Field {name:?} not present in secret"))),
        Some(value) if format == Format::Table => Ok(Printed::text(plain(&value))),
        Some(value) if format == Format::Yaml => Printed::structured(&value, format),
        Some(value) => Ok(Printed::text(structured(&value, format)?.trim_end_matches('\n'))),
    }
}

/// For stderr; empty without warnings.
pub(crate) fn warnings(warnings: Option<&Vec<String>>) -> String {
    let Some(warnings) = warnings.filter(|warnings| !warnings.is_empty()) else { return String::new() };
    let lines: String = warnings.iter().map(|warning| format!("  * {warning}\n\n")).collect();
    format!("WARNING! The following warnings were returned from the server:\n\n{lines}")
}

pub(crate) fn table_of(envelope: &Envelope) -> String {
    if let Some(auth) = &envelope.auth {
        return table::pairs(&auth_rows(auth));
    }
    if let Some(wrap) = envelope.wrap_info.as_ref().filter(|wrap| !wrap.token.is_empty()) {
        return table::pairs(&wrap_rows(wrap));
    }
    let mut rows = lease_rows(envelope);
    match &envelope.data {
        Some(Value::Object(data)) => rows.extend(data.iter().map(|(key, value)| (key.clone(), cell(key, value)))),
        Some(other) if !other.is_null() => rows.push(("data".to_owned(), plain(other))),
        _ => {}
    }
    if rows.is_empty() { String::new() } else { table::pairs(&rows) }
}

fn lease_rows(envelope: &Envelope) -> Vec<(String, String)> {
    let rows = if !envelope.lease_id.is_empty() {
        vec![
            ("lease_id", envelope.lease_id.clone()),
            ("lease_duration", duration(envelope.lease_duration)),
            ("lease_renewable", envelope.renewable.to_string()),
        ]
    } else if envelope.lease_duration > 0 {
        vec![("refresh_interval", duration(envelope.lease_duration))]
    } else {
        vec![]
    };
    rows.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn auth_rows(auth: &Auth) -> Vec<(String, String)> {
    // A token without an end is told apart from one that ends now.
    let life = if auth.lease_duration == 0 { "∞".to_owned() } else { duration(auth.lease_duration) };
    let fixed = [
        ("token", auth.client_token.expose().to_owned()),
        ("token_accessor", auth.accessor.clone()),
        ("token_duration", life),
        ("token_renewable", auth.renewable.to_string()),
        ("token_policies", quoted(&auth.token_policies)),
        ("identity_policies", quoted(auth.identity_policies.as_deref().unwrap_or_default())),
        ("policies", quoted(&auth.policies)),
    ];
    let notes = auth.metadata.iter().flatten().map(|(key, value)| (format!("token_meta_{key}"), value.clone()));
    fixed.into_iter().map(|(key, value)| (key.to_owned(), value)).chain(notes).collect()
}

fn wrap_rows(wrap: &WrapInfo) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("wrapping_token:", wrap.token.expose().to_owned()),
        ("wrapping_accessor:", wrap.accessor.clone()),
        ("wrapping_token_ttl:", duration(wrap.ttl)),
        ("wrapping_token_creation_time:", spaced(&wrap.creation_time)),
        ("wrapping_token_creation_path:", wrap.creation_path.clone()),
    ];
    if !wrap.wrapped_accessor.is_empty() {
        rows.push(("wrapped_accessor:", wrap.wrapped_accessor.clone()));
    }
    rows
}

/// `2026-01-02T03:04:05Z` as `2026-01-02 03:04:05 +0000 UTC`.
fn spaced(time: &str) -> String {
    time.strip_suffix('Z').map_or_else(|| time.to_owned(), |time| format!("{} +0000 UTC", time.replacen('T', " ", 1)))
}

/// Names of the frame first, then those of the data.
fn find(envelope: &Envelope, name: &str) -> Option<Value> {
    let auth = envelope.auth.as_ref().and_then(|auth| auth_field(auth, name));
    let wrap = || envelope.wrap_info.as_ref().and_then(|wrap| wrap_field(wrap, name));
    auth.or_else(wrap).or_else(|| frame_field(envelope, name)).or_else(|| envelope.data.as_ref()?.get(name).cloned())
}

fn auth_field(auth: &Auth, name: &str) -> Option<Value> {
    Some(match name {
        "token" => json!(auth.client_token.expose()),
        "token_accessor" => json!(auth.accessor),
        "token_duration" => json!(auth.lease_duration),
        "token_renewable" => json!(auth.renewable),
        "token_policies" => json!(auth.token_policies),
        "identity_policies" => json!(auth.identity_policies),
        "policies" => json!(auth.policies),
        _ => json!(auth.metadata.as_ref()?.get(name.strip_prefix("token_meta_")?)?),
    })
}

fn wrap_field(wrap: &WrapInfo, name: &str) -> Option<Value> {
    Some(match name {
        "wrapping_token" => json!(wrap.token.expose()),
        "wrapping_accessor" => json!(wrap.accessor),
        "wrapping_token_ttl" => json!(wrap.ttl),
        "wrapping_token_creation_time" => json!(wrap.creation_time),
        "wrapping_token_creation_path" => json!(wrap.creation_path),
        "wrapped_accessor" => json!(wrap.wrapped_accessor),
        _ => return None,
    })
}

fn frame_field(envelope: &Envelope, name: &str) -> Option<Value> {
    let data_has_it = envelope.data.as_ref().is_some_and(|data| data.get(name).is_some());
    match name {
        _ if data_has_it => None,
        "data" => envelope.data.clone(),
        "lease_id" => Some(json!(envelope.lease_id)),
        "lease_duration" | "refresh_interval" => Some(json!(envelope.lease_duration)),
        "lease_renewable" => Some(json!(envelope.renewable)),
        _ => None,
    }
}
