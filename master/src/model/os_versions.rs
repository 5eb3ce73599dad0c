//! Versions of operating systems, as products name the range they run on.

/// Numbers of a version of an operating system: Windows has four.
const OS_NUMBERS_MAX: usize = 4;

/// Whether `text` is a version of an operating system: up to four numbers with dots between. A
/// wrong one would lock out every application that asks. Errors: what would be right.
pub fn check_os_version(text: &str) -> Result<(), String> {
    let parts: Vec<&str> = text.split('.').collect();
    let is_number = |part: &&str| {
        (1..=9).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if parts.len() <= OS_NUMBERS_MAX && parts.iter().all(is_number) {
        return Ok(());
    }
    let shown: String = text.escape_debug().take(80).collect();
    Err(format!(
        "`{shown}` is no version of an operating system: write up to {OS_NUMBERS_MAX} numbers with \
         dots between, such as 10.15 or 10.0.17763"
    ))
}

/// Whether the lowest version that a product runs on is not above the highest, where both are said;
/// `12` as the highest lets all of 12 in. Nobody would be offered the product otherwise. Errors:
/// what would be right, for the highest.
pub fn check_os_range(min: Option<&str>, max: Option<&str>) -> Result<(), String> {
    let (Some(min), Some(max)) = (min, max) else {
        return Ok(());
    };
    let numbers = |text: &str| -> Vec<u64> {
        let parts = text.split('.');
        parts.map(|part| part.parse().unwrap_or(0)).collect()
    };
    let (mut lowest, highest) = (numbers(min), numbers(max));
    // Only as many numbers count as the highest has; those that the lowest lacks are 0.
    lowest.resize(highest.len(), 0);
    if lowest <= highest {
        return Ok(());
    }
    Err(format!(
        "`{max}` is below the lowest version, `{min}`: write that or a later one"
    ))
}

#[cfg(test)]
mod tests {
    //! What people write.

    use super::*;

    #[test]
    fn versions_of_systems_are_numbers_with_dots() {
        for right in ["10.15", "11", "10.0.17763", "10.0.19045.1", "6.1"] {
            assert_eq!(check_os_version(right), Ok(()), "{right}");
        }
        for wrong in ["", "10.", "10.15.x", "macOS 12", "1.2.3.4.5", "10,15", ".5"] {
            assert!(
                check_os_version(wrong).unwrap_err().contains("10.15"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn the_lowest_version_is_not_above_the_highest() {
        for (min, max) in [
            (None, Some("9")),
            (Some("10"), None),
            (Some("10.15"), Some("10.15")),
            (Some("12.3"), Some("12")),
            (Some("9"), Some("9.0")),
            (Some("9.9"), Some("10.1")),
        ] {
            assert_eq!(check_os_range(min, max), Ok(()), "{min:?} {max:?}");
        }
        for (min, max) in [
            ("13", "12"),
            ("12.3", "12.2"),
            ("13", "12.9"),
            ("10", "9.9"),
        ] {
            let told = check_os_range(Some(min), Some(max)).unwrap_err();
            assert!(told.contains(min) && told.contains(max), "{told}");
        }
    }
}
