//! How the store grows, and when it will be full.

use crate::clock::Time;
use crate::model::{Forecast, Point};

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// Draws the straight line through the points that misses them least, and follows it from the last
/// point to `limit`. With fewer than two days of points nothing is foretold.
#[must_use]
pub fn forecast(points: &[Point], limit: Option<i64>) -> Forecast {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Forecast::default();
    };
    if last.at.0 - first.at.0 < 2 * DAY_US {
        return Forecast::default();
    }
    let day = |point: &Point| (point.at.0 - first.at.0) as f64 / DAY_US as f64;
    let n = points.len() as f64;
    let mean_day = points.iter().map(day).sum::<f64>() / n;
    let mean_bytes = points.iter().map(|point| point.bytes as f64).sum::<f64>() / n;
    let mut above = 0.0;
    let mut below = 0.0;
    for point in points {
        let away = day(point) - mean_day;
        above += away * (point.bytes as f64 - mean_bytes);
        below += away * away;
    }
    let slope = if below > 0.0 { above / below } else { 0.0 };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` saturates, which is fine"
    )]
    let bytes_per_day = slope.round() as i64;
    let full_at = limit.and_then(|limit| {
        let left = limit.saturating_sub(last.bytes);
        if left <= 0 {
            return Some(last.at);
        }
        let days = left.checked_div(bytes_per_day).filter(|days| *days > 0)?;
        (days <= 3_650).then(|| Time(last.at.0 + days * DAY_US))
    });
    Forecast {
        bytes_per_day,
        full_at,
    }
}
