//! Ids as hashes: a million ids of any length take 16 MB.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// How many bits beside the hash of an id are free for a note about it.
pub const NOTE_BITS: u32 = 32;

/// [`SeenIds`] and [`NotedIds`] merge the latest ids into the sorted ones once there
/// are this many, or a 16th of the sorted ones if that is more. Each merge moves every
/// sorted id, so they must not be frequent; so the work is linear.
const MIN_RECENT: usize = 1 << 12;
const RECENT_SHARE: usize = 16;

/// An id, hashed to 96 bits. The chance that two of a million ids have the same hash is
/// below 1 in 10^17, of ten million below 1 in 10^15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdHash(u128);

impl IdHash {
    /// The hash in the upper 96 bits, and `note` in the lower ones.
    pub fn with_note(self, note: u32) -> u128 {
        self.0 | u128::from(note)
    }

    /// The hash of an entry that was made with [`IdHash::with_note`].
    pub fn of_entry(entry: u128) -> Self {
        Self(entry >> NOTE_BITS << NOTE_BITS)
    }
}

/// Hashes ids, differently in each process.
#[derive(Debug, Clone, Default)]
pub struct IdHasher([RandomState; 2]);

impl IdHasher {
    pub fn hash(&self, id: &str) -> IdHash {
        let [high, low] = [0, 1].map(|at| u128::from(self.0[at].hash_one(id)));
        IdHash::of_entry(high << 64 | low)
    }
}

/// Ids with a note of 32 bits about each, in 16 bytes. It is filled first, then queried.
#[derive(Debug)]
pub struct NotedIds {
    sorted: Vec<u128>,
    /// In the order in which they came.
    recent: Vec<u128>,
    /// What becomes of the note of an id that comes again: given the old and the new. It
    /// must be associative.
    combine: fn(u32, u32) -> u32,
}

impl NotedIds {
    pub fn new(combine: fn(u32, u32) -> u32) -> Self {
        Self { sorted: Vec::new(), recent: Vec::new(), combine }
    }

    pub fn push(&mut self, id: IdHash, note: u32) {
        self.recent.push(id.with_note(note));
        if self.recent.len() >= room_for_recent(&self.sorted) {
            self.sort();
        }
    }

    /// Must be called before any query.
    pub fn sort(&mut self) {
        let mut recent = std::mem::take(&mut self.recent);
        // Entries of one id stay in their order.
        recent.sort_by_key(|entry| IdHash::of_entry(*entry));
        recent.dedup_by(|next, first| {
            let is_same = IdHash::of_entry(*next) == IdHash::of_entry(*first);
            if is_same {
                *first = combined(self.combine, *first, *next);
            }
            is_same
        });
        merge(&mut self.sorted, recent, self.combine);
    }

    pub fn count(&self) -> usize {
        self.sorted.len()
    }

    /// Where the id is, from 0.
    pub fn find(&self, id: IdHash) -> Option<usize> {
        find(&self.sorted, id)
    }

    /// The note of the id that is there.
    pub fn note(&self, at: usize) -> u32 {
        note_of(self.sorted[at])
    }

    pub fn notes(&self) -> impl Iterator<Item = u32> {
        self.sorted.iter().map(|entry| note_of(*entry))
    }
}

/// A set that can be queried while it is filled.
#[derive(Debug, Default)]
pub struct SeenIds {
    sorted: Vec<u128>,
    recent: HashSet<IdHash>,
}

impl SeenIds {
    pub fn contains(&self, id: IdHash) -> bool {
        find(&self.sorted, id).is_some() || self.recent.contains(&id)
    }

    /// Adds an id. Returns false if it was already there.
    pub fn insert(&mut self, id: IdHash) -> bool {
        if find(&self.sorted, id).is_some() || !self.recent.insert(id) {
            return false;
        }
        if self.recent.len() >= room_for_recent(&self.sorted) {
            let mut recent: Vec<u128> = self.recent.drain().map(|id| id.with_note(0)).collect();
            recent.sort_unstable();
            merge(&mut self.sorted, recent, |old, _| old);
        }
        true
    }
}

/// Which of a number of places are marked, a bit for each.
#[derive(Debug, Default)]
pub struct Marks(Vec<u64>);

impl Marks {
    /// None of `count` places is marked.
    pub fn none_of(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    pub fn has(&self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// Marks a place. Returns false if it was marked already.
    pub fn add(&mut self, at: usize) -> bool {
        let is_new = !self.has(at);
        if at / 64 >= self.0.len() {
            self.0.resize(at / 64 + 1, 0);
        }
        self.0[at / 64] |= 1 << (at % 64);
        is_new
    }
}

fn note_of(entry: u128) -> u32 {
    entry as u32
}

fn combined(combine: fn(u32, u32) -> u32, old: u128, new: u128) -> u128 {
    IdHash::of_entry(old).with_note(combine(note_of(old), note_of(new)))
}

fn room_for_recent(sorted: &[u128]) -> usize {
    MIN_RECENT.max(sorted.len() / RECENT_SHARE)
}

/// Looks near the place where the hash would be if all were spread evenly, which they
/// nearly are: fewer places of memory are touched.
fn find(sorted: &[u128], id: IdHash) -> Option<usize> {
    let guess = (((id.0 >> 64) * sorted.len() as u128) >> 64) as usize;
    let (mut low, mut high, mut step) = (guess, guess, 64);
    while low > 0 && sorted[low] >= id.0 {
        low = low.saturating_sub(step);
        step *= 2;
    }
    step = 64;
    while high < sorted.len() && IdHash::of_entry(sorted[high]) <= id {
        high = (high + step).min(sorted.len());
        step *= 2;
    }
    let found = sorted[low..high].binary_search_by_key(&id, |entry| IdHash::of_entry(*entry));
    found.ok().map(|at| low + at)
}

/// Merges sorted entries into sorted ones, backward from the end, so that these are never
/// copied.
fn merge(sorted: &mut Vec<u128>, mut recent: Vec<u128>, combine: fn(u32, u32) -> u32) {
    let mut from = sorted.len();
    sorted.reserve_exact(recent.len());
    sorted.resize(from + recent.len(), 0);
    let mut to = sorted.len();
    while let Some(&last) = recent.last() {
        let order = match from {
            0 => Ordering::Less,
            from => IdHash::of_entry(sorted[from - 1]).cmp(&IdHash::of_entry(last)),
        };
        match order {
            Ordering::Greater => {
                (from, to) = (from - 1, to - 1);
                sorted[to] = sorted[from];
            }
            Ordering::Equal => {
                sorted[from - 1] = combined(combine, sorted[from - 1], last);
                recent.pop();
            }
            Ordering::Less => {
                to -= 1;
                sorted[to] = last;
                recent.pop();
            }
        }
    }
    // A gap is left for each id that was there already.
    drop(sorted.drain(from..to));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(count: usize) -> impl Iterator<Item = IdHash> {
        let hasher = IdHasher::default();
        (0..count).map(move |number| hasher.hash(&format!("request-{number}")))
    }

    #[test]
    fn an_id_is_new_only_once() {
        let mut ids = SeenIds::default();
        let known: Vec<IdHash> = hashes(50_000).collect();
        assert!(known.iter().all(|id| ids.insert(*id)));
        assert!(!known.iter().any(|id| ids.insert(*id)));
        assert!(known.iter().all(|id| ids.contains(*id)));
        assert!(ids.sorted.is_sorted() && ids.sorted.len() + ids.recent.len() == 50_000);
    }

    #[test]
    fn notes_of_an_id_are_combined_in_the_order_in_which_they_came() {
        let known: Vec<IdHash> = hashes(30_000).collect();
        // The last of those with the most tens.
        let mut ids = NotedIds::new(|old, new| if new / 10 >= old / 10 { new } else { old });
        for note in [11, 25, 24, 13] {
            for (number, id) in known.iter().enumerate() {
                // The notes of one id are far apart, or next to each other.
                ids.push(*id, note);
                if number % 7 == 0 {
                    ids.push(*id, note + 5);
                }
            }
        }
        ids.sort();
        assert_eq!(ids.count(), 30_000);
        for (number, id) in known.iter().enumerate() {
            let note = ids.find(*id).map(|at| ids.note(at));
            assert_eq!(note, Some(if number % 7 == 0 { 30 } else { 24 }), "{number}");
        }
        assert!(hashes(1000).all(|id| ids.find(id).is_none()));
    }

    #[test]
    fn marks_grow() {
        let mut marks = Marks::none_of(65);
        assert!(marks.add(64) && !marks.add(64) && marks.add(1000));
        assert!(marks.has(64) && marks.has(1000) && !marks.has(63) && !marks.has(100_000));
    }
}
