//! A queue between requests and a thread.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A queue that is taken from in batches. It has no bound of its own: what is in it was admitted.
pub struct Lane<T> {
    state: Mutex<(VecDeque<T>, bool)>,
    changed: Condvar,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self { state: Mutex::new((VecDeque::new(), false)), changed: Condvar::new() }
    }
}

impl<T> Lane<T> {
    /// Nothing panics while it is held.
    fn state(&self) -> MutexGuard<'_, (VecDeque<T>, bool)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one; into a closed lane nothing goes, and its sender sees it dropped.
    pub fn push(&self, item: T) {
        let mut state = self.state();
        if !state.1 {
            state.0.push_back(item);
            self.changed.notify_one();
        }
    }

    /// Waits for the next, and takes with it what stands behind it, up to a size in all: the first is taken whatever its size.
    /// None once the lane is closed.
    pub fn take(&self, most: usize, size: impl Fn(&T) -> usize) -> Option<Vec<T>> {
        let mut state = self.state();
        loop {
            if state.1 {
                return None;
            }
            if let Some(first) = state.0.pop_front() {
                let mut sum = size(&first);
                let mut taken = vec![first];
                while let Some(next) = state.0.front() {
                    sum += size(next);
                    if sum > most {
                        break;
                    }
                    taken.extend(state.0.pop_front());
                }
                return Some(taken);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.state().0.len()
    }

    /// Drops what waits, and lets those who wait for it go.
    pub fn close(&self) {
        let mut state = self.state();
        state.1 = true;
        state.0.clear();
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_gathered_is_one_batch() {
        let lane = Lane::default();
        [3, 3, 3, 20, 1].into_iter().for_each(|n| lane.push(n));
        let take = || lane.take(8, |&n: &usize| n);
        assert_eq!(take(), Some(vec![3, 3]));
        assert_eq!(take(), Some(vec![3]));
        assert_eq!(take(), Some(vec![20]));
        assert_eq!((lane.len(), take()), (1, Some(vec![1])));
        lane.close();
        lane.push(4);
        assert_eq!((take(), lane.len()), (None, 0));
    }
}
