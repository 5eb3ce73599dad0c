//! A database as large as wanted, made in minutes: projects, branches, and products with files,
//! revisions, properties and holds, by a few statements that both engines run themselves. What is
//! made is fixed by the numbers alone, so that two runs compare.

use std::path::PathBuf;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, SqliteConnection};
use windlass::db::Db;

mod placed;
pub use placed::Placed;

/// Products made by one statement: some hundred megabytes of memory at most.
const CHUNK: i64 = 50_000;
/// When the first product was recorded, microseconds: November 2023. Each comes a minute later.
pub const BEGIN_US: i64 = 1_700_000_000_000_000;
/// What products are made for, in turn.
pub const TARGETS: [&str; 6] = [
    "x86_64-linux",
    "aarch64-linux",
    "x86_64-windows",
    "aarch64-windows",
    "x86_64-macos",
    "aarch64-macos",
];

/// Where the database is.
#[derive(Debug, Clone)]
pub enum Store {
    /// A file.
    Sqlite(PathBuf),
    /// A URL of an empty database.
    Postgres(String),
}

/// How much is made.
#[derive(Debug, Clone, Copy, Hash)]
pub struct Shape {
    /// Products. Six in a row are one build's, one of each target. One in five builds is of branch 1.
    pub products: i64,
    /// Branches `branch-1`, `branch-2`, …, with the feed token `feed-N`; two in three are of `app-1`.
    pub branches: i64,
    /// Projects `app-1`, `app-2`, ….
    pub projects: i64,
    /// Files of each product: the first is the installer, the second the update.
    pub files: i64,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            products: 1_000_000,
            branches: 3_000,
            projects: 10,
            files: 1,
        }
    }
}

impl Shape {
    /// The usual shape; `WINDLASS_BENCH_PRODUCTS` and `WINDLASS_BENCH_BRANCHES` change it.
    #[must_use]
    pub fn asked_for() -> Self {
        let number = |name: &str, usual: i64| {
            let asked = std::env::var(name).ok().and_then(|text| text.parse().ok());
            asked.unwrap_or(usual)
        };
        let usual = Self::default();
        Self {
            products: number("WINDLASS_BENCH_PRODUCTS", usual.products),
            branches: number("WINDLASS_BENCH_BRANCHES", usual.branches),
            ..usual
        }
    }

    /// The projects as a configuration.
    #[must_use]
    pub fn configuration(&self) -> String {
        let project = |number| format!("[project.app-{number}]\n");
        (1..=self.projects).map(project).collect()
    }

    /// The name of the project of a branch.
    #[must_use]
    pub fn project_of(&self, branch: i64) -> String {
        let number = match branch % 3 {
            0 => 1 + branch % self.projects,
            _ => 1,
        };
        format!("app-{number}")
    }

    /// The branches of the builds from 0 on, as [`fill`] has them.
    pub fn branches_of_builds(&self) -> impl Iterator<Item = i64> {
        let branches = self.branches;
        (0..self.products / 6).map(move |build| match build % 5 {
            0 => 1,
            _ => 1 + (build + 1) * 2_654_435_761 % 4_294_967_296 % branches,
        })
    }
}

/// The version of a build's products.
#[must_use]
pub fn version_of(build: i64) -> String {
    let (first, second) = (2 + build / 100_000, build / 1_000 % 100);
    format!("{first}.{second}.{}", build % 1_000)
}

/// The product that a build made for a target of [`TARGETS`].
#[must_use]
pub fn product_of(build: i64, target: usize) -> i64 {
    let target = i64::try_from(target).unwrap_or(0);
    build * 6 + if target == 0 { 6 } else { target }
}

/// Makes the tables and fills them. The database must be empty; no master may run on it.
pub fn fill(store: &Store, shape: Shape) {
    let opened = match store {
        Store::Sqlite(path) => Db::open_sqlite(path),
        Store::Postgres(url) => Db::open_postgres(url),
    };
    if let Err(error) = &opened {
        panic!("{store:?}: {error}");
    }
    // The tables are there; nobody else may hold the file.
    drop(opened);
    let mut statements = vec![basics(shape)];
    let mut from = 1;
    while from <= shape.products {
        let until = (from + CHUNK).min(shape.products + 1);
        statements.push(products(store, shape, from, until));
        from = until;
    }
    if let Err(error) = run(store, &statements) {
        panic!("{store:?}: {error}");
    }
}

fn run(store: &Store, statements: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    match store {
        Store::Sqlite(path) => {
            let mut conn = SqliteConnection::establish(&path.to_string_lossy())?;
            conn.batch_execute("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000;")?;
            for statement in statements {
                conn.batch_execute(&format!("BEGIN;{statement}COMMIT;"))?;
            }
            conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE);")?;
        }
        Store::Postgres(url) => {
            let mut conn = PgConnection::establish(url)?;
            for statement in statements {
                conn.batch_execute(&format!("BEGIN;{statement}COMMIT;"))?;
            }
            for table in [
                "users",
                "projects",
                "branches",
                "products",
                "product_files",
                "holds",
            ] {
                conn.batch_execute(&format!(
                    "SELECT setval(pg_get_serial_sequence('{table}', 'id'), \
                     (SELECT COALESCE(MAX(id), 1) FROM {table}));"
                ))?;
            }
            conn.batch_execute("VACUUM ANALYZE")?;
        }
    }
    Ok(())
}

/// The numbers from `from` to below `until` as rows `n(i)`.
fn series(from: i64, until: i64) -> String {
    format!(
        "WITH RECURSIVE n(i) AS (SELECT CAST({from} AS BIGINT) \
         UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {until})"
    )
}

fn basics(shape: Shape) -> String {
    let Shape {
        branches, projects, ..
    } = shape;
    format!(
        "INSERT INTO users (id, name, role, disabled, created_at)
           VALUES (1, 'seeder', 'qa', TRUE, {BEGIN_US});
         {} INSERT INTO projects (id, name, title, created_at)
           SELECT i, 'app-' || i, 'App ' || i, {BEGIN_US} FROM n;
         {} INSERT INTO branches (id, project_id, name, feed_token, state, created_at)
           SELECT i, CASE WHEN i % 3 = 0 THEN 1 + i % {projects} ELSE 1 END,
             'branch-' || i, 'feed-' || i, 'active', {BEGIN_US} FROM n;",
        series(1, projects + 1),
        series(1, branches + 1)
    )
}

/// One chunk of products with all that belongs to them.
fn products(store: &Store, shape: Shape, from: i64, until: i64) -> String {
    let hex = |number: &str| match store {
        Store::Sqlite(_) => format!("printf('%x', {number})"),
        Store::Postgres(_) => format!("to_hex({number})"),
    };
    // A number of 32 bits that looks like chance; the same only for the same `i`.
    let mixed = |i: &str| format!("(({i}) * 2654435761 % 4294967296)");
    let digits = |i: &str, count: usize| {
        let zeros = "0".repeat(count);
        let start = hex(&format!("({} + 4294967296)", mixed(i)));
        format!("substr({start} || '{zeros}', 1, {count})")
    };
    let build = "((i - 1) / 6)";
    let (of_build, of_product) = (mixed("(i - 1) / 6 + 1"), mixed("i"));
    let branch = format!(
        "(CASE WHEN {build} % 5 = 0 THEN 1 ELSE 1 + {of_build} % {} END)",
        shape.branches
    );
    let target: String = TARGETS
        .iter()
        .enumerate()
        .map(|(at, name)| format!(" WHEN {at} THEN '{name}'"))
        .collect();
    // In brackets, for SQLite joins texts before it divides.
    let version = format!(
        "((2 + {build} / 100000) || '.' || ({build} / 1000 % 100) || '.' || ({build} % 1000))"
    );
    let share = |divisor: i64, of: i64| format!("({of_product} / {divisor} % {of})");
    let (state, verdict, held) = (share(11, 1_000), share(13, 1_000), share(17, 10_000));
    let series = series(from, until);
    let mut sql = format!(
        "{series} INSERT INTO products (id, project_id, branch_id, target, version, feed_version,
             seq_position, seq_build, builder, build_number, revision, state, state_reason,
             row_version, went_backwards, built_at, recorded_at, recorded_by,
             verdict, held_until, size, files_total)
           SELECT i, b.project_id, b.id, CASE i % 6{target} END, {version}, {version},
             {build} + 1, {build} + 1,
             CASE WHEN i % 250000 = 7 THEN 'rare' ELSE 'package-' || (i % 40) END, {build} + 1, {},
             CASE WHEN {state} < 3 THEN 'released' WHEN {state} < 13 THEN 'candidate'
               WHEN {state} < 33 THEN 'withdrawn' WHEN {state} < 100 THEN 'expired'
               ELSE 'recorded' END, '', 1, FALSE,
             {BEGIN_US} + i * 60000000, {BEGIN_US} + i * 60000000, 'seeder',
             CASE WHEN {verdict} < 30 THEN 'good' WHEN {verdict} < 40 THEN 'bad'
               WHEN {verdict} < 45 THEN 'needs-work' ELSE 'untested' END,
             CASE WHEN {held} < 10 THEN 9223372036854775807 WHEN {held} < 500 THEN 1 ELSE 0 END,
             {} * (8000000 + i), {}
           FROM n JOIN branches b ON b.id = {branch};
         {series} INSERT INTO holds (product_id, kind, reason, owner_id, created_at, until_at)
           SELECT i, 'keep', 'for the seeder', 1, {BEGIN_US},
             CASE WHEN {held} < 10 THEN NULL ELSE 1 END FROM n WHERE {held} < 500;
         {series} INSERT INTO product_revisions (product_id, codebase, repository, branch, revision)
           SELECT i, 'app', 'app', 'branch-' || {branch}, {} FROM n;
         {series} INSERT INTO product_properties (product_id, name, value, source)
           SELECT i, 'flavour', CASE WHEN i % 2 = 0 THEN '\"release\"' ELSE '\"debug\"' END, 'form'
           FROM n;
         {series} INSERT INTO product_properties (product_id, name, value, source)
           SELECT i, 'ticket', '\"T-' || i || '\"', 'form' FROM n;",
        digits("(i - 1) / 6 + 1", 40),
        shape.files,
        shape.files,
        digits("(i - 1) / 6 + 1", 40),
    );
    for file in 0..shape.files {
        let number = format!("i * 16 + {file}");
        let (sha256, sha1, sha512) = (
            digits(&number, 64),
            digits(&number, 40),
            digits(&number, 128),
        );
        let role = ["installer", "update", "symbols"]
            .get(usize::try_from(file).unwrap_or(9))
            .unwrap_or(&"extra");
        sql.push_str(&format!(
            "{series} INSERT INTO blobs (sha256, sha1, sha512, size, state, generation, created_at)
               SELECT {sha256}, {sha1}, {sha512}, 8000000 + i, 'live', 1, {BEGIN_US} FROM n;
             {series} INSERT INTO product_files (product_id, role, name, blob_sha256, size, source_path)
               SELECT i, '{role}', 'app-' || {version} || '-' || (i % 6) || '.{file}.tar.gz',
                 {sha256}, 8000000 + i, 'dist/app.tar.gz' FROM n;"
        ));
    }
    sql
}
