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
}
