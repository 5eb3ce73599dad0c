//! What may be announced: every field of a product that comes from outside, checked and put into
//! one form, so that the same announcement is the same text.

use std::collections::BTreeSet;

use crate::db::{Conn, DbResult, drafts, uploads};
use crate::error::{Error, Result};
use crate::model::{Blob, ProductRecord, RecordFile, check_os_range, check_os_version};
use crate::updates;

/// Longest version, target, revision and the like, bytes: as a product step takes them.
const TEXT_BYTES_MAX: usize = 200;
/// Longest name of a branch and of a file: what file systems take.
const NAME_BYTES_MAX: usize = 255;
/// Longest role.
const ROLE_BYTES_MAX: usize = 40;
/// Longest notes: some pages of text.
const NOTES_BYTES_MAX: usize = 64 * 1024;
/// Files of one product: installers, updates, deltas and symbols of one target are tens.
const FILES_MAX: usize = 200;
/// Properties of one product.
const PROPERTIES_MAX: usize = 200;
/// Longest value of a property, as JSON.
const VALUE_BYTES_MAX: usize = 4 * 1024;
/// Codebases of one product.
const REVISIONS_MAX: usize = 100;
/// Signatures of one file: one per scheme and key.
const SIGNATURES_MAX: usize = 10;
/// Longest signature text; an OpenPGP one has a few KiB.
const SIGNATURE_BYTES_MAX: usize = 16 * 1024;
/// Largest file: a disk image of everything is a tenth of it.
const FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024 * 1024;
/// Highest position and number that is taken: far above any, far below the end of the numbers.
const ORDER_MAX: i64 = 1_000_000_000_000;
/// The builder of products that name none.
const BUILDER: &str = "upload";

/// A product that may be announced.
#[derive(Debug, Clone)]
pub(super) struct Announced {
    /// As it was checked.
    pub(super) record: ProductRecord,
    /// The same as text.
    pub(super) json: String,
    /// Its files.
    pub(super) files: Vec<uploads::NewUpload>,
}

/// Where a product comes from.
#[derive(Debug, Clone, Default)]
pub(super) struct Origin {
    /// Name of the builder.
    pub(super) builder: String,
    /// Number of the build, where it is known.
    pub(super) number: Option<i64>,
    /// Position on the branch, where it is known.
    pub(super) position: Option<i64>,
    /// Revision of the first codebase; empty when nobody knows.
    pub(super) revision: String,
    /// Revisions of a build of ours.
    pub(super) stamps: Vec<drafts::place::Stamp>,
}

/// Checks every field. Errors: `BadInput` with the JSON key.
pub(super) fn checked(mut record: ProductRecord) -> Result<Announced> {
    for (field, text) in [
        ("project", &record.project),
        ("target", &record.target),
        ("version", &record.version),
    ] {
        printable(field, text, TEXT_BYTES_MAX)?;
    }
    printable("branch", &record.branch, NAME_BYTES_MAX)?;
    if !record.revision.is_empty() {
        printable("revision", &record.revision, TEXT_BYTES_MAX)?;
    }
    for (field, text) in [("builder", &record.builder), ("runtime", &record.runtime)] {
        if let Some(text) = text {
            printable(field, text, TEXT_BYTES_MAX)?;
        }
    }
    for (field, version) in [("min_os", &record.min_os), ("max_os", &record.max_os)] {
        if let Some(version) = version {
            check_os_version(version).map_err(|text| Error::bad_input(field, text))?;
        }
    }
    check_os_range(record.min_os.as_deref(), record.max_os.as_deref())
        .map_err(|text| Error::bad_input("max_os", text))?;
    for (field, number) in [
        ("build_number", record.build_number),
        ("position", record.position),
    ] {
        if number.is_some_and(|number| !(0..=ORDER_MAX).contains(&number)) {
            return Err(Error::bad_input(field, "a number from 0 up is expected"));
        }
    }
    record.feed_version = feed_version(&record)?;
    texts(&record)?;
    if record.files.is_empty() || record.files.len() > FILES_MAX {
        let text = format!("1 to {FILES_MAX} files are expected");
        return Err(Error::bad_input("files", text));
    }
    let mut names = BTreeSet::new();
    for file in &mut record.files {
        check_file(file)?;
        if !names.insert(file.name.clone()) {
            let text = format!(
                "two files are called `{}`: each needs its own name",
                file.name
            );
            return Err(Error::bad_input("files", text));
        }
    }
    let json = serde_json::to_string(&record).map_err(Error::internal)?;
    let files = record.files.iter().map(upload).collect();
    Ok(Announced {
        record,
        json,
        files,
    })
}

/// The configured semantic version, else the one the version stands for.
fn feed_version(record: &ProductRecord) -> Result<Option<String>> {
    let Some(given) = &record.feed_version else {
        return Ok(updates::feed_version(&record.version));
    };
    let semantic = updates::feed_version(given);
    semantic.map(Some).ok_or_else(|| {
        let text = "this stands for no semantic version: write one such as 1.4.0, 1.4.0-rc.1 or \
                    v1.4-3-gabc1234";
        Error::bad_input("feed_version", text)
    })
}

fn texts(record: &ProductRecord) -> Result<()> {
    if record.notes.len() > NOTES_BYTES_MAX || record.notes.contains('\0') {
        let text = format!("at most {NOTES_BYTES_MAX} bytes of text are expected");
        return Err(Error::bad_input("notes", text));
    }
    if record.properties.len() > PROPERTIES_MAX {
        let text = format!("at most {PROPERTIES_MAX} properties are expected");
        return Err(Error::bad_input("properties", text));
    }
    for (name, value) in &record.properties {
        printable("properties", name, TEXT_BYTES_MAX)?;
        let value = value.to_string();
        if value.len() > VALUE_BYTES_MAX || value.contains("\\u0000") {
            let text = format!("`{name}` is longer than {VALUE_BYTES_MAX} bytes, or holds a NUL");
            return Err(Error::bad_input("properties", text));
        }
    }
    if record.revisions.len() > REVISIONS_MAX {
        let text = format!("at most {REVISIONS_MAX} codebases are expected");
        return Err(Error::bad_input("revisions", text));
    }
    let mut names = BTreeSet::new();
    for one in &record.revisions {
        printable("revisions", &one.codebase, TEXT_BYTES_MAX)?;
        printable("revisions", &one.revision, TEXT_BYTES_MAX)?;
        for text in [&one.repository, &one.branch].into_iter().flatten() {
            printable("revisions", text, NAME_BYTES_MAX)?;
        }
        if !names.insert(&one.codebase) {
            let text = format!("the codebase `{}` stands twice", one.codebase);
            return Err(Error::bad_input("revisions", text));
        }
    }
    Ok(())
}

fn check_file(file: &mut RecordFile) -> Result<()> {
    let is_role = (1..=ROLE_BYTES_MAX).contains(&file.role.len())
        && file
            .role
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
    if !is_role {
        let text = format!(
            "`{}` is no role: write a word such as installer, update, delta or symbols",
            file.role
                .escape_debug()
                .take(ROLE_BYTES_MAX)
                .collect::<String>()
        );
        return Err(Error::bad_input("role", text));
    }
    printable("name", &file.name, NAME_BYTES_MAX)?;
    if file.name.contains(['/', '\\']) || matches!(file.name.as_str(), "." | "..") {
        let text = format!("`{}` is no name of a file without a folder", file.name);
        return Err(Error::bad_input("name", text));
    }
    if file.size == 0 || file.size > FILE_BYTES_MAX {
        let text = format!(
            "`{}` is announced with {} bytes: 1 to {FILE_BYTES_MAX} are taken",
            file.name, file.size
        );
        return Err(Error::bad_input("size", text));
    }
    if let Some(sha256) = &mut file.sha256 {
        sha256.make_ascii_lowercase();
        if !Blob::is_sha256(sha256) {
            let text = format!("that of `{}` has not 64 hexadecimal digits", file.name);
            return Err(Error::bad_input("sha256", text));
        }
    }
    if let Some(path) = &file.source_path {
        printable("source_path", path, 16 * NAME_BYTES_MAX)?;
    }
    let too_long = |value: &str| value.len() > SIGNATURE_BYTES_MAX || value.contains('\0');
    if file.signatures.len() > SIGNATURES_MAX
        || file.signatures.iter().any(|one| too_long(&one.value))
    {
        let text = format!("at most {SIGNATURES_MAX} of {SIGNATURE_BYTES_MAX} bytes are taken");
        return Err(Error::bad_input("signatures", text));
    }
    Ok(())
}

fn printable(field: &str, text: &str, bytes_max: usize) -> Result<()> {
    let fits = (1..=bytes_max).contains(&text.len())
        && !text.chars().any(char::is_control)
        && text.trim() == text;
    if fits {
        return Ok(());
    }
    let shown: String = text.escape_debug().take(80).collect();
    let text = format!("`{shown}` is not 1 to {bytes_max} printable bytes without spaces around");
    Err(Error::bad_input(field, text))
}

fn upload(file: &RecordFile) -> uploads::NewUpload {
    uploads::NewUpload {
        role: file.role.clone(),
        name: file.name.clone(),
        source_path: file
            .source_path
            .clone()
            .unwrap_or_else(|| file.name.clone()),
        sha256: file.sha256.clone(),
        size: file.size,
    }
}

/// Whether the products that deltas begin from are recorded in the same project; else what is
/// wrong.
pub(super) fn bases_are_there(
    conn: &mut Conn,
    announced: &Announced,
) -> DbResult<Result<(), String>> {
    let record = &announced.record;
    for file in &record.files {
        let Some(base) = file.delta_from else {
            continue;
        };
        let wanted = (&record.project, &record.branch, &record.target);
        let feed = drafts::place::feed_of(conn, base)?;
        if feed
            .as_ref()
            .map(|(project, branch, target)| (project, branch, target))
            != Some(wanted)
        {
            let text = format!(
                "`{}` begins from product {base}, which is none of `{}` for `{}`",
                file.name, record.branch, record.target
            );
            return Ok(Err(text));
        }
    }
    Ok(Ok(()))
}

/// Where the product comes from, by the build of ours where one is named; else what is wrong.
pub(super) fn origin(conn: &mut Conn, announced: &Announced) -> DbResult<Result<Origin, String>> {
    let record = &announced.record;
    let first = record.revisions.first().map(|one| one.revision.clone());
    let revision = match record.revision.is_empty() {
        true => first.unwrap_or_default(),
        false => record.revision.clone(),
    };
    let Some(id) = record.build else {
        return Ok(Ok(Origin {
            builder: record.builder.clone().unwrap_or_else(|| BUILDER.to_owned()),
            number: record.build_number,
            position: record.position,
            revision,
            stamps: Vec::new(),
        }));
    };
    let Some(build) = drafts::place::of_build(conn, id)? else {
        return Ok(Err(format!("there is no build {id}")));
    };
    if build.project != record.project {
        let (own, project) = (&build.project, &record.project);
        return Ok(Err(format!(
            "build {id} is of project `{own}`, not of `{project}`"
        )));
    }
    let stamp = build.stamps.first();
    Ok(Ok(Origin {
        builder: build.builder,
        number: Some(build.number),
        position: record.position.or(stamp.map(|stamp| stamp.position)),
        revision: match stamp {
            Some(stamp) if revision.is_empty() => stamp.revision.clone(),
            _ => revision,
        },
        stamps: build.stamps,
    }))
}
