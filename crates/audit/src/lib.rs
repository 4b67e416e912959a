//! The audit log: what a record says, how secrets in it are masked, the hash tree and signed checkpoints that make
//! tampering visible, the sinks, and the offline verifier. It must never let a value through that nobody allowed in
//! clear, never acknowledge a record that the kernel does not hold, and never fail open (security.md section D,
//! decisions 6 to 9). Time, randomness and keys are parameters.

mod appender;
mod epoch;
mod error;
mod fragment;
mod hash;
mod json;
mod kept;
mod line;
mod log;
mod mask;
mod note;
mod prove;
mod record;
mod render;
pub mod sink;
mod time_text;
mod tree;
mod verify;

pub use epoch::{log_origin, log_public_key};
pub use error::AuditError;
pub use fragment::{AuthFragment, FragmentCache, MountFragment};
pub use hash::HashKey;
pub use kept::Kept;
pub use log::Log;
pub use mask::ClearPaths;
pub use note::{Checkpoint, Head};
pub use prove::{Proof, ProofError, Proven, check_proof, prove};
pub use record::{
    AuthBlock, AuthFacts, Data, Header, Kind, MountFacts, Names, NamespaceFacts, PolicyFacts, Record, RequestFacts,
    ResponseFacts, WrapFacts,
};
pub use sink::Device;
pub use sink::discard::DiscardDevice;
pub use sink::file::{FileConfig, FileDevice, Limits, Medium, set_aside_foreign};
pub use sink::lines::{LinesConfig, LinesDevice};
pub use sink::socket::{SocketConfig, SocketDevice, Target, Transport};
pub use tree::{Hash, leaf_hash};
pub use verify::{Options, Problem, Report, Restart, verify};
