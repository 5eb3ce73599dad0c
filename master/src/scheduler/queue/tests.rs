//! Assignments and wait reasons as tables.

use super::*;

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn waiting(id: i64, needs: &[(&str, &str)]) -> Waiting {
    Waiting {
        id: RequestId(id),
        needs: Some(labels(needs)),
        last_agent: None,
    }
}

fn agent(id: i64, name: &str, arch: &str) -> Candidate {
    Candidate {
        id: AgentId(id),
        name: name.to_owned(),
        labels: labels(&[("os", "linux"), ("arch", arch)]),
        slots: 1,
        busy: 0,
        connected: true,
        paused: false,
        refuses: None,
    }
}

#[test]
fn the_first_in_the_queue_gets_the_slot_and_labels_are_kept() {
    let queue = [
        waiting(1, &[("arch", "aarch64")]),
        waiting(2, &[("arch", "x86_64")]),
        waiting(3, &[]),
        waiting(4, &[]),
    ];
    let agents = vec![agent(1, "arm", "aarch64"), agent(2, "intel", "x86_64")];
    let round = assign(&queue, agents);
    let expected = vec![(RequestId(1), AgentId(1)), (RequestId(2), AgentId(2))];
    assert_eq!(round.assignments, expected);
    let text = "every slot is taken: arm 1 of 1, intel 1 of 1".to_owned();
    let reasons = vec![(RequestId(3), text.clone()), (RequestId(4), text)];
    assert_eq!(round.reasons, reasons);
}

#[test]
fn the_agent_that_built_last_is_preferred_then_the_emptiest() {
    let mut large = agent(2, "large", "x86_64");
    large.slots = 4;
    let agents = vec![agent(1, "a", "x86_64"), large];
    let mut again = waiting(1, &[]);
    again.last_agent = Some(AgentId(1));
    let round = assign(&[again, waiting(2, &[])], agents);
    let expected = vec![(RequestId(1), AgentId(1)), (RequestId(2), AgentId(2))];
    assert_eq!(round.assignments, expected);
}

#[test]
fn every_waiting_request_tells_why() {
    let away = |name: &str| Candidate {
        connected: false,
        ..agent(1, name, "x86_64")
    };
    let paused = Candidate {
        paused: true,
        ..agent(1, "linux-1", "x86_64")
    };
    let busy = Candidate {
        slots: 2,
        busy: 2,
        ..agent(1, "linux-1", "x86_64")
    };
    let arm: &[(&str, &str)] = &[("os", "linux"), ("arch", "aarch64")];
    type Row<'a> = (&'a [(&'a str, &'a str)], Vec<Candidate>, &'a str);
    let table: Vec<Row<'_>> = vec![
        (&[], vec![], "the configuration has no agent"),
        (
            arm,
            vec![agent(1, "linux-1", "x86_64")],
            "no connected agent has arch=aarch64 os=linux (known: linux-1)",
        ),
        (&[], vec![away("b"), away("a")], "not connected: a, b"),
        (&[], vec![paused, away("b")], "paused: linux-1"),
        (
            &[],
            vec![busy, away("b")],
            "every slot is taken: linux-1 2 of 2",
        ),
    ];
    for (needs, agents, expected) in table {
        let round = assign(&[waiting(7, needs)], agents);
        assert_eq!(round.reasons, vec![(RequestId(7), expected.to_owned())]);
    }
    let gone = Waiting {
        needs: None,
        ..waiting(1, &[])
    };
    let round = assign(&[gone], vec![agent(1, "a", "x86_64")]);
    assert_eq!(
        round.reasons[0].1,
        "the configuration no longer has this builder"
    );
}

#[test]
fn an_agent_that_refuses_gets_nothing_and_the_request_says_why() {
    let mut full = agent(1, "arm", "aarch64");
    full.refuses = Some("less than 1 GiB is free below /var/lib".to_owned());
    let round = assign(&[waiting(1, &[])], vec![full.clone()]);
    assert_eq!(round.assignments, vec![]);
    let text = "arm takes no work: less than 1 GiB is free below /var/lib";
    assert_eq!(round.reasons, vec![(RequestId(1), text.to_owned())]);
    let round = assign(&[waiting(1, &[])], vec![full, agent(2, "intel", "x86_64")]);
    assert_eq!(round.assignments, vec![(RequestId(1), AgentId(2))]);
}
