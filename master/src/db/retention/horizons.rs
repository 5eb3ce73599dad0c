//! The ends of what grows beside products: events, the audit trail, mails, logs and builds. Each
//! call removes a piece, so that no transaction holds up others; zero says that nothing is left.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use crate::clock::Time;
use crate::db::{Conn, DbResult};

/// Rows removed in one transaction: some ten milliseconds.
const PIECE_MAX: i64 = 2_000;
/// Builds or logs removed in one transaction, each with all that belongs to it.
const BUILDS_MAX: i64 = 50;
/// The newest builds of every builder stay, so that its page shows how it went and mails know what
/// changed.
const NEWEST_BUILDS: i64 = 50;

/// Removes events of before `before` that no listener has to read yet and no mail tells of.
pub fn events(conn: &mut Conn, before: Time) -> DbResult<usize> {
    run(
        conn,
        &format!(
            "DELETE FROM events WHERE seq IN (SELECT e.seq FROM events e WHERE e.at < {} \
             AND e.seq < COALESCE((SELECT MIN(c.seq) FROM cursors c), {}) \
             AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.event_seq = e.seq) \
             ORDER BY e.seq LIMIT {PIECE_MAX})",
            before.0,
            i64::MAX
        ),
    )
}

/// Removes rows of the audit trail of before `before`.
pub fn audit(conn: &mut Conn, before: Time) -> DbResult<usize> {
    run(
        conn,
        &format!(
            "DELETE FROM audit WHERE id IN (SELECT a.id FROM audit a WHERE a.at < {} \
             ORDER BY a.id LIMIT {PIECE_MAX})",
            before.0
        ),
    )
}

/// Removes mails of before `before` that were sent or given up.
pub fn mails(conn: &mut Conn, before: Time) -> DbResult<usize> {
    run(
        conn,
        &format!(
            "DELETE FROM outbox WHERE id IN (SELECT o.id FROM outbox o \
             WHERE o.state IN ('sent', 'failed') AND o.created_at < {} \
             ORDER BY o.id LIMIT {PIECE_MAX})",
            before.0
        ),
    )
}

/// A log whose row is gone: its file may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoneLog {
    /// Path below the data folder.
    pub path: String,
    /// Whether the file is compressed.
    pub compressed: bool,
}

#[derive(QueryableByName)]
struct LogRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    path: String,
    #[diesel(sql_type = Bool)]
    compressed: bool,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Removes logs of a project's builds that ended before `before`, and returns their files.
pub fn logs(conn: &mut Conn, project: &str, before: Time) -> DbResult<Vec<GoneLog>> {
    let text = format!(
        "SELECT l.id, l.path, l.compressed FROM builds b \
         JOIN builders r ON r.id = b.builder_id JOIN projects j ON j.id = r.project_id \
         JOIN steps s ON s.build_id = b.id JOIN logs l ON l.step_id = s.id \
         WHERE j.name = '{}' AND b.state = 'finished' AND b.finished_at < {} \
         AND l.state = 'closed' ORDER BY b.id, l.id LIMIT {BUILDS_MAX}",
        project.replace('\'', "''"),
        before.0
    );
    let rows: Vec<LogRow> = diesel::sql_query(text).load(conn)?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    remove_logs(conn, &ids)?;
    let gone = |row: LogRow| GoneLog {
        path: row.path,
        compressed: row.compressed,
    };
    Ok(rows.into_iter().map(gone).collect())
}

fn remove_logs(conn: &mut Conn, ids: &[i64]) -> DbResult<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let list = numbers(ids);
    run(
        conn,
        &format!("DELETE FROM commands WHERE log_id IN ({list})"),
    )?;
    run(conn, &format!("DELETE FROM logs WHERE id IN ({list})"))?;
    Ok(())
}

/// Removes builds of a project that ended before `before` and that no product names, with all that
/// belongs to them, but the newest of each builder; returns how many, and the files of their logs.
pub fn builds(conn: &mut Conn, project: &str, before: Time) -> DbResult<(usize, Vec<GoneLog>)> {
    let text = format!(
        "SELECT b.id FROM builds b JOIN builders r ON r.id = b.builder_id \
         JOIN projects j ON j.id = r.project_id \
         WHERE j.name = '{}' AND b.state = 'finished' AND b.finished_at < {} \
         AND b.number < r.next_number - {NEWEST_BUILDS} \
         AND NOT EXISTS (SELECT 1 FROM products p WHERE p.build_id = b.id) \
         ORDER BY b.id LIMIT {BUILDS_MAX}",
        project.replace('\'', "''"),
        before.0
    );
    let rows: Vec<Id> = diesel::sql_query(text).load(conn)?;
    let ids: Vec<i64> = rows.into_iter().map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok((0, Vec::new()));
    }
    let list = numbers(&ids);
    let steps = format!("(SELECT s.id FROM steps s WHERE s.build_id IN ({list}))");
    let text = format!("SELECT l.id, l.path, l.compressed FROM logs l WHERE l.step_id IN {steps}");
    let logs: Vec<LogRow> = diesel::sql_query(text).load(conn)?;
    let requests: Vec<Id> = diesel::sql_query(format!(
        "SELECT b.request_id AS id FROM builds b WHERE b.id IN ({list})"
    ))
    .load(conn)?;
    let requests: Vec<i64> = requests.into_iter().map(|row| row.id).collect();
    let requests = numbers(&requests);
    for text in [
        format!("DELETE FROM commands WHERE step_id IN {steps}"),
        format!("DELETE FROM logs WHERE step_id IN {steps}"),
        format!("DELETE FROM artifacts WHERE build_id IN ({list})"),
        format!("DELETE FROM steps WHERE build_id IN ({list})"),
        format!("DELETE FROM build_properties WHERE build_id IN ({list})"),
        format!("UPDATE outbox SET build_id = NULL WHERE build_id IN ({list})"),
        format!("DELETE FROM builds WHERE id IN ({list})"),
        format!("DELETE FROM source_stamps WHERE request_id IN ({requests})"),
        format!("DELETE FROM request_changes WHERE request_id IN ({requests})"),
        format!("DELETE FROM requests WHERE id IN ({requests})"),
    ] {
        run(conn, &text)?;
    }
    let gone = |row: LogRow| GoneLog {
        path: row.path,
        compressed: row.compressed,
    };
    Ok((ids.len(), logs.into_iter().map(gone).collect()))
}

fn numbers(ids: &[i64]) -> String {
    let all: Vec<String> = ids.iter().map(i64::to_string).collect();
    all.join(", ")
}

fn run(conn: &mut Conn, text: &str) -> DbResult<usize> {
    Ok(diesel::sql_query(text).execute(conn)?)
}
