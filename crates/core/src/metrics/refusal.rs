//! Why requests are refused, as a closed set of labels.

use strongroom_barrier as barrier;
use strongroom_engine::Error;

macro_rules! refusals {
    ($($name:ident $label:literal),* $(,)?) => {
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Refusal { $($name),* }

        impl Refusal {
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$name, $label)),*];
            pub const COUNT: usize = Self::ALL.len();
        }
    };
}

refusals! {
    Malformed "malformed",
    Sealed "sealed",
    RateLimit "rate_limit",
    NoToken "no_token",
    Denied "denied",
    Invalid "invalid",
    NotFound "not_found",
    Unsupported "unsupported",
    Conflict "conflict",
    Unavailable "unavailable",
    Internal "internal",
}

impl Refusal {
    pub fn of(error: &Error) -> Self {
        match error {
            Error::BadToken(_) => Self::NoToken,
            Error::Barrier(barrier::Error::Conflict) => Self::Conflict,
            Error::Barrier(barrier::Error::Sealed) => Self::Sealed,
            other => match other.status() {
                403 => Self::Denied,
                404 => Self::NotFound,
                405 | 415 => Self::Unsupported,
                429 => Self::RateLimit,
                503 => Self::Unavailable,
                500.. => Self::Internal,
                _ => Self::Invalid,
            },
        }
    }
}
