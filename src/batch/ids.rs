//! A set of ids in 16 bytes each: a million of them are 16 MB, whatever they
//! look like.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// How many ids are kept unsorted: at least so many, and up to a share of the
/// sorted ones.
const FEWEST_RECENT: usize = 1 << 12;
const RECENT_SHARE: usize = 16;

/// Remembers a hash of 128 bits of each id, with keys of this run: that two
/// ids of a million share one has a chance of 1 in 10^26.
#[derive(Debug, Default)]
pub struct Ids {
    keys: [RandomState; 2],
    /// In ascending order.
    sorted: Vec<u128>,
    recent: HashSet<u128>,
}

impl Ids {
    /// Adds an id. Tells whether it was not there yet.
    pub fn insert(&mut self, id: &str) -> bool {
        let hash = self.hash(id);
        if self.is_sorted_in(hash) || !self.recent.insert(hash) {
            return false;
        }
        if self.recent.len() >= FEWEST_RECENT.max(self.sorted.len() / RECENT_SHARE) {
            self.sort_in();
        }
        true
    }

    pub fn contains(&self, id: &str) -> bool {
        let hash = self.hash(id);
        self.is_sorted_in(hash) || self.recent.contains(&hash)
    }

    fn hash(&self, id: &str) -> u128 {
        let [high, low] = [0, 1].map(|at| u128::from(self.keys[at].hash_one(id)));
        high << 64 | low
    }

    fn is_sorted_in(&self, hash: u128) -> bool {
        self.sorted.binary_search(&hash).is_ok()
    }

    /// Merges the recent ids into the sorted ones, from the end, so that no
    /// second copy is needed.
    fn sort_in(&mut self) {
        let mut recent: Vec<u128> = self.recent.drain().collect();
        recent.sort_unstable();
        let mut from = self.sorted.len();
        self.sorted.reserve_exact(recent.len());
        self.sorted.resize(from + recent.len(), 0);
        let mut to = self.sorted.len();
        while let Some(&last) = recent.last() {
            to -= 1;
            if from > 0 && self.sorted[from - 1] > last {
                from -= 1;
                self.sorted[to] = self.sorted[from];
            } else {
                self.sorted[to] = last;
                recent.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_new_once() {
        let mut ids = Ids::default();
        let names = || (0..50_000).map(|number| format!("request-{}", number * 7919 % 50_000));
        for name in names() {
            assert!(!ids.contains(&name), "{name}");
            assert!(ids.insert(&name), "{name}");
        }
        for name in names() {
            assert!(ids.contains(&name) && !ids.insert(&name), "{name}");
        }
        assert!(!ids.contains("request-50000"));
        assert!(ids.sorted.is_sorted() && ids.sorted.len() + ids.recent.len() == 50_000);
    }
}
