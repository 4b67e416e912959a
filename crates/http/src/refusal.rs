//! What is refused before core sees it, with its status and text. A closed set of texts; none echoes what the peer sent.

use strongroom_core::wire::Answer;

/// Why a request got no further.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// The path is not below `/v1/`.
    OutsideApi,
    /// The path is below `/ui/`, and this build has no pages.
    NoPage,
    BodyTooLarge,
    BodyTooSlow,
    BodyBroken,
    /// All bodies together take what they may, or one connection has too many handlers running.
    Overloaded,
    ForwardedMissing,
    ForwardedNotAuthorized,
    ForwardedMalformed,
    TimedOut,
    Panicked,
}

const RETRY_AFTER_S: u32 = 1;

impl Refusal {
    pub(crate) fn answer(self) -> Answer {
        match self {
            Self::OutsideApi | Self::NoPage => Answer::errors(404, &[]),
            Self::BodyTooLarge => Answer::errors(413, &["request body too large"]),
            Self::BodyTooSlow => Answer::errors(408, &["request body came too slowly"]),
            Self::BodyBroken => Answer::errors(400, &["request body could not be read"]),
            Self::Overloaded => Answer { retry_after_s: Some(RETRY_AFTER_S), ..Answer::errors(503, &["server is overloaded"]) },
            Self::ForwardedMissing => Answer::errors(400, &["missing x-forwarded-for header"]),
            Self::ForwardedNotAuthorized => Answer::errors(400, &["client address not authorized for x-forwarded-for"]),
            Self::ForwardedMalformed => Answer::errors(400, &["malformed x-forwarded-for header or hop count"]),
            Self::TimedOut => Answer::errors(500, &["request timed out"]),
            Self::Panicked => Answer::errors(500, &["internal error"]),
        }
    }
}
