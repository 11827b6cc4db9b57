//! Which records of the input a run sends: those of a shard, the first ones, or a sample.

use std::collections::BinaryHeap;
use std::hash::Hasher;

use siphasher::sip::SipHasher13;

/// The part of the records that this run sends: every `count`-th from `number` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 1 to `count`.
    pub number: u64,
    pub count: u64,
}

impl Shard {
    pub const ALL: Self = Self { number: 1, count: 1 };

    /// Whether the shard has the record of this number, from 1.
    fn has(self, record: u64) -> bool {
        (record - 1) % self.count == self.number - 1
    }
}

/// How many records are picked at random, and from which seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleSize {
    pub size: u64,
    pub seed: u64,
}

/// Which records are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    pub shard: Shard,
    /// Only this many records are read.
    pub limit: Option<u64>,
    sample: Option<Sample>,
}

/// The records whose hashes are not above `last`, which are those of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sample {
    seed: u64,
    last: Rank,
}

/// Where a record comes in the random order of a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    hash: u64,
    number: u64,
}

impl Rank {
    /// The same on every machine and in every version.
    fn of(number: u64, seed: u64) -> Self {
        let mut hasher = SipHasher13::new_with_keys(seed, 0);
        hasher.write_u64(number.to_le());
        Self { hash: hasher.finish(), number }
    }
}

/// Finds the records of a sample: those that come first in the random order of its
/// seed. A larger sample has all records of a smaller one.
pub struct Sampler {
    wanted: SampleSize,
    /// The last of the first ones so far is on top.
    first: BinaryHeap<Rank>,
}

impl Sampler {
    pub fn new(wanted: SampleSize) -> Self {
        Self { wanted, first: BinaryHeap::new() }
    }

    /// Adds a record of the input.
    pub fn add(&mut self, number: u64) {
        let rank = Rank::of(number, self.wanted.seed);
        if (self.first.len() as u64) < self.wanted.size {
            self.first.push(rank);
        } else if let Some(mut last) = self.first.peek_mut()
            && rank < *last
        {
            *last = rank;
        }
    }
}

impl Selection {
    pub fn new(shard: Shard, limit: Option<u64>) -> Self {
        Self { shard, limit, sample: None }
    }

    /// Of these records, only those of a sample.
    pub fn with_sample(self, sampler: &Sampler) -> Self {
        let seed = sampler.wanted.seed;
        let last = sampler.first.peek().copied().unwrap_or(Rank { hash: 0, number: 0 });
        Self { sample: Some(Sample { seed, last }), ..self }
    }

    /// Whether the record of this number, from 1, is sent, if it is read at all.
    pub fn has(&self, number: u64) -> bool {
        let is_sampled = |sample: Sample| Rank::of(number, sample.seed) <= sample.last;
        self.shard.has(number) && self.sample.is_none_or(is_sampled)
    }

    /// Whether no more records are read after this many.
    pub fn is_complete(&self, read: u64) -> bool {
        self.limit.is_some_and(|limit| read >= limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(size: u64, seed: u64, count: u64) -> Vec<u64> {
        let mut sampler = Sampler::new(SampleSize { size, seed });
        (1..=count).for_each(|number| sampler.add(number));
        let selection = Selection::new(Shard::ALL, None).with_sample(&sampler);
        (1..=count).filter(|number| selection.has(*number)).collect()
    }

    #[test]
    fn a_sample_is_the_same_for_the_same_seed_and_part_of_a_larger_one() {
        let ten = sample(10, 1, 1000);
        assert_eq!(ten.len(), 10);
        assert_eq!(sample(10, 1, 1000), ten);
        assert_ne!(sample(10, 2, 1000), ten);
        let hundred = sample(100, 1, 1000);
        assert_eq!(hundred.len(), 100);
        assert!(ten.iter().all(|number| hundred.contains(number)));
        assert_eq!(sample(10, 0, 4), [1, 2, 3, 4]);
        assert_eq!(sample(10, 0, 0), [0; 0]);
    }

    #[test]
    fn a_sample_does_not_change_in_later_versions() {
        assert_eq!(sample(5, 0, 100), [23, 24, 43, 75, 79]);
    }

    #[test]
    fn shards_have_all_records_together() {
        let shards = [1, 2, 3].map(|number| Selection::new(Shard { number, count: 3 }, None));
        for record in 1..20 {
            assert_eq!(shards.iter().filter(|shard| shard.has(record)).count(), 1, "{record}");
        }
        assert!(shards[0].has(1));
    }
}
