//! Keys of a cubbyhole. SECURITY: the family comes from the token that was identified, never from the request.

use strongroom_engine::{Ctx, Error, Key, Result};

/// Longest name in bytes.
pub const NAME_BYTES_MAX: usize = 2048;
/// Largest value in bytes of JSON text; a batch of the store holds 1 MiB.
pub const VALUE_BYTES_MAX: usize = 800 * 1024;

/// All of the asking token's keys. Errors: `Denied` without a token, `Invalid` for tokens that are not stored.
fn own(ctx: &Ctx) -> Result<Key> {
    let family = ctx.caller()?.family.as_deref().filter(|family| !family.is_empty());
    let family = family.ok_or_else(|| Error::invalid("cubbyhole operations are only supported by 'service' type tokens"))?;
    Ok(Key::area("c").id(family))
}

/// The key of a name; None for a name that nothing can have.
pub fn key(ctx: &Ctx, name: &str) -> Result<Option<Key>> {
    let own = own(ctx)?;
    Ok((!name.is_empty() && name.len() <= NAME_BYTES_MAX).then(|| own.name(name)))
}

/// The prefix of a folder; the empty name is the root. None for a name that nothing can have.
pub fn folder(ctx: &Ctx, name: &str) -> Result<Option<Key>> {
    let own = own(ctx)?;
    Ok(match name.trim_end_matches('/') {
        "" => Some(own),
        name => (name.len() < NAME_BYTES_MAX).then(|| own.name(name).name("/")),
    })
}
