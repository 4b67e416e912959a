//! vaultrs against a server that nobody has initialised: init, unseal, and then all that an application or an operator
//! does.
//!
//!     strongroom-vaultrs-checks ADDR CA_FILE
//!
//! vaultrs has no calls of its own for tuning mounts, patching secrets, rewrapping, choosing the life of a wrapped answer, leases, lookups of
//! identities and replacing unseal keys. Its `Endpoint` trait serves for those (`server::Raw`).
#![allow(clippy::disallowed_methods, reason = "an outsider: its time is the machine's")]

mod checks;
mod parts;
mod server;

use std::process::ExitCode;

use checks::{check, close, section};
use parts::{approle, identity, kv, leases, mounts, policies, rekey, start, tokens, userpass, wrapping};
use server::Server;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let (Some(addr), Some(ca)) = (words.next(), words.next()) else { return ExitCode::FAILURE };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return ExitCode::FAILURE };
    runtime.block_on(all(Server::new(addr, ca)));
    close()
}

async fn all(mut server: Server) {
    let Some(shares) = section("first start", start::first_start(&mut server).await) else {
        check("everything behind the first start", false, "not run");
        return;
    };
    let server = &server;
    section("secrets engines", mounts::secrets_engines(server).await);
    section("auth methods", mounts::auth_methods(server).await);
    section("remount", mounts::remount(server).await);
    section("policies", policies::policies(server).await);
    section("kv versions", kv::versions(server).await);
    section("kv deletion", kv::deletion(server).await);
    section("kv metadata", kv::metadata(server).await);
    section("kv version 1", kv::version_1(server).await);
    section("userpass", userpass::users(server).await);
    section("approle roles", approle::roles(server).await);
    section("approle logins", approle::logins(server).await);
    section("tokens", tokens::life(server).await);
    section("token tree", tokens::tree(server).await);
    section("token renewal", tokens::renewal(server).await);
    section("accessors", tokens::accessors(server).await);
    section("token roles", tokens::roles(server).await);
    section("wrapping", wrapping::answers(server).await);
    section("leases of certificates", leases::certificates(server).await);
    section("leases", leases::one(server).await);
    section("leases by prefix", leases::by_prefix(server).await);
    section("entities", identity::entities(server).await);
    section("aliases", identity::aliases(server).await);
    section("groups", identity::groups(server).await);
    section("merge", identity::merge(server).await);
    let shares = section("rekey", rekey::cancel_and_verify(server, &shares).await).unwrap_or(shares);
    section("seal", start::seal_and_unseal(server, &shares).await);
}
