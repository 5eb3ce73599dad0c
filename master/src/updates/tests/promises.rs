//! What holds for any facts and any asker, tried with many of both from a fixed seed.

use super::*;

/// As many as a second of testing holds.
const ROUNDS: u64 = 60_000;

/// A small generator (SplitMix64), so that a failure can be repeated by its round.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> i64 {
        i64::try_from(self.next() % end).unwrap()
    }

    fn chance(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }

    fn text(&mut self) -> String {
        const JUNK: [&str; 12] = [
            "",
            "1.0",
            "2",
            "999999999999999999999",
            "-1",
            "\u{0}",
            "\u{1F4A5}",
            "v..",
            "1.0-rc.1",
            "%s%n",
            "python 3.12",
            "10.15.7",
        ];
        let mut text = String::new();
        for _ in 0..=self.below(3) {
            text.push_str(JUNK[usize::try_from(self.below(12)).unwrap()]);
        }
        text
    }

    fn maybe(&mut self, percent: i64) -> Option<String> {
        self.chance(percent).then(|| self.text())
    }
}

/// Products whose versions rise with their order, now and then two builds of one.
fn products(dice: &mut Dice) -> Vec<Candidate> {
    let states = ProductState::ALL;
    (1..=1 + dice.below(6))
        .map(|n| {
            let position = n - i64::from(dice.chance(20) && n > 1);
            let mut one = product(n, position, n, &format!("{position}.0"));
            if dice.chance(30) {
                one.state = states[usize::try_from(dice.below(states.len() as u64)).unwrap()];
            }
            one.is_complete = !dice.chance(10);
            one.min_os = dice.chance(20).then(|| dice.below(4).to_string());
            one
        })
        .collect()
}

fn facts(dice: &mut Dice) -> Facts {
    let products = products(dice);
    let mut facts = nightly(&products);
    facts.is_released = dice.chance(60);
    if facts.is_released {
        let pick = |dice: &mut Dice| {
            products[usize::try_from(dice.below(products.len() as u64)).unwrap()].clone()
        };
        let (head, fallback) = (pick(dice), pick(dice));
        let with = dice.chance(70).then_some(&fallback);
        let percent = [0, 1, 20, 50, 99, 100][usize::try_from(dice.below(6)).unwrap()];
        let own = facts.own;
        facts = released(&head, percent, with);
        facts.own = own;
        if let Some(terms) = &mut facts.choices[0].terms {
            terms.is_paused = dice.chance(15);
        }
        if dice.chance(40) {
            facts.watersheds.push(pick(dice));
        }
        if dice.chance(30) {
            facts.rolled_back.push(pick(dice).id);
        }
    }
    facts.scheme = [VersionScheme::Seq, VersionScheme::Dotted][usize::from(dice.chance(70))];
    facts
}

fn asker(dice: &mut Dice, facts: &Facts) -> Asker {
    let known = facts.own.get(usize::try_from(dice.below(8)).unwrap());
    Asker {
        version: match known {
            Some(known) if dice.chance(80) => Some(known.version.clone()),
            _ => dice.maybe(80),
        },
        build: match known {
            Some(known) if dice.chance(60) => Some(known.build_number),
            _ => dice.chance(30).then(|| dice.below(u64::MAX >> 2)),
        },
        os_version: match dice.chance(40) {
            true => Some(dice.below(4).to_string()),
            false => dice.maybe(20),
        },
        runtime: dice.maybe(20),
        id: dice.maybe(60),
        force: dice.chance(10),
    }
}

#[test]
fn nobody_is_ever_moved_down_without_a_rollback() {
    for round in 0..ROUNDS {
        let mut dice = Dice(round);
        let facts = facts(&mut dice);
        let asker = asker(&mut dice, &facts);
        let Answer::Offer { product, .. } = told(&facts, &asker) else {
            continue;
        };
        let Some(own) = place(&facts.own, &asker) else {
            continue;
        };
        let offered = facts.own.iter().find(|one| one.id == product).unwrap();
        let is_allowed = offered.seq > own.seq || facts.rolled_back.contains(&own.id);
        assert!(is_allowed, "round {round}: {own:?} got {offered:?}");
    }
}

#[test]
fn a_version_that_compares_is_never_answered_with_a_lower_one() {
    for round in 0..ROUNDS {
        let mut dice = Dice(round);
        let mut facts = facts(&mut dice);
        facts.scheme = VersionScheme::Dotted;
        let asker = asks(&format!("{}.5", dice.below(8)), None);
        if let Answer::Offer { product, .. } = told(&facts, &asker) {
            let offered = facts.own.iter().find(|one| one.id == product).unwrap();
            let order = compare_versions(&offered.version, asker.version.as_deref().unwrap());
            assert_eq!(order, Some(Ordering::Greater), "round {round}");
        }
    }
}

#[test]
fn only_what_is_complete_runs_there_and_may_be_offered_is_offered() {
    for round in 0..ROUNDS {
        let mut dice = Dice(round);
        let facts = facts(&mut dice);
        let asker = asker(&mut dice, &facts);
        for wish in [Wish::Update, Wish::Current] {
            let Answer::Offer { product, .. } = answer(&facts, &asker, wish).answer else {
                continue;
            };
            let offered = facts.own.iter().find(|one| one.id == product).unwrap();
            assert!(offered.is_complete, "round {round}");
            assert_eq!(unmet(offered, &asker), None, "round {round}");
            let is_offerable = is_offerable(offered.state)
                || (facts.is_released && offered.state == ProductState::Superseded);
            assert!(is_offerable, "round {round}: {}", offered.state);
        }
    }
}

#[test]
fn who_takes_what_is_offered_comes_to_an_end() {
    for round in 0..ROUNDS {
        let mut dice = Dice(round);
        let facts = facts(&mut dice);
        let mut asker = asker(&mut dice, &facts);
        // A product that was rolled back and is offered again is a mistake of people, and goes on
        // for as long as they make it.
        let is_mistaken = |choice: &Choice| facts.rolled_back.contains(&choice.candidate.id);
        if facts.choices.iter().any(is_mistaken) {
            continue;
        }
        let mut steps = 0;
        while let Answer::Offer { product, .. } = told(&facts, &asker) {
            let taken = facts.own.iter().find(|one| one.id == product).unwrap();
            asker.version = Some(taken.version.clone());
            asker.build = Some(taken.build_number);
            steps += 1;
            assert!(steps <= 10, "round {round}: {facts:?} {asker:?}");
        }
    }
}

#[test]
fn whoever_is_inside_a_rollout_stays_inside_as_it_grows() {
    let mut counts = [0_u32; 101];
    for asker in 0..2_000 {
        let id = format!("client-{asker}");
        let mut was = false;
        for percent in 0..=100_i64 {
            let is = is_inside("salt", Some(&id), percent);
            assert!(is || !was, "{id} left at {percent} %");
            assert_eq!(is, is_inside("salt", Some(&id), percent));
            counts[usize::try_from(percent).unwrap()] += u32::from(is);
            was = is;
        }
        assert!(!is_inside("salt", Some(&id), 0) && was);
    }
    // Even to a few askers of a hundred; the ids are fixed, so the counts are.
    for percent in [10, 25, 50, 90] {
        let expected = i64::from(percent) * 20;
        let got = i64::from(counts[percent as usize]);
        assert!((got - expected).abs() < 100, "{percent} %: {got} of 2000");
    }
    assert!(!is_inside("salt", None, 99) && is_inside("salt", None, 100));
}

#[test]
fn another_salt_chooses_others() {
    let same = (0..1_000).filter(|n| {
        let id = n.to_string();
        is_inside("a", Some(&id), 50) == is_inside("b", Some(&id), 50)
    });
    let same = same.count();
    assert!((400..600).contains(&same), "{same} of 1000 chosen alike");
}
