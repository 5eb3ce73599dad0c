//! Another user of this machine: finding it, and doing its work as it, without ever becoming it
//! for good. Only where the system can do that for a single thread: Linux. Not here: who may be
//! asked for (`config`).

use std::ffi::{c_int, c_long};
use std::io;
use std::os::unix::fs::chown;
use std::path::Path;

use super::check;
use crate::sys::Account;

unsafe extern "C" {
    fn setgroups(count: usize, groups: *const u32) -> c_int;
    fn setgid(group: u32) -> c_int;
    fn setuid(user: u32) -> c_int;
}

#[cfg(target_os = "linux")]
unsafe extern "C" {
    fn setfsgid(group: u32) -> c_int;
    fn setfsuid(user: u32) -> c_int;
    fn syscall(number: c_long, ...) -> c_long;
}

/// `setgroups` by its number: the function of that name speaks for every thread.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
const SETGROUPS: c_long = 116;
#[cfg(all(target_os = "linux", not(target_arch = "x86_64")))]
const SETGROUPS: c_long = 159;

/// More groups than the system takes.
const GROUPS_MAX: usize = 65_536;

/// Finds a user by name. The text of an error says what would be right.
pub(crate) fn find_account(name: &str) -> Result<Account, String> {
    if !cfg!(target_os = "linux") {
        return Err("works on Linux only; run the whole agent as that user".into());
    }
    if !super::is_superuser() {
        return Err("the agent must run as root to have commands run as another user".into());
    }
    let read = |path: &str| {
        std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))
    };
    let users = read("/etc/passwd")?;
    // A machine without a file of groups has none to add.
    let groups = read("/etc/group").unwrap_or_default();
    match account_of(name, &users, &groups) {
        Some(account) if account.user == 0 => Err("is root; name another user, or none".into()),
        Some(account) => Ok(account),
        None => Err("is not in /etc/passwd; name a user of this machine".into()),
    }
}

/// The user of that name in the lines of the two files.
fn account_of(name: &str, users: &str, groups: &str) -> Option<Account> {
    let line = users
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let fields: Vec<&str> = line.split(':').collect();
    let group = fields.get(3)?.parse().ok()?;
    let mut all = vec![group];
    for line in groups.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let member = fields
            .get(3)
            .is_some_and(|list| list.split(',').any(|one| one == name));
        let number: Option<u32> = fields.get(2).and_then(|number| number.parse().ok());
        all.extend(number.filter(|number| member && *number != group));
    }
    all.truncate(GROUPS_MAX);
    Some(Account {
        name: name.to_owned(),
        user: fields.get(2)?.parse().ok()?,
        group,
        groups: all,
        home: fields.get(5)?.to_string(),
    })
}

/// Has this thread, and those it starts, reach files as that user from now on.
#[cfg(target_os = "linux")]
pub(crate) fn act_as(account: &Account) -> io::Result<()> {
    // SAFETY: the pointer is to the list of that length, which lives through the call.
    let set = unsafe { syscall(SETGROUPS, account.groups.len(), account.groups.as_ptr()) };
    if set < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: plain system calls. They tell the number before; asked again, the present one.
    let now = unsafe {
        setfsgid(account.group);
        setfsuid(account.user);
        (setfsuid(u32::MAX), setfsgid(u32::MAX))
    };
    match now == (account.user.cast_signed(), account.group.cast_signed()) {
        true => Ok(()),
        false => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

/// Nobody was found who could be acted for.
#[cfg(not(target_os = "linux"))]
pub(crate) fn act_as(_account: &Account) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Gives a folder to that user.
pub(crate) fn give_folder(path: &Path, account: &Account) -> io::Result<()> {
    chown(path, Some(account.user), Some(account.group))
}

/// Between fork and exec: becomes that user for good.
pub(super) fn become_user(account: &Account) -> io::Result<()> {
    // SAFETY: plain system calls that may be made here; the list lives through them.
    unsafe {
        check(setgroups(account.groups.len(), account.groups.as_ptr()))?;
        check(setgid(account.group))?;
        check(setuid(account.user))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
