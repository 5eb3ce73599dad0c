//! Facts about the machine and its files: version of the system, memory, disk space.
//! Not here: anything that changes something.

use std::ffi::{OsStr, c_void};
use std::io;
use std::os::windows::io::AsRawHandle;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::abi::{self, IoStatus, MemoryStatus, Version, VolumeSize};
use super::check_status;
use super::folder::Folder;
use super::names::wide_text;
use super::security::is_superuser;

/// Name of the operating system as the protocol writes it.
pub(crate) fn os_name() -> &'static str {
    "windows"
}

/// Version of the system, as `10.0.19045`; empty if it does not tell.
pub(crate) fn kernel_release() -> String {
    let mut version = Version {
        length: u32::try_from(size_of::<Version>()).unwrap_or(0),
        major: 0,
        minor: 0,
        build: 0,
        platform: 0,
        service_pack: [0; 128],
    };
    // SAFETY: the structure carries its length and lives through the call.
    if unsafe { abi::RtlGetVersion(&raw mut version) } < 0 {
        return String::new();
    }
    format!("{}.{}.{}", version.major, version.minor, version.build)
}

/// A text that changes with every start of the machine, which the system counts; else empty.
pub(crate) fn boot_id() -> String {
    const PLACE: &str =
        r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters";
    const LOCAL_MACHINE: usize = 0xffff_ffff_8000_0002;
    const NUMBERS_ONLY: u32 = 0x10;
    let (Ok(place), Ok(name)) = (
        wide_text(OsStr::new(PLACE)),
        wide_text(OsStr::new("BootId")),
    ) else {
        return String::new();
    };
    let mut boots = 0_u32;
    let mut length = 4;
    let key = std::ptr::without_provenance_mut(LOCAL_MACHINE);
    let out: *mut c_void = (&raw mut boots).cast();
    // SAFETY: the texts end with zero; pointer and length describe `boots`; all live through it.
    let failed = unsafe {
        abi::RegGetValueW(
            key,
            place.as_ptr(),
            name.as_ptr(),
            NUMBERS_ONLY,
            std::ptr::null_mut(),
            out,
            &raw mut length,
        )
    };
    if failed == 0 {
        format!("boot-{boots}")
    } else {
        String::new()
    }
}

/// Processors that this process may use.
pub(crate) fn logical_cpus() -> u64 {
    std::thread::available_parallelism().map_or(1, |count| count.get() as u64)
}

fn memory() -> MemoryStatus {
    // Wine answers with nothing while another thread asks for the first time.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut status = MemoryStatus {
        length: u32::try_from(size_of::<MemoryStatus>()).unwrap_or(0),
        ..MemoryStatus::default()
    };
    // A call that fails leaves zeros, which mean that it is not known.
    // SAFETY: the structure carries its length and lives through the call.
    unsafe { abi::GlobalMemoryStatusEx(&raw mut status) };
    status
}

/// Memory of the machine in bytes; 0 if the system does not tell.
pub(crate) fn memory_bytes() -> u64 {
    memory().total
}

/// Bytes of memory that can be had and all of them.
pub(crate) fn memory_space() -> Option<(u64, u64)> {
    let found = memory();
    (found.total > 0).then_some((found.free, found.total))
}

/// Nothing: Windows knows no load average.
pub(crate) fn load_hundredths() -> Option<u64> {
    None
}

/// The folders of the whole machine for configurations and for data, if we may write there.
pub(crate) fn system_folders() -> Option<(PathBuf, PathBuf)> {
    let shared = std::env::var_os("PROGRAMDATA").map(PathBuf::from);
    let shared = shared.filter(|path| path.is_absolute() && is_superuser())?;
    Some((shared.clone(), shared))
}

/// Always 0: users have no numbers here.
pub(crate) fn user_number() -> u32 {
    0
}

/// Free (for this user) and total bytes of the volume that holds the folder.
pub(crate) fn disk_space(folder: &Folder) -> io::Result<(u64, u64)> {
    const FULL_SIZE: u32 = 7;
    let mut size = VolumeSize::default();
    let mut status = IoStatus {
        status: 0,
        information: 0,
    };
    let length = u32::try_from(size_of::<VolumeSize>()).map_err(io::Error::other)?;
    let out: *mut c_void = (&raw mut size).cast();
    let handle = folder.as_file().as_raw_handle();
    // SAFETY: pointer and length describe `size`, which lives through the call.
    check_status(unsafe {
        abi::NtQueryVolumeInformationFile(handle, &raw mut status, out, length, FULL_SIZE)
    })?;
    let unit = u64::from(size.sectors_per_unit) * u64::from(size.bytes_per_sector);
    let bytes = |units: i64| units.unsigned_abs().saturating_mul(unit);
    Ok((bytes(size.free_units), bytes(size.total_units)))
}
