//! `blobs` and `s3` of `[master]`: the bucket in which stored files may lie.

use super::master::secret;
use crate::config::keys;
use crate::config::load::Scope;
use crate::config::reader::{Section, Value};
use crate::config::resolved::Bucket;

/// The region that services other than Amazon's take, and Amazon's first.
const REGION: &str = "us-east-1";

/// Reads the two keys; none when neither is there.
pub(super) fn read(scope: &Scope<'_>, section: &Section<'_>) -> Option<Bucket> {
    let place = section.key("blobs");
    let access = section.key("s3");
    let (place, access) = match (place, access) {
        (None, None) => return None,
        (Some(place), Some(access)) => (place, access),
        (Some(place), None) => {
            let help = "add s3 = { endpoint = \"https://…\", key = { env = \"…\" }, \
                        secret = { file = \"…\" } }";
            place.wrong(
                "`blobs` names a bucket and nothing says who asks for it",
                "",
                help,
            );
            return None;
        }
        (None, Some(access)) => {
            let help = "add blobs = \"s3://bucket/prefix\"";
            access.wrong(
                "`s3` says who asks, and no `blobs` names a bucket",
                "",
                help,
            );
            return None;
        }
    };
    let (name, prefix) = named(&place)?;
    let inner = access.section("`s3`", keys::S3)?;
    let key = inner.need("key", "{ env = \"S3_KEY\" }")?;
    let password = inner.need("secret", "{ file = \"secrets/s3\" }")?;
    let endpoint = match inner.key("endpoint") {
        None => None,
        Some(value) => {
            let text = value.line()?;
            if !(text.starts_with("http://") || text.starts_with("https://")) {
                let help = "write it with its scheme, such as \"https://s3.acme.example\"";
                value.wrong(format!("`{text}` is no address of a service"), "", help);
                return None;
            }
            Some(text.trim_end_matches('/').to_owned())
        }
    };
    let region = inner.key("region").and_then(|value| value.line());
    Some(Bucket {
        name,
        prefix,
        endpoint,
        region: region.unwrap_or(REGION).to_owned(),
        key: secret(scope, &key)?,
        secret: secret(scope, &password)?,
        takes_new: inner
            .key("new_files")
            .and_then(|value| value.flag())
            .unwrap_or(true),
    })
}

/// The bucket that a key names, and what every name in it begins with.
pub(super) fn named(place: &Value<'_>) -> Option<(String, String)> {
    let text = place.line()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._/".contains(c);
    let rest = text
        .strip_prefix("s3://")
        .map(|rest| rest.trim_end_matches('/'));
    let rest = rest.filter(|rest| {
        let mut parts = rest.split('/');
        rest.chars().all(plain) && parts.all(|part| !matches!(part, "" | "." | ".."))
    });
    let Some(rest) = rest else {
        let help = "write \"s3://bucket\" or \"s3://bucket/prefix\"";
        place.wrong(format!("`{text}` is no bucket"), "", help);
        return None;
    };
    let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    Some((name.to_owned(), prefix.to_owned()))
}
