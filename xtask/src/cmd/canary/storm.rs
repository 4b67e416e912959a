//! The traffic: each call puts one marked secret into one place of the API, rightly or wrongly. Whatever the server
//! refuses is kept: no refusal may repeat the secret.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::approle::{self, approle};
use super::needles::Needles;
use crate::api::{Answer, Api};

/// A caller that remembers refusals and the tokens that the server made.
pub struct Storm {
    api: Api,
    /// Tokens that the server made.
    pub tokens: Needles,
    /// Their accessors. They are record keys, so the store may hold them; logs and refusals may not.
    pub accessors: Needles,
    pub refusals: Vec<u8>,
    pub requests: usize,
}

/// The kinds of traffic, taken in turn.
pub const KINDS: &[fn(&mut Storm, &str) -> Result<()>] =
    &[kv, patch, wrong_types, malformed, query, headers, cubbyhole, wrapping, tokens, policies, wrong_tokens, system, approle];

impl Storm {
    pub fn new(api: Api) -> Self {
        Self { api, tokens: Needles::default(), accessors: Needles::default(), refusals: Vec::new(), requests: 0 }
    }

    fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Result<Answer> {
        let answer = self.api.send(method, path, headers, body)?;
        self.keep(method, path, answer)
    }

    pub fn json(&mut self, method: &str, path: &str, body: Value) -> Result<Answer> {
        let answer = self.api.call(method, path, Some(&body))?;
        self.keep(method, path, answer)
    }

    fn keep(&mut self, method: &str, path: &str, answer: Answer) -> Result<Answer> {
        self.requests += 1;
        if answer.status >= 400 {
            self.refusals.extend(format!("{method} {} {}\n", path.split('?').next().unwrap_or_default(), answer.status).bytes());
            self.refusals.extend(&answer.body);
            self.refusals.push(b'\n');
        }
        Ok(answer)
    }

    /// Tokens and accessors that an answer gave out must stay out of logs too.
    pub fn learn(&mut self, answer: &Answer) {
        let body = answer.json();
        for block in ["/auth", "/wrap_info"] {
            for field in ["token", "client_token", "accessor"] {
                let needles = if field == "accessor" { &mut self.accessors } else { &mut self.tokens };
                if let Some(Value::String(secret)) = body.pointer(&format!("{block}/{field}")).filter(|v| **v != "") {
                    needles.add(secret);
                }
            }
        }
    }
}

/// Mounts and one token to work with.
pub fn prepare(api: &Api) -> Result<()> {
    api.must("POST", "sys/mounts/secret", Some(&json!({"type": "kv", "options": {"version": "2"}})))?;
    approle::prepare(api)?;
    for _ in 0..100 {
        if api.call("POST", "secret/data/any", Some(&json!({"data": {"a": "b"}})))?.ok() {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    anyhow::bail!("secret/ cannot be written")
}

/// A name that is not secret: paths are clear in the audit log.
pub fn place(s: &Storm) -> String {
    format!("app-{}", s.requests)
}

fn kv(s: &mut Storm, mark: &str) -> Result<()> {
    let path = format!("secret/data/{}", place(s));
    s.json("POST", &path, json!({"data": {"password": mark, "deep": {"list": [mark, 1]}}}))?;
    let read = s.send("GET", &path, &[], None)?;
    ensure!(read.text().contains(mark), "{path} does not give back what was written: {}", read.status);
    s.json("POST", &path, json!({"data": {"password": mark}, "options": {"cas": 7}}))?;
    Ok(())
}

fn patch(s: &mut Storm, mark: &str) -> Result<()> {
    let path = format!("secret/data/{}", place(s));
    s.json("POST", &path, json!({"data": {"a": "b"}}))?;
    s.json("PATCH", &path, json!({"data": {"password": mark}}))?;
    s.json("PATCH", &path, json!({"data": mark}))?;
    s.json("PATCH", "secret/data/absent", json!({"data": {"password": mark}}))?;
    s.send("PATCH", &path, &[("Content-Type", mark)], Some(b"{}"))?;
    Ok(())
}

/// The secret as a value of the wrong type, in every field of the routes that there are.
fn wrong_types(s: &mut Storm, mark: &str) -> Result<()> {
    let fields: &[(&str, &[&str])] = &[
        ("secret/data/any", &["data", "options"]),
        ("secret/delete/any", &["versions"]),
        ("secret/undelete/any", &["versions"]),
        ("secret/destroy/any", &["versions"]),
        ("secret/metadata/any", &["max_versions", "cas_required", "delete_version_after", "custom_metadata"]),
        ("secret/config", &["max_versions", "cas_required", "delete_version_after"]),
        (
            "auth/token/create",
            &["ttl", "explicit_max_ttl", "num_uses", "no_parent", "no_default_policy", "renewable", "type", "period"],
        ),
        ("auth/token/renew-self", &["increment"]),
        ("sys/mounts/wrong", &["type", "config", "options", "local", "seal_wrap"]),
        ("sys/mounts/secret/tune", &["default_lease_ttl", "max_lease_ttl", "options", "listing_visibility"]),
    ];
    for (path, names) in fields {
        for name in *names {
            for wrong in [json!(mark), json!([mark]), json!({"a": mark}), json!([[{"a": mark}]])] {
                if !(*name == "data" && wrong.is_object()) {
                    s.json("POST", path, json!({*name: wrong}))?;
                }
            }
        }
    }
    s.json("POST", "secret/data/any", json!({"options": {"cas": mark}, "data": {"a": mark}}))?;
    Ok(())
}

fn malformed(s: &mut Storm, mark: &str) -> Result<()> {
    let texts = [
        format!("{{\"data\": {{\"password\": \"{mark}\""),
        format!("{{\"data\": {{\"password\": \"{mark}\"}}}} trailing {mark}"),
        format!("[\"{mark}\"]"),
        format!("\"{mark}\""),
        mark.to_owned(),
        format!("{{\"data\": {mark}}}"),
        format!("{{\"data\": {{\"a\": 1, \"a\": \"{mark}\"}}, \"data\": \"{mark}\"}}"),
        format!("{{\"data\": \"{mark}\\u0000\\ud800\"}}"),
        format!("{}\"{mark}\"", "{\"a\":".repeat(600)),
        format!("password={mark}&data={mark}"),
    ];
    for path in ["secret/data/any", "cubbyhole/any", "auth/token/create", "sys/policies/acl/any", "sys/wrapping/wrap"] {
        for text in &texts {
            s.send("POST", path, &[("Content-Type", "application/json")], Some(text.as_bytes()))?;
        }
        let mut bytes = format!("{{\"data\": {{\"password\": \"{mark}").into_bytes();
        bytes.extend([0xff, 0xfe, b'"', b'}', b'}']);
        s.send("POST", path, &[], Some(&bytes))?;
    }
    Ok(())
}

fn query(s: &mut Storm, mark: &str) -> Result<()> {
    for path in ["secret/data/any?version=", "secret/metadata?list=", "secret/subkeys/any?depth=", "cubbyhole?list="] {
        s.send("GET", &format!("{path}{mark}"), &[], None)?;
    }
    s.send("LIST", &format!("secret/metadata?after={mark}&limit={mark}"), &[], None)?;
    s.send("DELETE", &format!("secret/data/any-other?token={mark}"), &[], None)?;
    Ok(())
}

fn headers(s: &mut Storm, mark: &str) -> Result<()> {
    let bearer = format!("Bearer {mark}");
    for (name, value) in [
        ("X-Vault-Token", mark),
        ("Authorization", bearer.as_str()),
        ("X-Vault-Wrap-TTL", mark),
        ("X-Vault-Wrap-Format", mark),
        ("Content-Type", mark),
        ("X-Vault-Request", mark),
        ("If-Modified-Since", mark),
        ("X-Vault-Policy-Override", mark),
        ("Cookie", mark),
    ] {
        s.send("GET", "secret/data/any", &[(name, value)], None)?;
        s.send("POST", "secret/data/any", &[(name, value)], Some(b"{\"data\": {\"a\": 1}}"))?;
    }
    Ok(())
}

fn cubbyhole(s: &mut Storm, mark: &str) -> Result<()> {
    let path = format!("cubbyhole/{}", place(s));
    s.json("POST", &path, json!({"password": mark}))?;
    let read = s.send("GET", &path, &[], None)?;
    ensure!(read.text().contains(mark), "{path} does not give back what was written: {}", read.status);
    s.send("DELETE", &path, &[], None)?;
    Ok(())
}

fn wrapping(s: &mut Storm, mark: &str) -> Result<()> {
    let path = format!("secret/data/{}", place(s));
    s.json("POST", &path, json!({"data": {"password": mark}}))?;
    for once in [true, false] {
        let wrapped = s.send("GET", &path, &[("X-Vault-Wrap-TTL", "60")], None)?;
        s.learn(&wrapped);
        if let Some(token) = wrapped.json()["wrap_info"]["token"].as_str() {
            s.json("POST", "sys/wrapping/lookup", json!({"token": token}))?;
            s.json("POST", "sys/wrapping/unwrap", json!({"token": token}))?;
            if once {
                s.json("POST", "sys/wrapping/unwrap", json!({"token": token}))?;
                s.json("POST", "sys/wrapping/lookup", json!({"token": token}))?;
            }
        }
    }
    s.json("POST", "sys/wrapping/unwrap", json!({"token": mark}))?;
    s.json("POST", "sys/wrapping/rewrap", json!({"token": [mark]}))?;
    let body = json!({"password": mark}).to_string();
    let wrapped = s.send("POST", "sys/wrapping/wrap", &[("X-Vault-Wrap-TTL", "60")], Some(body.as_bytes()))?;
    s.learn(&wrapped);
    Ok(())
}

fn tokens(s: &mut Storm, mark: &str) -> Result<()> {
    let made = s.json("POST", "auth/token/create", json!({"policies": ["default"], "ttl": "1h"}))?;
    ensure!(made.ok(), "auth/token/create: {} {}", made.status, made.text());
    s.learn(&made);
    let auth = made.json()["auth"].take();
    let (id, accessor) = (auth["client_token"].clone(), auth["accessor"].clone());
    let text = id.as_str().unwrap_or_default().to_owned();
    let own = [("X-Vault-Token", text.as_str())];
    s.send("GET", "auth/token/lookup-self", &own, None)?;
    s.send("GET", "secret/data/any", &own, None)?;
    s.send("POST", "cubbyhole/own", &own, Some(json!({"password": mark}).to_string().as_bytes()))?;
    s.json("POST", "auth/token/lookup", json!({"token": id}))?;
    s.json("POST", "auth/token/lookup-accessor", json!({"accessor": accessor}))?;
    s.json("POST", "auth/token/renew", json!({"token": id, "increment": mark}))?;
    let revoke = if s.requests.is_multiple_of(2) { json!({"token": id}) } else { json!({"accessor": accessor}) };
    let path = if revoke.get("token").is_some() { "auth/token/revoke" } else { "auth/token/revoke-accessor" };
    s.json("POST", path, revoke.clone())?;
    s.json("POST", path, revoke)?;
    s.send("GET", "auth/token/lookup-self", &own, None)?;
    s.json("POST", "auth/token/create", json!({"id": mark, "ttl": "1h"}))?;
    s.json("POST", "auth/token/create", json!({"id": format!("s.{mark}"), "ttl": "1h"}))?;
    Ok(())
}

fn policies(s: &mut Storm, mark: &str) -> Result<()> {
    let path = format!("sys/policies/acl/{}", place(s));
    for text in [
        format!("path \"secret/data/x\" {{ capabilities = [\"{mark}\"] }}"),
        format!("path \"secret/data/x\" {{ {mark} = 1 }}"),
        mark.to_owned(),
        format!("path \"{mark}"),
        format!("path \"secret/data/x\" {{ capabilities = [\"read\"]\n allowed_parameters = {{ \"a\" = \"{mark}\" }} }}"),
        format!("path \"secret/data/x\" {{ capabilities = [\"read\"]\n allowed_parameters = {{ \"a\" = [\"{mark}\"] }} }}"),
        format!("path \"secret/data/x\" {{ min_wrapping_ttl = \"{mark}\" }}"),
        format!("{{\"path\": {{\"a\": \"{mark}\"}}}}"),
    ] {
        s.json("PUT", &path, json!({"policy": text}))?;
    }
    s.json("PUT", &path, json!({"policy": [mark]}))?;
    Ok(())
}

fn wrong_tokens(s: &mut Storm, mark: &str) -> Result<()> {
    for path in ["lookup", "revoke", "renew", "revoke-orphan"] {
        for wrong in [json!(mark), json!(format!("hvs.{mark}")), json!([mark]), json!({"a": mark})] {
            s.json("POST", &format!("auth/token/{path}"), json!({"token": wrong}))?;
        }
    }
    for path in ["lookup-accessor", "revoke-accessor", "renew-accessor"] {
        s.json("POST", &format!("auth/token/{path}"), json!({"accessor": mark}))?;
    }
    s.send(
        "POST",
        "sys/mounts/made-by-nobody",
        &[("X-Vault-Token", mark)],
        Some(format!("{{\"type\": \"{mark}\"}}").as_bytes()),
    )?;
    Ok(())
}

fn system(s: &mut Storm, mark: &str) -> Result<()> {
    for (path, body) in [
        ("sys/unseal", json!({"key": mark})),
        ("sys/unseal", json!({"key": [mark], "reset": mark})),
        ("sys/init", json!({"secret_shares": mark})),
        ("sys/init", json!({"secret_shares": 1, "secret_threshold": 1, "pgp_keys": [mark]})),
        ("sys/capabilities-self", json!({"paths": {"a": mark}})),
        ("sys/capabilities", json!({"token": mark, "paths": ["secret/data/any"]})),
        ("sys/capabilities-accessor", json!({"accessor": mark, "paths": ["secret/data/any"]})),
        ("sys/no-such-route", json!({"password": mark})),
        ("no-such-mount/any", json!({"password": mark})),
        ("auth/no-such-method/login", json!({"password": mark})),
    ] {
        s.json("POST", path, body)?;
    }
    Ok(())
}
