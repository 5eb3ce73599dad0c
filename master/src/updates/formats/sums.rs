//! `SHA256SUMS` of a product, as `sha256sum --check` reads it.

use super::Asset;

/// One line per file. Names with a backslash or a line end are escaped as that program does.
#[must_use]
pub fn render(files: &[Asset]) -> String {
    let mut text = String::new();
    for file in files {
        let name = file
            .name
            .replace('\\', "\\\\")
            .replace('\n', "\\n")
            .replace('\r', "\\r");
        if name != file.name {
            text.push('\\');
        }
        text.push_str(&format!("{}  {name}\n", file.sha256));
    }
    text
}
