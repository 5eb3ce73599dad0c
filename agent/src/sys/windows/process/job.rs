//! A job: what holds a process and everything it starts. Not here: starting processes.

use std::ffi::c_void;
use std::io;
use std::os::windows::io::{AsRawHandle, OwnedHandle};

use crate::sys::windows::abi::{self, Handle, JobAccounting, JobLimits, ProcessMemory};
use crate::sys::windows::{check, own};

/// Kinds of information about a job.
const ACCOUNTING: u32 = 1;
const PROCESSES: u32 = 3;
const LIMITS: u32 = 9;

/// More processes of one command than this are not listed, only killed.
const LISTED_MAX: usize = 4096;

/// A job. Its processes end when the last handle is closed.
#[derive(Debug)]
pub(super) struct Job(OwnedHandle);

impl Job {
    /// A new job without a process.
    pub(super) fn new() -> io::Result<Job> {
        const KILL_ON_CLOSE: u32 = 0x2000;
        // SAFETY: neither security nor a name are given.
        let job = own(unsafe { abi::CreateJobObjectW(std::ptr::null(), std::ptr::null()) })?;
        let job = Job(job);
        job.limit(KILL_ON_CLOSE)?;
        Ok(job)
    }

    /// Lets its processes live when the last handle is closed.
    pub(super) fn let_go(&self) -> io::Result<()> {
        self.limit(0)
    }

    /// Sets what holds for all in it. Never among that: a right to leave.
    fn limit(&self, flags: u32) -> io::Result<()> {
        // A crash ends a process, without a dialog that waits for somebody.
        const DIE_ON_UNHANDLED_EXCEPTION: u32 = 0x400;
        let limits = JobLimits {
            flags: DIE_ON_UNHANDLED_EXCEPTION | flags,
            ..JobLimits::default()
        };
        let length = length_of::<JobLimits>()?;
        let given: *const c_void = (&raw const limits).cast();
        let handle = self.0.as_raw_handle();
        // SAFETY: pointer and length describe `limits`, which lives through the call.
        check(unsafe { abi::SetInformationJobObject(handle, LIMITS, given, length) })
    }

    /// Puts a process in.
    pub(super) fn take(&self, process: Handle) -> io::Result<()> {
        // SAFETY: both handles are open.
        check(unsafe { abi::AssignProcessToJobObject(self.0.as_raw_handle(), process) })
    }

    /// Ends every process in it with that exit status.
    pub(super) fn end(&self, code: u32) -> io::Result<()> {
        // SAFETY: the handle is open.
        check(unsafe { abi::TerminateJobObject(self.0.as_raw_handle(), code) })
    }

    fn ask(&self, class: u32, out: *mut c_void, length: u32) -> io::Result<()> {
        let handle = self.0.as_raw_handle();
        let nothing = std::ptr::null_mut();
        // SAFETY: the callers describe with pointer and length a local that lives through it.
        check(unsafe { abi::QueryInformationJobObject(handle, class, out, length, nothing) })
    }

    /// Numbers of the processes in it.
    pub(super) fn members(&self) -> Vec<u32> {
        // Two numbers of 32 bits (assigned, listed), then the list in units of the pointer size.
        let mut list = vec![0_usize; LISTED_MAX + 1];
        let length = u32::try_from(size_of_val(&list[..])).unwrap_or(0);
        // Too long a list is an error, but what fits is there.
        let asked = self.ask(PROCESSES, list.as_mut_ptr().cast(), length);
        let listed = list[0] >> 32;
        match asked {
            Err(_) if listed == 0 => Vec::new(),
            _ => list[1..]
                .iter()
                .take(listed)
                .filter_map(|pid| u32::try_from(*pid).ok())
                .collect(),
        }
    }

    /// Processor time of all, in user and system mode, milliseconds; an error where the job does
    /// not count.
    pub(super) fn times(&self) -> io::Result<(u64, u64)> {
        let mut sums = JobAccounting::default();
        self.ask(
            ACCOUNTING,
            (&raw mut sums).cast(),
            length_of::<JobAccounting>()?,
        )?;
        if sums.user == 0 && sums.kernel == 0 {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok((milliseconds(sums.user), milliseconds(sums.kernel)))
    }

    /// Most memory of all together, or of the first process where the job does not count; 0 if
    /// neither is known.
    pub(super) fn peak_memory(&self, process: Handle) -> u64 {
        let mut limits = JobLimits::default();
        let length = length_of::<JobLimits>().unwrap_or(0);
        let asked = self.ask(LIMITS, (&raw mut limits).cast(), length);
        if asked.is_ok() && limits.peak_job_memory > 0 {
            return limits.peak_job_memory as u64;
        }
        let length = length_of::<ProcessMemory>().unwrap_or(0);
        let mut counters = ProcessMemory {
            length,
            ..ProcessMemory::default()
        };
        // SAFETY: the structure carries its length and lives through the call.
        unsafe { abi::K32GetProcessMemoryInfo(process, &raw mut counters, length) };
        counters.peak_working_set as u64
    }
}

/// Processor time of one process, in user and system mode, milliseconds.
pub(super) fn process_times(process: Handle) -> io::Result<(u64, u64)> {
    let (mut created, mut exited, mut kernel, mut user) = (0, 0, 0, 0);
    // SAFETY: the handle is open, the results are locals.
    check(unsafe {
        abi::GetProcessTimes(
            process,
            &raw mut created,
            &raw mut exited,
            &raw mut kernel,
            &raw mut user,
        )
    })?;
    Ok((milliseconds(user), milliseconds(kernel)))
}

fn length_of<T>() -> io::Result<u32> {
    u32::try_from(size_of::<T>()).map_err(io::Error::other)
}

/// From 100 ns.
fn milliseconds(ticks: i64) -> u64 {
    ticks.unsigned_abs() / 10_000
}
