//! Things whose load and check stand in one file: what a worker made, what was acknowledged about it, and how it is asked for
//! after the crash.

use std::any::Any;
use std::fmt::Debug;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::api::Api;

pub trait Thing: Any + Debug + Send {
    /// Compares with what the server shows after a crash; what it shows holds from then on. Asked again in later cycles.
    fn settle(&mut self, api: &Api) -> Result<()>;

    /// For the count at the end.
    fn kind(&self) -> &'static str {
        std::any::type_name::<Self>().rsplit("::").next().unwrap_or_default()
    }

    /// Accessors of its tokens that live after `settle`.
    fn live_accessors(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Waits for what the background work of a fresh process brings about.
pub fn soon(what: &str, mut is_there: impl FnMut() -> Result<bool>) -> Result<()> {
    for _ in 0..200 {
        if is_there()? {
            return Ok(());
        }
        sleep(Duration::from_millis(50));
    }
    bail!("{what} does not come about")
}

/// Whether an accessor leads to a live token.
pub fn is_live(api: &Api, accessor: &str) -> Result<bool> {
    Ok(api.call("POST", "auth/token/lookup-accessor", Some(&json!({"accessor": accessor})))?.ok())
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
