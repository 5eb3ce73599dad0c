//! Lists in pieces: at most [`PAGE_ROWS_MAX`] rows and the key where the next piece begins.

/// Most rows of one page of a list: what a person looks through, and what renders in a few
/// milliseconds.
pub const PAGE_ROWS_MAX: usize = 50;

/// One piece of a list, newest first unless its function says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Page<T, K> {
    /// The rows.
    pub items: Vec<T>,
    /// Give it as `before` to get the next piece; absent on the last.
    pub next: Option<K>,
}

impl<T, K> Page<T, K> {
    /// Makes a page of `rows`, which were read with a limit of one more than fits.
    #[must_use]
    pub fn of(mut rows: Vec<T>, key: impl Fn(&T) -> K) -> Self {
        let more = rows.len() > PAGE_ROWS_MAX;
        rows.truncate(PAGE_ROWS_MAX);
        let next = rows.last().filter(|_| more).map(key);
        Self { items: rows, next }
    }

    /// The same page of other things.
    #[must_use]
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U, K> {
        Page {
            items: self.items.into_iter().map(change).collect(),
            next: self.next,
        }
    }
}
