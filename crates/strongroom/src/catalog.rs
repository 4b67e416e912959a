//! The plug-ins of this build, one line each. Adding one takes its crate, a dependency in `Cargo.toml` and a line here.

use strongroom_engine::Builtin;

/// Secrets engines and auth methods; the core adds `sys/` and `auth/token/`.
pub const BUILTINS: &[Builtin] = &[
    // secrets engines
    strongroom_cubbyhole::CUBBYHOLE,
    strongroom_kv::KV,
    strongroom_pki::PKI,
    // auth methods
    strongroom_approle::APPROLE,
    strongroom_userpass::USERPASS,
];
