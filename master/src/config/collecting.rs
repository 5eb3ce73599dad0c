//! What is kept for how long, after checking: `[retention.NAME]`, and the keys of `[master]` that
//! say when the collector works. Nothing here parses or decides.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

/// A day.
const DAY: Duration = Duration::from_secs(86_400);

/// `[retention.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retention {
    /// Project globs.
    pub projects: Vec<String>,
    /// Branch globs; `*` stops at a slash, `**` does not.
    pub branches: Vec<String>,
    /// Newest products that stay per branch and target.
    pub keep_newest: u32,
    /// Newest products found good that stay per branch and target.
    pub keep_newest_good: u32,
    /// How long every product stays.
    pub keep: Duration,
    /// How long products of a deleted branch stay after the deletion; as others when absent.
    pub deleted_branches: Option<Duration>,
    /// How long bad products stay once a bug is named; as others when absent.
    pub bad: Option<Duration>,
    /// How long a product stays after its last hold ended, or after it came back from the trash.
    pub grace: Duration,
    /// How long a collected product can be restored.
    pub trash: Duration,
    /// How long files of a role stay, by role: shorter or longer than their product.
    pub roles: BTreeMap<String, Duration>,
    /// How long logs of finished builds stay; for ever when absent.
    pub logs: Option<Duration>,
    /// How long finished builds without a product stay; for ever when absent.
    pub builds: Option<Duration>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            projects: vec!["**".to_owned()],
            branches: vec!["**".to_owned()],
            keep_newest: 5,
            keep_newest_good: 1,
            keep: DAY * 30,
            deleted_branches: None,
            bad: None,
            // Who lifts a hold by mistake notices within a week.
            grace: DAY * 7,
            // A fortnight's holiday.
            trash: DAY * 14,
            roles: BTreeMap::new(),
            logs: None,
            builds: None,
        }
    }
}

/// When the collector makes a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collect {
    /// Every day at this minute of the day, UTC.
    Daily {
        /// Minutes since midnight.
        minute: u32,
    },
    /// This long after the one before.
    Every(Duration),
}

/// The keys of `[master]` for the collector.
#[derive(Debug, Clone, PartialEq)]
pub struct Collecting {
    /// When plans are made; never when absent.
    pub collect: Option<Collect>,
    /// Whether they are applied too; else somebody does it.
    pub applies: bool,
    /// Most bytes of the whole store.
    pub quota: Option<u64>,
    /// Mail addresses of those who look after the store.
    pub owners: Vec<String>,
    /// How long a stored file that nothing names stays before it goes to the store's trash, and
    /// then before it is removed.
    pub store_grace: Duration,
    /// Bytes per second that are read to see whether stored files are still right; 0 for none.
    pub scrub: u64,
    /// How long before the end of a hold its owner is told; not at all when zero.
    pub hold_notice: Duration,
    /// How long events stay.
    pub events: Duration,
    /// How long rows of the audit trail stay.
    pub audit: Duration,
    /// How long mails that were sent or given up stay.
    pub mails: Duration,
}

impl Default for Collecting {
    fn default() -> Self {
        Self {
            collect: Some(Collect::Daily { minute: 4 * 60 }),
            applies: true,
            quota: None,
            owners: Vec::new(),
            store_grace: DAY,
            // A terabyte is read in about ten days, and a disk hardly notices.
            scrub: 1 << 20,
            hold_notice: DAY * 7,
            events: DAY * 90,
            // Who did what is asked after the yearly audit.
            audit: DAY * 400,
            mails: DAY * 30,
        }
    }
}
