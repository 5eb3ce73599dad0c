//! What Sparkle and WinSparkle read: an RSS feed with one item per product. They choose by
//! themselves, so only products are listed that the asker may run.

use std::fmt::Write as _;

use super::xml::escape;
use super::{Asset, Listing};
use crate::clock::Time;
use crate::model::SignatureScheme;
use crate::updates::targets::Target;

const NAMESPACE: &str = "http://www.andymatuschak.org/xml-namespaces/sparkle";

/// The feed of `title` at `link` with these items; among equal versions clients take the first.
#[must_use]
pub fn render(title: &str, link: &str, items: &[Listing]) -> String {
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <rss version=\"2.0\" xmlns:sparkle=\"{NAMESPACE}\">\n<channel>\n\
         <title>{}</title>\n<link>{}</link>\n",
        escape(title),
        escape(link),
    );
    for listing in items {
        item(&mut xml, listing);
    }
    xml.push_str("</channel>\n</rss>\n");
    xml
}

fn item(xml: &mut String, listing: &Listing) {
    let Some(asset) = listing.main_file() else {
        return;
    };
    // What clients compare; what people see may be another text.
    let version = listing.semantic().unwrap_or(&listing.version);
    let shown = &listing.version;
    let _ = write!(
        xml,
        "<item>\n<title>{}</title>\n<link>{}</link>\n<pubDate>{}</pubDate>\n\
         <sparkle:version>{}</sparkle:version>\n\
         <sparkle:shortVersionString>{}</sparkle:shortVersionString>\n",
        escape(shown),
        escape(&listing.page),
        rfc2822(listing.published_at),
        escape(version),
        escape(shown),
    );
    for (name, bound) in [
        ("minimumSystemVersion", &listing.min_os),
        ("maximumSystemVersion", &listing.max_os),
    ] {
        // A bound that is no number locks everybody out, so such a one is not told.
        let numbers = |text: &&String| text.split('.').all(|part| part.parse::<u32>().is_ok());
        if let Some(bound) = bound.as_ref().filter(numbers) {
            let _ = writeln!(xml, "<sparkle:{name}>{}</sparkle:{name}>", escape(bound));
        }
    }
    if listing.critical {
        xml.push_str("<sparkle:criticalUpdate></sparkle:criticalUpdate>\n");
    }
    if !listing.notes.is_empty() {
        let _ = writeln!(xml, "<description>{}</description>", escape(&listing.notes));
    }
    let os = Target::parse(&listing.target).sparkle_os();
    let os = os
        .map(|os| format!(" sparkle:os=\"{os}\""))
        .unwrap_or_default();
    let _ = writeln!(xml, "<enclosure{}{os}/>", enclosure(asset, version, shown));
    deltas(xml, listing, (version, shown));
    xml.push_str("</item>\n");
}

/// Deltas are for those who have just the version they begin at.
fn deltas(xml: &mut String, listing: &Listing, (version, shown): (&str, &str)) {
    let from = |asset: &&Asset| asset.role == "delta" && asset.delta_from.is_some();
    let deltas: Vec<&Asset> = listing.files.iter().filter(from).collect();
    if deltas.is_empty() {
        return;
    }
    xml.push_str("<sparkle:deltas>\n");
    for asset in deltas {
        let from = asset.delta_from.as_deref().unwrap_or_default();
        let _ = writeln!(
            xml,
            "<enclosure{} sparkle:deltaFrom=\"{}\"/>",
            enclosure(asset, version, shown),
            escape(from)
        );
    }
    xml.push_str("</sparkle:deltas>\n");
}

/// The attributes of an enclosure, with the version for clients that read it there alone.
fn enclosure(asset: &Asset, version: &str, shown: &str) -> String {
    let mut attributes = format!(
        " url=\"{}\" length=\"{}\" type=\"application/octet-stream\" sparkle:version=\"{}\" \
         sparkle:shortVersionString=\"{}\"",
        escape(&asset.url),
        asset.size,
        escape(version),
        escape(shown),
    );
    if let Some(signature) = asset.signature(SignatureScheme::Ed25519) {
        let _ = write!(
            attributes,
            " sparkle:edSignature=\"{}\"",
            escape(signature.trim())
        );
    }
    attributes
}

/// `Fri, 20 Nov 2026 17:24:55 +0000`, as RSS has its dates.
pub(super) fn rfc2822(time: Time) -> String {
    let moment = time.timestamp().to_zoned(jiff::tz::TimeZone::UTC);
    moment.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}
