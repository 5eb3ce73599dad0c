//! What the policies in force say, for people.

use crate::app::App;
use crate::auth::Identity;
use crate::config::collecting::Retention;
use crate::error::Result;
use crate::model::PolicyText;

/// The policies in force, in words.
pub async fn policies(app: &App, identity: &Identity) -> Result<Vec<PolicyText>> {
    super::may_read(app, identity).await?;
    let config = app.config();
    let text = |(name, says): (&String, &Retention)| PolicyText {
        name: name.clone(),
        about: about(says),
        says: sentences(says),
    };
    Ok(config.retention.iter().map(text).collect())
}

fn sentences(says: &Retention) -> Vec<String> {
    let days = |span: std::time::Duration| match span.as_secs() / 86_400 {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    };
    let mut all = vec![match says.keep_newest {
        1 => "the newest of each branch and target stays".to_owned(),
        newest => format!("the {newest} newest of each branch and target stay"),
    }];
    match says.keep_newest_good {
        0 => {}
        1 => all.push("so does the newest good one".to_owned()),
        good => all.push(format!("so do the {good} newest good ones")),
    }
    all.push(format!("and everything younger than {}", days(says.keep)));
    all.push(format!("{} of grace after a hold", days(says.grace)));
    all.push(format!("{} in the trash", days(says.trash)));
    let more = [
        (
            says.deleted_branches,
            "after its branch was deleted everything goes",
        ),
        (says.bad, "after a bug was named what is bad goes"),
        (says.logs, "for logs"),
        (says.builds, "for builds without a product"),
    ];
    for (span, words) in more {
        all.extend(span.map(|span| format!("{} {words}", days(span))));
    }
    for (role, span) in &says.roles {
        all.push(format!("{} for files of the role {role}", days(*span)));
    }
    all
}

/// What a policy is about, for people.
fn about(says: &Retention) -> String {
    let named = |patterns: &[String], every: &str, kind: &str| match patterns {
        [one] if one == "**" || one == "*" => every.to_owned(),
        some => format!("{kind} {}", some.join(", ")),
    };
    let projects = named(&says.projects, "all projects", "projects");
    let branches = match says.branches.as_slice() {
        [one] if one == "**" => "all branches".to_owned(),
        some => format!("branches {}", some.join(", ")),
    };
    format!("{projects}, {branches}")
}
