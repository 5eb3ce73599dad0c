//! The mail of agents that are missing, or back: view structs and templates. Every text from
//! outside has been through `plain_line` when it comes here.

use askama::Template;

/// Agents of one owner; every text is ready to be shown.
#[derive(Debug, Clone)]
pub struct AbsenceReport {
    /// Title of the deployment.
    pub site: String,
    /// Address of the agents' page.
    pub url: String,
    /// Whether they are missing, else back.
    pub missing: bool,
    /// When that was found, with the zone.
    pub at: String,
    /// The agents; at least one.
    pub agents: Vec<AbsentAgent>,
}

/// One agent.
#[derive(Debug, Clone)]
pub struct AbsentAgent {
    /// Its name.
    pub name: String,
    /// Address of its page.
    pub url: String,
    /// When it was last connected, with the zone; may be empty.
    pub since: String,
    /// How it or its owner is reached otherwise; may be empty.
    pub contact: String,
}

#[derive(Template)]
#[template(path = "mail/absence.txt")]
struct Text<'a> {
    report: &'a AbsenceReport,
}

#[derive(Template)]
#[template(path = "mail/absence.html")]
struct Html<'a> {
    report: &'a AbsenceReport,
}

/// Names in the subject; more only make it longer.
const NAMED_MAX: usize = 3;

impl AbsenceReport {
    /// The subject, one line.
    #[must_use]
    pub fn subject(&self) -> String {
        let names = self.agents.iter().take(NAMED_MAX);
        let mut names: Vec<&str> = names.map(|agent| agent.name.as_str()).collect();
        let more = format!("{} more", self.agents.len().saturating_sub(NAMED_MAX));
        if self.agents.len() > NAMED_MAX {
            names.push(&more);
        }
        let is = if self.agents.len() == 1 { "is" } else { "are" };
        format!("{} {} {is} {}", self.mark(), names.join(", "), self.word())
    }

    /// The plain text.
    pub fn text(&self) -> askama::Result<String> {
        Text { report: self }.render()
    }

    /// The HTML; nothing in it is loaded from anywhere.
    pub fn html(&self) -> askama::Result<String> {
        Html { report: self }.render()
    }

    /// `missing` or `back`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        if self.missing { "missing" } else { "back" }
    }

    fn mark(&self) -> &'static str {
        if self.missing { "!" } else { "✓" }
    }
}

#[cfg(test)]
mod tests {
    //! What the mail says.

    use super::*;

    #[test]
    fn the_subject_names_the_agents_and_the_text_where_to_look() {
        let agent = |n: usize| AbsentAgent {
            name: format!("linux-{n}"),
            url: format!("https://builds.acme.example/agents/linux-{n}"),
            since: "2026-11-20 10:39:21 UTC".to_owned(),
            contact: "room 3.14 <b>".to_owned(),
        };
        let mut report = AbsenceReport {
            site: "Acme builds".to_owned(),
            url: "https://builds.acme.example/agents".to_owned(),
            missing: true,
            at: "2026-11-20 10:49:21 UTC".to_owned(),
            agents: vec![agent(1)],
        };
        assert_eq!(report.subject(), "! linux-1 is missing");
        let text = report.text().unwrap();
        assert!(
            text.contains("last connected 2026-11-20 10:39:21 UTC"),
            "{text}"
        );
        assert!(text.contains("https://builds.acme.example/agents/linux-1"));
        assert!(text.contains("room 3.14 <b>"));
        let html = report.html().unwrap();
        assert!(!html.contains("<b>"), "{html}");
        report.agents = (1..=5).map(agent).collect();
        report.missing = false;
        assert_eq!(
            report.subject(),
            "✓ linux-1, linux-2, linux-3, 2 more are back"
        );
    }
}
