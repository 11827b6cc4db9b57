//! What earlier runs left in the output, and which requests are therefore not sent
//! again.

use crate::batch::ids::{IdHash, IdHasher, Marks, NOTE_BITS, NotedIds};
use crate::batch::results::stored_reply::Standing;
use crate::batch::results::stored_result::StoredResult;
use crate::batch::source::batch_request::Defaults;
use crate::batch::source::invalid_request::InvalidRequest;
use crate::batch::source::request_line::RequestLine;

/// What is done with requests that have changed since they were answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ChangedRequests {
    /// They end the run before anything is sent.
    #[default]
    Refuse,
    /// They are sent again.
    Redo,
    /// Their old results count.
    Keep,
}

/// Which failed requests are sent again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RetriedFailures {
    /// Those that may succeed the next time.
    #[default]
    Temporary,
    All,
}

/// What becomes of a request that has a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Send,
    Done,
    /// The server would refuse it again.
    LeftAlone,
    /// It was done, but it is another request now.
    Changed,
}

/// The results of earlier runs, by id.
pub struct Earlier {
    hasher: IdHasher,
    results: NotedIds,
    changed: ChangedRequests,
    retried: RetriedFailures,
    /// The results whose requests a preflight found not to be sent.
    skipped: Marks,
}

/// A result in 32 bits: its standing, and a part of its request's fingerprint. The
/// chance that a changed request has the same part is 1 in 10^9.
#[derive(Clone, Copy)]
struct Note(u32);

const FINGERPRINT_BITS: u32 = NOTE_BITS - 2;

impl Note {
    fn of(result: &StoredResult) -> Self {
        let rank = match result.standing {
            Standing::Failed => 0,
            Standing::Refused => 1,
            Standing::DoneInOwnFormat => 2,
            Standing::Done => 3,
        };
        // 0 stands for an unknown request.
        let request = result.fingerprint.map_or(0, |print| print.head(FINGERPRINT_BITS).max(1));
        Self(rank << FINGERPRINT_BITS | request)
    }

    fn standing(self) -> Standing {
        match self.0 >> FINGERPRINT_BITS {
            0 => Standing::Failed,
            1 => Standing::Refused,
            2 => Standing::DoneInOwnFormat,
            _ => Standing::Done,
        }
    }

    fn is_done(self) -> bool {
        self.standing().is_done()
    }

    /// The part of the fingerprint; `None` if it is not known.
    fn request(self) -> Option<u32> {
        Some(self.0 & ((1 << FINGERPRINT_BITS) - 1)).filter(|request| *request != 0)
    }

    /// The note of an id with another result: the later one, unless the earlier is
    /// better.
    fn combine(earlier: u32, later: u32) -> u32 {
        // Of failures, the last counts, whatever it is.
        let rank = |note: u32| (note >> FINGERPRINT_BITS).max(1);
        if rank(later) >= rank(earlier) { later } else { earlier }
    }
}

impl Earlier {
    pub fn new(changed: ChangedRequests, retried: RetriedFailures) -> Self {
        let (hasher, results) = (IdHasher::default(), NotedIds::new(Note::combine));
        Self { hasher, results, changed, retried, skipped: Marks::default() }
    }

    /// Adds a line of the results.
    pub fn add(&mut self, result: &StoredResult) {
        self.results.push(self.hasher.hash(&result.id), Note::of(result).0);
    }

    /// Must be called after the last result was added.
    pub fn sort(&mut self) {
        self.results.sort();
    }

    pub fn hash(&self, id: &str) -> IdHash {
        self.hasher.hash(id)
    }

    /// The place of the id's result, from 0.
    pub fn find(&self, id: IdHash) -> Option<usize> {
        self.results.find(id)
    }

    /// How many ids have results.
    pub fn count(&self) -> usize {
        self.results.count()
    }

    /// Whether the line, or one like it, was added.
    pub fn has(&self, result: &StoredResult) -> bool {
        let at = self.find(self.hash(&result.id));
        at.is_some_and(|at| self.results.note(at) == Note::of(result).0)
    }

    /// How many done requests are known by their id alone.
    pub fn known_by_id(&self) -> usize {
        let notes = self.results.notes().map(Note);
        notes.filter(|note| note.is_done() && note.request().is_none()).count()
    }

    /// Whether the result at `at` says which request it answers.
    pub fn says_request(&self, at: usize) -> bool {
        Note(self.results.note(at)).request().is_some()
    }

    pub fn changed(&self) -> ChangedRequests {
        self.changed
    }

    /// What becomes of the request of a line, whose result is at `at`.
    pub fn verdict(
        &self,
        at: usize,
        line: &Result<RequestLine, InvalidRequest>,
        defaults: &Defaults,
    ) -> Verdict {
        let note = Note(self.results.note(at));
        let Ok(line) = line else {
            return if note.is_done() { Verdict::Done } else { Verdict::Send };
        };
        let is_same = || {
            note.request().is_none_or(|request| {
                let now = defaults.fingerprint(line);
                now.head(FINGERPRINT_BITS).max(1) == request
            })
        };
        match note.standing() {
            Standing::Refused if self.retried == RetriedFailures::Temporary && is_same() => {
                Verdict::LeftAlone
            }
            Standing::Failed | Standing::Refused => Verdict::Send,
            Standing::DoneInOwnFormat if defaults.has_default_format(line) => Verdict::Send,
            Standing::DoneInOwnFormat | Standing::Done if is_same() => Verdict::Done,
            Standing::DoneInOwnFormat | Standing::Done => Verdict::Changed,
        }
    }

    /// The request whose result is at `at` is not sent.
    pub fn skip(&mut self, at: usize) {
        self.skipped.add(at);
    }

    pub fn is_skipped(&self, at: usize) -> bool {
        self.skipped.has(at)
    }
}

/// Which results have their request in the input. Several invalid lines may have the
/// same id.
#[derive(Debug, Default)]
pub struct FoundResults {
    valid: Marks,
    invalid: Marks,
}

impl FoundResults {
    pub fn among(earlier: &Earlier) -> Self {
        let none = || Marks::none_of(earlier.count());
        Self { valid: none(), invalid: none() }
    }

    /// Returns false if another line already has the id of the result at `at`.
    pub fn add(&mut self, at: usize, is_valid: bool) -> bool {
        match is_valid {
            true => self.valid.add(at) && !self.invalid.has(at),
            false => {
                self.invalid.add(at);
                !self.valid.has(at)
            }
        }
    }
}
