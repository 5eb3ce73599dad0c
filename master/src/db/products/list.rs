//! Which products a list shows. A list walks one index from the newest id down, the one that lets
//! the fewest rows through, and looks at a bounded number of rows: a page is quick however many
//! products there are and whatever is asked, and says where it stopped.

use diesel::prelude::*;

use super::view;
use super::walk::{Bind, Item, PUBLIC, Range, Test, Way, walk};
use crate::clock::Time;
use crate::db::schema::{branches, projects};
use crate::db::{Conn, DbResult, Engine};
use crate::ids::ProductId;
use crate::model::{PAGE_ROWS_MAX, Page, Product, ProductFilter};

/// Branches of one name that are looked at: as many projects may have a `main`.
const BRANCHES_MAX: i64 = 200;
/// Products around a moment among which the first or last id is looked for, so that a clock that
/// was set back a little hides nothing.
const AROUND_MAX: i64 = 1_000;

/// One page of the products that `filter` lets through, the newest recorded first. Where there is
/// a next page the list is not over, though this page may hold few rows or none: it ended with the
/// rows that one request may look at.
pub fn page(
    conn: &mut Conn,
    now: Time,
    filter: &ProductFilter,
) -> DbResult<Page<Product, ProductId>> {
    let Some((items, range)) = items(conn, now, filter)? else {
        return Ok(Page {
            items: Vec::new(),
            next: None,
        });
    };
    let found = walk(conn, &items, range, PAGE_ROWS_MAX)?;
    let ids: Vec<ProductId> = found.ids.into_iter().map(ProductId).collect();
    Ok(Page {
        items: view::find_all(conn, now, &ids)?,
        next: found.next.map(ProductId),
    })
}

/// What `filter` asks, one item each; nothing when no product can be what it names.
fn items(
    conn: &mut Conn,
    now: Time,
    filter: &ProductFilter,
) -> DbResult<Option<(Vec<Item>, Range)>> {
    let mut items = Vec::new();
    let Some(range) = range(conn, filter)? else {
        return Ok(None);
    };
    if let Some(name) = &filter.branch {
        let ids = branch_ids(conn, name, filter.project.as_deref())?;
        if ids.is_empty() {
            return Ok(None);
        }
        items.push(branch(&ids, filter.target.as_deref()));
    } else if let Some(name) = &filter.project {
        let id: Option<i64> = projects::table
            .filter(projects::name.eq(name))
            .select(projects::id)
            .first(conn)
            .optional()?;
        let Some(id) = id else {
            return Ok(None);
        };
        items.push(Item::equal("p.project_id = ?", "project_id", Bind::Int(id)));
    }
    if let (Some(target), None) = (&filter.target, &filter.branch) {
        items.push(Item::equal(
            "p.target = ?",
            "target",
            target.as_str().into(),
        ));
    }
    if filter.public_only && has_private(conn)? {
        items.push(Item {
            ways: Vec::new(),
            is_exact: true,
            test: Test {
                sql: PUBLIC.to_owned(),
                columns: vec!["project_id"],
                binds: Vec::new(),
            },
        });
    }
    if let Some(builder) = &filter.builder {
        items.push(Item::equal(
            "p.builder = ?",
            "builder",
            builder.as_str().into(),
        ));
    }
    if let Some(build) = filter.build {
        items.push(Item::equal(
            "p.build_id = ?",
            "build_id",
            Bind::Int(build.0),
        ));
    }
    if let Some(verdict) = filter.verdict {
        items.push(Item::equal(
            "p.verdict = ?",
            "verdict",
            verdict.as_str().into(),
        ));
    }
    if let Some(state) = filter.state {
        items.push(Item::equal("p.state = ?", "state", state.as_str().into()));
    }
    if let Some((name, value)) = &filter.property {
        items.push(property(name, value));
    }
    if let Some(held) = filter.held {
        items.push(holds(conn.engine(), held, now));
    }
    if let Some(part) = &filter.version {
        let test = "lower(p.version) LIKE ? ESCAPE '\\'";
        items.push(Item::test_only(test, "version", pattern(part).into()));
    }
    for (test, moment) in [
        ("p.recorded_at >= ?", filter.from),
        ("p.recorded_at < ?", filter.until),
    ] {
        if let Some(moment) = moment {
            items.push(Item::test_only(test, "recorded_at", Bind::Int(moment.0)));
        }
    }
    Ok(Some((items, range)))
}

fn has_private(conn: &mut Conn) -> DbResult<bool> {
    let private = projects::table.filter(projects::private.eq(true));
    Ok(diesel::select(diesel::dsl::exists(private)).get_result(conn)?)
}

fn branch_ids(conn: &mut Conn, name: &str, project: Option<&str>) -> DbResult<Vec<i64>> {
    let mut query = branches::table
        .inner_join(projects::table)
        .filter(branches::name.eq(name))
        .select(branches::id)
        .limit(BRANCHES_MAX)
        .into_boxed();
    if let Some(project) = project {
        query = query.filter(projects::name.eq(project));
    }
    Ok(query.load(conn)?)
}

/// Products of one of these branches, and of the target where one is named.
fn branch(ids: &[i64], target: Option<&str>) -> Item {
    let of = |id: &i64| match target {
        Some(target) => Way::of_products(
            "p.branch_id = ? AND p.target = ?",
            vec![Bind::Int(*id), target.into()],
        ),
        None => Way::of_products("p.branch_id = ?", vec![Bind::Int(*id)]),
    };
    let places = vec!["?"; ids.len()].join(", ");
    let mut sql = format!("p.branch_id IN ({places})");
    let mut binds: Vec<Bind> = ids.iter().map(|id| Bind::Int(*id)).collect();
    let mut columns = vec!["branch_id"];
    if let Some(target) = target {
        sql.push_str(" AND p.target = ?");
        binds.push(target.into());
        columns.push("target");
    }
    Item {
        ways: ids.iter().map(of).collect(),
        is_exact: true,
        test: Test {
            sql,
            columns,
            binds,
        },
    }
}

/// Products with a property, its value given as JSON text or as the text itself.
fn property(name: &str, value: &str) -> Item {
    let json = serde_json::Value::from(value).to_string();
    let way = |value: &str| Way {
        from: "product_properties w CROSS JOIN products p",
        filter: "p.id = w.product_id AND w.name = ? AND w.value = ?",
        count: "product_properties w WHERE w.name = ? AND w.value = ? AND w.product_id < ?",
        key: "w.product_id",
        binds: vec![name.into(), value.into()],
    };
    Item {
        ways: vec![way(value), way(&json)],
        is_exact: true,
        test: Test {
            sql: "EXISTS (SELECT 1 FROM product_properties w WHERE w.product_id = p.id \
                  AND w.name = ? AND w.value IN (?, ?))"
                .to_owned(),
            columns: Vec::new(),
            binds: vec![name.into(), value.into(), json.as_str().into()],
        },
    }
}

/// Products that a hold protects at `now`, or those that none does.
fn holds(engine: Engine, held: bool, now: Time) -> Item {
    if !held {
        return Item::test_only("p.held_until <= ?", "held_until", Bind::Int(now.0));
    }
    // SQLite would take the table itself, which has the same order.
    let (from, count) = match engine {
        Engine::Sqlite => (
            "products p INDEXED BY products_held",
            "products p INDEXED BY products_held WHERE p.held_until > 0 AND p.id < ?",
        ),
        Engine::Postgres => (
            "products p",
            "products p WHERE p.held_until > 0 AND p.id < ?",
        ),
    };
    let way = Way {
        from,
        filter: "p.held_until > 0",
        count,
        key: "p.id",
        binds: Vec::new(),
    };
    Item {
        ways: vec![way],
        is_exact: false,
        ..Item::test_only("p.held_until > ?", "held_until", Bind::Int(now.0))
    }
}

/// The ids that may lie in the filter's time; nothing when none does.
fn range(conn: &mut Conn, filter: &ProductFilter) -> DbResult<Option<Range>> {
    let mut range = Range {
        least: 0,
        before: filter.before.map_or(i64::MAX, |id| id.0),
    };
    if let Some(from) = filter.from {
        let Some(first) = around(conn, "recorded_at >= ? ORDER BY recorded_at", from)? else {
            return Ok(None);
        };
        range.least = first.0;
    }
    if let Some(until) = filter.until {
        let Some(last) = around(conn, "recorded_at < ? ORDER BY recorded_at DESC", until)? else {
            return Ok(None);
        };
        range.before = range.before.min(last.1.saturating_add(1));
    }
    Ok(Some(range))
}

/// The lowest and the highest id of the products nearest to a moment.
fn around(conn: &mut Conn, which: &str, moment: Time) -> DbResult<Option<(i64, i64)>> {
    let text = format!("SELECT id FROM products WHERE {which} LIMIT {AROUND_MAX}");
    let ids = super::walk::ids(conn, &text, &[Bind::Int(moment.0)])?;
    let least = ids.iter().min().copied();
    Ok(least.zip(ids.iter().max().copied()))
}

/// A LIKE pattern for "contains", in lower case.
fn pattern(part: &str) -> String {
    let mut pattern = String::from("%");
    for c in part.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
