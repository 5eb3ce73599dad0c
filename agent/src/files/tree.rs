//! Receiving a tree: the manifest first, then only the contents that are not here already. An
//! unchanged tree costs a look at each file. Here: the order of the steps and the lock on a
//! tree's folder. The steps are in the files below.

mod content;
mod extras;
pub(crate) mod index;
mod kept;
mod manifest;
mod part;
mod place;
mod store;
mod sweep;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use windlass_protocol::ops::{TreePut, TreePutResult};
use windlass_protocol::sha256::digest;
use windlass_protocol::tree::NeedList;
use windlass_protocol::{Code, Failure, RelPath, hex};

use crate::agent::Agent;
use crate::failure;
use crate::log::log;
use crate::root::Root;
use crate::session::Answer;
use crate::session::port::{Gone, Port};
use crate::sys::{self, Folder};
use content::Stream;
use index::Index;
use manifest::Manifest;
use place::{Bench, Placer};
use store::Store;

/// How long a tree may wait for another one to the same folder, whose connection has just gone,
/// to notice that.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// What the agent remembers about the trees it was sent: one index file per folder.
#[derive(Debug)]
pub(crate) struct Trees {
    folder: PathBuf,
    /// Folders that are being changed now.
    busy: Mutex<HashSet<RelPath>>,
    freed: Condvar,
}

/// Holds a tree's folder until dropped.
struct Hold<'a> {
    trees: &'a Trees,
    path: RelPath,
}

impl Trees {
    /// Opens the folder of the index files, making it if it is missing. What is of no use any more
    /// for trees in `root` goes.
    pub(crate) fn open(folder: &Path, root: &Root) -> std::io::Result<Trees> {
        std::fs::create_dir_all(folder)?;
        sweep::sweep(folder, root, true);
        Ok(Trees {
            folder: folder.to_owned(),
            busy: Mutex::default(),
            freed: Condvar::new(),
        })
    }

    fn hold(&self, path: &RelPath) -> Result<Hold<'_>, Failure> {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = |busy: &mut HashSet<RelPath>| busy.contains(path);
        let waited = self.freed.wait_timeout_while(busy, LOCK_TIMEOUT, taken);
        let (mut busy, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            let text = "another tree is being received into this folder; try again later";
            return Err(Failure::new(Code::Busy, text).with_path(path.as_bytes()));
        }
        busy.insert(path.clone());
        Ok(Hold {
            trees: self,
            path: path.clone(),
        })
    }

    /// The indexes of the other trees, one after another.
    fn others(&self, own: &Path) -> impl Iterator<Item = Index> {
        let listed = std::fs::read_dir(&self.folder).into_iter().flatten();
        let own = own.to_owned();
        let paths = listed.flatten().map(|entry| entry.path());
        let is_index = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "index");
        paths
            .filter(move |path| is_index(path) && *path != own)
            .map(|path| Index::load(&path))
    }

    fn index_path(&self, path: &RelPath) -> PathBuf {
        let name = hex::encode(&digest(path.as_bytes())[..16]);
        self.folder.join(format!("{name}.index"))
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.trees
            .busy
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.path);
        self.trees.freed.notify_all();
    }
}

/// Serves one `tree_put`.
pub(crate) fn serve(agent: &Agent, port: &Port, request: &TreePut) -> Answer {
    let _hold = match agent.trees.hold(&request.path) {
        Ok(hold) => hold,
        Err(failure) => return Ok(Err(failure)),
    };
    let folder = match agent.root.make_folders(&request.path) {
        Ok(folder) => folder,
        Err(failure) => return Ok(Err(failure)),
    };
    let index_path = agent.trees.index_path(&request.path);
    match receive(agent, folder, &index_path, request, port)? {
        Ok(result) => Ok(Ok(result.to_box())),
        Err(failure) => Ok(Err(failure)),
    }
}

/// What a step of the work ends with: something, a failure to tell, or nobody to tell it to.
type Step<T> = Result<Result<T, Failure>, Gone>;

/// Passes a failure on from inside a function that returns a `Step`.
macro_rules! step {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(failure) => return Ok(Err(failure)),
        }
    };
}
use step;

fn receive(
    agent: &Agent,
    folder: Folder,
    index_path: &Path,
    request: &TreePut,
    port: &Port,
) -> Step<TreePutResult> {
    let kept_path = index_path.with_extension("manifest");
    let id = &request.manifest;
    let is_new = !kept_path.exists();
    let (mut stream, manifest) = match kept::load(&kept_path, id) {
        Some(manifest) => (Stream::open(port, id.size, id.sha256)?, manifest),
        None => {
            let mut stream = Stream::open(port, 0, id.sha256)?;
            let manifest = step!(kept::receive(&mut stream, &kept_path, id)?);
            (stream, manifest)
        }
    };
    if is_new {
        // Only then there is more than before.
        sweep::sweep(&agent.trees.folder, &agent.root, false);
    }
    let old = Index::load(index_path);
    let store = Store::new(&agent.root, &agent.cache);
    // Then nothing is there that could be too much.
    let was_empty = folder.list().is_ok_and(|names| names.is_empty());
    let bench = Bench::default();
    let mut placer = Placer::new(step!(duplicate(&folder)), &manifest, &old, store);
    let need = step!(placer.find_needed(|| agent.trees.others(index_path)));
    step!(check_space(&folder, &manifest, &need));
    port.send_all(0, &need.encode())?;
    step!(placer.make_folders());
    step!(content::receive(
        &mut stream,
        &manifest,
        &need,
        &mut placer,
        &bench
    )?);
    let mut deleted = 0;
    if !was_empty {
        deleted += placer.rescue_gone(request);
        deleted += step!(extras::remove(&folder, &manifest, &old, request));
    }
    step!(placer.make_links());
    let needed = need.iter().filter(|needed| *needed).count() as u64;
    let files = manifest.file_count() as u64;
    let result = TreePutResult {
        files,
        bytes: stream.taken() - id.size,
        reused: files - needed,
        deleted,
    };
    if let Err(error) = index::save(index_path, request.path.as_bytes(), placer.known()) {
        // Only speed is lost: without an index the next tree compares contents.
        log!("{}: {error}", index_path.display());
    }
    Ok(Ok(result))
}

fn duplicate(folder: &Folder) -> Result<Folder, Failure> {
    let folder = folder.duplicate();
    folder.map_err(|error| failure::of_io(&error, b""))
}

/// Refuses before the first byte what the disk has no room for.
fn check_space(folder: &Folder, manifest: &Manifest, need: &NeedList) -> Result<(), Failure> {
    let (free, _) = sys::disk_space(folder).map_err(|error| failure::of_io(&error, b""))?;
    let needed = manifest.files().zip(need.iter());
    let sizes = needed.filter_map(|(item, needed)| needed.then_some(item.size));
    let bytes = sizes.fold(0_u64, u64::saturating_add);
    let bytes = bytes.saturating_sub(need.have());
    if bytes <= free {
        return Ok(());
    }
    let text = format!("{bytes} bytes are to come and {free} are free");
    Err(Failure::new(Code::NoSpace, text))
}
