//! What may be used once or a number of times: wrapped answers and tokens with counted uses.

use anyhow::{Result, bail};
use rand::Rng;
use serde_json::{Value, json};

use super::load::{POLICY, Step, Worker};
use super::thing::{Thing, is_live, text};
use crate::api::Api;

/// An answer that was wrapped.
#[derive(Debug)]
pub struct Wrapped {
    token: String,
    accessor: String,
    value: Value,
    /// It came out, acknowledged.
    is_out: bool,
    /// Somebody asked for it and got no answer.
    is_doubtful: bool,
}

impl Wrapped {
    pub fn make(api: &Api, value: Value) -> Result<Self> {
        let headers = [("X-Vault-Wrap-TTL", "30h"), ("Content-Type", "application/json")];
        let made = api.send("POST", "sys/wrapping/wrap", &headers, Some(value.to_string().as_bytes()))?.json();
        let (token, accessor) = (text(&made["wrap_info"]["token"]), text(&made["wrap_info"]["accessor"]));
        Ok(Self { token, accessor, value, is_out: false, is_doubtful: false })
    }

    /// Errors: it does not come out.
    pub fn take(&mut self, api: &Api) -> Result<()> {
        self.is_out = self.comes_out(api)?;
        if self.is_out { Ok(()) } else { bail!("a wrapped answer does not come out") }
    }

    /// Errors: something else came out.
    fn comes_out(&self, api: &Api) -> Result<bool> {
        let answer = api.call("POST", "sys/wrapping/unwrap", Some(&json!({"token": self.token})))?;
        match answer.status {
            200 if answer.json()["data"] == self.value => Ok(true),
            400 => Ok(false),
            other => bail!("unwrap answers {other} {}", answer.text()),
        }
    }
}

impl Thing for Wrapped {
    fn settle(&mut self, api: &Api) -> Result<()> {
        let (first, second) = (self.comes_out(api)?, self.comes_out(api)?);
        if second || (first && self.is_out) {
            bail!("a wrapped answer comes out twice");
        }
        if !first && !self.is_out && !self.is_doubtful {
            bail!("an acknowledged wrapped answer does not come out");
        }
        if is_live(api, &self.accessor)? {
            bail!("a wrapping token lives on without its answer");
        }
        self.is_out = true;
        Ok(())
    }
}

/// Wraps, and mostly takes out what was wrapped.
pub fn wraps(w: &mut Worker<'_>) -> Step {
    let api = w.api();
    let value = json!({"value": w.value()});
    w.done.unanswered_tokens += 1;
    let headers = [("X-Vault-Wrap-TTL", "30h"), ("Content-Type", "application/json")];
    let made = w.ask_with(&api, "POST", "sys/wrapping/wrap", &headers, Some(&value), &[200])?.json()["wrap_info"].take();
    w.done.unanswered_tokens -= 1;
    let (token, accessor) = (text(&made["token"]), text(&made["accessor"]));
    w.keep(Wrapped { token: token.clone(), accessor, value: value.clone(), is_out: false, is_doubtful: false });
    if !w.rng.random_bool(0.7) {
        return Ok(());
    }
    w.newest::<Wrapped>(|wrapped| wrapped.is_doubtful = true);
    let path = if w.rng.random_bool(0.3) { "sys/wrapping/rewrap" } else { "sys/wrapping/unwrap" };
    if path.ends_with("rewrap") {
        w.done.unanswered_tokens += 1;
    }
    let answer = w.root("POST", path, Some(&json!({"token": token})))?;
    let again = answer["wrap_info"].clone();
    w.newest::<Wrapped>(|wrapped| (wrapped.is_out, wrapped.is_doubtful) = (true, false));
    if path.ends_with("rewrap") {
        w.done.unanswered_tokens -= 1;
        let (token, accessor) = (text(&again["token"]), text(&again["accessor"]));
        w.keep(Wrapped { token, accessor, value, is_out: false, is_doubtful: false });
    }
    Ok(())
}

/// A token that serves so many requests, over all crashes.
#[derive(Debug)]
pub struct Limited {
    token: String,
    accessor: String,
    uses: usize,
    /// Acknowledged.
    served: usize,
    /// Asked for and not answered.
    doubtful: usize,
}

impl Limited {
    pub fn make(api: &Api, uses: usize) -> Result<Self> {
        let body = json!({"policies": [POLICY], "ttl": "30h", "num_uses": uses});
        let made = api.must("POST", "auth/token/create", Some(&body))?["auth"].take();
        let (token, accessor) = (text(&made["client_token"]), text(&made["accessor"]));
        Ok(Self { token, accessor, uses, served: 0, doubtful: 0 })
    }

    pub fn spend_all(&mut self, api: &Api) -> Result<()> {
        let own = api.with_token(&self.token);
        while self.served < self.uses {
            own.must("GET", "auth/token/lookup-self", None)?;
            self.served += 1;
        }
        Ok(())
    }
}

impl Thing for Limited {
    fn settle(&mut self, api: &Api) -> Result<()> {
        let own = api.with_token(&self.token);
        for _ in 0..=self.uses {
            match own.call("GET", "auth/token/lookup-self", None)?.status {
                200 => self.served += 1,
                403 => {}
                other => bail!("a limited token is answered {other}"),
            }
        }
        if self.served > self.uses {
            bail!("served {} times", self.served);
        }
        if self.served + self.doubtful < self.uses {
            bail!("served {} times only, {} not answered", self.served, self.doubtful);
        }
        if is_live(api, &self.accessor)? {
            bail!("used up, and still there");
        }
        Ok(())
    }
}

/// A token that is used some of the times that it may be.
pub fn uses(w: &mut Worker<'_>) -> Step {
    let (api, uses) = (w.api(), w.rng.random_range(1..=6));
    let body = json!({"policies": [POLICY], "ttl": "30h", "num_uses": uses});
    w.done.unanswered_tokens += 1;
    let made = w.ask(&api, "POST", "auth/token/create", Some(&body), &[200])?.json()["auth"].take();
    w.done.unanswered_tokens -= 1;
    let (token, accessor) = (text(&made["client_token"]), text(&made["accessor"]));
    let own = api.with_token(&token);
    w.keep(Limited { token, accessor, uses, served: 0, doubtful: 0 });
    for _ in 0..w.rng.random_range(0..=uses) {
        w.newest::<Limited>(|limited| limited.doubtful += 1);
        w.ask(&own, "GET", "auth/token/lookup-self", None, &[200])?;
        w.newest::<Limited>(|limited| (limited.served, limited.doubtful) = (limited.served + 1, limited.doubtful - 1));
    }
    Ok(())
}
