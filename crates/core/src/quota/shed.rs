//! What was refused and not yet recorded: one figure for each source, written to the audit log once a second.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Sources that are told apart within one second; the others are one.
const SOURCES_MAX: usize = 1_000;

/// Who was refused: an address (of IPv6 its network), a socket, or more sources than are told apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Source {
    Address(IpAddr),
    Socket,
    Others,
}

/// Refusals of one source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    pub count: u64,
    /// Name of the rule that refused the last one.
    pub rule: Arc<str>,
}

#[derive(Default)]
pub struct Shed(Mutex<HashMap<Source, Refused>>);

impl Shed {
    pub fn add(&self, source: Source, refused: Refused) {
        let mut all = self.lock();
        let source = if all.len() < SOURCES_MAX || all.contains_key(&source) { source } else { Source::Others };
        let sum = all.get(&source).map_or(0, |known| known.count).saturating_add(refused.count);
        all.insert(source, Refused { count: sum, ..refused });
    }

    pub fn take(&self) -> HashMap<Source, Refused> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Source, Refused>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn many_sources_become_one_and_nothing_is_lost() {
        let shed = Shed::default();
        for n in 0..10_000u32 {
            let source = Source::Address(Ipv4Addr::from_bits(n % 5_000).into());
            shed.add(source, Refused { count: 1, rule: "r".into() });
        }
        let all = shed.take();
        assert_eq!(all.len(), SOURCES_MAX + 1);
        assert_eq!(all.values().map(|r| r.count).sum::<u64>(), 10_000);
        assert_eq!(all[&Source::Others].count, 8_000);
        assert!(shed.take().is_empty());
    }
}
