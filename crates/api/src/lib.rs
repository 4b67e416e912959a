//! JSON bodies of the HTTP API: serde types and nothing else, so that a program can read an answer without pulling in a server
//! crate. Unknown fields are ignored and absent ones take their default: the same types read our answers and those of other
//! servers of this API. Tokens, keys and unseal shares are `SecretString`: they leave through serde only, never through Debug.

mod auth;
mod ceremony;
mod envelope;
mod kv;
mod lease;
mod seal;
mod secret_text;
mod sys;
mod token;

pub use auth::{Auth, PasswordLogin, WrapInfo};
pub use ceremony::{
    GenerateRootRequest, GenerateRootStatus, KeyBackup, ReplaceRequest, ReplaceStatus, ShareRequest, VerifyStatus,
};
pub use envelope::{Envelope, ErrorBody, Keys};
pub use kv::{CustomMetadata, MetadataSettings, VersionNumbers, WriteOptions, WriteVersion};
pub use lease::{LeaseRequest, SyncRequest};
pub use seal::{InitAnswer, InitRequest, InitStatus, KeyStatus, Leader, SealStatus, UnsealRequest};
pub use sys::{EnableMount, Mount, MountConfig, PolicyBody, Remount, TuneMount, UiMount, UserLockout};
pub use token::{AccessorRequest, CapabilitiesRequest, CreateToken, RenewToken, TokenRequest};

#[cfg(test)]
mod tests;
