//! Secrets are hidden wherever the stream is cut, and nothing else is changed.

use super::*;

const SECRETS: [&str; 3] = ["hunter2-hunter2-x", "abababab", "2-xyzzy!"];

fn mask() -> Mask {
    Mask::new(SECRETS.iter().map(|one| one.as_bytes().to_vec()).collect())
}

/// The whole stream through a mask, in pieces.
fn through(pieces: &[&[u8]]) -> String {
    let mut mask = mask();
    let mut given = Vec::new();
    for piece in pieces {
        given.extend(mask.push(piece));
    }
    given.extend(mask.settle());
    String::from_utf8(given).unwrap()
}

/// What must come out, by looking at the whole text at once.
fn expected(text: &str) -> String {
    let mut covered = vec![false; text.len()];
    for secret in SECRETS {
        for at in 0..text.len() {
            if text[at..].starts_with(secret) {
                covered[at..at + secret.len()].fill(true);
            }
        }
    }
    let chars = text.chars().zip(covered);
    chars
        .map(|(c, hidden)| if hidden { '*' } else { c })
        .collect()
}

const TEXTS: [&str; 6] = [
    "nothing here",
    "a hunter2-hunter2-x b hunter2-hunter2-hunter2-x\n",
    "hunter2-hunter2-xyzzy!",
    "ababababababa abababa ab",
    "hunter2-hunter2-",
    "hunter2-hunter2-xhunter2-hunter2-x2-xyzzy!abababab",
];

#[test]
fn a_secret_is_hidden_wherever_the_stream_is_cut() {
    assert_eq!(expected(TEXTS[2]), "*".repeat(22));
    for text in TEXTS {
        let (bytes, expected) = (text.as_bytes(), expected(text));
        assert_eq!(through(&[bytes]), expected);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(through(&single), expected);
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(through(&pieces), expected, "{text} {first} {second}");
            }
        }
    }
}

#[test]
fn only_what_may_begin_a_secret_is_held_back() {
    let mut mask = mask();
    assert_eq!(mask.push(b"plain\n"), b"plain\n");
    assert_eq!((mask.push(b"x hunt"), mask.held()), (b"x ".to_vec(), 4));
    assert_eq!((mask.push(b"ing"), mask.held()), (b"hunting".to_vec(), 0));
    mask.push(b"hunter2");
    assert_eq!(mask.cover(), b"*******");
    mask.push(b"hunter2");
    mask.forget();
    assert_eq!(mask.push(b"-hunter2-y"), b"-hunter2-y");
}
