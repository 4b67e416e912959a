//! Transactions of many leases on their way to the store: joined as far as a batch goes, a few batches in flight. The queue of
//! writers stays short, so that requests get their turn.

use strongroom_barrier::{Revision, Txn};
use strongroom_engine::Result;
use tokio::task::JoinSet;

use super::find::Found;

/// Batches that wait for the store at once.
const IN_FLIGHT_MAX: usize = 24;

/// One lease of a batch.
pub struct Member {
    pub found: Found,
    /// None: the lease ends with the batch.
    pub failure: Option<String>,
}

/// What the commits came to.
#[derive(Default)]
pub struct Settled {
    pub done: Vec<Member>,
    /// Of batches that lost a race: nothing happened to them.
    pub lost: Vec<Found>,
}

type Committed = (Vec<Member>, strongroom_barrier::Result<Revision>);

pub struct Commits {
    open: Option<(Txn, Vec<Member>)>,
    flying: JoinSet<Committed>,
    settled: Settled,
    broken: Option<strongroom_barrier::Error>,
}

impl Commits {
    pub fn new() -> Self {
        Self { open: None, flying: JoinSet::new(), settled: Settled::default(), broken: None }
    }

    /// Whether something waits for more to be committed with it.
    pub fn is_holding(&self) -> bool {
        self.open.is_some()
    }

    /// Joins what fits together; what does not is a batch of its own.
    pub async fn add(&mut self, txn: Txn, member: Member) {
        let Some((open, members)) = &mut self.open else {
            self.open = Some((txn, vec![member]));
            return;
        };
        match open.absorb(txn) {
            Ok(()) => members.push(member),
            Err(apart) => {
                self.flush().await;
                self.open = Some((*apart, vec![member]));
            }
        }
    }

    /// Sends off what waits; waits itself only when too much is under way.
    pub async fn flush(&mut self) {
        let Some((txn, members)) = self.open.take() else { return };
        while self.flying.len() >= IN_FLIGHT_MAX {
            self.land().await;
        }
        self.flying.spawn(async move { (members, txn.commit().await) });
    }

    async fn land(&mut self) {
        let Some(Ok((members, committed))) = self.flying.join_next().await else { return };
        let was_joined = members.len() > 1;
        match committed {
            Ok(_) => self.settled.done.extend(members),
            Err(strongroom_barrier::Error::Conflict) => self.lose(members),
            Err(e) if e.too_large().is_some() && was_joined => self.lose(members),
            Err(e) => self.broken = Some(e),
        }
    }

    fn lose(&mut self, members: Vec<Member>) {
        self.settled.lost.extend(members.into_iter().map(|member| member.found));
    }

    /// Waits for all. Errors: the store's, when a commit failed by more than a lost race.
    pub async fn finish(&mut self) -> Result<Settled> {
        self.flush().await;
        while !self.flying.is_empty() {
            self.land().await;
        }
        match self.broken.take() {
            Some(error) => Err(error.into()),
            None => Ok(std::mem::take(&mut self.settled)),
        }
    }
}
