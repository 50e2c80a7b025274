//! Grow-only scratch memory, one pool per thread.
//!
//! Fresh pages cost more than most kernels (a page fault is about 2 us), so buffers are kept and handed out again.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// Cache-line alignment; every vector type is satisfied by it.
const ALIGN: usize = 64;
/// Floats before and after a buffer that nobody may touch; debug builds check them when it is given back.
const MARGIN: usize = 16;
/// What the margins, and at first the buffers, hold then: a NaN.
const CANARY: u32 = 0x7fab_cdef;

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
    let len_and_margins = len + 2 * MARGIN;
    let most = len_and_margins.next_power_of_two().max(1024) * 4;
    let reused = POOL.with_borrow_mut(|pool| {
        let fits = pool.iter().enumerate().filter(|(_, b)| b.capacity >= len_and_margins && b.capacity <= most);
        let best = fits.min_by_key(|(_, b)| b.capacity).map(|(i, _)| i);
        best.map(|i| pool.swap_remove(i))
    });
    let mut it = Scratch { block: Some(reused.unwrap_or_else(|| Block::new(len_and_margins))), len };
    if cfg!(debug_assertions) {
        // the buffer too: a kernel that reads what it has not written shall notice
        it.fill(f32::from_bits(CANARY));
        it.margins().iter_mut().for_each(|margin| margin.fill(f32::from_bits(CANARY)));
    }
    it
}

impl Scratch {
    fn start(&self) -> *mut f32 {
        let block = self.block.as_ref().expect("the block is there until the drop");
        // SAFETY: a block is longer than its margins.
        unsafe { block.ptr.as_ptr().add(MARGIN) }
    }

    /// What lies just before and after.
    fn margins(&mut self) -> [&mut [f32]; 2] {
        let start = self.start();
        // SAFETY: the block holds both margins besides the `len` floats, and is ours alone.
        unsafe {
            let before = std::slice::from_raw_parts_mut(start.sub(MARGIN), MARGIN);
            [before, std::slice::from_raw_parts_mut(start.add(self.len), MARGIN)]
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if cfg!(debug_assertions) && !std::thread::panicking() {
            let len = self.len;
            for margin in self.margins() {
                assert!(margin.iter().all(|v| v.to_bits() == CANARY), "a kernel left its {len} floats of scratch");
            }
        }
        if let Some(block) = self.block.take() {
            // The pool is gone while the thread is being torn down; then the block is simply freed.
            let _ = POOL.try_with(|pool| pool.borrow_mut().push(block));
        }
    }
}

impl Deref for Scratch {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        // SAFETY: the block holds `len` initialised floats from here on and is ours alone.
        unsafe { std::slice::from_raw_parts(self.start(), self.len) }
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start(), self.len) }
    }
}

// SAFETY: shared access only reads.
unsafe impl Sync for Block {}
