//! Brings the rows of the configured nouns in line with the configuration; at start and at reload.

use super::{Conn, DbResult, agents, builders, projects, repositories};
use crate::clock::Time;
use crate::config::Config;
use crate::config::resolved::Vcs;

/// Makes what is missing, changes what differs, marks what vanished as inactive. Idempotent.
pub fn apply(conn: &mut Conn, now: Time, config: &Config) -> DbResult<()> {
    let titles: Vec<_> = config
        .projects
        .iter()
        .map(|(name, project)| (name.clone(), project.title.clone()))
        .collect();
    projects::sync(conn, now, &titles)?;
    let private: Vec<_> = config
        .projects
        .iter()
        .map(|(name, project)| (name.clone(), project.private))
        .collect();
    projects::set_private(conn, &private)?;
    let configured: Vec<_> = config
        .repositories
        .iter()
        .map(|(name, repository)| repositories::Configured {
            name: name.clone(),
            project: repository.project.clone(),
            vcs: match repository.vcs {
                Vcs::Git => "git",
            },
            url: repository.url.clone(),
        })
        .collect();
    repositories::sync(conn, &configured)?;
    let configured: Vec<_> = config
        .builders
        .iter()
        .map(|(name, builder)| builders::Configured {
            name: name.clone(),
            project: builder.project.clone(),
            tags: builder.tags.clone(),
        })
        .collect();
    builders::sync(conn, now, &configured)?;
    let names: Vec<_> = config.agents.keys().cloned().collect();
    agents::sync(conn, now, &names, config.agent_defaults.named_only)
}
