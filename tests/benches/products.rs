//! How quick the list of products is at a million products and 3,000 branches: the whole answer of
//! a real master, page and REST, with every filter, for values that let few through and many.
//!
//! `cargo bench -p windlass-tests --bench products`; `WINDLASS_BENCH_PRODUCTS` and
//! `WINDLASS_BENCH_BRANCHES` change the size, `WINDLASS_TEST_POSTGRES` adds PostgreSQL.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use windlass_tests::http;
use windlass_tests::master::Master;
use windlass_tests::seed::{Shape, Store, fill};

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
    let number = |name: &str, usual: i64| {
        let asked = std::env::var(name).ok().and_then(|text| text.parse().ok());
        asked.unwrap_or(usual)
    };
    let usual = Shape::default();
    let shape = Shape {
        products: number("WINDLASS_BENCH_PRODUCTS", usual.products),
        branches: number("WINDLASS_BENCH_BRANCHES", usual.branches),
        ..usual
    };
    // Built first, so that nothing is made in vain where it cannot be.
    let _ = windlass_tests::programs::windlass();
    let mut is_quick = measure("SQLite", None, shape);
    if let Ok(server) = std::env::var("WINDLASS_TEST_POSTGRES") {
        is_quick &= measure("PostgreSQL", Some(server), shape);
    }
    if is_quick {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn measure(engine: &str, server: Option<String>, shape: Shape) -> bool {
    let mut master = Master::new("");
    let created = server.as_deref().map(Scratch::create);
    let store = match &created {
        None => {
            let data = master.path("data");
            std::fs::create_dir_all(&data).expect("writable");
            Store::Sqlite(data.join("windlass.sqlite"))
        }
        Some(scratch) => {
            master.configure_master(&format!("database = \"{}\"", scratch.url));
            Store::Postgres(scratch.url.clone())
        }
    };
    let begun = Instant::now();
    fill(&store, shape);
    println!(
        "{engine}: {} products, {} branches, made in {:.0} s",
        shape.products,
        shape.branches,
        begun.elapsed().as_secs_f64()
    );
    master.start();
    let mut is_quick = true;
    for (name, query) in FILTERS {
        for path in ["/products", "/api/v1/products"] {
            let (p50, p99) = asked(&master, &format!("{path}?{query}"));
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
    master.kill();
    is_quick
}

/// The middle and the 99th of a hundred answers.
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

/// A database of the bench; dropped with it.
struct Scratch {
    server: String,
    name: String,
    url: String,
}

impl Scratch {
    fn create(server: &str) -> Self {
        let name = format!("windlass_bench_{}", std::process::id());
        execute(server, &format!("CREATE DATABASE {name}"));
        let (address, query) = server.split_once('?').unwrap_or((server, ""));
        let (base, _) = address.rsplit_once('/').expect("a URL");
        Self {
            server: server.to_owned(),
            url: format!("{base}/{name}?{query}"),
            name,
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        execute(
            &self.server,
            &format!("DROP DATABASE {} WITH (FORCE)", self.name),
        );
    }
}

fn execute(server: &str, sql: &str) {
    let mut conn = PgConnection::establish(server).expect("a server");
    conn.batch_execute(sql).expect("a statement that works");
}
