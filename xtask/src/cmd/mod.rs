//! One file, or one folder, per command.

pub mod bench;
pub mod canary;
pub mod clients;
pub mod conformance;
pub mod crash;
pub mod dev;
pub mod logins;
pub mod migrate_check;
pub mod package;
pub mod scale;
pub mod schemathesis;
pub mod tamper;
pub mod test;
pub mod tidy;
pub mod transcripts;
