//! How quick the list of products is at a million products and 3,000 branches: the whole answer of
//! a real master, page and REST, with every filter, for values that let few through and many.
//!
//! `cargo bench -p windlass-tests --bench products`; `WINDLASS_BENCH_PRODUCTS` and
//! `WINDLASS_BENCH_BRANCHES` change the size, `WINDLASS_TEST_POSTGRES` adds PostgreSQL.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use windlass_tests::http;
use windlass_tests::master::Master;
use windlass_tests::seed::{Placed, Shape};

/// What 99 of 100 answers must be within.
const P99_MAX: Duration = Duration::from_millis(50);
/// Answers measured per filter: its slowest hundredth is two.
const ROUNDS: usize = 200;

/// Filters; `#` becomes another number each time.
const FILTERS: &[(&str, &str)] = &[
    ("nothing", ""),
    ("project, most", "project=app-1"),
    ("project, few", "project=app-4"),
    ("branch, a fifth of all", "branch=branch-1"),
    ("branch, any", "branch=branch-#"),
    ("branch and target", "branch=branch-#&target=x86_64-linux"),
    ("target", "target=aarch64-macos"),
    ("target, none", "target=sparc-solaris"),
    ("version, all", "version=."),
    ("version, part", "version=.#."),
    ("version, old", "version=2.0.7"),
    ("version, none", "version=nowhere"),
    ("version in a branch", "version=.7&branch=branch-#"),
    ("version in a project", "version=nowhere&project=app-1"),
    ("state, most", "state=recorded"),
    ("state, few", "state=released"),
    ("state, none", "state=superseded"),
    ("verdict, most", "verdict=untested"),
    ("verdict, few", "verdict=needs-work"),
    ("held", "held=true"),
    ("not held", "held=false"),
    ("builder", "builder=package-#"),
    ("builder, rare", "builder=rare"),
    ("days", "from=2024-02-01&until=2024-02-03"),
    ("days, old", "until=2023-12-01"),
    ("property, half", "property=flavour:release"),
    ("property, one", "property=ticket:T-#"),
    (
        "property and state",
        "property=flavour:debug&state=withdrawn",
    ),
    (
        "two that exclude each other",
        "target=x86_64-linux&builder=package-1",
    ),
    (
        "all at once",
        "project=app-1&branch=branch-1&target=x86_64-linux&state=recorded&verdict=good&held=false&property=flavour:release&version=2.",
    ),
    ("deep", "before=500000&state=recorded&verdict=bad"),
];

fn main() -> ExitCode {
    let shape = Shape::asked_for();
    // Built first, so that nothing is made in vain where it cannot be.
    let _ = windlass_tests::programs::windlass();
    let mut is_quick = measure(None, shape);
    if let Ok(server) = std::env::var("WINDLASS_TEST_POSTGRES") {
        is_quick &= measure(Some(&server), shape);
    }
    if is_quick {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn measure(server: Option<&str>, shape: Shape) -> bool {
    let mut placed = Placed::new(server, shape, "");
    println!(
        "{}: {} products, {} branches",
        placed.engine(),
        shape.products,
        shape.branches
    );
    placed.master.start();
    let master = &placed.master;
    let mut is_quick = true;
    for (name, query) in FILTERS {
        for path in ["/products", "/api/v1/products"] {
            let (p50, p99) = asked(master, &format!("{path}?{query}"));
            let within = p99 <= P99_MAX;
            is_quick &= within;
            println!(
                "{:6.1} ms {:6.1} ms {} {path:17} {name}",
                p50.as_secs_f64() * 1e3,
                p99.as_secs_f64() * 1e3,
                if within { ' ' } else { '!' },
            );
        }
    }
    is_quick
}

/// The middle and the 99th of a hundred answers, each on a connection of its own.
fn asked(master: &Master, address: &str) -> (Duration, Duration) {
    let mut times = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let number = (round * 7 % 97 + 2).to_string();
        let address = address.replace('#', &number);
        let begun = Instant::now();
        let answer = http::request(master.web(), "GET", &address, &[], &[]);
        times.push(begun.elapsed());
        let status = answer.map(|answer| answer.status);
        assert!(matches!(status, Ok(200)), "{address}: {status:?}");
    }
    times.sort();
    (times[ROUNDS / 2], times[ROUNDS * 99 / 100])
}
