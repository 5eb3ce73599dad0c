//! Questions about files that move nothing: the SHA-256 of one, and the room on the disk.

use windlass_protocol::Failure;
use windlass_protocol::ops::{Df, DfResult, Hash, HashResult};
use windlass_protocol::sha256::Sha256;

use super::hash_for;
use crate::failure;
use crate::root::Root;
use crate::session::port::Port;
use crate::sys::{self, OpenMode};

/// Reads a file and says how many bytes there were and their SHA-256.
pub(crate) fn hash(root: &Root, port: &Port, hash: &Hash) -> Result<HashResult, Failure> {
    let io = |error| failure::of_io(&error, hash.path.as_bytes());
    let (folder, name) = root.parent(&hash.path)?;
    super::refuse_folder(&folder, &name, &hash.path)?;
    let mut file = folder.open_file(&name, OpenMode::Read).map_err(io)?;
    let mut sha256 = Sha256::new();
    let size = hash_for(port, &mut file, u64::MAX, &mut sha256).map_err(io)?;
    Ok(HashResult {
        size,
        sha256: sha256.finish(),
    })
}

/// The room where a folder lies.
pub(crate) fn df(root: &Root, df: &Df) -> Result<DfResult, Failure> {
    let folder = root.walk(&df.path)?;
    let space = sys::disk_space(&folder);
    let (disk_free, disk_total) =
        space.map_err(|error| failure::of_io(&error, df.path.as_bytes()))?;
    Ok(DfResult {
        disk_free,
        disk_total,
    })
}
