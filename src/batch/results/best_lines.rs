//! Which line of result files stands for each request: the last good one, or else the
//! last one.

use crate::batch::ids::IdHash;

/// The lines that were added, and after [`sort`](Self::sort) one of each key.
#[derive(Default)]
pub struct BestLines(Vec<Entry>);

/// A line in 16 bytes, so that the lines of a key are neighbours when sorted, the one
/// to keep last: 88 bits of the key's hash, whether it is good, and its place.
///
/// The chance that two of ten million keys have the same 88 bits is below 1 in 10^12.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry(u128);

/// 5 * 10^11 lines, or bytes.
const PLACE_BITS: u32 = 39;

/// The highest place of a line.
pub const LAST_PLACE: u64 = (1 << PLACE_BITS) - 1;

impl Entry {
    fn key(self) -> u128 {
        self.0 >> (PLACE_BITS + 1)
    }

    fn is_good(self) -> bool {
        self.0 >> PLACE_BITS & 1 == 1
    }

    fn place(self) -> u64 {
        (self.0 & u128::from(LAST_PLACE)) as u64
    }
}

/// The part of a hash that is kept.
fn key(id: IdHash) -> u128 {
    id.with_note(0) >> (PLACE_BITS + 1)
}

impl BestLines {
    /// Adds a line. Its place tells which of two lines is the later one.
    pub fn add(&mut self, id: IdHash, is_good: bool, place: u64) {
        let start = key(id) << 1 | u128::from(is_good);
        self.0.push(Entry(start << PLACE_BITS | u128::from(place)));
    }

    /// Must be called after the last line was added.
    pub fn sort(&mut self) {
        self.sort_out(|_, _| {});
    }

    /// The same. Calls `other` with the places of the lines that stand for no key, and
    /// whether they are good.
    pub fn sort_out(&mut self, mut other: impl FnMut(u64, bool)) {
        self.0.sort_unstable();
        // The last one of each key is moved to the first one's place.
        self.0.dedup_by(|later, kept| {
            let is_same = later.key() == kept.key();
            if is_same {
                other(kept.place(), kept.is_good());
                *kept = *later;
            }
            is_same
        });
    }

    /// The place of the line that stands for this key.
    pub fn find(&self, id: IdHash) -> Option<u64> {
        let key = key(id);
        let at = self.0.binary_search_by_key(&key, |entry| entry.key()).ok()?;
        Some(self.0[at].place())
    }

    /// The places of the lines that stand for some key.
    pub fn places(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(|entry| entry.place())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::ids::IdHasher;

    #[test]
    fn the_last_good_line_stands_for_a_key_or_else_the_last_one() {
        let hasher = IdHasher::default();
        let mut lines = BestLines::default();
        for (place, (id, is_good)) in
            [("a", true), ("b", false), ("a", true), ("a", false), ("b", false), ("c", true)]
                .into_iter()
                .enumerate()
        {
            lines.add(hasher.hash(id), is_good, place as u64);
        }
        lines.sort();
        let found = ["a", "b", "c", "d"].map(|id| lines.find(hasher.hash(id)));
        assert_eq!(found, [Some(2), Some(4), Some(5), None]);
        assert_eq!(lines.places().count(), 3);
    }
}
