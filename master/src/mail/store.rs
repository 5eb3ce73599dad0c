//! The mail about the store: view struct and templates. Every text from outside has been through
//! `plain_line` when it comes here.

use askama::Template;

/// What is told; every text is ready to be shown.
#[derive(Debug, Clone)]
pub struct StoreReport {
    /// Title of the deployment.
    pub site: String,
    /// The subject.
    pub subject: String,
    /// What it says, a paragraph each.
    pub lines: Vec<String>,
    /// Address of the page that tells more.
    pub url: String,
}

#[derive(Template)]
#[template(path = "mail/store.txt")]
struct Text<'a> {
    report: &'a StoreReport,
}

#[derive(Template)]
#[template(path = "mail/store.html")]
struct Html<'a> {
    report: &'a StoreReport,
}

impl StoreReport {
    /// The plain text.
    pub fn text(&self) -> askama::Result<String> {
        Text { report: self }.render()
    }

    /// The HTML; nothing in it is loaded from anywhere.
    pub fn html(&self) -> askama::Result<String> {
        Html { report: self }.render()
    }
}
