//! Stage 1: what came off the wire becomes a request, or is refused before anything is looked up. Nothing here depends
//! on what the server holds, so a refusal tells a stranger nothing.

use bytes::Bytes;
use strongroom_engine::{Error, FieldSet, JsonLimits, Verb};
use strongroom_types::{CanonicalPath, PathError, Timestamp, Ttl};

use crate::wire::{Headers, Method, Peer, Request, Upload};

/// A well-formed request of bounded size. The body is checked JSON or a form; the path has its one canonical form.
pub struct Admitted {
    pub id: String,
    pub received: Timestamp,
    /// None for HEAD, which no path serves.
    pub verb: Option<Verb>,
    pub path: CanonicalPath,
    pub fields: FieldSet,
    pub headers: Headers,
    pub peer: Peer,
    pub upload: Upload,
    /// Asked for by the client; zero wraps nothing.
    pub wrap_ttl: Ttl,
    /// `?help=1`.
    pub help: bool,
}

/// Why a request is not admitted. Its path may be no path at all, so it is kept apart from `Error`.
pub enum NotAdmitted {
    /// To the cleaned path.
    Redirect(String),
    /// 400 without a body.
    BadPath,
    /// 405 without a text.
    BadVerb,
    /// 403: the page's origin is not listed.
    Origin,
    /// An answer to a browser's question, without a body: 200 or 405.
    Preflight(u16),
    Error(Error),
}

/// Boxed: it travels through every stage.
pub fn admit(id: String, received: Timestamp, request: Request) -> Result<Box<Admitted>, NotAdmitted> {
    let query = Query::read(request.method, &request.query)?;
    let verb = verb_of(request.method, &query)?;
    let path = canonical(&request.path, verb)?;
    if request.headers.namespace.as_deref().is_some_and(|n| !matches!(n.trim_matches('/'), "" | "root")) {
        return Err(NotAdmitted::Error(Error::NotFoundText("namespace not found")));
    }
    let fields = fields_of(&request, verb)?;
    let wrap_ttl = request.headers.wrap_ttl.as_deref().map(Ttl::parse).transpose();
    let wrap_ttl = wrap_ttl.map_err(|_| NotAdmitted::Error(Error::invalid("X-Vault-Wrap-TTL is not a duration")))?;
    Ok(Box::new(Admitted {
        id,
        received,
        verb,
        path,
        fields,
        headers: request.headers,
        peer: request.peer,
        upload: request.upload,
        wrap_ttl: wrap_ttl.unwrap_or_default(),
        help: query.help,
    }))
}

/// The verb of a request that is not admitted yet; None when it never will be.
pub fn verb(request: &Request) -> Option<Verb> {
    let query = Query::read(request.method, &request.query).ok()?;
    verb_of(request.method, &query).ok()?
}

/// The fields of a request that is not admitted yet, read as `admit` will. None when it never will be.
pub fn fields(request: &Request, verb: Verb) -> Option<FieldSet> {
    fields_of(request, Some(verb)).ok()
}

/// The parameters of a query that belong to the protocol.
struct Query {
    list: bool,
    scan: bool,
    help: bool,
}

impl Query {
    /// They are read in every spelling of a flag: hvac sends `list=True`. On other verbs the names may be fields.
    fn read(method: Method, query: &str) -> Result<Self, NotAdmitted> {
        let mut found = Self { list: false, scan: false, help: false };
        for (name, value) in query.split('&').filter_map(|p| p.split_once('=')) {
            let (place, refusal) = match name {
                "list" => (&mut found.list, "the parameter 'list' must be true or false"),
                "scan" => (&mut found.scan, "the parameter 'scan' must be true or false"),
                "help" => (&mut found.help, "the parameter 'help' must be true or false"),
                _ => continue,
            };
            match flag(value) {
                Some(on) => *place |= on,
                None if matches!(method, Method::Get) => return Err(NotAdmitted::Error(Error::invalid(refusal))),
                None => {}
            }
        }
        Ok(found)
    }
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" | "" => Some(false),
        _ => None,
    }
}

fn verb_of(method: Method, query: &Query) -> Result<Option<Verb>, NotAdmitted> {
    Ok(Some(match method {
        Method::Get if query.list => Verb::List,
        Method::Get if query.scan => Verb::Scan,
        Method::Get => Verb::Read,
        Method::Write => Verb::Write,
        Method::Patch => Verb::Patch,
        Method::Delete => Verb::Delete,
        Method::List => Verb::List,
        Method::Scan => Verb::Scan,
        Method::Head => return Ok(None),
        Method::Options | Method::Other => return Err(NotAdmitted::BadVerb),
    }))
}

/// A list is of a folder: its path always ends in a slash.
fn canonical(raw: &str, verb: Option<Verb>) -> Result<CanonicalPath, NotAdmitted> {
    let path = CanonicalPath::parse(raw).map_err(|e| match e {
        PathError::Redirect(clean) => NotAdmitted::Redirect(format!("/v1/{clean}")),
        PathError::Relative => NotAdmitted::Error(Error::invalid("relative paths not supported")),
        PathError::Control | PathError::NotUtf8 => NotAdmitted::BadPath,
        PathError::TooLong => NotAdmitted::Error(Error::invalid(e.to_string())),
    })?;
    let is_list = matches!(verb, Some(Verb::List | Verb::Scan));
    if !is_list || path.is_folder() {
        return Ok(path);
    }
    CanonicalPath::from_decoded(&format!("{path}/")).map_err(|_| NotAdmitted::BadPath)
}

fn fields_of(request: &Request, verb: Option<Verb>) -> Result<FieldSet, NotAdmitted> {
    let content_type = request.headers.content_type.as_deref().unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    match verb {
        Some(Verb::Patch) if media_type != "application/merge-patch+json" => {
            Err(NotAdmitted::Error(Error::MediaType(patch_text(media_type).to_owned())))
        }
        Some(Verb::Write | Verb::Patch) => body(&request.body, media_type).map_err(NotAdmitted::Error),
        // A cancellation may name what it cancels.
        Some(Verb::Delete) if !request.body.is_empty() => body(&request.body, media_type).map_err(NotAdmitted::Error),
        _ if request.query.is_empty() => Ok(FieldSet::default()),
        _ => Ok(FieldSet::from_query(&request.query)),
    }
}

/// JSON whatever the content type says, since clients often say a wrong one; a form only when it says so and is none.
fn body(body: &Bytes, media_type: &str) -> Result<FieldSet, Error> {
    let looks_like_json = body.iter().find(|b| !b.is_ascii_whitespace()).is_none_or(|b| *b == b'{');
    if media_type == "application/x-www-form-urlencoded" && !looks_like_json {
        return FieldSet::from_form(body);
    }
    FieldSet::from_json(body.clone(), JsonLimits::default())
}

/// The header is named back only where it is a usual one: what else stands there may be anything.
fn patch_text(media_type: &str) -> &'static str {
    match media_type {
        "application/json" => "PATCH requires Content-Type of application/merge-patch+json, provided application/json",
        "" => "PATCH requires Content-Type of application/merge-patch+json, provided none",
        _ => "PATCH requires Content-Type of application/merge-patch+json",
    }
}
