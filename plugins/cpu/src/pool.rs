//! The thread pool: a scoped parallel loop with low latency.
//!
//! [`Pool::run`] lends the workers a closure for as long as the call lasts; the caller works too. Invariants: one loop at
//! a time owns the workers, and a loop that finds them taken (another device's thread, or a task of the loop itself)
//! runs on its own thread alone, so nesting cannot deadlock; a task's panic reaches the caller after all tasks have ended.
//!
//! Deliberately absent: queues of independent jobs (the devices' queues are the ABI's).

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};

use crate::kernels::Parallel;

/// Worker threads that share one parallel loop at a time.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    /// Counts the loops begun; workers that spin watch it.
    generation: AtomicUsize,
    shutdown: AtomicBool,
}

struct State {
    job: Option<Lent>,
    sleeping: usize,
}

/// A loop in progress, on its caller's stack.
struct Job<'a> {
    task: &'a (dyn Fn(usize) + Sync),
    tasks: usize,
    next: AtomicUsize,
    /// Workers that may still touch this job; they are counted in and looked for under the lock.
    working: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// A job as the workers see it.
#[derive(Clone, Copy)]
struct Lent(*const Job<'static>);

// SAFETY: a job is `Sync` in all its parts, and `Pool::run` keeps it alive until no worker is working on it.
unsafe impl Send for Lent {}

/// How often a worker looks for the next loop before it goes to sleep: a few microseconds.
const SPINS: usize = 1 << 11;

impl Pool {
    /// A pool of `threads` threads, the caller of [`Pool::run`] included; zero means as many as the machine has cores.
    pub fn new(threads: usize) -> Pool {
        let cores = || std::thread::available_parallelism().map_or(1, |n| n.get());
        let threads = if threads == 0 { cores() } else { threads };
        let shared = Arc::new(Shared {
            state: Mutex::new(State { job: None, sleeping: 0 }),
            wake: Condvar::new(),
            generation: AtomicUsize::new(0),
            shutdown: AtomicBool::new(false),
        });
        let spawn = |i| {
            let shared = shared.clone();
            std::thread::Builder::new().name(format!("jacinth-cpu-{i}")).spawn(move || shared.work()).ok()
        };
        // A system that refuses threads leaves a smaller pool.
        let workers = (1..threads).map_while(spawn).collect();
        Pool { shared, workers }
    }

    /// How many threads a loop can use.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `task(0)`, …, `task(tasks - 1)`, in any order and on any thread, and returns when all have returned.
    pub fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        if tasks <= 1 || self.workers.is_empty() {
            return (0..tasks).for_each(task);
        }
        let job = Job {
            task,
            tasks,
            next: AtomicUsize::new(0),
            working: AtomicUsize::new(0),
            panic: Mutex::new(None),
        };
        {
            let mut state = self.shared.state.lock();
            if state.job.is_some() {
                drop(state);
                return (0..tasks).for_each(task);
            }
            state.job = Some(Lent((&raw const job).cast()));
            self.shared.generation.fetch_add(1, Ordering::Release);
            let wanted = (tasks - 1).min(state.sleeping);
            drop(state);
            for _ in 0..wanted {
                self.shared.wake.notify_one();
            }
        }
        job.work();
        // From here no worker can begin; wait for those that did.
        self.shared.state.lock().job = None;
        let mut spins = 0usize;
        while job.working.load(Ordering::Acquire) > 0 {
            spins += 1;
            if spins < SPINS { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
        if let Some(panic) = job.panic.into_inner() {
            resume_unwind(panic);
        }
    }
}

impl Parallel for Pool {
    fn threads(&self) -> usize {
        Pool::threads(self)
    }
    fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        Pool::run(self, tasks, task)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.shutdown.store(true, Ordering::Release);
        // Under the lock, so that no worker is between looking at `shutdown` and going to sleep.
        drop(self.shared.state.lock());
        self.shared.wake.notify_all();
        for worker in self.workers.drain(..) {
            // A worker catches its tasks' panics; should it have died all the same, there is nobody left to tell.
            let _ = worker.join();
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pool({} threads)", self.threads())
    }
}

impl Job<'_> {
    /// Takes tasks until there are none.
    fn work(&self) {
        let all = catch_unwind(AssertUnwindSafe(|| {
            loop {
                let index = self.next.fetch_add(1, Ordering::Relaxed);
                if index >= self.tasks {
                    break;
                }
                (self.task)(index);
            }
        }));
        if let Err(panic) = all {
            self.next.store(self.tasks, Ordering::Relaxed);
            self.panic.lock().get_or_insert(panic);
        }
    }
}

impl Shared {
    /// A worker's life.
    fn work(&self) {
        let mut seen = 0;
        loop {
            let mut spins = 0;
            while self.generation.load(Ordering::Acquire) == seen && spins < SPINS {
                spins += 1;
                std::hint::spin_loop();
            }
            let mut state = self.state.lock();
            loop {
                if self.shutdown.load(Ordering::Acquire) {
                    return;
                }
                let generation = self.generation.load(Ordering::Acquire);
                if generation != seen {
                    seen = generation;
                    break;
                }
                state.sleeping += 1;
                self.wake.wait(&mut state);
                state.sleeping -= 1;
            }
            let Some(Lent(job)) = state.job else { continue };
            // SAFETY: while the job stands in the state, which we have locked, its caller has not returned; once counted in
            // `working`, it waits for us.
            let job = unsafe { &*job };
            job.working.fetch_add(1, Ordering::Relaxed);
            drop(state);
            job.work();
            job.working.fetch_sub(1, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn every_task_runs_once() {
        let pool = Pool::new(4);
        for tasks in [0, 1, 2, 3, 100] {
            let counts: Vec<AtomicU64> = (0..tasks).map(|_| AtomicU64::new(0)).collect();
            for _ in 0..200 {
                pool.run(tasks, &|i| {
                    counts[i].fetch_add(1, Ordering::Relaxed);
                });
            }
            assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 200));
        }
    }

    #[test]
    fn loops_nest_and_callers_share() {
        let pool = Pool::new(3);
        let total = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        pool.run(4, &|_| {
                            pool.run(4, &|_| {
                                total.fetch_add(1, Ordering::Relaxed);
                            });
                        });
                    }
                });
            }
        });
        assert_eq!(total.into_inner(), 3 * 50 * 16);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
        let pool = Pool::new(2);
        let result = catch_unwind(AssertUnwindSafe(|| {
            pool.run(8, &|i| assert!(i != 5, "five"));
        }));
        assert!(result.is_err());
        let sum = AtomicU64::new(0);
        pool.run(8, &|i| {
            sum.fetch_add(i as u64, Ordering::Relaxed);
        });
        assert_eq!(sum.into_inner(), 28);
    }
}
