//! Bringing the configuration into force: rows of what it names are made or changed.

use crate::clock::Time;
use crate::config::Config;
use crate::config::resolved::Vcs;
use crate::db::{Conn, Db, agents, builders, projects, repositories};
use crate::error::Result;

/// Makes the rows of projects, repositories, agents and builders fit `config`. What vanished from
/// it becomes inactive and keeps its history. At the `start` of a master nobody is connected.
pub async fn apply(db: &Db, now: Time, config: &Config, start: bool) -> Result<()> {
    let projects: Vec<(String, String)> = config
        .projects
        .iter()
        .map(|(name, project)| (name.clone(), project.title.clone()))
        .collect();
    let repositories: Vec<repositories::Configured> = config
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
    let builders: Vec<builders::Configured> = config
        .builders
        .iter()
        .map(|(name, builder)| builders::Configured {
            name: name.clone(),
            project: builder.project.clone(),
            tags: builder.tags.clone(),
        })
        .collect();
    let agents: Vec<String> = config.agents.keys().cloned().collect();
    let work = move |conn: &mut Conn| {
        projects::sync(conn, now, &projects)?;
        repositories::sync(conn, &repositories)?;
        builders::sync(conn, now, &builders)?;
        agents::sync(conn, now, &agents)?;
        if start {
            agents::forget_connections(conn)?;
        }
        Ok(())
    };
    Ok(db.tx("configuration", work).await?)
}

#[cfg(test)]
mod tests;
