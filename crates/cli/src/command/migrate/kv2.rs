//! One secret with versions: every version under its own number, with what was deleted and destroyed, and its settings.
//! Writing rests on the version before, so that neither a repeated run nor a lost answer makes a version twice.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::end::{End, reason};
use super::kv::Done;
use super::report::Fate;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    current_version: u64,
    versions: BTreeMap<String, Version>,
    #[serde(flatten)]
    settings: Map<String, Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Version {
    deletion_time: String,
    destroyed: bool,
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Standing {
    Live,
    Deleted,
    /// Destroyed, or dropped because there were too many.
    Gone,
}

impl Metadata {
    fn standing(&self, version: u64) -> Standing {
        match self.versions.get(&version.to_string()) {
            None => Standing::Gone,
            Some(found) if found.destroyed => Standing::Gone,
            Some(found) if is_past(&found.deletion_time) => Standing::Deleted,
            Some(_) => Standing::Live,
        }
    }

    /// Whether a version is what it should be. A deletion counts whatever the target's clock says.
    fn fits(&self, version: u64, wanted: Standing) -> bool {
        let found = self.versions.get(&version.to_string()).filter(|found| !found.destroyed);
        match (wanted, found) {
            (Standing::Gone, None) => true,
            (Standing::Deleted, Some(found)) => !found.deletion_time.is_empty(),
            (Standing::Live, Some(found)) => !is_past(&found.deletion_time),
            _ => false,
        }
    }

    /// The source does not give its content out any more, whatever its clock says.
    fn is_deleted_after_all(&mut self, version: u64) -> bool {
        let found = self.versions.get_mut(&version.to_string()).filter(|found| !found.deletion_time.is_empty());
        found.is_some_and(|found| {
            found.deletion_time = "1970-01-01T00:00:00Z".to_owned();
            true
        })
    }

    /// The settings of the secret itself.
    fn settings(&self) -> Map<String, Value> {
        let names = ["custom_metadata", "cas_required", "delete_version_after", "max_versions"];
        let set = names.iter().filter_map(|name| Some(((*name).to_owned(), self.settings.get(*name)?.clone())));
        set.filter(|(_, value)| !value.is_null()).collect()
    }
}

/// A deletion may be ahead: then the version can still be read. A time beyond all that can be counted is ahead.
fn is_past(deletion_time: &str) -> bool {
    !deletion_time.is_empty() && strongroom_types::Timestamp::parse_rfc3339(deletion_time).is_some_and(|at| at <= now())
}

#[expect(clippy::disallowed_methods, reason = "the command line has the real clock only")]
fn now() -> strongroom_types::Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    strongroom_types::Timestamp::from_ns(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// A value as its text: numbers and the order of fields stay what they are.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Inner<'a>,
}

#[derive(Deserialize)]
struct Inner<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Serialize)]
struct Write<'a> {
    data: &'a RawValue,
    options: Value,
}

struct Secret<'a> {
    source: &'a End,
    target: &'a End,
    data_path: String,
    delete_path: String,
    destroy_path: String,
    metadata_path: String,
    found: Metadata,
    left: Vec<String>,
    without_content: u64,
}

pub(super) async fn secret(source: &End, target: &End, mount: &str, key: &str, is_dry: bool) -> Done {
    let metadata_path = format!("{mount}metadata/{key}");
    let found: Metadata = match source.read(&metadata_path).await {
        Ok(Some(found)) => found,
        Ok(None) => return Done::of(Fate::Failed("it went away meanwhile".into())),
        Err(error) => return Done::of(Fate::Failed(format!("can't be read: {}", reason(&error)))),
    };
    let mut secret = Secret {
        source,
        target,
        data_path: format!("{mount}data/{key}"),
        delete_path: format!("{mount}delete/{key}"),
        destroy_path: format!("{mount}destroy/{key}"),
        metadata_path,
        found,
        left: Vec::new(),
        without_content: 0,
    };
    let copied = if is_dry { Ok(()) } else { secret.copy().await };
    secret.note_deleted();
    let versions = u64::try_from(secret.found.versions.len()).unwrap_or(u64::MAX).saturating_sub(secret.without_content);
    let fate = match copied {
        Err(why) => Fate::Failed(why),
        Ok(()) if secret.left.is_empty() => Fate::Carried,
        Ok(()) => Fate::Partly(secret.left),
    };
    Done { fate, versions, versions_without_content: secret.without_content }
}

type Outcome<T = ()> = Result<T, String>;

impl Secret<'_> {
    async fn copy(&mut self) -> Outcome {
        let there: Metadata = self.there().await?.unwrap_or_default();
        if there.current_version > self.found.current_version {
            return Err("the target has more versions: it was written there too".into());
        }
        // Before the versions: how many are kept decides which numbers live.
        let settings = self.found.settings();
        let is_new = there.current_version == 0;
        if is_new || there.settings() != settings {
            self.write(&self.metadata_path, &settings).await?;
        }
        for version in there.current_version.saturating_add(1)..=self.found.current_version {
            self.write_version(version).await?;
        }
        self.settle().await
    }

    async fn there(&self) -> Outcome<Option<Metadata>> {
        self.target.read(&self.metadata_path).await.map_err(|error| reason(&error))
    }

    async fn write<B: Serialize + ?Sized>(&self, path: &str, body: &B) -> Outcome {
        self.target.write(path, body).await.map(|_| ()).map_err(|error| reason(&error))
    }

    /// What can't be read any more is written without content, so that the numbers stay right.
    async fn write_version(&mut self, version: u64) -> Outcome {
        let empty = RawValue::from_string("{}".to_owned()).map_err(|_| "an empty value can't be written")?;
        let text = version.to_string();
        let read = match self.found.standing(version) {
            Standing::Live => {
                let found = self.source.fetch(&self.data_path, &[("version", &text)]).await;
                found.map_err(|e| format!("version {version} can't be read: {}", reason(&e)))?
            }
            Standing::Deleted | Standing::Gone => None,
        };
        let parsed = read.as_ref().map(|found| serde_json::from_slice::<Answer<'_>>(found.body()));
        let data = match parsed {
            Some(Ok(answer)) => answer.data.data,
            Some(Err(_)) => return Err(format!("version {version}: the source's answer has an unexpected form")),
            None if self.found.standing(version) == Standing::Live && !self.found.is_deleted_after_all(version) => {
                return Err(format!("version {version} went away meanwhile"));
            }

            None => &*empty,
        };
        let body = Write { data, options: json!({ "cas": version.saturating_sub(1) }) };
        match self.write(&self.data_path, &body).await {
            Ok(()) => Ok(()),
            // An answer may have been lost on its way: what counts is what is there.
            Err(why) => match self.there().await?.is_some_and(|there| there.current_version == version) {
                true => Ok(()),
                false => Err(why),
            },
        }
    }

    /// Deletes and destroys what is so at the source, and looks whether all is as it should be then.
    async fn settle(&self) -> Outcome {
        let there = self.there().await?.unwrap_or_default();
        let differs = |version: &u64, standing| self.found.standing(*version) == standing && there.standing(*version) != standing;
        let all = || 1..=self.found.current_version;
        let gone: Vec<u64> = all().filter(|v| differs(v, Standing::Gone)).collect();
        let deleted: Vec<u64> = all().filter(|v| differs(v, Standing::Deleted)).collect();
        if !gone.is_empty() {
            self.write(&self.destroy_path, &json!({ "versions": gone })).await?;
        }
        if !deleted.is_empty() {
            self.write(&self.delete_path, &json!({ "versions": deleted })).await?;
        }
        let there = if gone.is_empty() && deleted.is_empty() { there } else { self.there().await?.unwrap_or_default() };
        match all().find(|version| !there.fits(*version, self.found.standing(*version))) {
            Some(version) => Err(format!("version {version} is in another state at the target")),
            None if there.current_version != self.found.current_version => Err("the target has another newest version".into()),
            None => Ok(()),
        }
    }

    /// Content that the source still has, but does not give out.
    fn note_deleted(&mut self) {
        let deleted: Vec<String> = (1..=self.found.current_version)
            .filter(|version| self.found.standing(*version) == Standing::Deleted)
            .map(|version| version.to_string())
            .collect();
        self.without_content = u64::try_from(deleted.len()).unwrap_or(u64::MAX);
        if !deleted.is_empty() {
            let text = format!(
                "content of deleted versions can't be read: {} (undelete them at the source to copy it)",
                deleted.join(", ")
            );
            self.left.push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(value: Value) -> Metadata {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn versions_stand_as_their_times_and_marks_say() {
        let found = metadata(json!({ "current_version": 5, "versions": {
            "2": { "deletion_time": "", "destroyed": true },
            "3": { "deletion_time": "2020-01-01T00:00:00Z", "destroyed": false },
            "4": { "deletion_time": "2999-01-01T00:00:00Z", "destroyed": false },
            "5": { "deletion_time": "", "destroyed": false } } }));
        let all: Vec<_> = (1..=5).map(|n| found.standing(n)).collect();
        assert!(all == [Standing::Gone, Standing::Gone, Standing::Deleted, Standing::Live, Standing::Live]);
        assert!((1..=5).all(|n| found.fits(n, found.standing(n))));
        assert!(!found.fits(5, Standing::Deleted) && !found.fits(3, Standing::Live) && !found.fits(4, Standing::Gone));
    }

    #[test]
    fn settings_are_those_of_the_secret_and_no_facts_about_it() {
        let found = metadata(json!({ "created_time": "t", "max_versions": 3, "cas_required": false, "custom_metadata": null }));
        assert_eq!(Value::Object(found.settings()), json!({ "max_versions": 3, "cas_required": false }));
    }
}
