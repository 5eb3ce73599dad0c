//! Keys as text, labels apart, and the search for the key that made a proof.

use super::*;

#[test]
fn a_key_survives_as_text_and_is_never_printed() {
    let key = Key::from_bytes(std::array::from_fn(|n| n as u8));
    let text = key.to_text();
    assert_eq!(text.len(), 5 + 64);
    assert_eq!(Key::parse(&text).unwrap().as_bytes(), key.as_bytes());
    assert_eq!(format!("{key:?}"), "Key(secret)");
    let wrong = [
        "",
        "wlk1_",
        &text[1..],
        &text[..68],
        &text.to_uppercase(),
        "wlk2_00",
    ];
    assert!(wrong.iter().all(|text| Key::parse(text).is_none()));
    assert!(Key::parse(&format!("{text}\n")).is_none());
}

#[test]
fn proofs_and_session_keys_differ_by_label_and_transcript() {
    let key = Key::from_bytes([1; 32]);
    let transcript = Transcript::of_hellos(b"a", b"m");
    let other = Transcript::of_hellos(b"m", b"a");
    let session = transcript.session_keys(&key);
    let mut values = vec![
        transcript.agent_proof(&key),
        transcript.master_proof(&key),
        session.agent.sign(&[b"x"]),
        session.master.sign(&[b"x"]),
        other.agent_proof(&key),
        transcript.then(b"auth").agent_proof(&key),
    ];
    values.sort_unstable();
    values.dedup();
    assert_eq!(values.len(), 6);
}

#[test]
fn a_proof_fits_only_the_key_that_made_it() {
    let transcript = Transcript::of_hellos(b"a", b"m");
    let keys: Vec<Key> = (1..4).map(|n| Key::from_bytes([n; 32])).collect();
    let prove = |key: &Key| transcript.agent_proof(key);
    let second = prove(&keys[1]);
    let found = |keys: &[Key]| matching_key(keys, &[&[0; 32], &second], prove);
    assert_eq!(found(&keys[..2]), Some(1));
    assert_eq!(found(&keys[1..2]), Some(0));
    assert_eq!(found(&keys[2..]), None);
    // A proof made with the dummy key opens nothing, even when there is no key at all.
    let dummy = prove(&Key::from_bytes([0; 32]));
    assert_eq!(matching_key(&[], &[&dummy], prove), None);
    assert_eq!(matching_key(&keys[..1], &[&dummy], prove), None);
}
