//! Takes records nowhere, as `file_path = "discard"` of the reference. It never counts as having recorded anything.

use strongroom_types::{SecretBytes, Timestamp};

use super::{Device, DeviceId, Ticket};
use crate::{AuditError, HashKey, Head};

pub struct DiscardDevice {
    id: DeviceId,
    hash_key: HashKey,
}

impl DiscardDevice {
    pub fn new(hash_key: &SecretBytes) -> Self {
        Self { id: DeviceId::fresh(), hash_key: HashKey::new(hash_key) }
    }
}

impl Device for DiscardDevice {
    fn id(&self) -> DeviceId {
        self.id
    }

    fn kind(&self) -> &'static str {
        "discard"
    }

    fn hash_key(&self) -> &HashKey {
        &self.hash_key
    }

    fn is_local(&self) -> bool {
        false
    }

    fn counts(&self) -> bool {
        false
    }

    fn append(&self, _: &[u8]) -> Result<Ticket, AuditError> {
        Err(AuditError::NoDevice)
    }

    fn tick(&self, _: Timestamp) -> Result<(), AuditError> {
        Ok(())
    }

    fn needs_tick(&self, _: Timestamp) -> bool {
        false
    }

    fn rotate(&self, _: Timestamp) -> Result<(), AuditError> {
        Ok(())
    }

    fn close(&self, _: Timestamp) -> Result<(), AuditError> {
        Ok(())
    }

    fn head(&self) -> Option<Head> {
        None
    }
}
