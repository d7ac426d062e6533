//! The grid of processes that run one program together, and the place where they meet.
//!
//! Processes are threads. A collective is a meeting: each process of a group brings its operands and leaves with
//! everyone's. No process can wait for ever: when one fails, or when all that still run are waiting, the waiting ones
//! get an error.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::Datum;
use crate::{Error, Result};

/// One process of a grid.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Process {
    /// Its row.
    pub replica: u32,
    /// Its column.
    pub partition: u32,
}

/// Processes of every replica and partition.
#[derive(Debug)]
pub struct Grid {
    /// Number of rows.
    pub num_replicas: u32,
    /// Number of columns.
    pub num_partitions: u32,
    state: Mutex<State>,
    changed: Condvar,
}

/// What is brought to a meeting: each process's data.
type Brought = Arc<HashMap<Process, Vec<Datum>>>;

/// Which meeting: the operation, the group, and how often this group has met there before.
type Key = (usize, Vec<Process>, u64);

#[derive(Debug, Default)]
struct State {
    /// Processes that have entered and not left.
    running: usize,
    /// Those of them that wait at a meeting.
    waiting: usize,
    /// How often each process has come to each operation's meeting of each group.
    visits: HashMap<(Process, usize, Vec<Process>), u64>,
    gathering: HashMap<Key, HashMap<Process, Vec<Datum>>>,
    /// Complete meetings, and how many processes have yet to leave them.
    complete: HashMap<Key, (Brought, usize)>,
    /// Why nobody can go on.
    failed: Option<Error>,
}

impl Grid {
    /// A grid of that many replicas and partitions.
    pub fn new(num_replicas: u32, num_partitions: u32) -> Self {
        Grid { num_replicas, num_partitions, state: Mutex::default(), changed: Condvar::new() }
    }

    /// All processes, replica by replica.
    pub fn processes(&self) -> impl Iterator<Item = Process> + use<> {
        let columns = self.num_partitions;
        (0..self.num_replicas)
            .flat_map(move |replica| (0..columns).map(move |partition| Process { replica, partition }))
    }

    /// Tells the grid that one more process runs.
    pub(super) fn enter(self: &Arc<Self>) -> Presence {
        self.lock().running += 1;
        Presence { grid: self.clone(), left: false }
    }

    /// Meets the processes of `group` (of which `process` is one) at the operation known by the address `site`: brings `data`, returns
    /// what everyone brought.
    ///
    /// Errors where another process has failed, or nobody could ever come.
    pub fn meet(
        &self,
        process: Process,
        site: usize,
        group: &[Process],
        data: Vec<Datum>,
    ) -> Result<Brought> {
        if group == [process] {
            return Ok(Arc::new(HashMap::from([(process, data)])));
        }
        let mut state = self.lock();
        let visit = state.visits.entry((process, site, group.to_vec())).or_default();
        let key: Key = (site, group.to_vec(), *visit);
        *visit += 1;
        let gathering = state.gathering.entry(key.clone()).or_default();
        gathering.insert(process, data);
        if gathering.len() == group.len() {
            let all = Arc::new(state.gathering.remove(&key).expect("inserted above"));
            if group.len() > 1 {
                state.complete.insert(key, (all.clone(), group.len() - 1));
            }
            self.changed.notify_all();
            return Ok(all);
        }
        state.waiting += 1;
        loop {
            if let Some((all, left)) = state.complete.get_mut(&key) {
                let all = all.clone();
                *left -= 1;
                if *left == 0 {
                    state.complete.remove(&key);
                }
                state.waiting -= 1;
                return Ok(all);
            }
            if state.failed.is_none() && state.is_stuck() {
                state.failed = Some(Error::eval("a collective waits for processes that never come to it"));
                self.changed.notify_all();
            }
            if let Some(error) = &state.failed {
                let error = error.clone();
                state.waiting -= 1;
                return Err(error);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether everyone who runs waits for a meeting that is not complete.
    fn is_stuck(&self) -> bool {
        let released: usize = self.complete.values().map(|(_, left)| left).sum();
        self.waiting - released >= self.running
    }
}

/// A process's presence on a grid, from its start to its end.
#[derive(Debug)]
pub(super) struct Presence {
    grid: Arc<Grid>,
    left: bool,
}

impl Presence {
    /// Ends the presence; an error keeps the others from waiting.
    pub(super) fn leave(mut self, error: Option<&Error>) {
        self.left = true;
        self.end(error.cloned());
    }

    fn end(&self, error: Option<Error>) {
        let mut state = self.grid.lock();
        state.running -= 1;
        if let Some(error) = error {
            state.failed.get_or_insert(error);
        }
        self.grid.changed.notify_all();
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if !self.left {
            self.end(Some(Error::eval("a process of the grid failed unexpectedly")));
        }
    }
}
