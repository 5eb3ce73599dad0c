//! How an error of the operating system becomes a failure of the protocol. Not here: the closed
//! list of codes; that belongs to the protocol.

use std::io::{self, ErrorKind};

use windlass_protocol::{Code, Failure};

use crate::sys;

/// The failure for an error met at `path` (bytes of the path as the master wrote it).
pub(crate) fn of_io(error: &io::Error, path: &[u8]) -> Failure {
    let code = match error.kind() {
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::AlreadyExists => Code::Exists,
        ErrorKind::NotADirectory => Code::NotDir,
        ErrorKind::IsADirectory => Code::IsDir,
        ErrorKind::DirectoryNotEmpty => Code::NotEmpty,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Code::Permission,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Code::NoSpace,
        ErrorKind::InvalidFilename | ErrorKind::ArgumentListTooLong => Code::TooLong,
        ErrorKind::InvalidInput => Code::BadPath,
        _ if sys::is_link_error(error) => Code::SymlinkDenied,
        _ => Code::Io,
    };
    let failure = Failure::new(code, error.to_string()).with_path(path);
    match error.raw_os_error() {
        Some(number) => failure.with_errno(number.into()),
        None => failure,
    }
}
