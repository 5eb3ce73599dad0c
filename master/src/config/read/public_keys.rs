//! `keys` of `[project.NAME]`: the public keys that products are signed with. None is secret.

use crate::config::files;
use crate::config::keys;
use crate::config::load::Scope;
use crate::config::reader::{Section, Value};
use crate::config::resolved::PublicKeys;
use crate::model::SignatureScheme;
use crate::signatures::check_key;

/// Most keys of one scheme: this year's, last year's, and one for each place that signs.
const KEYS_MAX: usize = 20;

/// Reads the table; a key that is none is told with its list.
pub(super) fn read(scope: &Scope<'_>, value: &Value<'_>) -> Option<PublicKeys> {
    let section = value.section("`keys`", keys::PUBLIC_KEYS)?;
    let own = |_: &Value<'_>, text: &str| Some(text.to_owned());
    let file = |value: &Value<'_>, text: &str| {
        let path = scope.path(text);
        match files::read(&path) {
            Ok(file) => Some(file.text),
            Err(error) => {
                let help = "write the path of a file made by `gpg --armor --export KEY`, relative \
                            to the configuration";
                value.wrong(error, "", help);
                None
            }
        }
    };
    Some(PublicKeys {
        minisign: all(&section, SignatureScheme::Minisign, own),
        ed25519: all(&section, SignatureScheme::Ed25519, own),
        gpg: all(&section, SignatureScheme::Gpg, file),
    })
}

fn all(
    section: &Section<'_>,
    scheme: SignatureScheme,
    take: impl Fn(&Value<'_>, &str) -> Option<String>,
) -> Vec<String> {
    let Some(list) = section.key(scheme.as_str()) else {
        return Vec::new();
    };
    let written = list.texts();
    if written.len() > KEYS_MAX {
        let title = format!("`{scheme}` has {} keys", written.len());
        list.wrong(title, "", format!("at most {KEYS_MAX} are possible"));
        return Vec::new();
    }
    let checked = written.iter().filter_map(|(value, text)| {
        let text = take(value, text)?;
        match check_key(scheme, &text) {
            Ok(()) => Some(text),
            Err(help) => {
                value.wrong(format!("this is no public key of {scheme}"), "", help);
                None
            }
        }
    });
    checked.collect()
}
