//! What the program's memory keeps and gives.

use super::*;

fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, 1).unwrap()
}

#[test]
fn large_blocks_are_used_again_and_hold_what_was_put_into_them() {
    // Sizes at every border, each grown to each other one; more of them than are kept.
    let borders = (0..=SIZES).flat_map(|size| {
        let border = SMALL_MAX << size;
        [border - 1, border, border + 1]
    });
    let sizes: Vec<usize> = borders.collect();
    for (from, to) in sizes
        .iter()
        .flat_map(|a| sizes.iter().map(move |b| (*a, *b)))
    {
        // SAFETY: blocks are used within their layouts and given back once, with the layout
        // they have then.
        unsafe {
            let blocks: Vec<*mut u8> = (0..10).map(|_| Memory.alloc(layout(from))).collect();
            for (block, mark) in blocks.iter().zip(1..) {
                block.write_bytes(mark, from);
            }
            for (block, mark) in blocks.into_iter().zip(1..) {
                let grown = Memory.realloc(block, layout(from), to);
                let both = std::slice::from_raw_parts(grown, from.min(to));
                assert!(both.iter().all(|byte| *byte == mark), "{from} to {to}");
                Memory.dealloc(grown, layout(to));
            }
            let zeroed = Memory.alloc_zeroed(layout(to));
            assert!(
                std::slice::from_raw_parts(zeroed, to)
                    .iter()
                    .all(|byte| *byte == 0)
            );
            Memory.dealloc(zeroed, layout(to));
        }
    }
    // SAFETY: as above; `first` is compared after its end, never looked into.
    unsafe {
        let first = Memory.alloc(layout(65_536));
        Memory.dealloc(first, layout(65_536));
        let second = Memory.alloc(layout(65_000));
        assert_eq!(
            first, second,
            "the same block serves whoever asks for its size next"
        );
        Memory.dealloc(second, layout(65_000));
    }
    assert!((0..SIZES).all(|size| kept_count(size) <= KEPT_MAX[size]));
    give_back_memory();
    assert!((0..SIZES).all(|size| take(size).is_none()));
}

/// How many are kept of a size.
fn kept_count(size: usize) -> usize {
    let places = KEPT[size].iter();
    places
        .filter(|place| !place.load(Ordering::Relaxed).is_null())
        .count()
}
