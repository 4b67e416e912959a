//! `user_lockout` stanzas: when names are locked after failed logins, by auth method. A mount's own settings win.

use strongroom_core::{LockoutConfig, LockoutDefaults};
use strongroom_types::Ttl;

use super::mistake::Result;
use super::section::{Section, Unknown};

const KEYS: &[&str] = &["lockout_threshold", "lockout_duration", "lockout_counter_reset", "disable_lockout"];

/// Methods that lock names, and the word for all of them.
const METHODS: &[&str] = &["all", "userpass", "ldap", "approle"];

/// Reads the stanzas of one file. Errors: a label that is no such method, a value that breaks its rule.
pub fn read(file: &Section<'_>, warnings: &mut Vec<String>) -> Result<LockoutDefaults> {
    let mut all = LockoutDefaults::new();
    for stanza in file.stanzas("user_lockout", 1, KEYS)? {
        stanza.check_keys(KEYS, Unknown::RefuseNearMiss, warnings)?;
        let method = match stanza.labels.as_slice() {
            [method] if METHODS.contains(method) => (*method).to_owned(),
            _ => return Err(stanza.refuse_all("must have one label: \"all\", \"userpass\", \"ldap\" or \"approle\"")),
        };
        if all.insert(method, one(&stanza)?).is_some() {
            return Err(stanza.refuse_all("two stanzas have this label"));
        }
    }
    Ok(all)
}

fn one(stanza: &Section<'_>) -> Result<LockoutConfig> {
    let threshold = stanza.count("lockout_threshold")?.unwrap_or(0);
    let ttl = |key| Ok(stanza.duration(key)?.map_or(Ttl::ZERO, |d| Ttl::from_s(d.as_secs())));
    Ok(LockoutConfig {
        threshold: u32::try_from(threshold).map_err(|_| stanza.refuse("lockout_threshold", "must be below 4294967296"))?,
        duration: ttl("lockout_duration")?,
        counter_reset: ttl("lockout_counter_reset")?,
        disable: stanza.flag("disable_lockout")?,
    })
}
