//! Worker threads that make batches ahead of their use.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};

use super::AHEAD;
use crate::face_set::Batch;

/// Makes batch number n.
pub(super) type Make = dyn Fn(usize) -> Result<Batch> + Send + Sync;

/// The batches of one epoch, in order. Dropping it stops its threads and waits for them: at most one batch each.
#[derive(Debug)]
pub struct Epoch {
    /// One per worker; batch n comes from receiver (n - first) modulo their number.
    receivers: Vec<Receiver<Result<Batch>>>,
    threads: Vec<JoinHandle<()>>,
    next: usize,
    left: usize,
}

impl Epoch {
    /// Starts `workers` threads on batches `first..first + left`.
    pub(super) fn start(make: Arc<Make>, first: usize, left: usize, workers: usize) -> Self {
        let mut epoch = Self { receivers: Vec::new(), threads: Vec::new(), next: 0, left };
        let workers = workers.min(left);
        for worker in 0..workers {
            let (sender, receiver) = sync_channel(AHEAD);
            let make = Arc::clone(&make);
            let work = move || run(make.as_ref(), (first + worker..first + left).step_by(workers), &sender);
            epoch.receivers.push(receiver);
            // Where the system refuses a thread, the sender is dropped, and `next` reports the silent channel.
            if let Ok(thread) = std::thread::Builder::new().name(format!("loader-{worker}")).spawn(work) {
                epoch.threads.push(thread);
            }
        }
        epoch
    }

    /// Drops the channels, which makes every send fail, and waits for the threads.
    fn stop(&mut self) {
        self.left = 0;
        self.receivers.clear();
        for thread in self.threads.drain(..) {
            // A panic was caught in the thread and sent as an error: there is nothing more to learn here.
            let _ = thread.join();
        }
    }
}

/// One worker: makes its batches until they are sent, one fails, or nobody listens.
fn run(make: &Make, numbers: impl Iterator<Item = usize>, sender: &SyncSender<Result<Batch>>) {
    for number in numbers {
        let made = catch_unwind(AssertUnwindSafe(|| make(number)))
            .unwrap_or_else(|panic| Err(anyhow!("a loader thread panicked: {}", message(panic.as_ref()))))
            .with_context(|| format!("batch {number} could not be prepared"));
        let failed = made.is_err();
        if sender.send(made).is_err() || failed {
            return;
        }
    }
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

impl Iterator for Epoch {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            self.stop();
            return None;
        }
        let worker = self.next % self.receivers.len();
        let item = self.receivers[worker].recv().unwrap_or_else(|_| {
            Err(anyhow!(
                "loader thread {worker} is not running: the system may have refused to start it; use fewer workers"
            ))
        });
        self.next += 1;
        self.left -= 1;
        if item.is_err() {
            self.stop();
        }
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

impl Drop for Epoch {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn numbered(number: usize) -> Result<Batch> {
        Ok(Batch { rows: vec![number as u32], ..Batch::default() })
    }

    fn numbers(epoch: Epoch) -> Vec<u32> {
        epoch.map(|batch| batch.unwrap().rows[0]).collect()
    }

    #[test]
    fn batches_come_in_order_from_any_number_of_workers() {
        // Later batches are ready before earlier ones.
        let make = Arc::new(|number: usize| {
            std::thread::sleep(std::time::Duration::from_micros(((number * 7) % 5) as u64 * 300));
            numbered(number)
        });
        for workers in [1, 2, 3, 16] {
            assert_eq!(numbers(Epoch::start(make.clone(), 3, 20, workers)), (3..23).collect::<Vec<_>>());
        }
        assert!(numbers(Epoch::start(make, 5, 0, 4)).is_empty());
    }

    #[test]
    fn errors_and_panics_end_the_epoch_with_an_error() {
        let failing = Arc::new(|number: usize| match number {
            3 => Err(anyhow!("row 17 is unreadable")),
            5 => panic!("index {number} is out of range"),
            _ => numbered(number),
        });
        for workers in [1, 2, 4] {
            let mut epoch = Epoch::start(failing.clone(), 0, 10, workers);
            assert!((0..3).all(|_| epoch.next().unwrap().is_ok()));
            let error = format!("{:#}", epoch.next().unwrap().unwrap_err());
            assert!(error.contains("batch 3") && error.contains("row 17"), "{error}");
            assert!(epoch.next().is_none());
            let error = format!("{:#}", Epoch::start(failing.clone(), 4, 4, workers).nth(1).unwrap().unwrap_err());
            assert!(error.contains("batch 5") && error.contains("index 5 is out of range"), "{error}");
        }
    }

    #[test]
    fn dropping_early_stops_the_workers_and_memory_is_bounded() {
        let made = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&made);
        let make = Arc::new(move |number: usize| {
            count.fetch_add(1, Ordering::SeqCst);
            numbered(number)
        });
        let mut epoch = Epoch::start(make, 0, 1_000_000, 3);
        assert!(epoch.next().unwrap().is_ok());
        std::thread::sleep(std::time::Duration::from_millis(30));
        drop(epoch);
        // Per worker: those in the channel, one in hand; and the one that was taken.
        assert!(made.load(Ordering::SeqCst) <= 3 * (AHEAD + 1) + 1);
    }
}
