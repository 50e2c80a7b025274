//! Work on many items with constant memory: a block on all cores while the last one is taken in order.

use std::ops::Range;

use anyhow::Result;
use rayon::prelude::*;

/// Bytes of pixels in a block.
const BYTES: u64 = 32 << 20;
/// Fewer leave cores without work at the end of each block.
const FEWEST: u64 = 32;
const MOST: u64 = 4096;

/// Items in a block, of `items` with so many bytes of pixels.
pub(crate) fn size(items: usize, bytes: u64) -> usize {
    let each = (bytes / (items as u64).max(1)).max(1);
    (BYTES / each).clamp(FEWEST, MOST) as usize
}

/// Makes each item and hands it to `take`, in order, until that says `false`.
///
/// # Errors
/// Whatever `take` returns.
pub(crate) fn each<T: Send>(
    items: Range<usize>,
    block: usize,
    make: impl Fn(usize) -> T + Sync,
    mut take: impl FnMut(usize, T) -> Result<bool> + Send,
) -> Result<()> {
    let end = items.end;
    let mut hand = |ready: Option<(usize, Vec<T>)>| -> Result<bool> {
        let Some((first, made)) = ready else { return Ok(true) };
        for (item, made) in (first..).zip(made) {
            if !take(item, made)? {
                return Ok(false);
            }
        }
        Ok(true)
    };
    let mut ready = None;
    for first in items.step_by(block.max(1)) {
        let now = first..(first + block).min(end);
        let (go_on, made) = rayon::join(|| hand(ready.take()), || now.into_par_iter().map(&make).collect::<Vec<T>>());
        if !go_on? {
            return Ok(());
        }
        ready = Some((first, made));
    }
    hand(ready).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_in_order_and_no_more_than_wanted() {
        for (block, until) in [(1, 100), (7, 100), (7, 20), (200, 100), (10, 30)] {
            let mut taken = Vec::new();
            let take = |item: usize, made: usize| {
                assert_eq!(made, item * item);
                taken.push(item);
                Ok(item + 1 < until)
            };
            each(3..100, block, |item| item * item, take).unwrap();
            assert_eq!(taken, (3..until).collect::<Vec<_>>(), "{block} {until}");
        }
        let failing = each(0..100, 8, |item| item, |item, _| if item == 20 { anyhow::bail!("no") } else { Ok(true) });
        assert!(failing.is_err());
        assert_eq!((size(10, 10 << 30), size(1_000_000, 1_000_000), size(100, 100 * (1 << 20))), (32, 4096, 32));
    }
}
