//! What can go wrong, grouped by who must act: the caller, the network, the server. Must never hold a token, a body that was
//! sent, or a value that was read: serde's own messages quote values, so only the place in the text is kept.

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    // The caller's.
    #[error("server address `{address}`: {reason}")]
    Address { address: String, reason: &'static str },
    #[error("no usable certificate in the given authorities")]
    CaCertificate,
    #[error("the client certificate and its key cannot be used together")]
    ClientCertificate,
    #[error("the {name} holds characters that cannot be sent")]
    Header { name: &'static str },
    #[error("path `{path}` has an empty, `.` or `..` segment, or control characters")]
    Path { path: String },
    #[error("the body of {method} {url} cannot be written as JSON")]
    Encode { method: &'static str, url: String },
    /// The client was asked for a preview; see `Client::previewing`.
    #[error("nothing was sent")]
    NotSent,
    #[error("preparing the HTTP client")]
    Setup(#[source] reqwest::Error),

    // The network's.
    #[error("{method} {url}")]
    Transport { method: &'static str, url: String, source: reqwest::Error },

    #[error("GET {url}: the answer stopped coming")]
    Stalled { url: String },

    // The server's.
    #[error("{method} {url}: redirected to another server or more than once; not followed")]
    Redirect { method: &'static str, url: String },
    #[error("{method} {url}: the answer is larger than {bytes_max} bytes")]
    TooLarge { method: &'static str, url: String, bytes_max: usize },
    #[error("{method} {url}: the answer has an unexpected form (line {line}, column {column})")]
    Unexpected { method: &'static str, url: String, line: usize, column: usize },
    #[error(transparent)]
    Api(Box<ApiError>),
}

/// A refusal of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    pub method: &'static str,
    /// Without the query.
    pub url: String,
    pub namespace: Option<String>,
    pub status: u16,
    /// As the server says it; empty for a bare 404.
    pub errors: Vec<String>,
    /// Start of a body that isn't in this API's form, from a proxy for example; empty otherwise.
    pub raw: String,
}

impl std::error::Error for ApiError {}

/// The layout that scripts know from other clients of this API.
impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Error making API request.\n\n")?;
        if let Some(namespace) = &self.namespace {
            writeln!(f, "Namespace: {namespace}")?;
        }
        writeln!(f, "URL: {} {}", self.method, self.url)?;
        if !self.raw.is_empty() {
            return write!(f, "Code: {}. Raw Message:\n\n{}", self.status, self.raw);
        }
        write!(f, "Code: {}. Errors:", self.status)?;
        if self.errors.is_empty() {
            return f.write_str(" none given");
        }
        f.write_str("\n")?;
        self.errors.iter().try_for_each(|error| write!(f, "\n* {error}"))
    }
}

impl Error {
    /// The status of a refusal; None when there was no answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api(error) => Some(error.status),
            _ => None,
        }
    }

    /// True when nothing was sent: the caller must change something.
    pub fn is_callers(&self) -> bool {
        matches!(
            self,
            Self::Address { .. }
                | Self::CaCertificate
                | Self::ClientCertificate
                | Self::NotSent
                | Self::Header { .. }
                | Self::Path { .. }
                | Self::Encode { .. }
                | Self::Setup(_)
        )
    }
}
