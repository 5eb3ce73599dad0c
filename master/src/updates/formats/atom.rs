//! A feed for people and their readers: what was recorded for a branch, as Atom (RFC 4287).

use std::fmt::Write as _;

use super::Listing;
use super::xml::escape;
use crate::clock::Time;

/// The feed of `title` at the address `own`, newest first.
#[must_use]
pub fn render(title: &str, own: &str, items: &[Listing]) -> String {
    let updated = items.iter().map(|item| item.published_at).max();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <feed xmlns=\"http://www.w3.org/2005/Atom\">\n<title>{}</title>\n<id>{}</id>\n\
         <link rel=\"self\" href=\"{}\"/>\n<updated>{}</updated>\n\
         <author><name>Windlass</name></author>\n",
        escape(title),
        escape(own),
        escape(own),
        updated.unwrap_or(Time(0)),
    );
    for item in items {
        let page = escape(&item.page);
        let _ = write!(
            xml,
            "<entry>\n<title>{} {}</title>\n<id>{page}</id>\n<link href=\"{page}\"/>\n\
             <updated>{}</updated>\n",
            escape(&item.version),
            escape(&item.target),
            item.published_at,
        );
        if !item.notes.is_empty() {
            let _ = writeln!(xml, "<summary>{}</summary>", escape(&item.notes));
        }
        for file in &item.files {
            let _ = writeln!(
                xml,
                "<link rel=\"enclosure\" href=\"{}\" length=\"{}\" title=\"{}\"/>",
                escape(&file.url),
                file.size,
                escape(&file.name),
            );
        }
        xml.push_str("</entry>\n");
    }
    xml.push_str("</feed>\n");
    xml
}
