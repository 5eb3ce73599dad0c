//! What a list of products is asked for by its address: the same words on pages and in REST.

use std::time::Duration;

use crate::clock::Time;
use crate::error::Error;
use crate::model::ProductFilter;
use crate::web::paging::{given, parsed, query};

/// A day, for ends that are given by their last day.
const DAY: Duration = Duration::from_secs(86_400);

/// The filter of a list of products.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct ListQuery {
    pub(in crate::web) project: String,
    pub(in crate::web) branch: String,
    pub(in crate::web) target: String,
    pub(in crate::web) version: String,
    pub(in crate::web) builder: String,
    pub(in crate::web) state: String,
    pub(in crate::web) verdict: String,
    pub(in crate::web) held: String,
    pub(in crate::web) property: String,
    pub(in crate::web) from: String,
    pub(in crate::web) until: String,
    pub(in crate::web) before: String,
}

impl ListQuery {
    /// The filter, or which part cannot be.
    pub(in crate::web) fn filter(&self) -> Result<ProductFilter, Error> {
        let property = given(&self.property);
        Ok(ProductFilter {
            project: given(&self.project),
            branch: given(&self.branch),
            target: given(&self.target),
            version: given(&self.version),
            state: parsed("state", &self.state)?,
            held: parsed("held", &self.held)?,
            builder: given(&self.builder),
            build: None,
            public_only: false,
            property: property.as_deref().map(property_of).transpose()?,
            verdict: parsed("verdict", &self.verdict)?,
            from: moment("from", &self.from, false)?,
            until: moment("until", &self.until, true)?,
            before: parsed("before", &self.before)?,
        })
    }

    /// The query of its address, the same for every way to say the same.
    #[must_use]
    pub fn choice(&self) -> String {
        query(&self.parameters())
    }

    /// Its parts but the place within the list, for addresses.
    pub(in crate::web) fn parameters(&self) -> [(&'static str, &str); 11] {
        [
            ("project", &self.project),
            ("branch", &self.branch),
            ("target", &self.target),
            ("version", &self.version),
            ("builder", &self.builder),
            ("state", &self.state),
            ("verdict", &self.verdict),
            ("held", &self.held),
            ("property", &self.property),
            ("from", &self.from),
            ("until", &self.until),
        ]
    }
}

/// Name and value of a property from `NAME:VALUE`.
pub fn property_of(text: &str) -> Result<(String, String), Error> {
    text.split_once(':')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| Error::bad_input("property", "expected NAME:VALUE, such as flavour:release"))
}

/// A moment, given whole or as a day in UTC; of a day its beginning, or with `is_end` the next
/// day's.
pub fn moment(field: &str, text: &str, is_end: bool) -> Result<Option<Time>, Error> {
    let Some(text) = given(text) else {
        return Ok(None);
    };
    let wrong = || {
        Error::bad_input(
            field,
            "give a day such as 2027-03-31 or a moment such as 2027-03-31T10:00:00Z",
        )
    };
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Ok(Some(Time(moment.as_microsecond())));
    }
    let day: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
    let begin = day.at(0, 0, 0, 0).in_tz("UTC").map_err(|_| wrong())?;
    let begin = Time::from_unix_seconds(begin.timestamp().as_second());
    Ok(Some(if is_end { begin.after(DAY) } else { begin }))
}
