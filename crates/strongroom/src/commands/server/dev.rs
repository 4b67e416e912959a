//! The throw-away server: initialised and unsealed at once, its secrets printed where anybody can read them.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use strongroom_core::{DevOptions, DevSecrets, Server};
use strongroom_http::Address as Bind;
use strongroom_types::SecretString;

use super::plan::{Dev, url};
use crate::commands::console;
use crate::config::Config;

/// Initialises, unseals and prints what a developer needs. Errors: a standard output that can't be written, since nobody would learn
/// the root token then.
pub async fn initialise(server: &Arc<Server>, dev: &Dev, addresses: &[Bind], config: &Config) -> anyhow::Result<()> {
    let options = DevOptions { root_token: dev.root_token.as_ref().map(SecretString::duplicate) };
    let secrets = server.dev_initialise(options).await.context("initialising the dev server")?;
    let doors = addresses.iter().zip(&config.listeners);
    let mut urls = doors.filter_map(|(address, listener)| match address {
        Bind::Tcp(address) => Some(url(*address, listener.tls.is_some())),
        Bind::Unix { .. } => None,
    });
    console::print(&text(dev, &secrets, &urls.next().unwrap_or_default()))
}

fn text(dev: &Dev, secrets: &DevSecrets, address: &str) -> String {
    let mut text = String::from(
        "WARNING! This is a dev server. It is unsealed already, everything is kept in memory and gone\n\
         when it stops, and its keys are printed below. Never use it for real secrets.\n\n\
         Commands in another shell need these variables:\n\n",
    );
    // Writing to a String can't fail.
    let _ = writeln!(text, "    $ export VAULT_ADDR='{address}'");
    if let Some(made) = &dev.certificate {
        let _ = writeln!(text, "    $ export VAULT_CACERT='{}'", made.ca_file.display());
    }
    let _ = writeln!(text, "    $ export VAULT_TOKEN='{}'", secrets.root_token.expose());
    let _ = writeln!(text, "\nUnseal Key: {}\nRoot Token: {}\n", secrets.unseal_key.expose(), secrets.root_token.expose());
    text
}
