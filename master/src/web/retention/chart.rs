//! How much was stored day by day, as a line in SVG: no script, no style, numbers of our own only.

use std::fmt::Write as _;

use crate::model::Point;
use crate::web::filters::size_text;

/// Size of the drawing; the page scales it.
const WIDTH: i64 = 640;
const HEIGHT: i64 = 160;

/// The drawing; empty with fewer than two points.
pub(super) fn of(points: &[Point], quota: Option<i64>) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return String::new();
    };
    let span = last.at.0 - first.at.0;
    let most = points.iter().map(|point| point.bytes).max().unwrap_or(0);
    let top = most.max(quota.unwrap_or(0)).max(1);
    if span <= 0 {
        return String::new();
    }
    let scale = |value: i64, of: i64, to: i64| {
        i64::try_from(i128::from(value) * i128::from(to) / i128::from(of)).unwrap_or(to)
    };
    let height = |bytes: i64| HEIGHT - 4 - scale(bytes, top, HEIGHT - 8);
    let mut line = String::new();
    for point in points {
        let x = scale(point.at.0 - first.at.0, span, WIDTH);
        // Writing to a String cannot fail.
        let _ = write!(line, "{x},{} ", height(point.bytes));
    }
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Stored: \
         {} at first, {} at last\">",
        size_text(first.bytes),
        size_text(last.bytes)
    );
    if let Some(quota) = quota {
        let y = height(quota);
        let _ = write!(
            svg,
            "<polyline class=\"limit\" points=\"0,{y} {WIDTH},{y}\"/>"
        );
    }
    let _ = write!(svg, "<polyline points=\"{}\"/></svg>", line.trim_end());
    svg
}

#[cfg(test)]
mod tests {
    //! What is drawn.

    use super::*;
    use crate::clock::Time;

    #[test]
    fn the_line_begins_at_the_first_day_and_the_quota_is_the_top() {
        let point = |day: i64, bytes| Point {
            at: Time(day * 86_400_000_000),
            bytes,
        };
        let svg = of(&[point(0, 0), point(1, 500), point(2, 1_000)], Some(2_000));
        assert!(svg.contains("points=\"0,156 320,118 640,80\""), "{svg}");
        assert!(
            svg.contains("class=\"limit\" points=\"0,4 640,4\""),
            "{svg}"
        );
        assert!(svg.contains("0 B at first, 1.0 kB at last"), "{svg}");
        assert_eq!(of(&[point(0, 0)], None), "");
    }
}
