//! How an agent's machine stands, as meters: disk, memory and load with the share that is taken.

use std::fmt::Write as _;

use super::filters::size_text;
use crate::model::AgentStatus;

/// Percent of a disk or memory from which a meter warns, and from which it is bad: an agent takes no
/// work below a reserve of some gigabytes, which is about there.
const WARN_PERCENT: u64 = 85;
const BAD_PERCENT: u64 = 95;

/// The meters of one machine; what it does not tell is absent.
#[derive(Debug, Default, Clone)]
pub(super) struct Figures {
    /// Where builds lie.
    pub(super) disk: Option<Meter>,
    /// Memory.
    pub(super) memory: Option<Meter>,
    /// Load average, such as `1.25`.
    pub(super) load: Option<String>,
}

/// A share of something.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    /// `52.3 GB of 270.5 GB free`.
    pub(super) text: String,
    /// A bar as SVG.
    pub(super) bar: String,
}

/// The meters for what the agent told last.
pub(super) fn figures(status: Option<&AgentStatus>) -> Figures {
    let Some(status) = status else {
        return Figures::default();
    };
    Figures {
        disk: meter(status.disk_free, status.disk_total),
        memory: meter(status.mem_free, status.mem_total),
        load: status
            .load
            .map(|load| format!("{}.{:02}", load / 100, load % 100)),
    }
}

fn meter(free: Option<u64>, total: Option<u64>) -> Option<Meter> {
    let free = free?;
    let shown = |bytes: u64| size_text(i64::try_from(bytes).unwrap_or(i64::MAX));
    let Some(total) = total.filter(|total| *total > 0) else {
        return Some(Meter {
            text: format!("{} free", shown(free)),
            bar: String::new(),
        });
    };
    let taken = total.saturating_sub(free);
    // A share of at most 100, whatever an agent tells.
    let percent = u64::try_from(u128::from(taken) * 100 / u128::from(total)).unwrap_or(100);
    let class = match percent {
        BAD_PERCENT.. => "failure",
        WARN_PERCENT.. => "warnings",
        _ => "success",
    };
    let mut bar = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        bar,
        "<svg class=\"bars meter s-{class}\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" \
         role=\"img\" aria-label=\"{percent} % taken\"><rect class=\"track\" width=\"100\" \
         height=\"8\"/><rect width=\"{percent}\" height=\"8\"/></svg>"
    );
    Some(Meter {
        text: format!("{} of {} free", shown(free), shown(total)),
        bar,
    })
}

#[cfg(test)]
mod tests {
    //! Shares and their colours.

    use super::*;

    #[test]
    fn a_meter_shows_what_is_taken_and_warns_when_little_is_left() {
        let one = |free, total| meter(Some(free), total).unwrap();
        assert_eq!(one(52, Some(100)).text, "52 B of 100 B free");
        assert!(one(52, Some(100)).bar.contains("s-success"));
        assert!(one(10, Some(100)).bar.contains("s-warnings"));
        assert!(one(1, Some(100)).bar.contains("s-failure"));
        assert!(one(200, Some(100)).bar.contains("0 % taken"));
        assert_eq!(one(5_000, None).text, "5.0 kB free");
        assert!(meter(None, Some(1)).is_none());
    }
}
