//! Which files of a build's folder a glob names, and what to say when it names none.

use globset::GlobBuilder;

/// Files named in the text about a glob that matches nothing.
const NEAREST_MAX: usize = 5;

/// The paths among `paths` that `glob` names. `*` stays within one folder, `**` crosses them.
///
/// Errors: a sentence when the glob leaves the build's folder, is no glob, or names nothing; the
/// last with the files whose names come nearest.
pub fn matching<'a>(glob: &str, paths: &[&'a str]) -> Result<Vec<&'a str>, String> {
    let found = matching_any(glob, paths)?;
    match found.is_empty() {
        true => Err(none(glob, paths)),
        false => Ok(found),
    }
}

/// The same, and naming nothing is no error.
pub fn matching_any<'a>(glob: &str, paths: &[&'a str]) -> Result<Vec<&'a str>, String> {
    let leaves = glob.starts_with('/') || glob.split(['/', '\\']).any(|part| part == "..");
    if leaves {
        return Err(format!(
            "the glob `{glob}` leaves the build's folder: write it relative, without `..`"
        ));
    }
    let wanted = glob.strip_prefix("./").unwrap_or(glob);
    let built = GlobBuilder::new(wanted).literal_separator(true).build();
    let matcher = match built {
        Ok(built) => built.compile_matcher(),
        Err(error) => return Err(format!("`{glob}` is no glob: {}", error.kind())),
    };
    let named = paths.iter().copied().filter(|path| matcher.is_match(path));
    Ok(named.collect())
}

fn none(glob: &str, paths: &[&str]) -> String {
    if paths.is_empty() {
        return format!("no file matches `{glob}`: the build's folder is empty");
    }
    let mut ranked: Vec<_> = paths
        .iter()
        .map(|path| (distance(glob, path), *path))
        .collect();
    ranked.sort_unstable();
    let nearest: Vec<String> = ranked
        .iter()
        .take(NEAREST_MAX)
        .map(|(_, path)| format!("`{}`", path.escape_debug()))
        .collect();
    format!("no file matches `{glob}`; nearest: {}", nearest.join(", "))
}

/// Smaller is nearer: the more characters glob and path share at their beginning and end.
fn distance(glob: &str, path: &str) -> std::cmp::Reverse<usize> {
    let same = |a: &mut dyn Iterator<Item = char>, b: &mut dyn Iterator<Item = char>| {
        a.zip(b).take_while(|(a, b)| a == b).count()
    };
    let head = same(&mut glob.chars(), &mut path.chars());
    let tail = same(&mut glob.chars().rev(), &mut path.chars().rev());
    std::cmp::Reverse(head + tail)
}
