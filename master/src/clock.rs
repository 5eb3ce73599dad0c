//! The only place that reads the time. Everything else is handed a `Clock` or a `Time`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A moment: microseconds since 1970-01-01 UTC, as stored in the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Time(pub i64);

/// In JSON a moment is RFC 3339 in UTC, with as many digits of the second as it has.
impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.timestamp())
    }
}

impl<'de> serde::Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let moment: jiff::Timestamp = text.parse().map_err(|_| {
            serde::de::Error::custom("expected a moment such as 2026-11-20T10:39:21Z")
        })?;
        Ok(Self(moment.as_microsecond()))
    }
}

impl Time {
    /// The moment `span` later (saturating).
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// The moment `span` earlier (saturating).
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// The time from `earlier` until `self`; zero when the clock went back.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Whole seconds since 1970.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// From whole seconds since 1970.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// For people: `2026-11-20 10:39 UTC`.
    #[must_use]
    pub fn minute(self) -> String {
        let text = self.to_string();
        let minute = text.get(..16).unwrap_or(&text).replace('T', " ");
        format!("{minute} UTC")
    }

    /// As a `jiff` time stamp; the epoch where it is out of jiff's range.
    #[must_use]
    pub fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

/// RFC 3339 in UTC with whole seconds: `2026-11-20T10:39:21Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        jiff::Timestamp::from_second(self.unix_seconds())
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .fmt(f)
    }
}

/// Time that passes for connections, whatever happens to the time of day.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(tokio::time::Instant);

impl Stopwatch {
    /// Begins now.
    #[must_use]
    pub fn start() -> Self {
        Self(tokio::time::Instant::now())
    }

    /// What has passed since it was started.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed().saturating_mul(rate())
    }

    /// Waits until `span` has passed since it was started; not at all if it has.
    pub async fn until(self, span: Duration) {
        tokio::time::sleep_until(self.0 + real(span)).await;
    }
}

/// How long a wait for a connection really takes.
#[must_use]
pub fn real(span: Duration) -> Duration {
    span / rate()
}

/// How many times faster than the world connections age: once, but for tests that must not wait
/// twenty minutes, in builds that are not released.
fn rate() -> u32 {
    static RATE: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    if !cfg!(debug_assertions) {
        return 1;
    }
    *RATE.get_or_init(|| {
        let asked = std::env::var("WINDLASS_TEST_CLOCK_RATE").ok();
        asked
            .and_then(|text| text.parse().ok())
            .filter(|rate| *rate > 0)
            .unwrap_or(1)
    })
}

/// Where the time comes from: the system, or a hand-moved one in tests. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    /// Microseconds since 1970, moved by the test that made it.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still at `start` until it is moved.
    #[must_use]
    pub fn manual(start: Time) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.0))))
    }

    /// Moves a manual clock forward. The system's clock is not moved.
    pub fn advance(&self, span: Duration) {
        if let Source::Manual(at) = &self.0 {
            at.store(
                Time(at.load(Ordering::SeqCst)).after(span).0,
                Ordering::SeqCst,
            );
        }
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Time {
        match &self.0 {
            #[expect(
                clippy::disallowed_methods,
                reason = "the one place that reads the time"
            )]
            Source::System => {
                let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                Time(i64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(i64::MAX))
            }
            Source::Manual(at) => Time(at.load(Ordering::SeqCst)),
        }
    }
}
