//! Walking products from the newest id down, by the index that lets the fewest rows through, over
//! a bounded number of rows. Which questions there are is `list`'s.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::db::conn::per_engine;
use crate::db::{Conn, DbResult};

/// That the product `p` is of no private project.
pub(in crate::db) const PUBLIC: &str =
    "p.project_id NOT IN (SELECT q.id FROM projects q WHERE q.private)";

/// Rows of the chosen index that one page looks at when more is asked than the index answers: some
/// 20 ms of scattered reads.
const ROWS_MAX: i64 = 5_000;
/// The same where the rows are read in the order they lie in.
const ROWS_IN_ORDER_MAX: i64 = 20_000;
/// Rows up to which indexes are told apart by counting: all further ones are alike, for their rows
/// fill a page soon or reach the bound.
const COUNTED_MAX: i64 = 2_000;

/// A value of a query.
#[derive(Debug, Clone)]
pub(in crate::db) enum Bind {
    /// A number.
    Int(i64),
    /// A text.
    Text(String),
}

impl From<&str> for Bind {
    fn from(text: &str) -> Self {
        // PostgreSQL holds no NUL, so nothing is equal to a text with one.
        Self::Text(text.replace('\0', "\u{fffd}"))
    }
}

impl From<String> for Bind {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

/// A condition on the row `p`, with `?` for its values.
#[derive(Debug, Clone)]
pub(super) struct Test {
    pub(super) sql: String,
    /// Columns of `products` that it reads besides the id.
    pub(super) columns: Vec<&'static str>,
    pub(super) binds: Vec<Bind>,
}

/// An index that finds rows in the order of their ids.
#[derive(Debug, Clone)]
pub(super) struct Way {
    /// The tables, the row of products being `p`.
    pub(super) from: &'static str,
    /// What the index answers.
    pub(super) filter: &'static str,
    /// Tables and condition for counting its rows; the last value is the id they are below.
    pub(super) count: &'static str,
    /// The id within the index.
    pub(super) key: &'static str,
    pub(super) binds: Vec<Bind>,
}

impl Way {
    /// An index of the table itself.
    pub(super) fn of_products(filter: &'static str, binds: Vec<Bind>) -> Self {
        Self {
            from: "products p",
            filter,
            count: "",
            key: "p.id",
            binds,
        }
    }

    /// All of the table.
    fn all() -> Self {
        Self::of_products("1 = 1", Vec::new())
    }

    fn count(&self) -> String {
        match self.count {
            "" => format!("{} WHERE {} AND {} < ?", self.from, self.filter, self.key),
            own => own.to_owned(),
        }
    }
}

/// One thing that is asked.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// The indexes that together answer it; none where none does.
    pub(super) ways: Vec<Way>,
    /// Whether their rows need no further test for it.
    pub(super) is_exact: bool,
    pub(super) test: Test,
}

impl Item {
    /// That a column, which leads an index with the id behind it, has a value.
    pub(super) fn equal(filter: &'static str, column: &'static str, value: Bind) -> Self {
        Self {
            ways: vec![Way::of_products(filter, vec![value.clone()])],
            is_exact: true,
            test: Test {
                sql: filter.to_owned(),
                columns: vec![column],
                binds: vec![value],
            },
        }
    }

    /// A condition that no index answers.
    pub(super) fn test_only(sql: &str, column: &'static str, value: Bind) -> Self {
        Self {
            ways: Vec::new(),
            is_exact: true,
            test: Test {
                sql: sql.to_owned(),
                columns: vec![column],
                binds: vec![value],
            },
        }
    }
}

/// The ids that are walked: from below `before` down to `least`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) least: i64,
    pub(super) before: i64,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// At most as many ids as were asked for, the highest first.
    pub(super) ids: Vec<i64>,
    /// Where the next walk begins; absent when there is nothing further.
    pub(super) next: Option<i64>,
}

/// The first `rows_max` ids of `range` for which every item holds.
pub(super) fn walk(
    conn: &mut Conn,
    items: &[Item],
    range: Range,
    rows_max: usize,
) -> DbResult<Found> {
    let chosen = choose(conn, items, range)?;
    let everything = [Way::all()];
    let ways = chosen.map_or(&everything[..], |at| &items[at].ways);
    let asked = items.iter().enumerate();
    let tests: Vec<&Test> = asked
        .filter(|(at, item)| Some(*at) != chosen || !item.is_exact)
        .map(|(_, item)| &item.test)
        .collect();
    let rows_walked = match chosen {
        None => ROWS_IN_ORDER_MAX,
        Some(_) => ROWS_MAX,
    };
    let (mut ids, mut floor) = (Vec::new(), 0);
    for way in ways {
        let found = way_down(conn, way, &tests, range, rows_max, rows_walked)?;
        floor = floor.max(found.1);
        ids.extend(found.0);
    }
    // Below the highest floor some way may have rows that were not looked at.
    ids.retain(|id| *id >= floor);
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.dedup();
    let has_more = ids.len() > rows_max;
    ids.truncate(rows_max);
    let last = ids.last().copied().filter(|_| has_more);
    let next = last.or((floor > 0).then_some(floor));
    Ok(Found { ids, next })
}

/// The item whose indexes let the fewest rows through.
fn choose(conn: &mut Conn, items: &[Item], range: Range) -> DbResult<Option<usize>> {
    let with_ways = items.iter().enumerate();
    let with_ways: Vec<usize> = with_ways
        .filter(|(_, item)| !item.ways.is_empty())
        .map(|(at, _)| at)
        .collect();
    if let [] | [_] = with_ways[..] {
        return Ok(with_ways.first().copied());
    }
    let mut least = None;
    for at in with_ways {
        let mut rows = 0;
        for way in &items[at].ways {
            rows += count(conn, way, range)?;
        }
        if least.is_none_or(|(fewest, _)| rows < fewest) {
            least = Some((rows, at));
        }
    }
    Ok(least.map(|(_, at)| at))
}

fn count(conn: &mut Conn, way: &Way, range: Range) -> DbResult<i64> {
    let text = format!(
        "SELECT COUNT(*) AS id FROM (SELECT 1 FROM {} LIMIT {COUNTED_MAX}) c",
        way.count()
    );
    let mut binds = way.binds.clone();
    binds.push(Bind::Int(range.before));
    Ok(ids(conn, &text, &binds)?.first().copied().unwrap_or(0))
}

/// The ids of one way, one more than `rows_max`, and the id down to which they are all: 0 when
/// there is nothing below.
fn way_down(
    conn: &mut Conn,
    way: &Way,
    tests: &[&Test],
    range: Range,
    rows_max: usize,
    rows_walked: i64,
) -> DbResult<(Vec<i64>, i64)> {
    let Way {
        from, filter, key, ..
    } = way;
    let inside = format!("FROM {from} WHERE {filter} AND {key} < ? AND {key} >= ?");
    let order = format!("ORDER BY {key} DESC");
    let mut binds = way.binds.clone();
    binds.extend([Bind::Int(range.before), Bind::Int(range.least)]);
    let wanted = rows_max + 1;
    if tests.is_empty() {
        let text = format!("SELECT {key} AS id {inside} {order} LIMIT {wanted}");
        let found = ids(conn, &text, &binds)?;
        let floor = found.get(rows_max).copied().unwrap_or(0);
        return Ok((found, floor));
    }
    let mut columns: Vec<&str> = tests.iter().flat_map(|test| test.columns.clone()).collect();
    columns.sort_unstable();
    columns.dedup();
    let columns: String = columns.iter().map(|name| format!(", p.{name}")).collect();
    let all: Vec<&str> = tests.iter().map(|test| test.sql.as_str()).collect();
    // The inner limit bounds what is read, and both engines hand its rows on in its order.
    let text = format!(
        "SELECT p.id FROM (SELECT p.id{columns} {inside} {order} LIMIT {rows_walked}) p \
         WHERE {} LIMIT {wanted}",
        all.join(" AND ")
    );
    let bound = binds.clone();
    binds.extend(tests.iter().flat_map(|test| test.binds.clone()));
    let found = ids(conn, &text, &binds)?;
    if let Some(last) = found.get(rows_max) {
        return Ok((found.clone(), *last));
    }
    let last = format!(
        "SELECT {key} AS id {inside} {order} LIMIT 1 OFFSET {}",
        rows_walked - 1
    );
    let floor = ids(conn, &last, &bound)?.first().copied().unwrap_or(0);
    Ok((found, floor))
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Runs a query whose result is a column `id`; every `?` stands for the next of `binds`.
pub(in crate::db) fn ids(conn: &mut Conn, text: &str, binds: &[Bind]) -> DbResult<Vec<i64>> {
    let text = numbered(text);
    let rows: Vec<IdRow> = per_engine!(conn, inner => {
        let mut query = diesel::sql_query(text).into_boxed();
        for bind in binds {
            query = match bind {
                Bind::Int(value) => query.bind::<BigInt, _>(*value),
                Bind::Text(value) => query.bind::<Text, _>(value.as_str()),
            };
        }
        query.load(inner)?
    });
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// With `$1`, `$2`, … for each `?`, which both engines take.
fn numbered(text: &str) -> String {
    let mut parts = text.split('?');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (at, part) in parts.enumerate() {
        out.push_str(&format!("${}{part}", at + 1));
    }
    out
}
