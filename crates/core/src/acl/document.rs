//! One stored policy.

use serde::{Deserialize, Serialize};
use strongroom_engine::Key;
use strongroom_types::{PolicyName, Timestamp};

pub const AREA: &str = "o";

/// Names with a meaning of their own.
pub const ROOT: &str = "root";
pub const DEFAULT: &str = "default";
pub const RESPONSE_WRAPPING: &str = "response-wrapping";

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Document {
    /// As written.
    pub text: String,
    /// Counts writes, from 1.
    pub version: u64,
    pub modified: Timestamp,
    /// Writes must name the version they replace.
    #[serde(default)]
    pub cas_required: bool,
}

pub fn key(name: &PolicyName) -> Key {
    Key::area(AREA).name(name.as_str())
}
