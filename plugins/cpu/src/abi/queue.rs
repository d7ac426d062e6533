//! A device's queue: jobs run one after the other, in the order in which they were put in, on a thread of its own.
//!
//! Programs that meet in collectives must be queued in the same order on all their devices; whoever queues them holds
//! the client's launch lock. The thread starts with the first job and ends when the queue is dropped and empty; a system
//! that refuses threads makes the caller run the job.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

type Job = Box<dyn FnOnce() + Send>;

/// Jobs in order, and the thread that runs them.
pub(super) struct Queue {
    name: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// Whether the thread lives.
    started: bool,
    /// Whether the thread sleeps.
    idle: bool,
    closed: bool,
}

impl Queue {
    /// An empty queue whose thread will have this name.
    pub(super) fn new(name: String) -> Queue {
        Queue { name, shared: Arc::default() }
    }

    /// Puts a job at the end. A job must not panic: it has nobody to tell.
    pub(super) fn push(&self, job: impl FnOnce() + Send + 'static) {
        let mut state = self.shared.state.lock();
        state.jobs.push_back(Box::new(job));
        if !state.started {
            let shared = self.shared.clone();
            let spawned = std::thread::Builder::new().name(self.name.clone()).spawn(move || shared.work());
            state.started = spawned.is_ok();
            if spawned.is_err() {
                let jobs = std::mem::take(&mut state.jobs);
                drop(state);
                jobs.into_iter().for_each(|job| job());
            }
        } else if state.idle {
            self.shared.changed.notify_one();
        }
    }
}

impl Shared {
    fn work(&self) {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                job();
                state = self.state.lock();
            } else if state.closed {
                return;
            } else {
                state.idle = true;
                self.changed.wait(&mut state);
                state.idle = false;
            }
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // The thread is not joined: the last job may be what drops the client, on this very thread.
        self.shared.state.lock().closed = true;
        self.shared.changed.notify_one();
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({}, {} jobs)", self.name, self.shared.state.lock().jobs.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
}
