//! Who asked how much: the generic cell rate algorithm, one small record for each rule and address, in a table of fixed
//! size. A full table never lets anybody off: a newcomer takes over the record that is nearest to free, with what is used.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use super::rule::Pace;

const SHARDS: u64 = 64;
const SETS_PER_SHARD: u64 = 512;
const SLOTS_PER_SET: usize = 4;

/// Times are nanoseconds since 1970.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// Which rule and address; zero is free.
    tag: u64,
    /// When all that was taken will have been given back.
    full_at: u64,
    blocked_until: u64,
}

type Set = [Slot; SLOTS_PER_SET];

/// 131,072 records in 3 MiB.
pub struct Limiter {
    /// Keyed anew by every process, so that nobody can aim at a set.
    hasher: RandomState,
    shards: Vec<Mutex<Vec<Set>>>,
}

/// What one request is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Verdict {
    pub is_admitted: bool,
    /// Requests that are still free now.
    pub remaining: u64,
    /// Until all are free again.
    pub reset_ns: u64,
    /// Until the next one is free; zero when admitted.
    pub retry_ns: u64,
}

impl Limiter {
    pub fn new() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::new((0..SETS_PER_SHARD).map(|_| Set::default()).collect())).collect();
        Self { hasher: RandomState::new(), shards }
    }

    /// Counts one request. `rule` tells rules apart; no address is everybody behind a unix socket.
    pub fn count(&self, rule: u64, pace: Pace, address: Option<IpAddr>, now: u64) -> Verdict {
        let tag = self.hasher.hash_one((rule, address.map(source_of))).max(1);
        let (shard, set) = (index(tag % SHARDS), index(tag / SHARDS % SETS_PER_SHARD));
        // Neither index is ever out of bounds; should one be, nobody is let in.
        let Some(shard) = self.shards.get(shard) else { return Verdict::default() };
        // Records are whole after every step, so a poisoned lock is as good as any.
        let mut sets = shard.lock().unwrap_or_else(PoisonError::into_inner);
        sets.get_mut(set).and_then(|set| place(set, tag, now)).map(|slot| slot.take(pace, now)).unwrap_or_default()
    }
}

fn index(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// What counts as one client: an IPv4 address, or a network of 64 bits, since that is what one IPv6 customer has.
pub fn source_of(address: IpAddr) -> IpAddr {
    const UPPER_HALF: u128 = !(u64::MAX as u128);
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & UPPER_HALF).into()),
        v4 => v4,
    }
}

/// The record of this tag, taken over from another if there is none.
fn place(set: &mut Set, tag: u64, now: u64) -> Option<&mut Slot> {
    let known = set.iter().position(|slot| slot.tag == tag);
    let free = set.iter().position(|slot| slot.full_at <= now && slot.blocked_until <= now);
    let least = set.iter().enumerate().min_by_key(|(_, slot)| slot.full_at).map(|(at, _)| at);
    let slot = set.get_mut(known.or(free).or(least)?)?;
    if slot.tag != tag {
        // What is used stays used: pushing others out gains nothing. A block was another's.
        *slot = Slot { tag, full_at: slot.full_at, blocked_until: 0 };
    }
    Some(slot)
}

impl Slot {
    fn take(&mut self, pace: Pace, now: u64) -> Verdict {
        // No more than everything can be used, whatever the record or a clock that was put back says.
        let used = self.full_at.saturating_sub(now).min(pace.all_ns);
        let blocked_ns = self.blocked_until.saturating_sub(now).min(pace.block_ns);
        self.blocked_until = now.saturating_add(blocked_ns);
        let wanted = used.saturating_add(pace.each_ns);
        let is_admitted = blocked_ns == 0 && wanted <= pace.all_ns;
        let used = if is_admitted { wanted } else { used };
        self.full_at = now.saturating_add(used);
        let over = wanted.saturating_sub(pace.all_ns);
        let retry_ns = match (is_admitted, blocked_ns) {
            (true, _) => 0,
            (false, 0) => {
                self.blocked_until = now.saturating_add(pace.block_ns);
                over.max(pace.block_ns)
            }
            (false, blocked) => blocked.max(over),
        };
        let remaining = pace.all_ns.saturating_sub(used).checked_div(pace.each_ns).unwrap_or(0);
        Verdict { is_admitted, remaining, reset_ns: used, retry_ns }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const S: u64 = 1_000_000_000;
    const NOW: u64 = 1_764_000_000 * S;

    fn pace(rate: f64, interval_s: u64, block_s: u64) -> Pace {
        Pace::new(rate, interval_s, block_s)
    }

    fn v4(n: u32) -> Option<IpAddr> {
        Some(IpAddr::V4(Ipv4Addr::from_bits(n)))
    }

    fn admitted(limiter: &Limiter, pace: Pace, address: Option<IpAddr>, now: u64, tries: u32) -> usize {
        (0..tries).filter(|_| limiter.count(1, pace, address, now).is_admitted).count()
    }

    #[test]
    fn an_address_gets_its_rate_and_no_more() {
        let (limiter, pace) = (Limiter::new(), pace(3.0, 10, 0));
        assert_eq!(admitted(&limiter, pace, v4(1), NOW, 10), 3);
        let verdict = limiter.count(1, pace, v4(1), NOW);
        assert_eq!((verdict.remaining, verdict.reset_ns / S, verdict.retry_ns / S), (0, 9, 3));
        assert_eq!(admitted(&limiter, pace, v4(2), NOW, 10), 3, "another address");
        assert_eq!(admitted(&limiter, pace, None, NOW, 10), 3, "a socket");
        assert_eq!(admitted(&limiter, pace, v4(1), NOW + 4 * S, 10), 1, "a third of the interval later");
        assert_eq!(admitted(&limiter, pace, v4(1), NOW + 60 * S, 10), 3, "much later");
    }

    #[test]
    fn over_a_long_time_the_rate_is_the_rate() {
        let (limiter, pace) = (Limiter::new(), pace(10.0, 1, 0));
        let all: usize = (0..6000u64).map(|ms| admitted(&limiter, pace, v4(1), NOW + ms * S / 100, 3)).sum();
        assert!((600..=610).contains(&all), "{all}");
    }

    #[test]
    fn a_block_lasts_and_ends() {
        let (limiter, pace) = (Limiter::new(), pace(2.0, 1, 30));
        assert_eq!(admitted(&limiter, pace, v4(1), NOW, 3), 2);
        assert_eq!(admitted(&limiter, pace, v4(1), NOW + 29 * S, 3), 0);
        assert_eq!(limiter.count(1, pace, v4(1), NOW + 29 * S).retry_ns, S);
        assert_eq!(admitted(&limiter, pace, v4(1), NOW + 30 * S, 3), 2);
    }

    #[test]
    fn less_than_one_each_interval() {
        let (limiter, pace) = (Limiter::new(), pace(0.5, 1, 0));
        assert_eq!(admitted(&limiter, pace, v4(1), NOW, 3), 1);
        assert_eq!(admitted(&limiter, pace, v4(1), NOW + S, 3), 0);
        assert_eq!(admitted(&limiter, pace, v4(1), NOW + 2 * S, 3), 1);
    }

    #[test]
    fn a_million_addresses_take_no_more_memory_and_free_nobody() {
        let (limiter, pace) = (Limiter::new(), pace(2.0, 60, 0));
        assert_eq!(admitted(&limiter, pace, v4(7), NOW, 5), 2);
        let size = |limiter: &Limiter| limiter.shards.iter().map(|s| s.lock().unwrap().capacity()).sum::<usize>();
        let before = size(&limiter);
        let all: usize = (100..1_000_100).map(|n| admitted(&limiter, pace, v4(n), NOW, 3)).sum();
        assert_eq!(size(&limiter), before);
        // Every record can be used twice in the interval, whoever it is called.
        assert!(all <= 2 * 131_072, "{all}");
        assert_eq!(admitted(&limiter, pace, v4(7), NOW, 5), 0, "pushed out, and still limited");
    }

    #[test]
    fn one_ipv6_network_is_one_client_and_a_mapped_address_is_the_address() {
        let (limiter, pace) = (Limiter::new(), pace(2.0, 1, 0));
        let count = |text: &str| admitted(&limiter, pace, Some(text.parse().unwrap()), NOW, 1);
        let all =
            ["2001:db8::1", "2001:db8::2", "2001:db8::dead:beef", "2001:db8:0:1::1", "::ffff:10.0.0.1", "10.0.0.1", "10.0.0.1"];
        assert_eq!(all.map(count), [1, 1, 0, 1, 1, 1, 0]);
    }

    #[test]
    fn a_clock_that_was_put_back_blocks_nobody_for_longer_than_an_interval() {
        let (limiter, pace) = (Limiter::new(), pace(2.0, 10, 5));
        assert_eq!(admitted(&limiter, pace, v4(1), NOW, 3), 2);
        let earlier = NOW - 3_600 * S;
        limiter.count(1, pace, v4(1), earlier);
        assert_eq!(admitted(&limiter, pace, v4(1), earlier + 10 * S, 3), 2);
    }
}
