//! `read`, `write`, `patch`, `list`, `scan`, `delete` of any path, and `unwrap`. Must never know what a path means: the server does.

mod delete;
mod list;
mod read;
mod unwrap;
mod write;

use std::io::Read as Input;

use serde_json::{Map, Value};
use strongroom_client::api::Envelope;

pub use delete::Delete;
pub(super) use delete::deleted;
pub use list::{List, Scan};
pub(super) use list::{Listing, listed};
pub use read::Read;
pub use unwrap::Unwrap;
pub use write::{Patch, Write};
pub(super) use write::{noted_data, written};

use crate::output::value;

/// Data as the parameters of a query; a list is the same parameter several times.
fn query(data: Map<String, Value>) -> Vec<(String, String)> {
    let pairs = data.into_iter().flat_map(|(key, value)| match value {
        Value::Array(items) => items.iter().map(|item| (key.clone(), value::plain(item))).collect::<Vec<_>>(),
        value => vec![(key, value::plain(&value))],
    });
    pairs.collect()
}

/// For a request.
fn borrowed(parameters: &[(String, String)]) -> Vec<(&str, &str)> {
    parameters.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

fn warnings(envelope: Option<&Envelope>) -> Option<&Vec<String>> {
    envelope.and_then(|envelope| envelope.warnings.as_ref())
}
