//! What both lines of a request say alike, `auth` and `request`, rendered and hashed once: the answer's line repeats the
//! bytes of the request's.

use std::sync::OnceLock;

use crate::sink::DeviceId;

/// To be kept with one judged request from its first record to its last: whatever is said anew, such as another judgement,
/// needs a new one. Holds hashes and names, no secret. Other devices than the first one render anew.
#[derive(Debug, Default)]
pub struct Kept(OnceLock<(DeviceId, Box<[u8]>)>);

impl Kept {
    pub(crate) fn text(&self, device: DeviceId) -> Option<&[u8]> {
        self.0.get().filter(|(owner, _)| *owner == device).map(|(_, text)| &**text)
    }

    pub(crate) fn keep(&self, device: DeviceId, text: &[u8]) {
        // Taken: another device was first.
        let _ = self.0.set((device, text.into()));
    }
}
