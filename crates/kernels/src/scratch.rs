//! Grow-only scratch memory, one pool per thread.
//!
//! Fresh pages cost more than most kernels (a page fault is about 2 us), so buffers are kept and handed out again.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// Cache-line alignment; every vector type is satisfied by it.
const ALIGN: usize = 64;

thread_local! {
    static POOL: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

struct Block {
    ptr: NonNull<f32>,
    capacity: usize,
}

// SAFETY: a block owns its memory as a `Box<[f32]>` would.
unsafe impl Send for Block {}

impl Block {
    fn layout(capacity: usize) -> Layout {
        Layout::array::<f32>(capacity).and_then(|l| l.align_to(ALIGN)).expect("scratch size overflows")
    }

    fn new(len: usize) -> Self {
        // Powers of two keep the number of distinct sizes, and so of regrowths, small.
        let capacity = len.next_power_of_two().max(1024);
        let layout = Self::layout(capacity);
        // SAFETY: the layout is not empty.
        let ptr = unsafe { alloc_zeroed(layout) };
        let Some(ptr) = NonNull::new(ptr.cast()) else { handle_alloc_error(layout) };
        Self { ptr, capacity }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with the same layout.
        unsafe { dealloc(self.ptr.as_ptr().cast(), Self::layout(self.capacity)) }
    }
}

/// A buffer on loan from this thread's pool. Its contents are initialised but arbitrary.
pub(crate) struct Scratch {
    block: Option<Block>,
    len: usize,
}

/// Borrows `len` floats, aligned to a cache line.
pub(crate) fn take(len: usize) -> Scratch {
    // Far larger buffers stay free for whoever needs them; sizes are powers of two, so the pool stays within a small
    // multiple of the most that was ever on loan at once.
    let most = len.next_power_of_two().max(1024) * 4;
    let reused = POOL.with_borrow_mut(|pool| {
        let fits = pool.iter().enumerate().filter(|(_, b)| b.capacity >= len && b.capacity <= most);
        let best = fits.min_by_key(|(_, b)| b.capacity).map(|(i, _)| i);
        best.map(|i| pool.swap_remove(i))
    });
    Scratch { block: Some(reused.unwrap_or_else(|| Block::new(len))), len }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(block) = self.block.take() {
            // The pool is gone while the thread is being torn down; then the block is simply freed.
            let _ = POOL.try_with(|pool| pool.borrow_mut().push(block));
        }
    }
}

impl Deref for Scratch {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        let ptr = self.block.as_ref().map_or(NonNull::dangling(), |b| b.ptr);
        // SAFETY: the block holds at least `len` initialised floats and is ours alone.
        unsafe { std::slice::from_raw_parts(ptr.as_ptr(), self.len) }
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        let ptr = self.block.as_ref().map_or(NonNull::dangling(), |b| b.ptr);
        // SAFETY: as above, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(ptr.as_ptr(), self.len) }
    }
}

// SAFETY: shared access only reads.
unsafe impl Sync for Block {}
