//! When a name is locked and for how long: the mount's settings, then the configuration's for its method, then for all
//! methods, then the defaults of the contract. Field by field.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strongroom_types::Ttl;

const THRESHOLD: u32 = 5;
const QUARTER_HOUR: Ttl = Ttl::from_s(15 * 60);
/// The configuration's entry for every method.
const ALL: &str = "all";

/// What a mount or the configuration says. None and zero say nothing.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(default)]
pub struct LockoutConfig {
    /// Failures that lock.
    pub threshold: u32,
    pub duration: Ttl,
    /// Time without failures after which they are forgotten.
    pub counter_reset: Ttl,
    pub disable: Option<bool>,
}

/// The configuration's `user_lockout` stanzas by auth method; `all` holds for every method.
pub type LockoutDefaults = BTreeMap<String, LockoutConfig>;

/// Settled; none is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    pub threshold: u32,
    pub duration: Ttl,
    pub counter_reset: Ttl,
}

/// None when nothing is ever locked.
pub fn settle(mount: Option<&LockoutConfig>, engine: &str, defaults: &LockoutDefaults) -> Option<Rules> {
    let levels: Vec<&LockoutConfig> = [mount, defaults.get(engine), defaults.get(ALL)].into_iter().flatten().collect();
    if levels.iter().find_map(|level| level.disable) == Some(true) {
        return None;
    }
    let ttl = |of: fn(&LockoutConfig) -> Ttl| levels.iter().map(|level| of(level)).find(|ttl| !ttl.is_zero());
    Some(Rules {
        threshold: levels.iter().map(|level| level.threshold).find(|n| *n > 0).unwrap_or(THRESHOLD),
        duration: ttl(|level| level.duration).unwrap_or(QUARTER_HOUR),
        counter_reset: ttl(|level| level.counter_reset).unwrap_or(QUARTER_HOUR),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_setting_counts_field_by_field() {
        let config = |threshold, s, disable| LockoutConfig { threshold, duration: Ttl::from_s(s), disable, ..Default::default() };
        let none = LockoutDefaults::new();
        let usual = Rules { threshold: 5, duration: QUARTER_HOUR, counter_reset: QUARTER_HOUR };
        assert_eq!(settle(None, "userpass", &none), Some(usual));
        let defaults = LockoutDefaults::from([
            ("all".to_owned(), config(9, 60, Some(true))),
            ("userpass".to_owned(), config(0, 30, Some(false))),
        ]);
        let settled = settle(Some(&config(2, 0, None)), "userpass", &defaults);
        assert_eq!(settled, Some(Rules { threshold: 2, duration: Ttl::from_s(30), counter_reset: QUARTER_HOUR }));
        assert_eq!(settle(None, "approle", &defaults), None);
        assert!(settle(Some(&config(0, 0, Some(false))), "approle", &defaults).is_some_and(|rules| rules.threshold == 9));
        assert_eq!(settle(Some(&config(0, 0, Some(true))), "userpass", &defaults), None);
    }
}
