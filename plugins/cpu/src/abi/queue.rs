//! A device's queue: jobs run one after the other, in the order in which they were put in.
//!
//! They run on a thread of the queue's own, or on a thread that waits for one of them and would otherwise sleep
//! ([`Jobs::help`]): a caller that asks for a result at once does not pay for waking another thread. Either way one job runs at a time.
//!
//! Programs that meet in collectives must be queued in the same order on all their devices; whoever queues them holds
//! the client's launch lock. The thread starts with the first job and ends when the queue is dropped and empty; a system
//! that refuses threads makes the caller run the job.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex, MutexGuard};

type Job = Box<dyn FnOnce() + Send>;

/// Jobs in order, and the thread that runs them.
pub(super) struct Queue {
    name: String,
    jobs: Arc<Jobs>,
}

/// The jobs of a queue, which outlive it until they are done.
#[derive(Default)]
pub(super) struct Jobs {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// Whether a job runs, on whichever thread.
    busy: bool,
    /// Whether the thread lives.
    started: bool,
    /// Whether the thread sleeps.
    idle: bool,
    closed: bool,
}

impl Queue {
    /// An empty queue whose thread will have this name.
    pub(super) fn new(name: String) -> Queue {
        Queue { name, jobs: Arc::default() }
    }

    /// The queue's jobs, for those who wait for one of them.
    pub(super) fn jobs(&self) -> Arc<Jobs> {
        self.jobs.clone()
    }

    /// Puts a job at the end. A job must not panic: it has nobody to tell.
    pub(super) fn push(&self, job: impl FnOnce() + Send + 'static) {
        let mut state = self.jobs.state.lock();
        state.jobs.push_back(Box::new(job));
        if !state.started {
            let jobs = self.jobs.clone();
            let spawned = std::thread::Builder::new().name(self.name.clone()).spawn(move || jobs.work());
            state.started = spawned.is_ok();
            if spawned.is_err() {
                drop(state);
                self.jobs.help(&|| false);
            }
        } else if state.idle && !state.busy {
            self.jobs.changed.notify_one();
        }
    }
}

impl Jobs {
    /// The thread's life.
    fn work(&self) {
        let mut state = self.state.lock();
        loop {
            if !state.busy && !state.jobs.is_empty() {
                state = self.run_first(state);
            } else if state.closed && state.jobs.is_empty() {
                return;
            } else {
                state.idle = true;
                self.changed.wait(&mut state);
                state.idle = false;
            }
        }
    }

    /// Runs jobs on this thread until `done`, or until none is left or another thread runs one.
    pub(super) fn help(&self, done: &dyn Fn() -> bool) {
        let mut state = self.state.lock();
        while !state.busy && !state.jobs.is_empty() && !done() {
            state = self.run_first(state);
        }
        // The thread may have been woken in vain while this one was at it.
        if !state.busy && state.idle && (state.closed || !state.jobs.is_empty()) {
            self.changed.notify_one();
        }
    }

    fn run_first<'s>(&'s self, mut state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        if let Some(job) = state.jobs.pop_front() {
            state.busy = true;
            drop(state);
            job();
            state = self.state.lock();
            state.busy = false;
        }
        state
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // The thread is not joined: the last job may be what drops the client, on this very thread.
        self.jobs.state.lock().closed = true;
        self.jobs.changed.notify_one();
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({}, {} jobs)", self.name, self.jobs.state.lock().jobs.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    #[test]
    fn jobs_run_in_order_and_outlive_the_queue() {
        let queue = Queue::new("test".into());
        let (send, receive) = mpsc::channel();
        for i in 0..100 {
            let send = send.clone();
            queue.push(move || send.send(i).unwrap());
        }
        drop((queue, send));
        assert!(receive.iter().eq(0..100));
    }

    #[test]
    fn helpers_keep_the_order_and_run_one_job_at_a_time() {
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        let queue = Queue::new("test".into());
        let (send, receive) = mpsc::channel();
        for i in 0..500 {
            let send = send.clone();
            queue.push(move || {
                assert_eq!(RUNNING.fetch_add(1, Ordering::SeqCst), 0);
                send.send(i).unwrap();
                RUNNING.fetch_sub(1, Ordering::SeqCst);
            });
            if i % 3 == 0 {
                queue.jobs().help(&|| false);
            }
        }
        drop((queue, send));
        assert!(receive.iter().eq(0..500));
    }

    #[test]
    fn a_helper_stops_when_it_has_what_it_wants() {
        let jobs = Jobs::default();
        let ran = Arc::new(AtomicUsize::new(0));
        for _ in 0..5 {
            let ran = ran.clone();
            jobs.state.lock().jobs.push_back(Box::new(move || {
                ran.fetch_add(1, Ordering::Relaxed);
            }));
        }
        jobs.help(&|| ran.load(Ordering::Relaxed) == 2);
        assert_eq!(ran.load(Ordering::Relaxed), 2);
    }
}
