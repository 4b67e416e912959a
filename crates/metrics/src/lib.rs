//! Figures of a running server: how they are counted on the hot path, and how a page of them is written for Prometheus or
//! as JSON. Every crate keeps its own figures and reports them here; nothing is global. What is counted never holds a
//! secret, a token or the path of a secret: names and labels come from closed sets or from the mount table
//! (docs/decisions/0013-metrics.md).

mod counter;
mod histogram;
mod json;
mod page;
mod prometheus;
mod sampled;
mod shard;

pub use counter::Counter;
pub use histogram::{Histogram, Snapshot};
pub use page::{Label, Page, Unit};
pub use sampled::{Sampled, Started};

/// Somebody who can tell figures.
pub trait Report: Send + Sync + 'static {
    /// Adds what this knows to a page. Called for each reading of the metrics, never on the request path.
    fn report(&self, page: &mut Page);
}
