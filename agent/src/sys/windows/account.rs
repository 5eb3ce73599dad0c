//! Other users of this machine: nobody is found, because nothing is done for others here.

use std::io;
use std::path::Path;

use crate::sys::Account;

/// The text says what would be right.
pub(crate) fn find_account(_name: &str) -> Result<Account, String> {
    Err("works on Linux only; run the whole agent as that user".into())
}

/// Nobody was found who could be acted for.
pub(crate) fn act_as(_account: &Account) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Nobody was found who could be given anything.
pub(crate) fn give_folder(_path: &Path, _account: &Account) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
