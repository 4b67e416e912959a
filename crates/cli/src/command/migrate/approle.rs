//! What auth methods hold: roles of AppRole with their role ids; users and secret ids are told, since what they log in with
//! can't be read.

use serde_json::{Map, Value};

use super::Copy;
use super::documents::{names, without_nulls, write};
use super::end::reason;
use super::mounts::Mount;
use super::report::Fate;
use crate::output::Failure;

pub(super) async fn method(copy: &mut Copy, method: &Mount) -> Result<(), Failure> {
    match method.kind.as_str() {
        "approle" => roles(copy, &method.path).await,
        _ => users(copy, &method.path).await,
    }
    Ok(())
}

async fn users(copy: &mut Copy, path: &str) {
    for name in names(copy, "users", &format!("auth/{path}users")).await {
        let why = "passwords can't be read: make the user with a new one".to_owned();
        copy.report().add("users", &format!("auth/{path}users/{name}"), Fate::Skipped(why));
    }
}

async fn roles(copy: &mut Copy, path: &str) {
    for name in names(copy, "roles of AppRole", &format!("auth/{path}role")).await {
        let at = format!("auth/{path}role/{name}");
        let fate = role(copy, &at).await;
        copy.report().add("roles of AppRole", &at, fate);
        let ids = copy.source.list(&format!("{at}/secret-id")).await.map(|ids| ids.len()).unwrap_or(0);
        if ids > 0 {
            let why = "secret ids can't be read: issue new ones".to_owned();
            copy.report().add("secret ids", &format!("{ids} of {at}"), Fate::Skipped(why));
        }
    }
}

/// The settings first, then the id that clients know.
async fn role(copy: &Copy, at: &str) -> Fate {
    let (settings, id) = match (
        copy.source.read::<Map<String, Value>>(at).await,
        copy.source.read::<Map<String, Value>>(&format!("{at}/role-id")).await,
    ) {
        (Ok(settings), Ok(id)) => (settings, id),
        (Err(error), _) | (_, Err(error)) => return Fate::Failed(format!("can't be read: {}", reason(&error))),
    };
    let (Some(settings), Some(id)) = (settings, id) else { return Fate::Failed("it went away meanwhile".into()) };
    let mut settings = without_nulls(settings);
    match copy.target.read::<Value>(at).await {
        // It can be set when the role is made, and never after.
        Ok(Some(_)) => drop(settings.remove("local_secret_ids")),
        Ok(None) => {}
        Err(error) => return Fate::Failed(format!("can't be read at the target: {}", reason(&error))),
    }
    match write(copy, at, &settings).await {
        Fate::Carried => write(copy, &format!("{at}/role-id"), &id).await,
        other => other,
    }
}
