//! The agent's programs that the master hands out to machines, which have no login yet.

use std::fs::File;

use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::error::{Error, Result};
use crate::model::Program;

/// Every program by name; none where nobody has put any into the data folder.
pub async fn list(app: &App, identity: &Identity) -> Result<Vec<Program>> {
    identity.require(Permission::Public)?;
    let programs = app.programs.clone();
    tokio::task::spawn_blocking(move || programs.list())
        .await
        .map_err(Error::internal)?
        .map_err(Error::internal)
}

/// The program called `file`, opened.
pub async fn open(app: &App, identity: &Identity, file: &str) -> Result<(Program, File)> {
    let all = list(app, identity).await?;
    let found = all.into_iter().find(|program| program.file == file);
    let program = found
        .ok_or_else(|| Error::NotFound(format!("this master has no agent program `{file}`")))?;
    let (programs, wanted) = (app.programs.clone(), program.clone());
    let opened = tokio::task::spawn_blocking(move || programs.open(&wanted)).await;
    let opened = opened.map_err(Error::internal)?.map_err(Error::internal)?;
    Ok((program, opened))
}
