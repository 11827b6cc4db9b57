//! How far requests may run ahead of their results, if those are written in the order of
//! the input.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// It has a lock of its own, so that workers can start requests while another one
/// writes.
pub struct InputOrder {
    window: u64,
    position: Mutex<OrderPosition>,
    /// The position has changed.
    advanced: Condvar,
}

#[derive(Default)]
struct OrderPosition {
    /// The index of the oldest request whose result is not written.
    oldest: u64,
    /// The index of the next request to be started.
    next: u64,
    is_closed: bool,
}

impl InputOrder {
    /// A request is started only if it is fewer than `window` ahead of the oldest one
    /// without a written result.
    pub fn new(window: u64) -> Self {
        Self { window, position: Mutex::default(), advanced: Condvar::new() }
    }

    /// Waits until the request of this index, from 0, is inside the window.
    pub fn wait_for(&self, index: u64) {
        let mut position = self.lock();
        position.next = index;
        while index >= position.oldest + self.window && !position.is_closed {
            position = self.advanced.wait(position).unwrap_or_else(PoisonError::into_inner);
        }
        position.next = index + 1;
    }

    /// Whether the next request is inside the window.
    pub fn has_room(&self) -> bool {
        let position = self.lock();
        position.next < position.oldest + self.window
    }

    /// The results of all requests before this index are written.
    pub fn advance(&self, oldest: u64) {
        self.lock().oldest = oldest;
        self.advanced.notify_all();
    }

    /// Wakes all workers that wait: no more requests are started.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.advanced.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, OrderPosition> {
        // A panic cannot leave the position half changed.
        self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
