//! What one thread keeps of rendered answers, each until a row that it follows from changes.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use super::Answer;
use crate::clock::Time;
use crate::ids::BranchId;
use crate::updates::Rollout;

/// Bytes kept per generation and thread: some 20,000 answers.
const GENERATION_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What a kept answer needs besides its bodies and key, roughly.
const ENTRY_BYTES: usize = 300;
/// Kept answers are made anew after this time, for what changes them without an event: the
/// configuration, and files that are found damaged.
const KEPT_MAX: Duration = Duration::from_secs(60);

/// What is kept of an address and what its asker says besides its id.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// The same for all of them.
    Answer(Rc<Answer>),
    /// It differs by which of these rollouts have reached the asker.
    Rollouts(Rc<[Rollout]>),
}

/// Since when it is kept, and what it follows from.
#[derive(Debug, Clone)]
pub(super) struct Since {
    /// When it was made.
    pub(super) at: Time,
    /// The epoch of feeds before it was read.
    pub(super) epoch: u64,
    /// The branches whose rows it follows from; none for everything.
    pub(super) depends_on: Rc<[BranchId]>,
}

#[derive(Debug)]
struct Item {
    since: Since,
    what: What,
}

/// Two generations: when the young one is full it becomes the old one, whose answers come back
/// when they are asked for again. So what is asked for once pushes out nothing that is asked for
/// often.
#[derive(Debug, Default)]
pub(super) struct Kept {
    young: HashMap<String, Item>,
    young_bytes: usize,
    old: HashMap<String, Item>,
}

impl Kept {
    /// What is kept under `key`, if it `is_good` still.
    pub(super) fn find(
        &mut self,
        now: Time,
        key: &str,
        is_good: impl Fn(u64, &[BranchId]) -> bool,
    ) -> Option<What> {
        let is_good = |item: &Item| {
            let since = &item.since;
            now.since(since.at) < KEPT_MAX && is_good(since.epoch, &since.depends_on)
        };
        if let Some(item) = self.young.get(key) {
            if is_good(item) {
                return Some(item.what.clone());
            }
            let bytes = item.bytes(key);
            self.young.remove(key);
            self.young_bytes = self.young_bytes.saturating_sub(bytes);
            return None;
        }
        let item = self.old.remove(key).filter(is_good)?;
        let what = item.what.clone();
        self.put(key.to_owned(), item);
        Some(what)
    }

    /// Keeps it.
    pub(super) fn keep(&mut self, key: String, since: Since, what: What) {
        self.put(key, Item { since, what });
    }

    fn put(&mut self, key: String, item: Item) {
        self.young_bytes += item.bytes(&key);
        if let Some(before) = self.young.insert(key, item) {
            let bytes = before.bytes("");
            self.young_bytes = self.young_bytes.saturating_sub(bytes);
        }
        if self.young_bytes > GENERATION_BYTES_MAX {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
    }
}

impl Item {
    fn bytes(&self, key: &str) -> usize {
        let body = match &self.what {
            What::Answer(answer) => answer.body.len(),
            What::Rollouts(_) => 0,
        };
        key.len() + body + ENTRY_BYTES
    }
}

#[cfg(test)]
mod tests {
    //! What is kept, and until when.

    use super::*;

    fn answer(text: &str) -> What {
        What::Answer(Rc::new(Answer::new("text/plain", text.to_owned(), false)))
    }

    fn since(at: i64, epoch: u64) -> Since {
        Since {
            at: Time(at),
            epoch,
            depends_on: [BranchId(7)].into(),
        }
    }

    fn text(found: Option<What>) -> Option<String> {
        match found? {
            What::Answer(answer) => Some(String::from_utf8_lossy(&answer.body).into_owned()),
            What::Rollouts(_) => None,
        }
    }

    #[test]
    fn no_answer_outlives_the_rows_it_follows_from() {
        let mut kept = Kept::default();
        let read_in =
            |good: u64| move |epoch, branches: &[_]| epoch == good && !branches.is_empty();
        assert!(kept.find(Time(0), "a", read_in(1)).is_none());
        kept.keep("a".to_owned(), since(0, 1), answer("one"));
        let found = kept.find(Time(1), "a", read_in(1));
        assert_eq!(text(found).as_deref(), Some("one"));
        assert!(kept.find(Time(2), "a", read_in(2)).is_none(), "changed");
        kept.keep("a".to_owned(), since(2, 1), answer("read too early"));
        assert!(kept.find(Time(3), "a", read_in(2)).is_none(), "too early");
        kept.keep("a".to_owned(), since(3, 2), answer("two"));
        let found = kept.find(Time(4), "a", read_in(2));
        assert_eq!(text(found).as_deref(), Some("two"));
        let late = Time(3).after(KEPT_MAX);
        assert!(kept.find(late, "a", read_in(2)).is_none(), "a minute old");
    }

    #[test]
    fn what_is_kept_is_bounded_and_what_is_asked_for_stays() {
        let mut kept = Kept::default();
        kept.keep("often".to_owned(), since(0, 0), answer("x"));
        let body = "y".repeat(10_000);
        for n in 0..20_000 {
            kept.keep(format!("once {n}"), since(0, 0), answer(&body));
            let found = kept.find(Time(0), "often", |_, _| true);
            assert!(found.is_some(), "{n}");
        }
        let held: usize = kept.young.len() + kept.old.len();
        assert!(held <= 2 * GENERATION_BYTES_MAX / 10_000 + 2, "{held}");
    }

    #[test]
    fn what_is_made_anew_takes_no_room_twice() {
        let mut kept = Kept::default();
        kept.keep("often".to_owned(), since(0, 0), answer("x"));
        let one = kept.young_bytes;
        for epoch in 1..10 {
            assert!(
                kept.find(Time(0), "often", |known, _| known == epoch)
                    .is_none()
            );
            kept.keep("often".to_owned(), since(0, epoch), answer("x"));
        }
        assert_eq!(kept.young_bytes, one);
    }
}
