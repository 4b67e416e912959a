//! Which role a login asks for, for limits by role. The auth method's route tells it; whatever else a request is, it asks for none.

use strongroom_engine::{Peek, Result, Route};

use crate::Core;
use crate::stage::admit;
use crate::wire::Request;

/// A role of the mount with this path.
pub struct Asked {
    pub mount: String,
    pub role: String,
}

/// SECURITY (CVE-2026-115359): the body is read as the login will read it, in every format that it takes; one that cannot be
/// read is no login and falls under the limits that ask for no role.
pub async fn asked(core: &Core, path: &str, request: &Request) -> Result<Option<Asked>> {
    let table = core.mounts.current().await?;
    let Some((mount, rest)) = table.find(path) else { return Ok(None) };
    let Some(verb) = admit::verb(request) else { return Ok(None) };
    let Ok((index, parameters)) = Route::find(&mount.routes, Some(verb), rest) else { return Ok(None) };
    let Some(route) = mount.routes.get(index).filter(|route| route.is_role_login()) else { return Ok(None) };
    let Some(mut fields) = admit::fields(request, verb) else { return Ok(None) };
    fields.set_path(parameters);
    let role = route.role_asked(&Peek::committed(core.view.clone(), mount.facts.clone()), &fields).await?;
    Ok(role.map(|role| Asked { mount: mount.facts.path.clone(), role }))
}
