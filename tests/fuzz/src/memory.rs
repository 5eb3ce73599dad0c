//! An allocator that counts, so that a decoder which trusts a claimed length is found out.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Bytes that any decoder may hold for an empty input: a connection's buffers.
const BASE_BYTES: usize = 1 << 20;
/// Bytes that it may hold for each byte of input: pairs of a box are the worst, whose five bytes on
/// the wire become two vectors in a list that may just have doubled.
const BYTES_PER_BYTE: usize = 64;

/// Counts while `within_bounds` runs on this thread.
pub struct Counting;

thread_local! {
    static ALLOWED: Cell<usize> = const { Cell::new(usize::MAX) };
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// Runs a target for an input of this length; more memory than that is worth aborts the process.
pub fn within_bounds(length: usize, run: impl FnOnce()) {
    HELD.set(0);
    ALLOWED.set(BASE_BYTES + BYTES_PER_BYTE * length);
    run();
    ALLOWED.set(usize::MAX);
}

fn take(bytes: usize) {
    // What was allocated before counting began may be freed in between: never below 0.
    let held = HELD.get().saturating_add(bytes);
    HELD.set(held);
    let allowed = ALLOWED.get();
    if held > allowed {
        ALLOWED.set(usize::MAX);
        panic!("{held} bytes are held, {allowed} are allowed");
    }
}

fn give(bytes: usize) {
    HELD.set(HELD.get().saturating_sub(bytes));
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: the caller's promise is the one that is needed.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        give(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        give(layout.size());
        take(size);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
