//! Settings of a mount, and how they combine with those of a key. The record is written when the mount is enabled, so
//! that it is always there and cached.

use serde::{Deserialize, Serialize};
use strongroom_engine::{
    Ctx, Error, Field, Flag, Input, Key, MountFacts, NoFields, Number, Output, Present, Result, Text, field,
};
use strongroom_types::{Timestamp, Ttl, go_duration, parse_duration_ns};

use crate::record::{KeySettings, VERSIONS_MAX};

/// Versions kept when neither mount nor key say a number.
const VERSIONS_DEFAULT: u32 = 10;

#[derive(Serialize, Deserialize, Default, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(default)]
pub struct MountSettings {
    /// Zero is `VERSIONS_DEFAULT`; at most `VERSIONS_MAX`.
    pub max_versions: u32,
    pub cas_required: bool,
    pub metadata_cas_required: bool,
    /// Seconds; zero leaves it to the key, -1 forbids it to every key.
    pub delete_after_s: i64,
}

impl MountSettings {
    /// The larger of both numbers counts, so that a key's setting never drops what the mount promises to keep.
    pub fn versions_kept(&self, key: &KeySettings) -> u32 {
        match self.max_versions.max(key.max_versions) {
            0 => VERSIONS_DEFAULT,
            n => n.min(VERSIONS_MAX),
        }
    }

    /// When a version written now counts as deleted: the sooner of both settings.
    pub fn deletion(&self, key: &KeySettings, now: Timestamp) -> Option<Timestamp> {
        let mount_s = u64::try_from(self.delete_after_s).ok()?;
        let after_s = [mount_s, key.delete_after_s].into_iter().filter(|s| *s > 0).min()?;
        Some(now.plus(Ttl::from_s(after_s)))
    }
}

pub fn key(mount: &MountFacts) -> Key {
    mount.key("config")
}

/// What the mount says now. Not part of the transaction: a write is not undone because settings changed beside it.
pub async fn load(ctx: &Ctx) -> Result<MountSettings> {
    let peek = ctx.peek();
    Ok(peek.load(&key(&ctx.mount)).await?.unwrap_or_default())
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ConfigInput {
    max_versions: Present<Number>,
    cas_required: Present<Flag>,
    delete_version_after: Present<Text>,
    metadata_cas_required: Present<Flag>,
}

impl Input for ConfigInput {
    const FIELDS: &'static [Field] = &[
        field::<Present<Number>>("max_versions", "Versions to keep per key, 0 to 90; 0 means 10.").clear(),
        field::<Present<Flag>>("cas_required", "Every write of a value must say which version it replaces.").clear(),
        field::<Present<Text>>("delete_version_after", "Age at which versions count as deleted; -1s forbids it for all keys.")
            .clear(),
        field::<Present<Flag>>("metadata_cas_required", "Every write of metadata must say which one it replaces.").clear(),
    ];
}

/// What the audit log may show of the settings: all.
pub const SHOWN: &[&str] = &["cas_required", "delete_version_after", "max_versions", "metadata_cas_required"];

pub async fn read(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let settings: MountSettings = ctx.load(&key(&ctx.mount)).await?.unwrap_or_default();
    let after = match u64::try_from(settings.delete_after_s) {
        Ok(s) => go_duration(s),
        Err(_) => "-1s".to_owned(),
    };
    let (max_versions, cas, metadata_cas) = (settings.max_versions, settings.cas_required, settings.metadata_cas_required);
    let text = format!(
        r#"{{"cas_required":{cas},"delete_version_after":"{after}","max_versions":{max_versions},"metadata_cas_required":{metadata_cas}}}"#
    );
    Ok(Output::raw_data(text.into_bytes()))
}

/// Fields that are left out keep their setting, null resets them.
pub async fn write(ctx: &mut Ctx, input: ConfigInput) -> Result<Output> {
    let key = key(&ctx.mount);
    let mut settings: MountSettings = ctx.load(&key).await?.unwrap_or_default();
    set(&mut settings.max_versions, input.max_versions, versions)?;
    set(&mut settings.cas_required, input.cas_required, |flag| Ok(flag.0))?;
    set(&mut settings.metadata_cas_required, input.metadata_cas_required, |flag| Ok(flag.0))?;
    set(&mut settings.delete_after_s, input.delete_version_after, |text| mount_period(&text.0))?;
    ctx.save(key, &settings)?;
    Ok(Output::nothing())
}

/// Puts what a field says into its place. Errors: as `convert`.
pub fn set<T: Default, F>(place: &mut T, field: Present<F>, convert: impl FnOnce(F) -> Result<T>) -> Result<()> {
    match field {
        Present::Absent => {}
        Present::Null => *place = T::default(),
        Present::Is(value) => *place = convert(value)?,
    }
    Ok(())
}

pub fn versions(number: Number) -> Result<u32> {
    let fits = u32::try_from(number.0).ok().filter(|n| *n <= VERSIONS_MAX);
    fits.ok_or_else(|| Error::invalid(format!("field \"max_versions\" must be 0 to {VERSIONS_MAX}")))
}

/// Whole seconds, or -1 for every negative duration.
fn mount_period(text: &str) -> Result<i64> {
    Ok(period_s(text)?.max(-1))
}

/// Whole seconds. Errors: `Invalid` when it is negative.
pub fn key_period(text: &str) -> Result<u64> {
    u64::try_from(period_s(text)?).map_err(|_| bad_period("duration must not be negative"))
}

/// SECURITY: errors name the field and the rule and quote nothing.
fn period_s(text: &str) -> Result<i64> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(0);
    }
    if let Ok(s) = text.parse::<i64>() {
        return Ok(s);
    }
    let ns = parse_duration_ns(text).map_err(|_| bad_period("time: invalid duration"))?;
    match ns / NS_PER_S {
        0 if ns < 0 => Ok(-1),
        0 if ns > 0 => Err(bad_period("duration must be zero or at least one second")),
        s => i64::try_from(s).map_err(|_| bad_period("duration is out of range")),
    }
}

fn bad_period(rule: &str) -> Error {
    Error::invalid(format!("error converting input for field \"delete_version_after\": {rule}"))
}

const NS_PER_S: i128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_in_every_spelling() {
        for (text, seconds) in
            [("", 0), ("0s", 0), ("3600", 3600), ("1h30m", 5400), ("1500ms", 1), ("-1s", -1), ("-5h", -1), ("-1", -1)]
        {
            assert_eq!(mount_period(text).unwrap(), seconds, "{text}");
        }
        for bad in ["soon", "1", "-1s", "1ms", "999999999999999999h"].into_iter().filter(|t| *t != "1") {
            let error = key_period(bad).unwrap_err().to_string();
            assert!(error.contains("delete_version_after") && !error.contains(bad), "{error}");
        }
    }

    #[test]
    fn sooner_deletion_and_larger_number_count() {
        let now = Timestamp::from_s(100);
        let check = |mount_s: i64, key_s: u64, expected: Option<u64>| {
            let mount = MountSettings { delete_after_s: mount_s, ..Default::default() };
            let key = KeySettings { delete_after_s: key_s, ..Default::default() };
            assert_eq!(mount.deletion(&key, now), expected.map(Timestamp::from_s), "{mount_s} {key_s}");
        };
        check(0, 0, None);
        check(50, 0, Some(150));
        check(0, 20, Some(120));
        check(50, 20, Some(120));
        check(10, 20, Some(110));
        check(-1, 20, None);
        for (mount, key, kept) in [(0, 0, 10), (5, 2, 5), (5, 7, 7), (0, 1, 1), (90, 0, 90)] {
            let mount = MountSettings { max_versions: mount, ..Default::default() };
            assert_eq!(mount.versions_kept(&KeySettings { max_versions: key, ..Default::default() }), kept);
        }
    }

    #[test]
    fn more_versions_than_a_batch_can_hold_are_refused() {
        assert_eq!(versions(Number(90)).unwrap(), 90);
        for n in [-1, 91, i64::MAX] {
            assert!(versions(Number(n)).unwrap_err().to_string().contains("max_versions"));
        }
    }

    #[test]
    fn input_table_matches() {
        strongroom_engine::testing::assert_fields_match::<ConfigInput>();
    }
}
