//! What a new store starts with: built-in mounts, the default policies, the root token. One batch, all or nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use strongroom_barrier::{Barrier, Intent, Sealer};
use strongroom_engine::{Error, Result};
use strongroom_pgp::Recipient;
use strongroom_types::{PolicyName, Rng, SecretString, Timestamp, random_base62, uuid_v4};

use crate::acl::{self, Document};
use crate::keys::Printed;
use crate::mount::{self, MountConfig, MountEntry};
use crate::token::{self, Grant, Life, TokenEntry, TokenKey};
use crate::{ClusterIdentity, Core, identity};

/// Where the names of the installation are kept.
pub const IDENTITY_KEY: &[u8] = b"s/cluster";

/// A dev server's wishes.
#[derive(Default)]
pub struct DevOptions {
    /// Text of the root token; generated when None.
    pub root_token: Option<SecretString>,
}

/// A dev server's secrets, printed at its start.
pub struct DevSecrets {
    pub unseal_key: SecretString,
    pub root_token: SecretString,
}

/// What a new store is to be.
#[derive(Default)]
pub struct Wish {
    /// Shares and threshold.
    pub shape: (u8, u8),
    /// None: shares are answered as they are. Else one for each share.
    pub recipients: Vec<Recipient>,
    pub root_recipient: Option<Recipient>,
    /// Text of the root token; generated when None.
    pub root_token: Option<SecretString>,
}

/// What initialising gives.
pub struct Initialised {
    pub shares: Printed,
    /// The token, or the message in base64 that holds it.
    pub root_token: SecretString,
}

/// All or nothing: what can't be encrypted to its receiver leaves the store empty.
pub async fn initialise(barrier: &Barrier, rng: &dyn Rng, now: Timestamp, wish: Wish, cluster_name: &str) -> Result<Initialised> {
    let Wish { shape, recipients, root_recipient, root_token } = wish;
    let mut made = None;
    const CRYPTO: strongroom_barrier::Error = strongroom_barrier::Error::Crypto("encrypting to an OpenPGP key");
    barrier
        .initialise(shape.0, shape.1, now, |sealer| {
            let shares = Printed::new(sealer.shares(), &recipients, rng).map_err(|_| CRYPTO)?;
            let token = fill(sealer, rng, now, cluster_name, root_token)?;
            let root_token = match &root_recipient {
                None => token,
                Some(recipient) => {
                    let message = recipient.encrypt(token.expose().as_bytes(), rng);
                    SecretString::new(STANDARD.encode(message.map_err(|_| CRYPTO)?))
                }
            };
            made = Some(Initialised { shares, root_token });
            Ok(())
        })
        .await?;
    made.ok_or_else(|| Error::Internal("no root token was made".into()))
}

fn fill(
    sealer: &mut Sealer,
    rng: &dyn Rng,
    now: Timestamp,
    cluster_name: &str,
    root_token: Option<SecretString>,
) -> strongroom_barrier::Result<SecretString> {
    let name =
        if cluster_name.is_empty() { format!("strongroom-cluster-{}", random_base62(rng, 8)) } else { cluster_name.to_owned() };
    put(sealer, IDENTITY_KEY, &ClusterIdentity { cluster_id: uuid_v4(rng), cluster_name: name })?;
    for (path, engine, description, local) in [
        ("sys/", "system", "system endpoints used for control, policy and debugging", false),
        ("cubbyhole/", "cubbyhole", "per-token private secret storage", true),
        ("auth/token/", "token", "token based credentials", false),
        IDENTITY,
    ] {
        put(sealer, mount::key(path).as_bytes(), &builtin_mount(rng, path, engine, description, local))?;
    }
    for (name, text) in
        [(acl::DEFAULT, strongroom_policy::DEFAULT_POLICY), (acl::RESPONSE_WRAPPING, strongroom_policy::RESPONSE_WRAPPING_POLICY)]
    {
        let Ok(name) = PolicyName::parse(name) else { continue };
        put(
            sealer,
            acl::key(&name).as_bytes(),
            &Document { text: text.to_owned(), version: 1, modified: now, cas_required: false },
        )?;
    }
    root(sealer, rng, now, root_token)
}

/// Path, engine, description and whether it is local.
const IDENTITY: (&str, &str, &str, bool) = (identity::IDENTITY_MOUNT, "identity", "identity store", false);

/// For stores that were initialised before this mount was built in.
pub async fn add_identity_mount(core: &Core) -> Result<()> {
    let (path, engine, description, local) = IDENTITY;
    let mut txn = core.view.txn(Intent::Write);
    if txn.get(mount::key(path).as_bytes()).await?.is_some() {
        return Ok(());
    }
    let entry = builtin_mount(core.rng.as_ref(), path, engine, description, local);
    let bytes = serde_json::to_vec(&entry).map_err(|e| Error::Internal(format!("encoding a mount: {e}")))?;
    txn.put(mount::key(path).into_bytes(), bytes);
    match txn.commit().await {
        // Another node was quicker.
        Err(strongroom_barrier::Error::Conflict) => Ok(()),
        other => {
            other?;
            Ok(())
        }
    }
}

fn builtin_mount(rng: &dyn Rng, path: &str, engine: &str, description: &str, local: bool) -> MountEntry {
    let token_type = if path.starts_with("auth/") { "default-service".to_owned() } else { String::new() };
    let passthrough_request_headers = match engine {
        "system" => vec!["Accept".to_owned()],
        "identity" => vec!["Authorization".to_owned()],
        _ => Vec::new(),
    };
    MountEntry {
        path: path.to_owned(),
        engine: engine.to_owned(),
        uuid: uuid_v4(rng),
        accessor: format!("{engine}_{}", random_base62(rng, 8).to_lowercase()),
        storage_id: random_base62(rng, 11),
        description: description.to_owned(),
        options: None,
        config: MountConfig { token_type, passthrough_request_headers, ..MountConfig::default() },
        local,
    }
}

fn root(
    sealer: &mut Sealer,
    rng: &dyn Rng,
    now: Timestamp,
    chosen: Option<SecretString>,
) -> strongroom_barrier::Result<SecretString> {
    let keys = TokenKey::new(sealer.derive(token::KEY_PURPOSE)?.expose());
    let is_chosen = chosen.is_some();
    let (text, family, tag) = match chosen {
        Some(text) => {
            let tag = keys.chosen_tag(text.expose());
            (text, token::fresh_family(rng, now), tag)
        }
        None => keys.generate(rng, now),
    };
    let entry = TokenEntry {
        family: family.clone(),
        tag: hex::encode(tag),
        grant: Grant { policies: vec![acl::ROOT.to_owned()], is_root: true, uses_left: 0 },
        life: Life { created: now, ..Life::default() },
        parent: None,
        display_name: "root".into(),
        meta: std::collections::BTreeMap::new(),
        path: "auth/token/root".into(),
        entity_id: String::new(),
        bound_cidrs: strongroom_engine::Cidrs::default(),
        login: None,
        role: String::new(),
        chosen: is_chosen,
        wraps: String::new(),
    };
    put(sealer, token::key(&family).as_bytes(), &entry)?;
    if is_chosen {
        sealer.put(token::chosen_key(&entry.tag).into_bytes(), family.as_bytes())?;
    }
    Ok(text)
}

fn put(sealer: &mut Sealer, key: &[u8], value: &impl serde::Serialize) -> strongroom_barrier::Result<()> {
    let bytes = serde_json::to_vec(value).map_err(|_| strongroom_barrier::Error::Crypto("encoding an initial entry"))?;
    sealer.put(Bytes::copy_from_slice(key), &bytes)
}
