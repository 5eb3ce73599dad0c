//! How quick feeds are at a million products and 3,000 branches, against nginx with a static file of
//! the same size in the same run: as many requests as both can take, in turn; then half of that
//! rate, fixed, with how long each answer took from when it was due. Client and server share the
//! machine's processors for both alike.
//!
//! `cargo bench -p windlass-tests --bench feeds`; `WINDLASS_BENCH_PRODUCTS` and
//! `WINDLASS_BENCH_BRANCHES` change the size, `WINDLASS_TEST_POSTGRES` adds PostgreSQL. nginx is
//! installed with apt where it is missing and that is allowed.

mod load;
mod mix;
mod nginx;
mod world;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use load::{Request, fastest, get, paced, within};
use mix::{Builds, NEW, UNDER_ROLLOUT, USUAL, draw};
use nginx::Nginx;
use windlass_tests::seed::Shape;
use world::World;

/// What 99 of 100 answers must be within at half of the highest rate.
const P99_MAX: Duration = Duration::from_millis(5);
/// The share of nginx's requests per second that must be reached.
const RATIO_MIN: f64 = 0.7;
/// Turns of each contestant.
const TURNS: usize = 5;
/// How long a turn is.
const TURN: Duration = Duration::from_secs(3);
/// How long a fixed rate is kept up.
const PACED: Duration = Duration::from_secs(12);
/// Each how many-th asker says what nobody said before.
const NEW_EVERY: usize = 100;

fn main() -> ExitCode {
    let shape = Shape::asked_for();
    let _ = windlass_tests::programs::windlass();
    let mut is_fine = measure(None, shape);
    if let Ok(server) = std::env::var("WINDLASS_TEST_POSTGRES") {
        is_fine &= measure(Some(&server), shape);
    }
    if is_fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn measure(server: Option<&str>, shape: Shape) -> bool {
    let builds = Builds::of(shape);
    let world = World::new(server, shape, &builds);
    let address = world.master().web();
    println!(
        "{}: {} products, {} branches",
        world.placed.engine(),
        shape.products,
        shape.branches
    );
    let usual: Arc<[Request]> = draw(address, shape, &builds, (0, 0)).into();
    // Everything is asked once by every thread of the master, or nearly so.
    let seen = fastest(address, &usual, TURN);
    let bytes = seen.body_bytes / seen.answers.max(1);
    println!(
        "{:9.0} answers/s the first time, {bytes} bytes each",
        seen.rate
    );
    let nginx = Nginx::start(
        &world.master().path("nginx"),
        usize::try_from(bytes).expect("a size"),
    );
    let file: Arc<[Request]> = [get(nginx.address, "/file", USUAL)].into();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        ours.push(fastest(address, &usual, TURN).rate);
        theirs.push(fastest(nginx.address, &file, TURN).rate);
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let ratio = ours / theirs;
    let mut is_fine = ratio >= RATIO_MIN;
    println!("{ours:9.0} answers/s at most, nginx {theirs:.0}");
    println!("{ratio:9.2} of nginx {}", mark(is_fine));
    let rate = ours / 2.0;
    let idle = AtomicBool::new(false);
    is_fine &= told("at half of it", paced(address, &usual, rate, PACED, &idle));
    let new = draw(address, shape, &builds, (NEW_EVERY, 1)).into();
    is_fine &= told("one in 100 new", paced(address, &new, rate, PACED, &idle));
    let new = draw(address, shape, &builds, (NEW_EVERY, 2)).into();
    let stop = AtomicBool::new(false);
    let (seen, recorded) = std::thread::scope(|scope| {
        let recorder = scope.spawn(|| world.keep_recording(&stop));
        let seen = paced(address, &new, rate, PACED, &stop);
        (seen, recorder.join().expect("products are recorded"))
    });
    is_fine &= told(&format!("and {recorded} products recorded"), seen);
    is_fine
}

/// Prints how long answers took; whether all kinds are quick enough.
fn told(what: &str, seen: load::Seen) -> bool {
    let mut is_fine = true;
    println!("{:9.0} answers/s {what}:", seen.rate);
    for (kind, name) in [
        (USUAL, "usual"),
        (NEW, "never asked before"),
        (UNDER_ROLLOUT, "under a rollout"),
    ] {
        let Some(times) = seen.times.get(kind).filter(|times| !times.is_empty()) else {
            continue;
        };
        let p99 = within(times, 0.99);
        is_fine &= p99 <= P99_MAX;
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "{:9.2} ms p50 {:8.2} ms p99 {:8.2} ms at most {} {name}, {}",
            millis(within(times, 0.5)),
            millis(p99),
            millis(within(times, 1.0)),
            mark(p99 <= P99_MAX),
            times.len(),
        );
    }
    is_fine
}

fn mark(is_fine: bool) -> char {
    if is_fine { ' ' } else { '!' }
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}
