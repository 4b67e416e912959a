//! Parts of a line that are the same for many requests, rendered once: the `auth` members of a token (with its hashes)
//! per device, and the members of a mount. A hot request so makes no hash for token and accessor.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use crate::json::Object;
use crate::record::{AuthBlock, MountFacts};
use crate::render::{TokenHashes, push_auth_members};
use crate::sink::DeviceId;
use crate::{HashKey, time_text};

/// Devices whose fragments a token can hold; those beyond render anew.
const SLOTS: usize = 8;

/// One token's members for one device, without braces. Holds hashes and names, no secret.
#[derive(Clone, Debug)]
pub struct AuthFragment {
    /// Members of the line's `auth` object.
    pub(crate) auth: Box<[u8]>,
    /// `client_token` and `client_token_accessor` of the `request` object.
    pub(crate) request: Box<[u8]>,
}

impl AuthFragment {
    pub(crate) fn render(block: &AuthBlock<'_>, key: &HashKey) -> Self {
        let mut auth = Vec::with_capacity(512);
        let hashes = TokenHashes::of(block, key);
        let mut members = Object::members(&mut auth);
        push_auth_members(&mut members, block, &hashes);
        if let Some(issued) = block.issued {
            time_text::push_quoted_time(members.key("token_issue_time"), issued);
        }
        let mut request = Vec::with_capacity(256);
        hashes.push(&mut Object::members(&mut request), "client_token", "client_token_accessor");
        Self { auth: auth.into(), request: request.into() }
    }
}

/// What the core keeps beside each cached token: one slot per device, filled on first use.
#[derive(Debug, Default)]
pub struct FragmentCache {
    slots: [OnceLock<(DeviceId, Arc<AuthFragment>)>; SLOTS],
}

impl FragmentCache {
    pub fn new() -> Self {
        Self::default()
    }

    /// The fragment for this device. A slot taken by another device (a replaced one) is passed by, never reused: its
    /// hashes were made with another key.
    pub(crate) fn fragment(&self, device: DeviceId, key: &HashKey, block: &AuthBlock<'_>) -> Cow<'_, AuthFragment> {
        let fresh = || AuthFragment::render(block, key);
        let Some(slot) = self.slots.get(device.slot(SLOTS)) else { return Cow::Owned(fresh()) };
        let (owner, fragment) = slot.get_or_init(|| (device, Arc::new(fresh())));
        if *owner == device { Cow::Borrowed(fragment) } else { Cow::Owned(fresh()) }
    }
}

/// A mount's members, rendered once when the mount table changes.
#[derive(Clone, Debug)]
pub struct MountFragment {
    pub(crate) request: Box<[u8]>,
    pub(crate) response: Box<[u8]>,
}

impl MountFragment {
    pub fn new(facts: &MountFacts<'_>) -> Self {
        Self {
            request: mount_members(facts, "mount_running_version"),
            response: mount_members(facts, "mount_running_plugin_version"),
        }
    }
}

fn mount_members(facts: &MountFacts<'_>, version_key: &'static str) -> Box<[u8]> {
    let mut out = Vec::with_capacity(160);
    let mut members = Object::members(&mut out);
    members.text_if("mount_point", facts.point);
    members.text_if("mount_type", facts.kind);
    members.text_if("mount_accessor", facts.accessor);
    members.text_if(version_key, facts.running_version);
    members.text_if("mount_class", facts.class);
    out.into()
}

#[cfg(test)]
mod tests {
    use strongroom_types::SecretBytes;

    use super::*;

    #[test]
    fn a_slot_never_serves_another_device() {
        let (a, b) = (DeviceId::for_test(1), DeviceId::for_test(1 + SLOTS as u64));
        let key_a = HashKey::new(&SecretBytes::new(vec![1; 32]));
        let key_b = HashKey::new(&SecretBytes::new(vec![2; 32]));
        let block = AuthBlock { client_token: "s.token", ..AuthBlock::default() };
        let cache = FragmentCache::new();
        let first = cache.fragment(a, &key_a, &block).request.clone();
        assert!(matches!(cache.fragment(a, &key_a, &block), Cow::Borrowed(_)), "rendered once");
        assert_ne!(cache.fragment(b, &key_b, &block).request, first);
        assert_eq!(cache.fragment(a, &key_a, &block).request, first);
    }
}
