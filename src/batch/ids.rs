//! Sets of ids in 16 bytes each: a million of them are 16 MB, whatever they
//! look like.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// How many ids are kept unsorted: at least so many, and up to a share of the
/// sorted ones.
const FEWEST_RECENT: usize = 1 << 12;
const RECENT_SHARE: usize = 16;

/// Makes an id a hash of 128 bits: that two ids of a million share one has a
/// chance of 1 in 10^26.
#[derive(Debug, Clone, Default)]
pub struct IdHasher([RandomState; 2]);

impl IdHasher {
    pub fn hash(&self, id: &str) -> u128 {
        let [high, low] = [0, 1].map(|at| u128::from(self.0[at].hash_one(id)));
        high << 64 | low
    }
}

/// A set that is filled first and asked then.
#[derive(Debug, Default)]
pub struct SortedIds(Vec<u128>);

impl SortedIds {
    pub fn push(&mut self, hash: u128) {
        self.0.push(hash);
    }

    /// Destinations the filling. Gives one of the hashes that came more than once.
    pub fn settle(&mut self) -> Option<u128> {
        self.0.sort_unstable();
        let repeated = self.0.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        self.0.dedup();
        repeated
    }

    pub fn contains(&self, hash: u128) -> bool {
        self.0.binary_search(&hash).is_ok()
    }

    /// One of the hashes that are in `other` too.
    pub fn any_shared(&self, other: &Self) -> Option<u128> {
        self.0.iter().copied().find(|hash| other.contains(*hash))
    }

    /// How many hashes are in `other` too.
    pub fn shared(&self, other: &Self) -> usize {
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

/// A set that is asked while it is filled.
#[derive(Debug, Default)]
pub struct SeenIds {
    sorted: SortedIds,
    recent: HashSet<u128>,
}

impl SeenIds {
    pub fn contains(&self, hash: u128) -> bool {
        self.sorted.contains(hash) || self.recent.contains(&hash)
    }

    /// Adds a hash. Returns false if it was there before.
    pub fn insert(&mut self, hash: u128) -> bool {
        if self.sorted.contains(hash) || !self.recent.insert(hash) {
            return false;
        }
        if self.recent.len() >= FEWEST_RECENT.max(self.sorted.0.len() / RECENT_SHARE) {
            self.sort_in();
        }
        true
    }

    /// Merges the recent hashes into the sorted ones, from the end, so that
    /// no second copy is needed.
    fn sort_in(&mut self) {
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
    fn an_id_is_new_once() {
        let mut ids = SeenIds::default();
        let known: Vec<u128> = hashes(50_000).collect();
        assert!(known.iter().all(|hash| ids.insert(*hash)));
        assert!(!known.iter().any(|hash| ids.insert(*hash)));
        assert!(ids.sorted.0.is_sorted() && ids.sorted.0.len() + ids.recent.len() == 50_000);
    }

    #[test]
    fn what_is_repeated_or_shared_is_found() {
        let known: Vec<u128> = hashes(1000).collect();
        let gathered = |part: &[u128]| {
            let mut gathered = SortedIds::default();
            part.iter().for_each(|hash| gathered.push(*hash));
            let repeated = gathered.settle();
            (gathered, repeated)
        };
        let (all, repeated) = gathered(&known);
        assert_eq!((all.0.len(), repeated), (1000, None));
        let (end, repeated) = gathered(&[&known[900..], &known[950..951]].concat());
        assert_eq!((end.0.len(), repeated), (100, Some(known[950])));
        assert_eq!((all.shared(&end), end.shared(&all)), (100, 100));
        assert!(end.contains(known[900]) && !end.contains(known[899]));
    }
}
