//! What a mount keeps: a record for each user, and the highest bcrypt cost that was ever imported.

use serde::{Deserialize, Serialize};
use strongroom_engine::{Ctx, Key, MountFacts, Result, TokenTerms};

use crate::name::UserName;
use crate::password::Stored;

#[derive(Serialize, Deserialize)]
pub struct User {
    /// Random. A user made anew under the same name has another, so tokens of the former one are not renewed.
    pub id: String,
    pub password: Stored,
    pub terms: TokenTerms,
    /// Settings that came under their former names and are shown under both.
    #[serde(default)]
    pub former: Former,
}

/// Which former field names are in use.
#[derive(Serialize, Deserialize, Default, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(default)]
pub struct Former {
    pub policies: bool,
    pub ttl: bool,
    pub max_ttl: bool,
    pub bound_cidrs: bool,
}

pub fn users(mount: &MountFacts) -> Key {
    mount.key("u")
}

pub fn key(mount: &MountFacts, name: &UserName) -> Key {
    users(mount).name(name.as_str())
}

fn costliest_import_key(mount: &MountFacts) -> Key {
    mount.key("bcrypt")
}

pub async fn load(ctx: &mut Ctx, name: &UserName) -> Result<Option<User>> {
    ctx.load(&key(&ctx.mount, name)).await
}

/// Looks for a user that there can't be.
pub async fn ask_in_vain(ctx: &Ctx) -> Result<()> {
    let nobody = users(&ctx.mount).name("");
    Ok(ctx.txn.view().ask_in_vain(nobody.as_bytes()).await?)
}

pub fn save(ctx: &mut Ctx, name: &UserName, user: &User) -> Result<()> {
    ctx.save(key(&ctx.mount, name), user)
}

/// None when no hash was ever imported.
pub async fn costliest_import(ctx: &Ctx) -> Result<Option<u32>> {
    ctx.peek().load(&costliest_import_key(&ctx.mount)).await
}

/// Never lowered: whether a costly import is still there is nobody's business.
pub async fn note_import(ctx: &mut Ctx, cost: u32) -> Result<()> {
    let key = costliest_import_key(&ctx.mount);
    let before: Option<u32> = ctx.load(&key).await?;
    if before.is_none_or(|before| before < cost) {
        ctx.save(key, &cost)?;
    }
    Ok(())
}
