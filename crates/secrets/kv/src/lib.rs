//! The key-value engine: secrets that users bring along. Version 1 keeps one value per key, version 2 a history of
//! versions; both write the same records, so a mount of version 1 becomes version 2 by its option alone. Values travel
//! as the JSON text that came and are never taken apart, except along a patch. Source: the wire contract, kv v1 and v2.

mod custom;
mod json;
mod list;
mod merge;
mod record;
mod settings;
mod store;
mod subkeys;
mod v1;
mod v2;

use std::sync::Arc;

use strongroom_engine::{Builtin, Ctx, Engine, EngineKind, Error, Options, Result, Route, Verb};
use strongroom_types::BoxFuture;

pub use record::VERSIONS_MAX;
pub use store::{NAME_BYTES_MAX, VALUE_BYTES_MAX};

/// Version by the option `version`: `1` (also when absent) or `2`. The names `kv-v1` and `kv-v2` are the core's matter.
pub const KV: Builtin = Builtin { name: "kv", kind: EngineKind::Secrets, make: by_option, docs: "secrets-kv.md" };

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kv {
    V1,
    V2,
}

fn by_option(options: &Options) -> Result<Arc<dyn Engine>> {
    Ok(Arc::new(Kv::parse(options)?))
}

impl Kv {
    fn parse(options: &Options) -> Result<Self> {
        match options.get("version").map_or("1", |text| text.trim()) {
            "" | "1" => Ok(Self::V1),
            "2" => Ok(Self::V2),
            other => Err(Error::invalid(format!("invalid version provided: {other}"))),
        }
    }
}

impl Engine for Kv {
    fn routes(&self) -> Vec<Route> {
        match self {
            Self::V1 => v1::routes(),
            Self::V2 => v2::routes(),
        }
    }

    fn enable<'a>(&'a self, ctx: &'a mut Ctx) -> BoxFuture<'a, Result<()>> {
        let key = settings::key(&ctx.mount);
        Box::pin(async move { ctx.save(key, &settings::MountSettings::default()) })
    }

    /// Only from this engine's version upwards; the records stay as they are.
    fn retune(&self, _: &Options, to: &Options) -> Result<Option<String>> {
        match (self, Kv::parse(to)?) {
            (Self::V1, Self::V2) => Ok(Some("Upgrading mount from version 1 to version 2. The mount stays available.".into())),
            (Self::V2, Self::V1) => Err(Error::invalid("cannot downgrade mount from version 2")),
            _ => Ok(None),
        }
    }

    fn unrouted(&self, verb: Verb) -> Error {
        match self {
            Self::V1 => Error::UnsupportedPath,
            Self::V2 => v2::unrouted(verb),
        }
    }
}

#[cfg(test)]
mod tests;
