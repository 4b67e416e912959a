//! What this program calls itself. What it calls itself towards API clients is another matter: docs/decisions/0005-version-string.md.

/// Our own version.
pub const TEXT: &str = concat!("v", env!("CARGO_PKG_VERSION"));
pub const LINE: &str = concat!("Strongroom v", env!("CARGO_PKG_VERSION"), " (API-compatible with Vault 1.20 and OpenBao 2.7)");
