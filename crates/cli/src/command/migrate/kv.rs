//! The secrets of a key-value mount, many at a time, in order: when a portion is through, the state remembers its last key.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::task::JoinSet;

use super::Copy;
use super::documents::{self, without_nulls};
use super::end::{End, reason};
use super::kv2;
use super::mounts::Mount;
use super::report::Fate;
use super::walk::{Found, Walk};
use crate::output::Failure;

const SECRETS: &str = "kv secrets";
/// Keys after which the state is saved.
const PORTION: usize = 200;

/// What became of one secret.
pub(super) struct Done {
    pub fate: Fate,
    pub versions: u64,
    pub versions_without_content: u64,
}

impl Done {
    pub(super) fn of(fate: Fate) -> Self {
        Self { fate, versions: 0, versions_without_content: 0 }
    }
}

pub(super) async fn mount(copy: &mut Copy, mount: &Mount) -> Result<(), Failure> {
    if mount.version == 2 && copy.state.cursor(&mount.path).is_none() {
        let path = format!("{}config", mount.path);
        let read: Result<Option<Map<String, Value>>, _> = copy.source.read(&path).await;
        let fate = match read {
            Ok(config) => documents::write(copy, &path, &without_nulls(config.unwrap_or_default())).await,
            Err(error) => Fate::Failed(format!("can't be read: {}", reason(&error))),
        };
        copy.report().add("kv settings", &mount.path, fate);
    }
    let root = if mount.version == 2 { format!("{}metadata/", mount.path) } else { mount.path.clone() };
    let mut walk = match Walk::begin(copy.source.clone(), root, copy.state.cursor(&mount.path)).await {
        Ok(walk) => walk,
        Err(error) => {
            copy.report().add(SECRETS, &mount.path, Fate::Failed(format!("can't be listed: {}", reason(&error))));
            return Ok(());
        }
    };
    loop {
        let mut keys = Vec::new();
        while keys.len() < PORTION
            && let Some(found) = walk.next().await
        {
            match found {
                Found::Key(key) => keys.push(key),
                Found::Unlisted(folder, error) => {
                    let name = format!("{}{folder}", mount.path);
                    copy.report().add(SECRETS, &name, Fate::Failed(format!("can't be listed: {}", reason(&error))));
                }
            }
        }
        let Some(last) = keys.last().cloned() else { return Ok(()) };
        portion(copy, mount, keys).await?;
        copy.state.reached(&mount.path, last)?;
    }
}

async fn portion(copy: &mut Copy, mount: &Mount, keys: Vec<String>) -> Result<(), Failure> {
    let (mut running, mut keys) = (JoinSet::new(), keys.into_iter());
    // Told in order, whichever ends first.
    let mut done = BTreeMap::new();
    loop {
        while running.len() < copy.parallel
            && let Some(key) = keys.next()
        {
            let (source, target) = (copy.source.clone(), copy.target.clone());
            let (path, version, is_dry) = (mount.path.clone(), mount.version, copy.is_dry);
            running.spawn(async move {
                let outcome = match version {
                    2 => kv2::secret(&source, &target, &path, &key, is_dry).await,
                    _ => secret(&source, &target, &format!("{path}{key}"), is_dry).await,
                };
                (key, outcome)
            });
        }
        let Some(ended) = running.join_next().await else { break };
        let (key, outcome) = ended.map_err(|_| Failure::local("copying a secret ended unexpectedly"))?;
        copy.progress.keys(1);
        done.insert(key, outcome);
    }
    for (key, Done { fate, versions, versions_without_content }) in done {
        copy.report().add(SECRETS, &format!("{}{key}", mount.path), fate);
        copy.report().count("kv versions", versions, versions_without_content);
    }
    Ok(())
}

/// A value as its text: numbers and the order of fields stay what they are.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Body<'a>(&'a RawValue);

/// A secret without versions.
async fn secret(source: &End, target: &End, path: &str, is_dry: bool) -> Done {
    let copied = async {
        let found = source.fetch(path, &[]).await.map_err(|e| format!("can't be read: {}", reason(&e)))?;
        let found = found.ok_or("it went away meanwhile")?;
        let answer: Answer<'_> =
            serde_json::from_slice(found.body()).map_err(|_| "the source's answer has an unexpected form")?;
        if !is_dry {
            target.write(path, &Body(answer.data)).await.map_err(|error| reason(&error))?;
        }
        Ok(())
    };
    match copied.await {
        Ok(()) => Done { versions: 1, ..Done::of(Fate::Carried) },
        Err(why) => Done::of(Fate::Failed(why)),
    }
}
