//! The stages of a request, one file and one type each. A stage's type has private fields and only its own stage makes
//! it, so what was not judged and recorded cannot be executed: it does not compile.

pub mod admit;
pub mod answer;
pub mod bind;
pub mod execute;
pub mod help;
pub mod identify;
pub mod judge;
pub mod record;
pub mod route;

pub use admit::Admitted;
pub use identify::Identified;
pub use record::Recorded;
pub use route::Routed;

use std::sync::Arc;

use strongroom_engine::Error;

use crate::token::LiveToken;

/// A request that ends before its handler ran, with all that is known of it for the one exit.
pub struct Refused {
    pub error: Error,
    pub known: Box<Known>,
}

/// What the log is told about a refused request.
#[derive(Default)]
pub struct Known {
    pub admitted: Option<Box<Admitted>>,
    pub token: Option<Arc<LiveToken>>,
    pub mount: Option<Arc<crate::mount::Mount>>,
    /// Line of the mount's route table.
    pub route: Option<usize>,
    pub decision: Option<judge::Judgement>,
}
