//! `windlass store …`.

use super::output::Problem;
use super::user::CLI;
use super::{ConfigFile, handles};
use crate::model::BlobStore;
use crate::ops::stores;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show what lies in each store, and what is being moved
    Status(ConfigFile),
    /// Have the running master move every file to one store while it serves
    Move {
        /// Where to: local or s3
        #[arg(long, value_name = "STORE", required_unless_present = "stop")]
        to: Option<BlobStore>,
        /// Stop the move that is under way
        #[arg(long, conflicts_with = "to")]
        stop: bool,
        #[command(flatten)]
        file: ConfigFile,
    },
}

/// Does it.
pub(super) async fn run(command: &Command) -> Result<(), Problem> {
    match command {
        Command::Status(file) => {
            let app = handles::beside(&file.config).await?;
            let stores = stores::show(&app, &CLI).await?;
            for content in &stores.contents {
                let (store, files, bytes) = (content.store, content.files, content.bytes);
                println!("{store:<6} {files:>9} files {bytes:>16} bytes");
            }
            println!("new files go to {}", stores.new_files);
            if let Some(to) = stores.moving_to {
                println!("everything is being moved to {to}");
            }
        }
        Command::Move { to, file, .. } => {
            let app = handles::beside(&file.config).await?;
            stores::move_to(&app, &CLI, *to).await?;
            match to {
                Some(to) => println!("the master moves every file to {to}; see `store status`"),
                None => println!("nothing is moved any more"),
            }
        }
    }
    Ok(())
}
