//! The structures that system calls of Windows take, and the functions that it calls.

use std::ffi::c_void;

use super::{Bool, Handle};

/// `UNICODE_STRING`: lengths in bytes.
#[repr(C)]
pub(in crate::sys::windows) struct UnicodeString {
    pub(in crate::sys::windows) length: u16,
    pub(in crate::sys::windows) capacity: u16,
    pub(in crate::sys::windows) buffer: *mut u16,
}

/// `OBJECT_ATTRIBUTES`.
#[repr(C)]
pub(in crate::sys::windows) struct ObjectAttributes {
    pub(in crate::sys::windows) length: u32,
    pub(in crate::sys::windows) root: Handle,
    pub(in crate::sys::windows) name: *const UnicodeString,
    pub(in crate::sys::windows) attributes: u32,
    pub(in crate::sys::windows) security: *mut c_void,
    pub(in crate::sys::windows) quality: *mut c_void,
}

/// `IO_STATUS_BLOCK`.
#[repr(C)]
pub(in crate::sys::windows) struct IoStatus {
    pub(in crate::sys::windows) status: usize,
    pub(in crate::sys::windows) information: usize,
}

/// `BY_HANDLE_FILE_INFORMATION`; a time is two halves of 100 ns since 1601, low first.
#[repr(C)]
#[derive(Default)]
pub(in crate::sys::windows) struct FileInformation {
    pub(in crate::sys::windows) attributes: u32,
    pub(in crate::sys::windows) created: [u32; 2],
    pub(in crate::sys::windows) accessed: [u32; 2],
    pub(in crate::sys::windows) written: [u32; 2],
    pub(in crate::sys::windows) volume: u32,
    pub(in crate::sys::windows) size_high: u32,
    pub(in crate::sys::windows) size_low: u32,
    pub(in crate::sys::windows) links: u32,
    pub(in crate::sys::windows) index_high: u32,
    pub(in crate::sys::windows) index_low: u32,
}

/// `FILE_BASIC_INFO`: 100 ns since 1601.
#[repr(C)]
#[derive(Default)]
pub(in crate::sys::windows) struct BasicInfo {
    pub(in crate::sys::windows) created: i64,
    pub(in crate::sys::windows) accessed: i64,
    pub(in crate::sys::windows) written: i64,
    pub(in crate::sys::windows) changed: i64,
    pub(in crate::sys::windows) attributes: u32,
}

/// `FILE_FS_FULL_SIZE_INFORMATION`.
#[repr(C)]
#[derive(Default)]
pub(in crate::sys::windows) struct VolumeSize {
    pub(in crate::sys::windows) total_units: i64,
    /// For this user.
    pub(in crate::sys::windows) free_units: i64,
    pub(in crate::sys::windows) actual_free_units: i64,
    pub(in crate::sys::windows) sectors_per_unit: u32,
    pub(in crate::sys::windows) bytes_per_sector: u32,
}

/// `MEMORYSTATUSEX`.
#[repr(C)]
#[derive(Default)]
pub(in crate::sys::windows) struct MemoryStatus {
    pub(in crate::sys::windows) length: u32,
    pub(in crate::sys::windows) load: u32,
    pub(in crate::sys::windows) total: u64,
    pub(in crate::sys::windows) free: u64,
    pub(in crate::sys::windows) rest: [u64; 5],
}

/// `OSVERSIONINFOW`.
#[repr(C)]
pub(in crate::sys::windows) struct Version {
    pub(in crate::sys::windows) length: u32,
    pub(in crate::sys::windows) major: u32,
    pub(in crate::sys::windows) minor: u32,
    pub(in crate::sys::windows) build: u32,
    pub(in crate::sys::windows) platform: u32,
    pub(in crate::sys::windows) service_pack: [u16; 128],
}

/// `JOBOBJECT_EXTENDED_LIMIT_INFORMATION`.
#[repr(C)]
#[derive(Default)]
pub(in crate::sys::windows) struct JobLimits {
    pub(in crate::sys::windows) process_time: i64,
    pub(in crate::sys::windows) job_time: i64,
    pub(in crate::sys::windows) flags: u32,
    pub(in crate::sys::windows) min_working_set: usize,
    pub(in crate::sys::windows) max_working_set: usize,
    pub(in crate::sys::windows) processes_max: u32,
    pub(in crate::sys::windows) affinity: usize,
    pub(in crate::sys::windows) priority: u32,
    pub(in crate::sys::windows) scheduling: u32,
    pub(in crate::sys::windows) io: [u64; 6],
    pub(in crate::sys::windows) process_memory: usize,
    pub(in crate::sys::windows) job_memory: usize,
    pub(in crate::sys::windows) peak_process_memory: usize,
    pub(in crate::sys::windows) peak_job_memory: usize,
}

/// `JOBOBJECT_BASIC_ACCOUNTING_INFORMATION`; times in 100 ns.
#[repr(C)]
#[derive(Default)]
pub(in crate::sys::windows) struct JobAccounting {
    pub(in crate::sys::windows) user: i64,
    pub(in crate::sys::windows) kernel: i64,
    pub(in crate::sys::windows) period_user: i64,
    pub(in crate::sys::windows) period_kernel: i64,
    pub(in crate::sys::windows) page_faults: u32,
    pub(in crate::sys::windows) total: u32,
    pub(in crate::sys::windows) active: u32,
    pub(in crate::sys::windows) terminated: u32,
}

/// `PROCESS_MEMORY_COUNTERS`.
#[repr(C)]
#[derive(Default)]
pub(in crate::sys::windows) struct ProcessMemory {
    pub(in crate::sys::windows) length: u32,
    pub(in crate::sys::windows) page_faults: u32,
    pub(in crate::sys::windows) peak_working_set: usize,
    pub(in crate::sys::windows) rest: [usize; 7],
}

/// `THREADENTRY32`.
#[repr(C)]
#[derive(Default)]
pub(in crate::sys::windows) struct ThreadEntry {
    pub(in crate::sys::windows) length: u32,
    pub(in crate::sys::windows) usage: u32,
    pub(in crate::sys::windows) thread: u32,
    pub(in crate::sys::windows) process: u32,
    pub(in crate::sys::windows) rest: [u32; 3],
}

/// `SECURITY_ATTRIBUTES`.
#[repr(C)]
pub(in crate::sys::windows) struct SecurityAttributes {
    pub(in crate::sys::windows) length: u32,
    pub(in crate::sys::windows) descriptor: *mut c_void,
    pub(in crate::sys::windows) inherit: Bool,
}

/// `OVERLAPPED`.
#[repr(C)]
pub(in crate::sys::windows) struct Overlapped {
    pub(in crate::sys::windows) status: usize,
    pub(in crate::sys::windows) information: usize,
    pub(in crate::sys::windows) offset: u64,
    pub(in crate::sys::windows) event: Handle,
}

/// `SERVICE_STATUS`.
#[repr(C)]
pub(in crate::sys::windows) struct ServiceStatus {
    pub(in crate::sys::windows) kind: u32,
    pub(in crate::sys::windows) state: u32,
    pub(in crate::sys::windows) accepts: u32,
    pub(in crate::sys::windows) exit: u32,
    pub(in crate::sys::windows) specific: u32,
    pub(in crate::sys::windows) checkpoint: u32,
    pub(in crate::sys::windows) wait_hint_ms: u32,
}

/// Called by the service manager when it starts the service.
pub(in crate::sys::windows) type ServiceMain = unsafe extern "system" fn(u32, *mut *mut u16);
/// Called by the service manager with an order.
pub(in crate::sys::windows) type ServiceHandler =
    unsafe extern "system" fn(u32, u32, *mut c_void, *mut c_void) -> u32;

/// `SERVICE_TABLE_ENTRYW`.
#[repr(C)]
pub(in crate::sys::windows) struct ServiceEntry {
    pub(in crate::sys::windows) name: *mut u16,
    pub(in crate::sys::windows) main: Option<ServiceMain>,
}

/// Called by the system on a thread of its own.
pub(in crate::sys::windows) type ControlHandler = unsafe extern "system" fn(u32) -> Bool;
