//! The mail of a finished build as text and as HTML: view structs and templates. Every text from
//! outside has been through `plain_line` when it comes here.

use askama::Template;

/// A finished build as a mail shows it; every text is ready to be shown.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Title of the deployment.
    pub site: String,
    /// Title of the project.
    pub project: String,
    /// Name of the builder.
    pub builder: String,
    /// Number of the build.
    pub number: i64,
    /// Text of its result.
    pub result: String,
    /// What the build says of itself; may be empty.
    pub state_text: String,
    /// Why it was asked for.
    pub reason: String,
    /// Name of the agent.
    pub agent: String,
    /// When it ended, with the zone.
    pub finished_at: String,
    /// How long it took.
    pub duration: String,
    /// Address of its page.
    pub url: String,
    /// Source stamps.
    pub stamps: Vec<Stamp>,
    /// The newest changes.
    pub changes: Vec<Change>,
    /// Changes that are not shown.
    pub changes_more: i64,
    /// Steps in order.
    pub steps: Vec<Step>,
    /// The lines of a log that matter most.
    pub excerpt: Option<Excerpt>,
    /// Products it recorded.
    pub products: Vec<Product>,
}

/// A source stamp.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// Repository.
    pub repository: String,
    /// Branch.
    pub branch: String,
    /// Revision, shortened.
    pub revision: String,
}

/// A change.
#[derive(Debug, Clone)]
pub struct Change {
    /// Revision, shortened.
    pub revision: String,
    /// Author.
    pub author: String,
    /// First line of the message.
    pub subject: String,
}

/// A step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Name.
    pub name: String,
    /// Text of its result.
    pub result: String,
    /// What it says of itself; may be empty.
    pub state_text: String,
    /// How long it took; may be empty.
    pub duration: String,
}

/// Lines of a log.
#[derive(Debug, Clone)]
pub struct Excerpt {
    /// What they are, such as `The end of make check`.
    pub heading: String,
    /// The lines.
    pub lines: Vec<String>,
}

/// A recorded product.
#[derive(Debug, Clone)]
pub struct Product {
    /// Version.
    pub version: String,
    /// Target.
    pub target: String,
    /// Address of its page.
    pub url: String,
    /// Names and sizes of its files.
    pub files: Vec<String>,
}

#[derive(Template)]
#[template(path = "mail/subject.txt")]
struct Subject<'a> {
    report: &'a Report,
}

#[derive(Template)]
#[template(path = "mail/body.txt")]
struct Text<'a> {
    report: &'a Report,
}

#[derive(Template)]
#[template(path = "mail/body.html")]
struct Html<'a> {
    report: &'a Report,
}

impl Report {
    /// The subject, one line.
    pub fn subject(&self) -> askama::Result<String> {
        Ok(Subject { report: self }.render()?.trim().to_owned())
    }

    /// The plain text.
    pub fn text(&self) -> askama::Result<String> {
        Text { report: self }.render()
    }

    /// The HTML; nothing in it is loaded from anywhere.
    pub fn html(&self) -> askama::Result<String> {
        Html { report: self }.render()
    }

    /// Branch and short revision of the first stamp, for the subject.
    fn place(&self) -> String {
        match self.stamps.first() {
            Some(stamp) => format!("{} {}", stamp.branch, stamp.revision),
            None => self.reason.clone(),
        }
    }

    /// The mark before the result, so that colour alone tells nothing.
    fn mark(&self) -> &'static str {
        match self.result.as_str() {
            "success" => "✓",
            "warnings" => "!",
            "failure" => "✗",
            "error" => "■",
            _ => "–",
        }
    }
}

#[cfg(test)]
mod tests;
