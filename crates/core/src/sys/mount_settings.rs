//! A mount's tunable settings as they come in requests.

use serde::Deserialize;
use strongroom_engine::{Error, Flag, List, Present, Result, Text, TokenType};
use strongroom_types::Ttl;

use crate::LockoutConfig;
use crate::mount::{Mount, MountConfig};

/// Settings as they come: durations are texts here because their error texts name them.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Config {
    pub default_lease_ttl: Present<Text>,
    pub max_lease_ttl: Present<Text>,
    pub force_no_cache: Present<Flag>,
    pub listing_visibility: Present<Text>,
    pub audit_non_hmac_request_keys: Present<List>,
    pub audit_non_hmac_response_keys: Present<List>,
    pub passthrough_request_headers: Present<List>,
    pub allowed_response_headers: Present<List>,
    /// Auth methods only.
    pub token_type: Present<Text>,
    /// Auth methods only.
    pub entity_creation: Present<Text>,
    pub user_lockout_config: Present<Lockout>,
}

/// Lockout settings as they come. What is left out stays; zero puts the server's value back.
#[derive(Deserialize, Default, Clone, PartialEq, Eq, Debug)]
#[serde(default)]
pub struct Lockout {
    lockout_threshold: Present<Text>,
    lockout_duration: Present<Text>,
    lockout_counter_reset_duration: Present<Text>,
    lockout_disable: Present<Flag>,
}

impl strongroom_engine::Loose for Lockout {
    const KIND: &'static str = "object";
}

impl Lockout {
    fn apply(self, to: &mut LockoutConfig) -> Result<()> {
        if let Present::Is(Text(text)) = self.lockout_threshold {
            to.threshold = text.trim().parse().map_err(|_| {
                Error::invalid("unable to parse user lockout threshold: lockout_threshold must be a whole number, not negative")
            })?;
        }
        for (name, given, place) in [
            ("lockout_duration", self.lockout_duration, &mut to.duration),
            ("lockout_counter_reset_duration", self.lockout_counter_reset_duration, &mut to.counter_reset),
        ] {
            if let Present::Is(Text(text)) = given {
                *place = Ttl::parse(&text).map_err(|_| Error::invalid(format!("{name}: time: invalid duration")))?;
            }
        }
        if let Present::Is(Flag(disable)) = self.lockout_disable {
            to.disable = Some(disable);
        }
        Ok(())
    }
}

/// Errors: `Invalid` when lockout settings are given for a method that never counts failures.
pub fn may_lock(mount: &Mount, given: &Present<Lockout>) -> Result<()> {
    if matches!(given, Present::Is(_)) && !mount.has_lockout() {
        let engine = mount.facts.engine;
        return Err(Error::invalid(format!("tuning of user lockout configuration for auth type {engine:?} not allowed")));
    }
    Ok(())
}

/// Errors: `Invalid` for a version: there is none but the one that is built in.
pub fn no_version(given: Present<Text>) -> Result<()> {
    match given {
        Present::Is(Text(version)) if !version.is_empty() => {
            Err(Error::invalid("plugin not found in the catalog: plugin_version must be empty, all engines are built in"))
        }
        _ => Ok(()),
    }
}

impl strongroom_engine::Loose for Config {
    const KIND: &'static str = "object";
}

impl Config {
    /// Changes what is given and leaves the rest. Errors: `Invalid` naming the field.
    pub fn apply(self, to: &mut MountConfig) -> Result<()> {
        ttl(self.default_lease_ttl, "default", &mut to.default_lease_ttl)?;
        ttl(self.max_lease_ttl, "max", &mut to.max_lease_ttl)?;
        if let Present::Is(flag) = self.force_no_cache {
            to.force_no_cache = flag.0;
        }
        if let Present::Is(Text(visibility)) = self.listing_visibility {
            if !matches!(visibility.as_str(), "" | "hidden" | "unauth") {
                return Err(Error::invalid("invalid listing_visibility: it is `unauth`, `hidden` or empty"));
            }
            to.listing_visibility = visibility;
        }
        if let Present::Is(Text(kind)) = self.token_type {
            to.token_type = match TokenType::parse(&kind) {
                Some(TokenType::Default) => TokenType::DefaultService.as_str().to_owned(),
                Some(kind) => kind.as_str().to_owned(),
                None => return Err(Error::invalid("invalid value for 'token_type'")),
            };
        }
        if let Present::Is(Text(creation)) = self.entity_creation {
            to.no_new_entities = match creation.as_str() {
                "" | "enabled" => false,
                "disabled" => true,
                _ => return Err(Error::invalid("invalid value for 'entity_creation': it is `enabled` or `disabled`")),
            };
        }
        if let Present::Is(lockout) = self.user_lockout_config {
            lockout.apply(to.user_lockout.get_or_insert_default())?;
        }
        let lists = [
            (self.audit_non_hmac_request_keys, &mut to.audit_non_hmac_request_keys),
            (self.audit_non_hmac_response_keys, &mut to.audit_non_hmac_response_keys),
            (self.passthrough_request_headers, &mut to.passthrough_request_headers),
            (self.allowed_response_headers, &mut to.allowed_response_headers),
        ];
        for (given, place) in lists {
            if let Present::Is(List(list)) = given {
                *place = list;
            }
        }
        Ok(())
    }
}

/// `system` puts the system's value back; an empty text leaves what is set, since the reference's command line sends one for each
/// setting that it was not given.
fn ttl(given: Present<Text>, which: &str, place: &mut Ttl) -> Result<()> {
    let Present::Is(Text(text)) = given else { return Ok(()) };
    *place = match text.as_str() {
        "" => *place,
        "system" => Ttl::ZERO,
        text => Ttl::parse(text).map_err(|_| Error::invalid(format!("unable to parse {which} TTL: time: invalid duration")))?,
    };
    Ok(())
}

/// Errors: `Invalid` when the default is above the maximum, the system's counting where none is set.
pub fn check_ttls(config: &MountConfig, system_default: Ttl, system_max: Ttl) -> Result<()> {
    let max = if config.max_lease_ttl.is_zero() { system_max } else { config.max_lease_ttl };
    let default = if config.default_lease_ttl.is_zero() { system_default.min(max) } else { config.default_lease_ttl };
    if default > max {
        return Err(Error::invalid("given default lease TTL greater than given max lease TTL"));
    }
    Ok(())
}
