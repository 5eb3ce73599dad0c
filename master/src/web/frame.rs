//! What surrounds every page: title, icon, navigation, who is logged in, the page's REST address.

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use askama::Template;

use super::fault::{Fault, status_of};
use super::state::Look;
use super::{assets, filters};
use crate::app::App;
use crate::auth::Identity;
use crate::clock::Time;
use crate::error::Error;

/// The places of the navigation: address and name.
const PLACES: &[(&str, &str)] = &[
    ("/builders", "Builders"),
    ("/builds", "Builds"),
    ("/requests", "Queue"),
    ("/changes", "Changes"),
    ("/products", "Products"),
    ("/releases", "Releases"),
    ("/qa", "QA"),
    ("/retention", "Retention"),
    ("/agents", "Agents"),
];

/// The frame of one page.
#[derive(Debug, Clone)]
pub struct Frame {
    /// State and number first: `✗ 812 linux-x64`.
    pub title: String,
    /// Title of the master.
    pub master: String,
    /// Address of the master as others reach it.
    pub url: String,
    /// The page's icon as a `data:` URL.
    pub icon: String,
    /// Path of this page, for coming back after the login.
    pub path: String,
    /// The user logged in.
    pub user: Option<String>,
    /// REST address of what the page shows; empty for none.
    pub rest: String,
    /// Kinds of events after which the page's live parts are fetched again, separated by spaces.
    pub live: Option<&'static str>,
    /// When the page was made.
    pub made: Time,
    /// File name of the style sheet.
    pub style: &'static str,
    /// File name of the script.
    pub script: &'static str,
}

/// Pages that belong to a place though their address does not begin with its own.
const FURTHER: &[(&str, &str)] = &[
    ("/logs", "/builds"),
    ("/branches", "/releases"),
    ("/explain", "/releases"),
    ("/holds", "/qa"),
    ("/stores", "/retention"),
    ("/agent-tokens", "/agents"),
];

/// A place of the navigation.
#[derive(Debug)]
pub struct Place {
    /// Its address.
    pub href: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Whether this page belongs to it.
    pub here: bool,
}

impl Frame {
    /// The frame of the page `title` at `path`.
    #[must_use]
    pub fn new(app: &App, identity: &Identity, path: &str, title: impl Into<String>) -> Self {
        let user = identity.user().map(|_| identity.name().to_owned());
        Self {
            title: filters::visible_plain(&title.into()),
            master: app.config().master.title.clone(),
            url: app.config().master.url.clone(),
            icon: assets::icon(None),
            path: path.to_owned(),
            user,
            rest: String::new(),
            live: None,
            made: app.clock.now(),
            style: &assets::style().name,
            script: &assets::script().name,
        }
    }

    /// With the icon and the title's sign of a state.
    #[must_use]
    pub fn look(mut self, look: Look) -> Self {
        self.icon = assets::icon(Some(look));
        self.title = format!("{} {}", look.sign(), self.title);
        self
    }

    /// With the REST address of what the page shows.
    #[must_use]
    pub fn rest(mut self, address: impl Into<String>) -> Self {
        self.rest = address.into();
        self
    }

    /// With the kinds of events that the page follows.
    #[must_use]
    pub fn live(mut self, kinds: &'static str) -> Self {
        self.live = Some(kinds);
        self
    }

    /// The navigation.
    #[must_use]
    pub fn places(&self) -> Vec<Place> {
        let further = FURTHER.iter().find(|(path, _)| self.path.starts_with(path));
        let path = further.map_or(self.path.as_str(), |(_, place)| place);
        let place = |&(href, name): &(&'static str, &'static str)| Place {
            href,
            name,
            here: path.starts_with(href),
        };
        PLACES.iter().map(place).collect()
    }

    /// The place of the navigation that this page belongs to.
    #[must_use]
    pub fn here(&self) -> Option<Place> {
        self.places().into_iter().find(|place| place.here)
    }

    /// A command that prints what the page shows.
    #[must_use]
    pub fn command(&self) -> String {
        format!(
            "curl -H \"Authorization: Bearer $TOKEN\" '{}{}'",
            self.url, self.rest
        )
    }

    /// Version of the program.
    #[must_use]
    pub fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}

/// The page again with what was wrong, where the asker can mend it; else the error.
pub(super) async fn or_page<P: Template>(
    error: Error,
    page: impl AsyncFnOnce(String) -> Result<P, Error>,
) -> Result<HttpResponse, Fault> {
    match error {
        Error::BadInput { .. } | Error::Conflict(_) | Error::Stale(_) => {
            let mut answer = html(&page(error.to_string()).await?)?;
            *answer.status_mut() = status_of(&error);
            Ok(answer)
        }
        other => Err(Fault(other)),
    }
}

/// A template as an answer.
pub fn html(page: &impl Template) -> Result<HttpResponse, Fault> {
    let body = page
        .render()
        .map_err(|error| Fault(Error::internal(error)))?;
    Ok(HttpResponse::Ok()
        .insert_header(ContentType::html())
        .body(body))
}
