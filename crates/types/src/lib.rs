//! The nouns every crate shares: secrets, paths, names, times, clocks and random sources.
//! Depends on no other crate of the workspace and does no I/O.

mod clock;
mod glob;
mod id;
mod name;
mod path;
mod secret;
mod time;
mod ttl;

pub use clock::{Clock, Rng};
pub use glob::glob_fits;
pub use id::{base62, random_base62, uuid_v4};
pub use name::{AliasName, EntityName, GroupName, NameError, PolicyName};
pub use path::{CanonicalPath, PATH_BYTES_MAX, PathError};
pub use secret::{SecretBytes, SecretString, eq_constant_time};
pub use time::Timestamp;
pub use ttl::{DurationError, Ttl, go_duration, parse_duration_ns};

/// A boxed future: what trait objects return, since `async fn` in traits is not dyn-compatible.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
