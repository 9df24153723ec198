//! The working memory of Argon2.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use argon2::Block;

/// A pool of buffers for the working memory of hashes, at most one per core. The first is allocated
/// at once, the others when they are needed.
///
/// Buffers are reused because the page faults of new memory make a hash about a third slower.
#[derive(Debug)]
pub(crate) struct MemoryPool {
    /// The number of blocks in each buffer.
    blocks: usize,
    limit: usize,
    state: Mutex<State>,
    returned: Condvar,
}

struct State {
    idle: Vec<Vec<Block>>,
    made: usize,
    is_first_made: bool,
}

impl fmt::Debug for State {
    /// Writes no blocks: they are derived from passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("made", &self.made)
            .finish_non_exhaustive()
    }
}

impl MemoryPool {
    /// Makes a pool and allocates its first buffer in a new thread, since that takes as long as
    /// everything else that a process does when it starts.
    pub(crate) fn new(blocks: usize) -> Arc<Self> {
        let pool = Arc::new(Self {
            blocks,
            limit: thread::available_parallelism().map_or(1, usize::from),
            state: Mutex::new(State {
                idle: vec![],
                made: 1,
                is_first_made: false,
            }),
            returned: Condvar::new(),
        });
        let maker = Arc::clone(&pool);
        let thread = thread::Builder::new().spawn(move || maker.make_first());
        if thread.is_err() {
            pool.make_first();
        }
        pool
    }

    fn make_first(&self) {
        let buffer = vec![Block::new(); self.blocks];
        let mut state = self.lock();
        state.idle.push(buffer);
        state.is_first_made = true;
        self.returned.notify_all();
    }

    /// Takes an idle buffer, allocates one, or waits until one is returned.
    pub(crate) fn take(&self) -> Vec<Block> {
        let mut state = self.lock();
        loop {
            if let Some(buffer) = state.idle.pop() {
                return buffer;
            }
            if state.is_first_made && state.made < self.limit {
                state.made += 1;
                drop(state);
                return vec![Block::new(); self.blocks];
            }
            state = self
                .returned
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Wipes a buffer and returns it to the pool.
    pub(crate) fn put_back(&self, mut buffer: Vec<Block>) {
        wipe(&mut buffer);
        self.lock().idle.push(buffer);
        self.returned.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Overwrites enough of each block to make the rest useless for guessing the password.
///
/// From a complete final state, the passes can be run backwards to the first block, which is one
/// BLAKE2b away from the password. Every step, backwards or forwards, evaluates the compression
/// function G on a whole block, and each output bit of G depends on each input bit (RFC 9106
/// sections 3.4 to 3.6). So 512 unknown bits in every block prevent this, for a tenth of the cost
/// of wiping everything.
fn wipe(buffer: &mut [Block]) {
    for block in buffer {
        for word in block.as_mut().iter_mut().take(8) {
            *word = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, RecvTimeoutError};
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_returned_buffer_is_wiped_and_used_again() {
        let pool = MemoryPool::new(3);
        let mut buffer = pool.take();
        assert_eq!(buffer.len(), 3);
        let address = buffer.as_ptr();
        for block in &mut buffer {
            block.as_mut().fill(1);
        }
        pool.put_back(buffer);
        let buffer = pool.take();
        assert_eq!(buffer.as_ptr(), address);
        for block in &buffer {
            let (wiped, rest) = block.as_ref().split_at(8);
            assert!(wiped.iter().all(|&word| word == 0));
            assert!(rest.iter().all(|&word| word == 1));
        }
        assert_eq!(pool.lock().made, 1);
    }

    #[test]
    fn there_are_no_more_buffers_than_cores() {
        let pool = MemoryPool::new(1);
        let mut taken: Vec<_> = (0..pool.limit).map(|_| pool.take()).collect();
        let (sender, receiver) = mpsc::channel();
        let waiting = Arc::clone(&pool);
        let thread = thread::spawn(move || sender.send(waiting.take()));
        let nothing = receiver.recv_timeout(Duration::from_millis(50)).err();
        assert_eq!(nothing, Some(RecvTimeoutError::Timeout));
        pool.put_back(taken.pop().unwrap());
        assert_eq!(receiver.recv().unwrap().len(), 1);
        thread.join().unwrap().unwrap();
        assert_eq!(pool.lock().made, pool.limit);
    }
}
