//! Names with numbers, and how often each number came.

use indexmap::IndexMap;

/// How much of a message is kept as an example, in characters.
const MAX_EXAMPLE: usize = 300;

/// What stands for the names that there is no room for.
const OTHERS: &str = "(others)";

/// Names, numbered in the order in which they came.
#[derive(Debug)]
pub struct Names {
    /// With an example of each.
    names: IndexMap<String, String>,
    /// The number of those that come when there are so many.
    limit: u32,
}

impl Names {
    /// Numbers of so many bits, one of which is used otherwise.
    pub fn with_bits(bits: u32) -> Self {
        Self { names: IndexMap::new(), limit: (1 << bits) - 2 }
    }

    pub fn number(&mut self, name: &str, example: &str) -> u32 {
        let number = match self.names.get_index_of(name) {
            Some(number) => number,
            None if self.names.len() as u32 >= self.limit => return self.limit,
            None => {
                let example = example.chars().take(MAX_EXAMPLE).collect();
                self.names.insert_full(name.to_owned(), example).0
            }
        };
        number as u32
    }

    /// The number of all that there is no room for.
    pub fn others(&self) -> u32 {
        self.limit
    }

    /// The name with this number, and its example.
    fn get(&self, number: u32) -> (&str, &str) {
        let found = self.names.get_index(number as usize);
        found.map_or((OTHERS, ""), |(name, example)| (name, example))
    }
}

/// How often each number came.
#[derive(Debug, Default)]
pub struct Counts {
    /// How often 0 came, which stands for no name.
    pub none: u64,
    /// The first one is of the number 1.
    counts: Vec<u64>,
}

impl Counts {
    pub fn add(&mut self, number: u32) {
        let Some(at) = number.checked_sub(1) else {
            self.none += 1;
            return;
        };
        let at = at as usize;
        self.counts.resize(self.counts.len().max(at + 1), 0);
        self.counts[at] += 1;
    }

    pub fn has(&self, number: u32) -> bool {
        self.counts.get(number as usize - 1).is_some_and(|count| *count > 0)
    }

    pub fn different(&self) -> usize {
        self.counts.iter().filter(|count| **count > 0).count()
    }

    /// Those that came, each with its name and example, the most frequent first.
    pub fn sorted<'a>(&self, names: &'a Names) -> impl Iterator<Item = (&'a str, &'a str, u64)> {
        let numbered = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let mut counts: Vec<(usize, u64)> = numbered.map(|(at, count)| (at, *count)).collect();
        counts.sort_by_key(|(at, count)| (u64::MAX - count, *at));
        counts.into_iter().map(|(at, count)| {
            let (name, example) = names.get(at as u32);
            (name, example, count)
        })
    }
}
