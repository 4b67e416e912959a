//! A blocking client for the HTTP API, as an outsider would write one: no types of ours, certificates not checked (the
//! rigs make their own). One `Api` per server start: pooled connections do not survive a kill.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ureq::http::Request;

const LIMIT: Duration = Duration::from_secs(60);
/// Longest answer that is read, bytes.
const BODY_BYTES_MAX: u64 = 64 << 20;

/// A status and its body.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON; null where there is none or it is something else.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A caller with an address and a token.
#[derive(Clone)]
pub struct Api {
    agent: ureq::Agent,
    addr: String,
    token: String,
}

impl Api {
    pub fn new(addr: &str, token: &str) -> Self {
        let tls = ureq::tls::TlsConfig::builder()
            .disable_verification(true)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .build();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .timeout_global(Some(LIMIT))
            .tls_config(tls)
            .build()
            .into();
        Self { agent, addr: addr.to_owned(), token: token.to_owned() }
    }

    /// The same server for another caller.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// Sends bytes as they are. `path` stands behind `/v1/`. Errors: no answer came; an answer of any status is Ok.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(format!("{}/v1/{path}", self.addr));
        if !self.token.is_empty() && !headers.iter().any(|(k, _)| k.eq_ignore_ascii_case("x-vault-token")) {
            request = request.header("X-Vault-Token", &self.token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let what = || format!("{method} {path}");
        let mut answer = match body {
            None => self.agent.run(request.body(()).with_context(what)?),
            Some(bytes) => self.agent.run(request.body(bytes).with_context(what)?),
        }
        .with_context(what)?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(BODY_BYTES_MAX).read_to_vec().with_context(what)?;
        Ok(Answer { status, body })
    }

    /// A JSON call. Errors: no answer came.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        match body {
            None => self.send(method, path, &[], None),
            Some(value) => self.send(method, path, &[("Content-Type", kind)], Some(value.to_string().as_bytes())),
        }
    }

    /// A JSON call that must answer 2xx; returns its body. Errors: no answer, or another status.
    pub fn must(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let answer = self.call(method, path, body)?;
        if !answer.ok() {
            bail!("{method} {path}: {} {}", answer.status, answer.text().chars().take(300).collect::<String>());
        }
        Ok(answer.json())
    }
}
