//! `cargo xtask dev`: from a clone to a server that can be used. Everything it holds is in memory and gone with Ctrl-C.

use std::net::TcpListener;

use anyhow::Result;

use crate::args::Args;
use crate::build;
use crate::server::{DEV_ROOT, Plan, Server};
use crate::{Tally, place};

/// The port that clients of this family try first; another free one is taken when it is in use.
const USUAL_PORT: u16 = 8200;

pub fn run(args: &Args) -> Result<Tally> {
    let bin = build::chosen(args, "dev")?;
    args.finish()?;
    let dir = place::target().join("rigs/dev");
    let mut plan = Plan::new(&bin, &dir)?;
    if TcpListener::bind(("127.0.0.1", USUAL_PORT)).is_ok() {
        plan.port = USUAL_PORT;
    }
    let mut server = Server::start_dev(&plan)?;
    let (addr, bin, log) = (&server.addr, plan.bin.display(), plan.log());
    println!(
        "\
Strongroom is running at {addr} with the root token `{DEV_ROOT}`.
It keeps everything in memory; Ctrl-C ends it. Log: {log}

In another terminal:

    export VAULT_ADDR={addr} VAULT_TOKEN={DEV_ROOT}
    alias strongroom={bin}

    strongroom status
    strongroom kv put -mount=secret app/db user=app password=s3cret
    strongroom kv get -mount=secret app/db
    curl -s -H \"X-Vault-Token: $VAULT_TOKEN\" $VAULT_ADDR/v1/secret/data/app/db
",
        log = log.display(),
    );
    server.stay()?;
    Ok(Tally::default())
}
