//! A body that comes in pieces while its handler is at work, for the few requests that bring more than memory should hold.
//! Nothing of it is read before the caller is known, judged and recorded.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use strongroom_types::BoxFuture;

/// The body was refused, cut off, or came too slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokenOff;

/// Where pieces come from. `http` implements it.
pub trait Pieces: Send {
    /// None at the end.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, BrokenOff>>;
}

type Taken = Mutex<Option<Box<dyn Pieces>>>;

/// None for usual requests, whose body is in memory. Clones are the same body: the first to take it has it.
#[derive(Clone, Default)]
pub struct Upload(Option<Arc<Taken>>);

impl Upload {
    pub fn new(pieces: impl Pieces + 'static) -> Self {
        Self(Some(Arc::new(Mutex::new(Some(Box::new(pieces))))))
    }

    pub fn take(&self) -> Option<Box<dyn Pieces>> {
        self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upload(..)")
    }
}
