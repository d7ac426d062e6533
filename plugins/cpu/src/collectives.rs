//! Collectives inside one process: where the devices of one execution meet.
//!
//! Owns the grid of processes (replica × partition), the specification's rules for process groups, and the meeting at
//! which the members of a group see each other's operands. Kernels do the arithmetic: every collective is "show mine,
//! look at everybody's, write my own result".
//!
//! Invariants: a member's operands stay readable until every member of its group has finished looking; a failed device
//! releases all that wait for it, with its error. Deliberately absent: transport between hosts.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jacinth_lowering::ops::collective::ChannelHandle;
use parking_lot::{Condvar, Mutex};
use rustc_hash::FxHashMap;

use crate::error::{Error, Result};

/// The processes of one execution: `replicas × partitions`, process `replica * partitions + partition`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grid {
    /// Number of replicas.
    pub replicas: usize,
    /// Number of partitions.
    pub partitions: usize,
}

impl Grid {
    /// One process.
    pub const ONE: Grid = Grid { replicas: 1, partitions: 1 };

    /// Number of processes.
    pub fn size(self) -> usize {
        self.replicas * self.partitions
    }

    /// The process that stands for this replica and partition.
    pub fn process(self, replica: usize, partition: usize) -> usize {
        replica * self.partitions + partition
    }
}

/// How the ids in `replica_groups` name processes (StableHLO specification, "Collective ops").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strategy {
    /// Ids are replicas; a group stays within one partition.
    CrossReplica,
    /// Ids are partitions; a group stays within one replica.
    CrossPartition,
    /// Ids are replicas; a group spans all partitions.
    CrossReplicaAndPartition,
    /// Ids are processes.
    FlattenedIds,
}

impl Strategy {
    /// The rule of `all_gather`, `all_reduce` and `reduce_scatter`.
    pub fn reducing(channel: Option<ChannelHandle>, use_global_device_ids: bool) -> Result<Strategy> {
        match (channel.is_some_and(|c| c.handle > 0), use_global_device_ids) {
            (false, false) => Ok(Strategy::CrossReplica),
            (true, false) => Ok(Strategy::CrossReplicaAndPartition),
            (true, true) => Ok(Strategy::FlattenedIds),
            (false, true) => {
                Err(Error::invalid("a collective with use_global_device_ids needs a positive channel handle"))
            }
        }
    }

    /// The rule of `all_to_all`, `collective_broadcast` and `collective_permute`.
    pub fn moving(channel: Option<ChannelHandle>) -> Strategy {
        if channel.is_some_and(|c| c.handle > 0) { Strategy::CrossPartition } else { Strategy::CrossReplica }
    }

    /// The group of processes, in the group's order, to which the process (`replica`, `partition`) belongs; `None` if no
    /// group names it.
    ///
    /// An empty `groups` is one group of all ids; −1 is padding.
    pub fn group_of(
        self,
        groups: &[Vec<i64>],
        grid: Grid,
        replica: usize,
        partition: usize,
    ) -> Result<Option<Vec<usize>>> {
        let (count, own) = match self {
            Strategy::CrossReplica | Strategy::CrossReplicaAndPartition => (grid.replicas, replica),
            Strategy::CrossPartition => (grid.partitions, partition),
            Strategy::FlattenedIds => (grid.size(), grid.process(replica, partition)),
        };
        let all: Vec<i64>;
        let mut ids: Option<&[i64]> = None;
        if groups.iter().all(Vec::is_empty) {
            all = (0..count as i64).collect();
            ids = Some(&all);
        }
        for group in groups {
            if let Some(&bad) = group.iter().find(|&&id| id < -1 || id >= count as i64) {
                return Err(Error::invalid(format!(
                    "replica_groups name {bad}, but this execution has {} replicas and {} partitions",
                    grid.replicas, grid.partitions
                )));
            }
            if group.contains(&(own as i64)) {
                ids = Some(group);
            }
        }
        let Some(ids) = ids else { return Ok(None) };
        let ids = ids.iter().filter(|&&id| id >= 0).map(|&id| id as usize);
        Ok(Some(match self {
            Strategy::CrossReplica => ids.map(|r| grid.process(r, partition)).collect(),
            Strategy::CrossPartition => ids.map(|p| grid.process(replica, p)).collect(),
            Strategy::FlattenedIds => ids.collect(),
            Strategy::CrossReplicaAndPartition => {
                let ids: Vec<usize> = ids.collect();
                (0..grid.partitions).flat_map(|p| ids.iter().map(move |&r| grid.process(r, p))).collect()
            }
        }))
    }
}

/// The operands that every member of a group shows at a meeting.
#[derive(Clone, Copy)]
pub struct Contributions<'a>(&'a [Shown]);

impl<'a> Contributions<'a> {
    /// Number of members.
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there are no members, which never happens.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The operands of member `index` of the group.
    pub fn of(self, index: usize) -> &'a [&'a [u8]] {
        let shown = self.0[index];
        if shown.count == 0 {
            return &[];
        }
        // SAFETY: the member's slices outlive the meeting: `exchange` borrows them and does not return before every
        // member has left, and `Contributions` lives only while `combine` runs inside it.
        unsafe { std::slice::from_raw_parts(shown.operands.cast(), shown.count) }
    }
}

impl fmt::Debug for Contributions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contributions of {}", self.0.len())
    }
}

/// What a kernel's collective needs of its surroundings.
pub trait Collectives: Send + Sync + fmt::Debug {
    /// The processes of this execution.
    fn grid(&self) -> Grid;

    /// Shows `operands` to the other members of `group` (processes in the group's order, the same list at each of
    /// them), waits until all of them have come, and lets `combine` look at everyone's.
    ///
    /// `site` tells one collective of a program from another ([`new_site`]); a site may be met again, as in a loop. `me`
    /// is the caller's index in `group`. Fails if `combine` does, or if another device of the execution has failed.
    fn exchange(
        &self,
        site: u64,
        group: &[usize],
        me: usize,
        operands: &[&[u8]],
        combine: &mut dyn FnMut(Contributions<'_>) -> Result<()>,
    ) -> Result<()>;
}

/// A number that no other collective of this process has, for [`Collectives::exchange`].
pub fn new_site() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The meeting place of one execution on several devices.
#[derive(Debug)]
pub struct Rendezvous {
    grid: Grid,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    error: Option<Error>,
    /// Processes that have not [left](Rendezvous::leave).
    running: usize,
    /// Those of them that wait for a meeting to be complete.
    waiting: usize,
    meetings: FxHashMap<(u64, usize), Meeting>,
}

#[derive(Debug)]
struct Meeting {
    shown: Vec<Shown>,
    arrived: usize,
    /// Members that have not finished looking; positive from the last arrival until the last leaves.
    looking: usize,
    changed: Arc<Condvar>,
}

/// A member's operands, borrowed from the stack of its `exchange`.
#[derive(Clone, Copy, Debug)]
struct Shown {
    operands: *const (),
    count: usize,
}

// SAFETY: a `Shown` is only read while the member that made it waits in `exchange`, and what it points to is
// shared immutable bytes.
unsafe impl Send for Shown {}
// SAFETY: as above.
unsafe impl Sync for Shown {}

const NOTHING: Shown = Shown { operands: std::ptr::null(), count: 0 };

impl Rendezvous {
    /// A meeting place for the processes of `grid`, all of which will come and [leave](Self::leave).
    pub fn new(grid: Grid) -> Self {
        let state = State { error: None, running: grid.size(), waiting: 0, meetings: FxHashMap::default() };
        Rendezvous { grid, state: Mutex::new(state) }
    }

    /// The meeting place of a lone process, which waits for nobody.
    pub fn solo() -> &'static Rendezvous {
        static SOLO: std::sync::LazyLock<Rendezvous> =
            std::sync::LazyLock::new(|| Rendezvous::new(Grid::ONE));
        &SOLO
    }

    /// Releases everyone who waits here, and everyone who comes later, with this error. The first error stays.
    pub fn poison(&self, error: Error) {
        self.state.lock().poison(error);
    }

    /// A process has ended, well or not: those who wait for it in vain are released with an error.
    pub fn leave(&self) {
        let mut state = self.state.lock();
        state.running = state.running.saturating_sub(1);
        state.check_progress();
    }
}

impl State {
    fn poison(&mut self, error: Error) {
        self.error.get_or_insert(error);
        for meeting in self.meetings.values() {
            meeting.changed.notify_all();
        }
    }

    /// If everyone who still runs waits, nobody will ever come.
    fn check_progress(&mut self) {
        if self.waiting > 0 && self.waiting >= self.running {
            self.poison(Error::invalid(
                "the devices of an execution wait for each other: a collective names a device that does not take part",
            ));
        }
    }
}

impl Collectives for Rendezvous {
    fn grid(&self) -> Grid {
        self.grid
    }

    fn exchange(
        &self,
        site: u64,
        group: &[usize],
        me: usize,
        operands: &[&[u8]],
        combine: &mut dyn FnMut(Contributions<'_>) -> Result<()>,
    ) -> Result<()> {
        let mine = Shown { operands: operands.as_ptr().cast(), count: operands.len() };
        if me >= group.len() {
            return Err(Error::internal("collective: the caller is not a member of its group"));
        }
        if group.len() == 1 {
            return combine(Contributions(&[mine]));
        }
        let shown = self.arrive((site, group[0]), group.len(), me, mine)?;

        let result = catch_unwind(AssertUnwindSafe(|| combine(Contributions(&shown))));

        // A failure must be known before the others are released, so that nobody waits for this device again.
        let failure = match &result {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.clone()),
            Err(_) => Some(Error::internal("a collective failed on another device")),
        };
        self.depart((site, group[0]), failure);
        result.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl Rendezvous {
    /// Shows `mine` and waits until all members have come; gives what they show.
    fn arrive(&self, key: (u64, usize), members: usize, me: usize, mine: Shown) -> Result<Vec<Shown>> {
        let mut state = self.state.lock();
        let meeting = state.meetings.entry(key).or_insert_with(|| Meeting {
            shown: vec![NOTHING; members],
            arrived: 0,
            looking: 0,
            changed: Arc::default(),
        });
        if meeting.shown.len() != members {
            let error = Error::invalid("a collective's replica_groups differ between devices");
            state.poison(error.clone());
            return Err(error);
        }
        let changed = meeting.changed.clone();
        // The round before may still be looking at what it was shown.
        while state.meetings[&key].looking > 0 {
            changed.wait(&mut state);
        }
        if let Some(error) = &state.error {
            return Err(error.clone());
        }
        let meeting = state.meetings.get_mut(&key).expect("meetings are never removed");
        meeting.shown[me] = mine;
        meeting.arrived += 1;
        if meeting.arrived == members {
            meeting.looking = members;
            state.waiting -= members - 1;
            changed.notify_all();
        } else {
            state.waiting += 1;
            state.check_progress();
            while state.meetings[&key].looking == 0 {
                if let Some(error) = state.error.clone() {
                    state.waiting -= 1;
                    let meeting = state.meetings.get_mut(&key).expect("meetings are never removed");
                    meeting.shown[me] = NOTHING;
                    meeting.arrived -= 1;
                    return Err(error);
                }
                changed.wait(&mut state);
            }
        }
        Ok(state.meetings[&key].shown.clone())
    }

    /// Stops looking, and waits until everyone has, so that what this member showed may go.
    fn depart(&self, key: (u64, usize), failure: Option<Error>) {
        let mut state = self.state.lock();
        if let Some(error) = failure {
            state.poison(error);
        }
        let meeting = state.meetings.get_mut(&key).expect("meetings are never removed");
        let changed = meeting.changed.clone();
        meeting.looking -= 1;
        if meeting.looking == 0 {
            meeting.arrived = 0;
            meeting.shown.fill(NOTHING);
            changed.notify_all();
        }
        // Nobody can begin the next round without this member, so `looking` stays 0 once it is.
        while state.meetings[&key].looking > 0 {
            changed.wait(&mut state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Grid = Grid { replicas: 2, partitions: 2 };

    #[test]
    fn groups_follow_the_specification() {
        let groups = [vec![0, 1]];
        let of = |s: Strategy, r, p| s.group_of(&groups, GRID, r, p).unwrap().unwrap();
        assert_eq!(of(Strategy::CrossReplica, 1, 1), [1, 3]);
        assert_eq!(of(Strategy::CrossPartition, 1, 1), [2, 3]);
        assert_eq!(of(Strategy::CrossReplicaAndPartition, 0, 1), [0, 2, 1, 3]);
        let of = |r, p| Strategy::FlattenedIds.group_of(&[vec![0, 3], vec![2, -1]], GRID, r, p).unwrap();
        assert_eq!((of(1, 1), of(1, 0), of(0, 1)), (Some(vec![0, 3]), Some(vec![2]), None));
        assert_eq!(Strategy::FlattenedIds.group_of(&[], GRID, 0, 0).unwrap().unwrap(), [0, 1, 2, 3]);
    }

    #[test]
    fn a_group_beyond_the_grid_is_refused() {
        let error = Strategy::CrossReplica.group_of(&[vec![0, 2]], GRID, 0, 0).unwrap_err();
        assert_eq!(
            error.message,
            "replica_groups name 2, but this execution has 2 replicas and 2 partitions"
        );
    }

    #[test]
    fn members_see_each_other_round_after_round() {
        let place = Rendezvous::new(Grid { replicas: 4, partitions: 1 });
        let site = new_site();
        std::thread::scope(|scope| {
            for me in 0..4usize {
                let place = &place;
                scope.spawn(move || {
                    for round in 0..200u8 {
                        let mine = [round.wrapping_add(me as u8)];
                        let mut sum = 0u8;
                        place
                            .exchange(site, &[0, 1, 2, 3], me, &[&mine], &mut |all| {
                                sum = (0..all.len()).fold(0, |sum, i| sum.wrapping_add(all.of(i)[0][0]));
                                Ok(())
                            })
                            .unwrap();
                        assert_eq!(sum, round.wrapping_mul(4).wrapping_add(6));
                    }
                });
            }
        });
    }

    #[test]
    fn a_failed_device_releases_the_others() {
        let place = Rendezvous::new(Grid { replicas: 3, partitions: 1 });
        std::thread::scope(|scope| {
            let waiting: Vec<_> = (0..2)
                .map(|me| {
                    let place = &place;
                    scope.spawn(move || place.exchange(9, &[0, 1, 2], me, &[], &mut |_| Ok(())))
                })
                .collect();
            std::thread::sleep(std::time::Duration::from_millis(5));
            place.poison(Error::exhausted("device 2 has no memory"));
            for thread in waiting {
                assert_eq!(thread.join().unwrap().unwrap_err().message, "device 2 has no memory");
            }
        });
    }

    #[test]
    fn a_failing_member_fails_the_next_meeting() {
        let place = Rendezvous::new(Grid { replicas: 2, partitions: 1 });
        std::thread::scope(|scope| {
            let bad = scope.spawn(|| place.exchange(1, &[0, 1], 0, &[], &mut |_| Err(Error::internal("no"))));
            let good = scope.spawn(|| {
                let first = place.exchange(1, &[0, 1], 1, &[], &mut |_| Ok(()));
                (first, place.exchange(2, &[0, 1], 1, &[], &mut |_| Ok(())))
            });
            assert!(bad.join().unwrap().is_err());
            let (first, second) = good.join().unwrap();
            assert!(first.is_ok());
            assert_eq!(second.unwrap_err().message, "no");
        });
    }

    #[test]
    fn waiting_for_a_device_that_has_ended_is_an_error() {
        let place = Rendezvous::new(Grid { replicas: 2, partitions: 1 });
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| place.exchange(1, &[0, 1], 0, &[], &mut |_| Ok(())));
            place.leave();
            let error = waiting.join().unwrap().unwrap_err();
            assert!(error.message.contains("does not take part"), "{error}");
        });
    }

    #[test]
    fn devices_at_different_sites_do_not_hang() {
        let place = Rendezvous::new(Grid { replicas: 2, partitions: 1 });
        std::thread::scope(|scope| {
            let place = &place;
            let threads = [0, 1].map(|me| {
                scope.spawn(move || place.exchange(me, &[0, 1], me as usize, &[], &mut |_| Ok(())))
            });
            for thread in threads {
                assert!(thread.join().unwrap().is_err());
            }
        });
    }
}
