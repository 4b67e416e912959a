//! Cross-origin requests of browsers. Off: a request is served whatever page sent it, and the browser keeps the answer from
//! that page. On: an origin that is not listed gets nothing.

use serde::{Deserialize, Serialize};
use strongroom_engine::{Error, Result};

use super::check_name;
use crate::Core;
use crate::stage::admit::NotAdmitted;
use crate::wire::{ExtraHeaders, Headers, Method};

/// Headers that pages of a listed origin may send in any case.
pub const STANDARD_HEADERS: [&str; 10] = [
    "Content-Type",
    "Authorization",
    "X-Vault-Token",
    "X-Vault-MFA",
    "X-Vault-No-Request-Forwarding",
    "X-Vault-Wrap-Format",
    "X-Vault-Wrap-TTL",
    "X-Requested-With",
    "X-Vault-AWS-IAM-Server-ID",
    "X-Vault-Policy-Override",
];

const METHODS: [&str; 8] = ["DELETE", "GET", "OPTIONS", "POST", "PUT", "LIST", "SCAN", "PATCH"];
/// Seconds for which a browser may keep the answer to a preflight.
const MAX_AGE: &str = "300";
const ORIGINS_MAX: usize = 100;
const ORIGIN_BYTES_MAX: usize = 512;

/// As stored. The default allows nobody.
#[derive(Serialize, Deserialize, Clone, Default)]
pub struct Cors {
    /// `*` alone, or origins as browsers send them.
    pub allowed_origins: Vec<String>,
    /// All of them, the standard ones included.
    pub allowed_headers: Vec<String>,
    pub allow_credentials: bool,
}

/// What a request's origin leads to.
pub enum Crossing {
    /// Served; these headers let the browser show the answer to the page. Empty: nobody asked.
    Served(ExtraHeaders),
    /// Answered at once.
    Ended(NotAdmitted, ExtraHeaders),
}

impl Crossing {
    /// What the page may see, whatever becomes of its request.
    pub fn into_extra(self) -> ExtraHeaders {
        match self {
            Self::Served(extra) | Self::Ended(_, extra) => extra,
        }
    }
}

/// Errors: the rules can't be read.
pub async fn judge(core: &Core, headers: &Headers, method: Method) -> Result<Crossing> {
    let Some(origin) = headers.origin.as_deref().filter(|o| !o.is_empty()) else { return Ok(Crossing::Served(Vec::new())) };
    core.view.catch_up().await?;
    let rules = core.rules.current().await?;
    Ok(match &rules.cors {
        Some(cors) => cors.crossing(origin, method, headers.preflight_method.as_deref()),
        None => Crossing::Served(Vec::new()),
    })
}

impl Cors {
    /// Errors: `Invalid` naming the field and the rule.
    pub fn new(origins: Vec<String>, headers: Vec<String>, allow_credentials: bool) -> Result<Self> {
        check_origins(&origins)?;
        let is_any = origins.iter().any(|o| o == "*");
        if is_any && origins.len() > 1 {
            return Err(Error::invalid("to allow all origins the '*' must be the only value for allowed_origins"));
        }
        if is_any && allow_credentials {
            // SECURITY: any site could then use what the browser keeps for this server.
            return Err(Error::invalid("allow_credentials needs allowed_origins to list the origins instead of '*'"));
        }
        let mut allowed_headers: Vec<String> = STANDARD_HEADERS.map(str::to_owned).to_vec();
        for name in headers {
            check_name(&name).map_err(|e| Error::invalid(format!("allowed_headers: {e}")))?;
            if !allowed_headers.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                allowed_headers.push(name);
            }
        }
        Ok(Self { allowed_origins: origins, allowed_headers, allow_credentials })
    }

    fn allows(&self, origin: &str) -> bool {
        self.allowed_origins.iter().any(|allowed| allowed == "*" || allowed == origin)
    }

    fn crossing(&self, origin: &str, method: Method, asked: Option<&str>) -> Crossing {
        if !self.allows(origin) {
            return Crossing::Ended(NotAdmitted::Origin, Vec::new());
        }
        let mut headers: ExtraHeaders =
            vec![("Access-Control-Allow-Origin".into(), origin.to_owned()), ("Vary".into(), "Origin".to_owned())];
        if self.allow_credentials {
            headers.push(("Access-Control-Allow-Credentials".into(), "true".to_owned()));
        }
        if method != Method::Options {
            return Crossing::Served(headers);
        }
        if !asked.is_some_and(|m| METHODS.contains(&m)) {
            return Crossing::Ended(NotAdmitted::Preflight(405), Vec::new());
        }
        headers.push(("Access-Control-Allow-Headers".into(), self.allowed_headers.join(",")));
        headers.push(("Access-Control-Allow-Methods".into(), METHODS.join(",")));
        headers.push(("Access-Control-Max-Age".into(), MAX_AGE.to_owned()));
        Crossing::Ended(NotAdmitted::Preflight(200), headers)
    }
}

fn check_origins(origins: &[String]) -> Result<()> {
    if origins.is_empty() {
        return Err(Error::invalid("at least one origin or the wildcard must be provided"));
    }
    if origins.len() > ORIGINS_MAX {
        return Err(Error::invalid(format!("allowed_origins must list at most {ORIGINS_MAX} origins")));
    }
    if origins.iter().any(|o| o != "*" && !is_origin(o)) {
        return Err(Error::invalid("allowed_origins must be '*' or origins such as https://ui.example.com:8443, without a path"));
    }
    Ok(())
}

/// Scheme, host and perhaps a port. SECURITY: `null` is none: every sandboxed page of any site has that origin.
fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let is_scheme = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b"-._~%:[]".contains(&b);
    let is_filled = !scheme.is_empty() && !authority.is_empty() && text.len() <= ORIGIN_BYTES_MAX;
    is_filled && scheme.bytes().all(is_scheme) && authority.bytes().all(is_host)
}

#[cfg(test)]
mod tests {
    use super::{Cors, Crossing};
    use crate::stage::admit::NotAdmitted;
    use crate::wire::Method;

    fn cors(origins: &[&str], credentials: bool) -> Result<Cors, String> {
        let origins = origins.iter().map(|o| (*o).to_owned()).collect();
        Cors::new(origins, vec!["x-vault-token".into(), "X-Mine".into()], credentials).map_err(|e| e.to_string())
    }

    #[test]
    fn origins_are_exact_and_the_wildcard_stands_alone() {
        assert!(cors(&["https://a.test", "http://[::1]:8080", "app-x://id"], true).is_ok());
        assert!(cors(&["*"], false).is_ok());
        for bad in [&[] as &[&str], &["*", "http://a"], &["null"], &["a.test"], &["http://a/"], &["http://*.a"], &["http://a b"]]
        {
            assert!(cors(bad, false).is_err(), "{bad:?}");
        }
        assert!(cors(&["*"], true).is_err());
        let one = cors(&["https://a.test"], false).unwrap();
        for other in ["https://a.test.evil", "https://A.test", "http://a.test", "null", "https://b.a.test"] {
            assert!(matches!(one.crossing(other, Method::Get, None), Crossing::Ended(NotAdmitted::Origin, _)), "{other}");
        }
        assert_eq!(one.allowed_headers.len(), 11, "a standard header is not listed twice");
    }

    #[test]
    fn a_preflight_is_answered_and_other_requests_are_served() {
        let one = cors(&["https://a.test"], true).unwrap();
        let ended = |asked| match one.crossing("https://a.test", Method::Options, asked) {
            Crossing::Ended(NotAdmitted::Preflight(status), headers) => (status, headers.len()),
            _ => panic!("not ended"),
        };
        assert_eq!((ended(Some("LIST")), ended(Some("TRACE")), ended(None)), ((200, 6), (405, 0), (405, 0)));
        assert!(matches!(one.crossing("https://a.test", Method::Write, None), Crossing::Served(h) if h.len() == 3));
        let nobody = Cors::default();
        assert!(matches!(nobody.crossing("https://a.test", Method::Get, None), Crossing::Ended(NotAdmitted::Origin, _)));
    }
}
