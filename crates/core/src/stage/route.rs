//! Stage 2: which mount and which line of its route table. What is missing is carried on and answered only after
//! judgement, so that nobody learns by probing what exists.

use std::sync::Arc;

use strongroom_engine::{Attributes, Error, Gate, Result, Route, Verb};

use super::{Admitted, Known, Refused};
use crate::Core;
use crate::mount::Mount;
use crate::wire::Opens;

/// A request with its place.
pub struct Routed {
    pub admitted: Box<Admitted>,
    pub target: Target,
}

pub enum Target {
    Route {
        mount: Arc<Mount>,
        index: usize,
        rest: String,
    },
    /// Why there is none, and the mount when there is one.
    Missing {
        error: Error,
        mount: Option<Arc<Mount>>,
        /// The path is open to everybody, with other verbs: a login need not come with a token to be told so.
        is_open: bool,
    },
}

impl Target {
    pub fn route(&self) -> Option<&Route> {
        match self {
            Self::Route { mount, index, .. } => mount.routes.get(*index),
            Self::Missing { .. } => None,
        }
    }

    pub fn index(&self) -> Option<usize> {
        match self {
            Self::Route { index, .. } => Some(*index),
            Self::Missing { .. } => None,
        }
    }

    pub fn mount(&self) -> Option<&Arc<Mount>> {
        match self {
            Self::Route { mount, .. } => Some(mount),
            Self::Missing { mount, .. } => mount.as_ref(),
        }
    }

    pub fn attributes(&self) -> Attributes {
        match self {
            Self::Missing { is_open, .. } => Attributes { no_token: *is_open, ..Attributes::default() },
            Self::Route { .. } => self.route().map(|r| r.attributes).unwrap_or_default(),
        }
    }
}

pub async fn route(core: &Core, mut admitted: Box<Admitted>) -> std::result::Result<Routed, Refused> {
    let placed = match place(core, &mut admitted).await {
        Ok(target) if is_closed(&target, admitted.peer.opens) => Err(Error::NotServedHere),
        other => other,
    };
    match placed {
        Ok(target) => Ok(Routed { admitted, target }),
        Err(error) => Err(Refused { error, known: Box::new(Known { admitted: Some(admitted), ..Known::default() }) }),
    }
}

/// Whether the listener does not serve this. Told at once: it says nothing about what the server holds.
fn is_closed(target: &Target, opens: Opens) -> bool {
    match target.attributes().gate {
        None => false,
        Some(Gate::Rekey) => !opens.rekey,
        Some(Gate::GenerateRoot) => !opens.generate_root,
    }
}

async fn place(core: &Core, admitted: &mut Admitted) -> Result<Target> {
    // A node of several must first know all that the store acknowledged; alone it knows already.
    core.view.catch_up().await?;
    let table = core.mounts.current().await?;
    let path = admitted.path.as_str();
    let Some((mount, rest)) = table.find(path) else {
        return Ok(Target::Missing { error: Error::NoHandler(path.to_owned()), mount: None, is_open: false });
    };
    if matches!(admitted.verb, Some(Verb::Write | Verb::Patch)) && path.ends_with('/') {
        let error = Error::invalid("cannot write to a path ending in '/'");
        return Ok(Target::Missing { error, mount: Some(mount.clone()), is_open: false });
    }
    if admitted.help
        && let Some(index) = helper(mount, admitted.verb, rest)
    {
        return Ok(Target::Route { mount: mount.clone(), index, rest: rest.to_owned() });
    }
    let found = Route::find(&mount.routes, admitted.verb, rest);
    match found {
        Ok((index, parameters)) => {
            admitted.fields.set_path(parameters);
            Ok(Target::Route { mount: mount.clone(), index, rest: rest.to_owned() })
        }
        Err(Error::UnsupportedPath) => {
            let error = admitted.verb.map_or(Error::UnsupportedOperation, |verb| mount.engine.unrouted(verb));
            Ok(Target::Missing { error, mount: Some(mount.clone()), is_open: false })
        }
        Err(error) => {
            let is_open = mount.routes.iter().any(|r| r.attributes.no_token && r.serves(rest));
            Ok(Target::Missing { error, mount: Some(mount.clone()), is_open })
        }
    }
}

/// The route whose help a path gets: any verb will do, and a mount's root is about all of them.
fn helper(mount: &Mount, verb: Option<Verb>, rest: &str) -> Option<usize> {
    let of_verb = Route::find(&mount.routes, verb, rest).ok().map(|(index, _)| index);
    let of_any = || mount.routes.iter().position(|route| route.pattern.is_of(rest));
    let of_root = || (rest.is_empty() && !mount.routes.is_empty()).then_some(0);
    of_verb.or_else(of_any).or_else(of_root)
}
