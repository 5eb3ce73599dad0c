//! Memory of the whole program: the system's, with the large blocks that were given back kept
//! for the next who asks. Frames and pieces of files come and go by the thousand in a second,
//! and each would be fetched from the system, zeroed by it, and given back. Not here: who asks.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Blocks up to this are the system library's business: it does not fetch them one by one.
const SMALL_MAX: usize = 32 * 1024;
/// Alignment that every block of the system library has; nothing large wants more.
const ALIGN_MAX: usize = 16;
/// Sizes of kept blocks: twice `SMALL_MAX`, and twice the one before; 512 KiB is the largest
/// buffer in use for each piece of a transfer.
const SIZES: usize = 4;
/// Blocks kept of each size: as many as one transfer has under way at once, 3.5 MiB at the most
/// of which a transfer has touched about half.
const KEPT_MAX: [usize; SIZES] = [8, 8, 4, 2];
/// The most of `KEPT_MAX`.
const PLACES: usize = 8;

/// Blocks that nobody uses, each in a place of its own: taken and put by one exchange, so that
/// nobody ever waits here.
static KEPT: [[AtomicPtr<u8>; PLACES]; SIZES] =
    [const { [const { AtomicPtr::new(null_mut()) }; PLACES] }; SIZES];

/// The memory of a program that names it as its global allocator.
#[derive(Debug)]
pub struct Memory;

/// Gives every kept block back to the system; for when nothing is under way.
pub(crate) fn give_back_memory() {
    for size in 0..SIZES {
        while let Some(block) = take(size) {
            // SAFETY: whoever takes a block from its place is the only one who has it, and it
            // was made with this layout.
            unsafe { System.dealloc(block, layout_of(size)) };
        }
    }
}

fn take(size: usize) -> Option<*mut u8> {
    let mut blocks = KEPT[size]
        .iter()
        .map(|place| match place.load(Ordering::Relaxed).is_null() {
            true => null_mut(),
            false => place.swap(null_mut(), Ordering::Acquire),
        });
    blocks.find(|block| !block.is_null())
}

/// Whether there was a place for it.
fn keep(size: usize, block: *mut u8) -> bool {
    let (set, taken) = (Ordering::Release, Ordering::Relaxed);
    let mut places = KEPT[size][..KEPT_MAX[size]].iter();
    places.any(|place| {
        let placed = place.compare_exchange(null_mut(), block, set, taken);
        placed.is_ok()
    })
}

/// Which of the kept sizes a block has; `None` for those that are the system's.
fn size_of(layout: &Layout) -> Option<usize> {
    let bytes = layout.size();
    let large = bytes > SMALL_MAX && bytes <= SMALL_MAX << SIZES && layout.align() <= ALIGN_MAX;
    large.then(|| ((bytes - 1) / SMALL_MAX).ilog2() as usize)
}

/// What the system is asked for.
fn layout_of(size: usize) -> Layout {
    const LAYOUTS: [Layout; SIZES] = {
        let mut layouts = [Layout::new::<()>(); SIZES];
        let mut size = 0;
        while size < SIZES {
            match Layout::from_size_align(SMALL_MAX << (size + 1), ALIGN_MAX) {
                Ok(layout) => layouts[size] = layout,
                Err(_) => panic!("a block larger than memory"),
            }
            size += 1;
        }
        layouts
    };
    LAYOUTS[size]
}

// SAFETY: every block is the system's, made with `layout` or, if it has one of the kept sizes,
// with `layout_of` that size, which is at least as large and aligned; it goes back with the same.
// A kept block is in one place only and leaves it by an exchange: one caller gets it. Nothing here
// allocates, waits or panics.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match size_of(&layout) {
            // SAFETY: the caller's promise that `layout` is not empty; those of kept sizes are not.
            None => unsafe { System.alloc(layout) },
            Some(size) => take(size).unwrap_or_else(|| unsafe { System.alloc(layout_of(size)) }),
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match size_of(&layout) {
            // SAFETY: as in `alloc`.
            None => unsafe { System.alloc_zeroed(layout) },
            Some(size) => match take(size) {
                Some(block) => {
                    // SAFETY: the block has at least so many bytes, and is nobody else's.
                    unsafe { block.write_bytes(0, layout.size()) };
                    block
                }
                // SAFETY: as in `alloc`.
                None => unsafe { System.alloc_zeroed(layout_of(size)) },
            },
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match size_of(&layout) {
            // SAFETY: the caller's promise that the block was made with `layout`.
            None => unsafe { System.dealloc(block, layout) },
            Some(size) if keep(size, block) => {}
            // SAFETY: blocks of this size are made with this layout.
            Some(size) => unsafe { System.dealloc(block, layout_of(size)) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `new_size` makes a layout with this alignment.
        let new = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        match (size_of(&layout), size_of(&new)) {
            // SAFETY: the caller's promise, and the block is the system's.
            (None, None) => unsafe { System.realloc(block, layout, new_size) },
            (old, size) if old == size => block,
            // SAFETY: a fresh block of `new_size` bytes, the old one of `layout.size()`, and as
            // much is copied as both have; the old one is not used any more.
            _ => unsafe {
                let grown = self.alloc(new);
                if !grown.is_null() {
                    let count = layout.size().min(new_size);
                    block.copy_to_nonoverlapping(grown, count);
                    self.dealloc(block, layout);
                }
                grown
            },
        }
    }
}

#[cfg(test)]
mod tests;
