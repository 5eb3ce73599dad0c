//! Finding "the build I was given": by what a person has in hand, at any age.

use super::view;
use super::walk::{Bind, PUBLIC, ids};
use crate::clock::Time;
use crate::db::{Conn, DbResult};
use crate::ids::ProductId;
use crate::model::{FoundProduct, Sight};

/// Products told of one way to find them, the newest: more is for the list and its filters.
const ROWS_MAX: usize = 20;
/// Digits that make a revision or hash worth looking for.
const DIGITS_MIN: usize = 7;
/// Digits by which the index of the longer hashes goes.
const HASH_START: usize = 16;

/// The products that `text` may mean: version, build number (`#12`, `12` or `builder/12`), start
/// of a revision, hash of a file, name of a file, or the address of one. Newest first for each way.
pub fn find(conn: &mut Conn, sight: Sight, now: Time, text: &str) -> DbResult<Vec<FoundProduct>> {
    let seen = match sight {
        Sight::Everything => String::new(),
        Sight::Public => format!(" AND {PUBLIC}"),
    };
    let text = in_address(text.trim());
    let mut found: Vec<FoundProduct> = Vec::new();
    for (by, condition, binds) in ways(text) {
        let sql = format!("SELECT p.id FROM {condition}{seen} ORDER BY p.id DESC LIMIT {ROWS_MAX}");
        let ids: Vec<ProductId> = ids(conn, &sql, &binds)?
            .into_iter()
            .map(ProductId)
            .collect();
        for product in view::find_all(conn, now, &ids)? {
            if !found.iter().any(|known| known.product.id == product.id) {
                let by = by.to_owned();
                found.push(FoundProduct { by, product });
            }
        }
    }
    Ok(found)
}

/// The hash in the address of a file, else the text itself.
fn in_address(text: &str) -> &str {
    let hash = text.split_once("/files/").map(|(_, rest)| rest);
    hash.and_then(|rest| rest.split('/').next()).unwrap_or(text)
}

type Found = (&'static str, &'static str, Vec<Bind>);

fn ways(text: &str) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    if text.is_empty() {
        return all;
    }
    let (builder, number) = match text.rsplit_once(['/', '#']) {
        Some((builder, number)) => (builder.trim(), number),
        None => ("", text),
    };
    if let Ok(number) = number.trim().parse::<i64>() {
        if builder.is_empty() {
            let way = "products p WHERE p.build_number = ?";
            all.push(("build number", way, vec![Bind::Int(number)]));
        } else {
            let way = "products p WHERE p.build_number = ? AND p.builder = ?";
            all.push(("build number", way, vec![Bind::Int(number), builder.into()]));
        }
    }
    let whole = || vec![Bind::from(text)];
    all.push(("version", "products p WHERE p.version = ?", whole()));
    let by = "products p WHERE p.feed_version = ?";
    all.push(("version", by, whole()));
    let hex = text.to_ascii_lowercase();
    let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex && hex.len() >= DIGITS_MIN {
        all.extend(by_digits(&hex));
    }
    let by = "product_files f JOIN products p ON p.id = f.product_id WHERE f.name = ?";
    all.push(("file name", by, whole()));
    all
}

/// Revisions and hashes; letters sort behind digits, so `g` ends what begins with some digits.
fn by_digits(hex: &str) -> Vec<Found> {
    let range = || vec![Bind::from(hex), Bind::from(format!("{hex}g"))];
    let start = || {
        let start = hex.get(..HASH_START).unwrap_or(hex);
        vec![Bind::from(start), Bind::from(hex)]
    };
    let mut all: Vec<Found> = Vec::new();
    if hex.len() <= 64 {
        let by = "products p WHERE p.revision >= ? AND p.revision < ?";
        all.push(("revision", by, range()));
        let by = "product_files f JOIN products p ON p.id = f.product_id \
                  WHERE f.blob_sha256 >= ? AND f.blob_sha256 < ?";
        all.push(("sha256", by, range()));
    }
    if hex.len() == 40 {
        let by = "blobs b JOIN product_files f ON f.blob_sha256 = b.sha256 \
                  JOIN products p ON p.id = f.product_id \
                  WHERE substr(b.sha1, 1, 16) = ? AND b.sha1 = ?";
        all.push(("sha1", by, start()));
    }
    if hex.len() == 128 {
        let by = "blobs b JOIN product_files f ON f.blob_sha256 = b.sha256 \
                  JOIN products p ON p.id = f.product_id \
                  WHERE substr(b.sha512, 1, 16) = ? AND b.sha512 = ?";
        all.push(("sha512", by, start()));
    }
    all
}
