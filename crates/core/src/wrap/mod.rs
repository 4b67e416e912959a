//! Response wrapping: an answer is put into the private storage of a single-use token, and only the token goes out.

use std::borrow::Cow;
use std::sync::Arc;

use strongroom_engine::{Ctx, Error, NewToken, Result};
use strongroom_types::{SecretString, Timestamp, Ttl};

use crate::token::{self, Limits};
use crate::{Core, acl};

/// Where the answer lies in the token's private storage. What else is known about it stands in the token's record.
pub const RESPONSE: &str = "response";

/// A wrapping token as the envelope shows it.
pub struct WrapView {
    pub token: SecretString,
    pub accessor: String,
    pub ttl: Ttl,
    pub created: Timestamp,
    pub creation_path: String,
    /// The accessor of the token inside; empty when there is none.
    pub wrapped_accessor: String,
}

/// The stored answer, in the form in which the private storage shows it.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Stored<'a> {
    #[serde(borrow)]
    pub response: Cow<'a, str>,
}

/// Makes the token and stores the answer, in the request's transaction. `path` is where the answer came from.
pub async fn wrap(
    core: &Arc<Core>,
    ctx: &mut Ctx,
    path: &str,
    ttl: Ttl,
    inner: &[u8],
    wrapped_accessor: String,
) -> Result<WrapView> {
    let new = NewToken {
        policies: vec![acl::RESPONSE_WRAPPING.to_owned()],
        ttl,
        explicit_max_ttl: ttl,
        num_uses: 1,
        display_name: "response-wrapping".into(),
        path: path.to_owned(),
        wraps: wrapped_accessor.clone(),
        ..NewToken::default()
    };
    let max = core.settings.max_lease_ttl;
    let limits = Limits { default_ttl: ttl.min(max), max_ttl: max };
    let made = token::issue(&mut ctx.txn, &core.barrier, &core.tokens.keys, core.rng.as_ref(), ctx.now, new, limits).await?.view;
    let text = std::str::from_utf8(inner).map_err(|_| Error::Internal("an answer is not text".into()))?;
    ctx.save_wanted(token::private(&made.accessor).name(RESPONSE), &Stored { response: text.trim_end().into() })?;
    Ok(WrapView {
        token: made.client_token,
        accessor: made.accessor,
        ttl: made.lease_duration,
        created: ctx.now,
        creation_path: path.to_owned(),
        wrapped_accessor,
    })
}
