//! How long a plan of a million products takes, and how much memory: a dry run and a stored plan
//! by the command, on a database without anything else to do.
//!
//! `cargo bench -p windlass-tests --bench retention`; `WINDLASS_BENCH_PRODUCTS` and
//! `WINDLASS_BENCH_BRANCHES` change the size, `WINDLASS_TEST_POSTGRES` adds PostgreSQL.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use windlass_tests::programs::windlass;
use windlass_tests::seed::{Placed, Shape};

/// What a plan must be within.
const PLAN_MAX: Duration = Duration::from_secs(10);
/// Memory that a plan may take at most, KiB: it does not grow with the products.
const MEMORY_KIB_MAX: u64 = 80 * 1024;
/// Products of a smaller database, which must not take less memory by more than a third.
const FEWER: i64 = 10;

fn main() -> ExitCode {
    let shape = Shape::asked_for();
    let _ = windlass();
    let mut is_fine = measure(None, shape);
    if let Ok(server) = std::env::var("WINDLASS_TEST_POSTGRES") {
        is_fine &= measure(Some(&server), shape);
    }
    match is_fine {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Plans of so many products and of a tenth of them.
fn measure(server: Option<&str>, shape: Shape) -> bool {
    let fewer = Shape {
        products: shape.products / FEWER,
        ..shape
    };
    let (few, many) = (plans(server, fewer), plans(server, shape));
    let is_flat = |(few, many): (&Plan, &Plan)| {
        many.memory_kib <= MEMORY_KIB_MAX && many.memory_kib <= few.memory_kib / 3 * 4
    };
    let is_flat = few.iter().zip(&many).all(is_flat);
    let is_quick = many.iter().all(|plan| plan.took <= PLAN_MAX);
    for (wrong, what) in [(!is_flat, "memory grows"), (!is_quick, "it takes too long")] {
        if wrong {
            println!("! {what}");
        }
    }
    is_flat && is_quick
}

/// One plan.
struct Plan {
    took: Duration,
    memory_kib: u64,
}

/// A dry plan and a stored one.
fn plans(server: Option<&str>, shape: Shape) -> Vec<Plan> {
    let configuration = "[project.app-1]\n\n[retention.default]\n";
    let placed = Placed::new(server, shape, configuration);
    let master = &placed.master;
    let plan = |more: &[&str]| {
        let mut command = Command::new("/usr/bin/time");
        command.args(["-f", "%M", "-o", "memory"]).arg(windlass());
        command
            .args(["retention", "plan", "--config", "windlass.toml"])
            .args(more);
        let begun = Instant::now();
        let output = command.current_dir(master.path("")).output();
        let output = output.expect("/usr/bin/time, of the package time");
        let took = begun.elapsed();
        let told = String::from_utf8_lossy(&output.stdout);
        let faults = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}{faults}");
        let memory = std::fs::read_to_string(master.path("memory"));
        let memory = memory.ok().and_then(|text| text.trim().parse().ok());
        let memory_kib = memory.expect("a figure of memory");
        println!(
            "{}, {} products, plan {more:?}: {:.1} s, {memory_kib} KiB; {}",
            placed.engine(),
            shape.products,
            took.as_secs_f64(),
            told.lines().next().unwrap_or_default(),
        );
        Plan { took, memory_kib }
    };
    vec![plan(&["--dry-run"]), plan(&[])]
}
