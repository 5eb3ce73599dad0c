//! What a signed address is good for.

use super::*;

const NOW: Time = Time(1_700_000_000_000_000);
const DAY: Duration = Duration::from_secs(86_400);

fn keys(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

#[test]
fn a_claim_is_good_for_its_file_its_name_its_time_and_its_key_alone() {
    let claim = sign("k1", "aa", "editor.zip", NOW, DAY);
    let good = |keys: &[String], sha256: &str, name: &str, now: Time, claim: &Claim| {
        holds(keys, sha256, name, now, claim)
    };
    let k1 = keys(&["k1"]);
    assert!(good(&k1, "aa", "editor.zip", NOW, &claim));
    assert!(good(&keys(&["k2", "k1"]), "aa", "editor.zip", NOW, &claim));
    assert!(good(&k1, "aa", "editor.zip", NOW.after(DAY), &claim));
    let later = NOW.after(DAY + STEP);
    assert!(!good(&k1, "aa", "editor.zip", later, &claim));
    assert!(!good(&k1, "ab", "editor.zip", NOW, &claim));
    assert!(!good(&k1, "aa", "other.zip", NOW, &claim));
    assert!(!good(&keys(&["k2"]), "aa", "editor.zip", NOW, &claim));
    let longer = Claim {
        expires: claim.expires + 1,
        ..claim.clone()
    };
    assert!(!good(&k1, "aa", "editor.zip", NOW, &longer));
    for signature in ["", "zz", "0", &claim.signature[..62], &"0".repeat(64)] {
        let other = Claim {
            expires: claim.expires,
            signature: signature.to_owned(),
        };
        assert!(!good(&k1, "aa", "editor.zip", NOW, &other), "{signature}");
    }
}

#[test]
fn addresses_made_within_an_hour_are_the_same() {
    let first = sign("k", "aa", "a", Time(1_700_000_400_000_000), DAY);
    let later = sign("k", "aa", "a", Time(1_700_001_000_000_000), DAY);
    assert_eq!(first, later);
    assert_eq!(first.expires % 3_600, 0);
}
