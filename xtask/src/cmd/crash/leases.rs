//! Leases. Whatever gives them out is a line of `LENDERS`, which is the one place to add an engine.

use anyhow::{Result, bail};
use rand::Rng;
use serde_json::{Value, json};

use super::claim::Claim;
use super::load::{Step, Worker};
use super::thing::{Thing, soon, text};
use crate::api::Api;

/// Where leases come from. `NAME` in a path stands for a fresh name.
struct Lender {
    /// Once, in the beginning: path and body of each request.
    prepare: &'static [(&'static str, &'static str)],
    /// For each name.
    role: (&'static str, &'static str),
    issue: (&'static str, &'static str),
    /// Below which its leases are.
    prefix: &'static str,
}

const LENDERS: &[Lender] = &[
    Lender {
        prepare: &[("sys/auth/up", r#"{"type": "userpass"}"#)],
        role: ("auth/up/users/NAME", r#"{"password": "not a secret", "token_ttl": "30h", "token_policies": ["crash"]}"#),
        issue: ("auth/up/login/NAME", r#"{"password": "not a secret"}"#),
        prefix: "auth/up/login/NAME",
    },
    Lender {
        prepare: &[
            ("sys/mounts/pki", r#"{"type": "pki"}"#),
            ("pki/root/generate/internal", r#"{"common_name": "crash", "key_type": "ec", "ttl": "700h"}"#),
        ],
        role: (
            "pki/roles/NAME",
            r#"{"allow_any_name": true, "generate_lease": true, "key_type": "ec", "ttl": "30h", "max_ttl": "60h"}"#,
        ),
        issue: ("pki/issue/NAME", r#"{"common_name": "crash.example"}"#),
        prefix: "pki/issue/NAME",
    },
];

/// Leases of one name.
const LEASES: usize = 5;

pub fn prepare(api: &Api) -> Result<()> {
    for (path, body) in LENDERS.iter().flat_map(|lender| lender.prepare) {
        api.must("POST", path, Some(&serde_json::from_str(body)?))?;
    }
    Ok(())
}

#[derive(Debug)]
struct Lease {
    id: String,
    /// Of a login's token.
    accessor: Option<String>,
    is_live: Claim<bool>,
}

impl Lease {
    fn of(answer: &Value, prefix: &str) -> Self {
        let accessor = answer["auth"]["accessor"].as_str().map(str::to_owned);
        let id = match &accessor {
            Some(accessor) => format!("{prefix}/{accessor}"),
            None => text(&answer["lease_id"]),
        };
        Self { id, accessor, is_live: Claim::new(true) }
    }
}

impl Thing for Lease {
    fn settle(&mut self, api: &Api) -> Result<()> {
        let look = || match api.call("POST", "sys/leases/lookup", Some(&json!({"lease_id": self.id})))?.status {
            200 => Ok(true),
            400 => Ok(false),
            other => bail!("the lookup of a lease answers {other}"),
        };
        if !self.is_live.acked {
            // A revocation that was answered comes about, without `sync` perhaps a moment later.
            soon("an acknowledged revocation", || Ok(!look()?))?;
        }
        if self.is_live.pending.is_some() && look()? {
            // It may still come about: from here on it has.
            api.must("POST", "sys/leases/revoke", Some(&json!({"lease_id": self.id, "sync": true})))?;
        }
        let seen = look()?;
        self.is_live.settle(seen)
    }

    fn live_accessors(&self) -> Vec<String> {
        self.accessor.iter().filter(|_| self.is_live.acked).cloned().collect()
    }
}

/// Some leases of a fresh name: one of them is revoked, or all, or none.
pub fn leases(w: &mut Worker<'_>) -> Step {
    let lender = &LENDERS[w.rng.random_range(0..LENDERS.len())];
    let name = w.name("n");
    let path = |with_name: &str| with_name.replace("NAME", &name);
    let body = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    w.root("POST", &path(lender.role.0), Some(&body(lender.role.1)))?;
    let mut ids = Vec::new();
    for _ in 0..LEASES {
        w.done.unanswered_tokens += 1;
        let answer = w.root("POST", &path(lender.issue.0), Some(&body(lender.issue.1)))?;
        w.done.unanswered_tokens -= 1;
        let lease = Lease::of(&answer, &path(lender.prefix));
        ids.push(lease.id.clone());
        w.keep(lease);
    }
    let sync = w.rng.random_bool(0.5);
    let (what, request, meant) = match w.rng.random_range(0..3) {
        0 => return Ok(()),
        1 => ("sys/leases/revoke".to_owned(), json!({"lease_id": ids[0], "sync": sync}), &ids[..1]),
        _ => (format!("sys/leases/revoke-prefix/{}", path(lender.prefix)), json!({"sync": sync}), &ids[..]),
    };
    w.each::<Lease>(|lease| {
        if meant.contains(&lease.id) {
            lease.is_live.expect(false);
        }
    });
    w.root("POST", &what, Some(&request))?;
    w.each::<Lease>(|lease| lease.is_live.ack());
    Ok(())
}
