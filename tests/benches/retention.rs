//! How long a plan of a million products takes, and how much memory: a dry run and a stored plan
//! by the command.
//!
//! `cargo bench -p windlass-tests --bench retention`; `WINDLASS_BENCH_PRODUCTS` changes the size.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use windlass_tests::master::Master;
use windlass_tests::programs::windlass;
use windlass_tests::seed::{Shape, Store, fill};

/// What a plan must be within.
const PLAN_MAX: Duration = Duration::from_secs(10);
/// Memory that a plan may take at most, KiB: it does not grow with the products.
const MEMORY_KIB_MAX: u64 = 80 * 1024;

fn main() -> ExitCode {
    let asked = std::env::var("WINDLASS_BENCH_PRODUCTS").ok();
    let asked = asked.and_then(|text| text.parse().ok());
    let shape = Shape {
        products: asked.unwrap_or(Shape::default().products),
        ..Shape::default()
    };
    let configuration = "[project.app-1]\n\n[retention.default]\n";
    let master = Master::new(configuration);
    std::fs::create_dir_all(master.path("data")).expect("a data folder");
    fill(&Store::Sqlite(master.path("data/windlass.sqlite")), shape);
    let mut is_fine = true;
    for more in [&["--dry-run"][..], &[]] {
        let mut command = Command::new("/usr/bin/time");
        command.args(["-f", "%M", "-o", "memory"]).arg(windlass());
        command
            .args(["retention", "plan", "--config", "windlass.toml"])
            .args(more);
        let begun = Instant::now();
        let output = command
            .current_dir(master.path(""))
            .output()
            .expect("it runs");
        let took = begun.elapsed();
        let memory = std::fs::read_to_string(master.path("memory")).unwrap_or_default();
        let memory = memory.trim().parse().unwrap_or(u64::MAX);
        is_fine &= output.status.success() && took <= PLAN_MAX && memory <= MEMORY_KIB_MAX;
        println!(
            "plan {more:?}: {:.1} s, {memory} KiB\n{}{}",
            took.as_secs_f64(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
    }
    match is_fine {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
