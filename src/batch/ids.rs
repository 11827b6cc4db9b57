//! Sets of ids, stored as 16-byte hashes: a million ids of any length take
//! 16 MB.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// [`SeenIds`] merges its unsorted hashes into the sorted ones once there are
/// this many, or a 16th of the sorted ones if that is more. Each merge moves
/// every sorted hash, so they must not be frequent.
const MIN_RECENT: usize = 1 << 12;
const RECENT_SHARE: usize = 16;

/// Hashes ids to 128 bits. The chance that two of a million ids collide is below
/// 1 in 10^26.
#[derive(Debug, Clone, Default)]
pub struct IdHasher([RandomState; 2]);

impl IdHasher {
    pub fn hash(&self, id: &str) -> u128 {
        let [high, low] = [0, 1].map(|at| u128::from(self.0[at].hash_one(id)));
        high << 64 | low
    }
}

/// A set that is filled, then sorted, then queried.
#[derive(Debug, Default)]
pub struct SortedIds(Vec<u128>);

impl SortedIds {
    pub fn push(&mut self, hash: u128) {
        self.0.push(hash);
    }

    /// Sorts the hashes and removes duplicates. Returns one that was a
    /// duplicate. Must be called before any query.
    pub fn sort(&mut self) -> Option<u128> {
        self.0.sort_unstable();
        let duplicate = self.0.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        self.0.dedup();
        duplicate
    }

    pub fn contains(&self, hash: u128) -> bool {
        self.0.binary_search(&hash).is_ok()
    }

    /// Any hash that is in both sets.
    pub fn find_shared(&self, other: &Self) -> Option<u128> {
        self.0.iter().copied().find(|hash| other.contains(*hash))
    }

    /// How many hashes are in both sets.
    pub fn count_shared(&self, other: &Self) -> usize {
        let (mut ours, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut shared = 0;
        while let (Some(our), Some(their)) = (ours.peek(), theirs.peek()) {
            match our.cmp(their) {
                Ordering::Less => drop(ours.next()),
                Ordering::Greater => drop(theirs.next()),
                Ordering::Equal => {
                    shared += 1;
                    ours.next();
                    theirs.next();
                }
            }
        }
        shared
    }
}

/// A set that can be queried while it is filled.
#[derive(Debug, Default)]
pub struct SeenIds {
    sorted: SortedIds,
    recent: HashSet<u128>,
}

impl SeenIds {
    pub fn contains(&self, hash: u128) -> bool {
        self.sorted.contains(hash) || self.recent.contains(&hash)
    }

    /// Adds a hash. Returns false if it was already there.
    pub fn insert(&mut self, hash: u128) -> bool {
        if self.sorted.contains(hash) || !self.recent.insert(hash) {
            return false;
        }
        if self.recent.len() >= MIN_RECENT.max(self.sorted.0.len() / RECENT_SHARE) {
            self.merge_recent();
        }
        true
    }

    /// Merges the recent hashes into the sorted ones, backward from the end, so
    /// that the sorted ones are never copied.
    fn merge_recent(&mut self) {
        let sorted = &mut self.sorted.0;
        let mut recent: Vec<u128> = self.recent.drain().collect();
        recent.sort_unstable();
        let mut from = sorted.len();
        sorted.reserve_exact(recent.len());
        sorted.resize(from + recent.len(), 0);
        let mut to = sorted.len();
        while let Some(&last) = recent.last() {
            to -= 1;
            if from > 0 && sorted[from - 1] > last {
                from -= 1;
                sorted[to] = sorted[from];
            } else {
                sorted[to] = last;
                recent.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(count: usize) -> impl Iterator<Item = u128> {
        let hasher = IdHasher::default();
        (0..count).map(move |number| hasher.hash(&format!("request-{number}")))
    }

    #[test]
    fn an_id_is_new_only_once() {
        let mut ids = SeenIds::default();
        let known: Vec<u128> = hashes(50_000).collect();
        assert!(known.iter().all(|hash| ids.insert(*hash)));
        assert!(!known.iter().any(|hash| ids.insert(*hash)));
        assert!(ids.sorted.0.is_sorted() && ids.sorted.0.len() + ids.recent.len() == 50_000);
    }

    #[test]
    fn duplicate_and_shared_ids_are_found() {
        let known: Vec<u128> = hashes(1000).collect();
        let sorted = |part: &[u128]| {
            let mut ids = SortedIds::default();
            part.iter().for_each(|hash| ids.push(*hash));
            let duplicate = ids.sort();
            (ids, duplicate)
        };
        let (all, duplicate) = sorted(&known);
        assert_eq!((all.0.len(), duplicate), (1000, None));
        let (end, duplicate) = sorted(&[&known[900..], &known[950..951]].concat());
        assert_eq!((end.0.len(), duplicate), (100, Some(known[950])));
        assert_eq!((all.count_shared(&end), end.count_shared(&all)), (100, 100));
        assert!(end.contains(known[900]) && !end.contains(known[899]));
    }
}
