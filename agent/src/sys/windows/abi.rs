//! The system calls of Windows that std does not offer, and the structures they take
//! (`structures`). Not here: anything that calls them.

mod structures;

use std::ffi::c_void;

pub(super) use structures::{
    BasicInfo, ControlHandler, FileInformation, IoStatus, JobAccounting, JobLimits, MemoryStatus,
    ObjectAttributes, Overlapped, ProcessMemory, SecurityAttributes, ServiceEntry, ServiceHandler,
    ServiceStatus, ThreadEntry, UnicodeString, Version, VolumeSize,
};

/// A handle as the system writes it.
pub(super) type Handle = *mut c_void;
/// 0 for failure.
pub(super) type Bool = i32;

#[link(name = "bcryptprimitives", kind = "raw-dylib")]
unsafe extern "system" {
    pub(super) fn ProcessPrng(buffer: *mut u8, length: usize) -> Bool;
}

#[link(name = "ntdll")]
unsafe extern "system" {
    pub(super) fn NtCreateFile(
        handle: *mut Handle,
        access: u32,
        attributes: *const ObjectAttributes,
        status: *mut IoStatus,
        allocation: *const i64,
        file_attributes: u32,
        share: u32,
        disposition: u32,
        options: u32,
        extended: *const c_void,
        extended_length: u32,
    ) -> i32;
    pub(super) fn NtSetInformationFile(
        handle: Handle,
        status: *mut IoStatus,
        buffer: *const c_void,
        length: u32,
        class: u32,
    ) -> i32;
    pub(super) fn NtQueryVolumeInformationFile(
        handle: Handle,
        status: *mut IoStatus,
        buffer: *mut c_void,
        length: u32,
        class: u32,
    ) -> i32;
    pub(super) fn RtlNtStatusToDosError(status: i32) -> u32;
    pub(super) fn RtlGetVersion(version: *mut Version) -> i32;
}

#[link(name = "advapi32")]
unsafe extern "system" {
    pub(super) fn GetSecurityInfo(
        handle: Handle,
        kind: u32,
        what: u32,
        owner: *mut *mut c_void,
        group: *mut *mut c_void,
        dacl: *mut *mut c_void,
        sacl: *mut *mut c_void,
        descriptor: *mut *mut c_void,
    ) -> u32;
    pub(super) fn GetAce(list: *const c_void, index: u32, entry: *mut *mut u8) -> Bool;
    pub(super) fn ConvertSidToStringSidW(sid: *const c_void, text: *mut *mut u16) -> Bool;
    pub(super) fn ConvertStringSecurityDescriptorToSecurityDescriptorW(
        text: *const u16,
        revision: u32,
        descriptor: *mut *mut c_void,
        length: *mut u32,
    ) -> Bool;
    pub(super) fn GetTokenInformation(
        token: Handle,
        class: u32,
        out: *mut c_void,
        length: u32,
        returned: *mut u32,
    ) -> Bool;
    pub(super) fn OpenProcessToken(process: Handle, access: u32, token: *mut Handle) -> Bool;
    pub(super) fn IsWellKnownSid(sid: *const u8, kind: u32) -> Bool;
    pub(super) fn RegisterServiceCtrlHandlerExW(
        name: *const u16,
        handler: ServiceHandler,
        context: *mut c_void,
    ) -> Handle;
    pub(super) fn SetServiceStatus(manager: Handle, status: *const ServiceStatus) -> Bool;
    pub(super) fn StartServiceCtrlDispatcherW(table: *const ServiceEntry) -> Bool;
    pub(super) fn RegGetValueW(
        key: Handle,
        path: *const u16,
        name: *const u16,
        flags: u32,
        kind: *mut u32,
        data: *mut c_void,
        length: *mut u32,
    ) -> u32;
}

#[link(name = "kernel32")]
unsafe extern "system" {
    pub(super) fn AssignProcessToJobObject(job: Handle, process: Handle) -> Bool;
    pub(super) fn ConnectNamedPipe(pipe: Handle, overlapped: *mut Overlapped) -> Bool;
    pub(super) fn CreateEventW(
        security: *const c_void,
        manual: Bool,
        set: Bool,
        name: *const u16,
    ) -> Handle;
    pub(super) fn CreateFileW(
        name: *const u16,
        access: u32,
        share: u32,
        security: *const SecurityAttributes,
        disposition: u32,
        flags: u32,
        template: Handle,
    ) -> Handle;
    pub(super) fn CreateNamedPipeW(
        name: *const u16,
        open_mode: u32,
        pipe_mode: u32,
        instances_max: u32,
        out_buffer: u32,
        in_buffer: u32,
        timeout_ms: u32,
        security: *const SecurityAttributes,
    ) -> Handle;
    pub(super) fn CreateJobObjectW(security: *const c_void, name: *const u16) -> Handle;
    pub(super) fn CreateSymbolicLinkW(link: *const u16, target: *const u16, flags: u32) -> u8;
    pub(super) fn CreateToolhelp32Snapshot(what: u32, process: u32) -> Handle;
    pub(super) fn DeviceIoControl(
        handle: Handle,
        code: u32,
        input: *const c_void,
        input_length: u32,
        output: *mut c_void,
        output_length: u32,
        returned: *mut u32,
        overlapped: *mut c_void,
    ) -> Bool;
    pub(super) fn GenerateConsoleCtrlEvent(event: u32, group: u32) -> Bool;
    pub(super) fn GetCurrentProcess() -> Handle;
    pub(super) fn GetExitCodeProcess(process: Handle, code: *mut u32) -> Bool;
    pub(super) fn GetFileInformationByHandle(handle: Handle, out: *mut FileInformation) -> Bool;
    pub(super) fn GetFileInformationByHandleEx(
        handle: Handle,
        class: u32,
        buffer: *mut c_void,
        length: u32,
    ) -> Bool;
    pub(super) fn GetFinalPathNameByHandleW(
        handle: Handle,
        path: *mut u16,
        length: u32,
        flags: u32,
    ) -> u32;
    pub(super) fn GetOverlappedResult(
        handle: Handle,
        overlapped: *mut Overlapped,
        count: *mut u32,
        wait: Bool,
    ) -> Bool;
    pub(super) fn GetStdHandle(which: u32) -> Handle;
    pub(super) fn GetProcessTimes(
        process: Handle,
        created: *mut i64,
        exited: *mut i64,
        kernel: *mut i64,
        user: *mut i64,
    ) -> Bool;
    pub(super) fn GlobalMemoryStatusEx(status: *mut MemoryStatus) -> Bool;
    pub(super) fn K32GetProcessMemoryInfo(
        process: Handle,
        counters: *mut ProcessMemory,
        length: u32,
    ) -> Bool;
    pub(super) fn LocalFree(memory: *mut c_void) -> *mut c_void;
    pub(super) fn OpenThread(access: u32, inherit: Bool, thread: u32) -> Handle;
    pub(super) fn PeekNamedPipe(
        pipe: Handle,
        buffer: *mut c_void,
        length: u32,
        read: *mut u32,
        available: *mut u32,
        left: *mut u32,
    ) -> Bool;
    pub(super) fn QueryInformationJobObject(
        job: Handle,
        class: u32,
        out: *mut c_void,
        length: u32,
        returned: *mut u32,
    ) -> Bool;
    pub(super) fn ReadFile(
        handle: Handle,
        buffer: *mut u8,
        length: u32,
        count: *mut u32,
        overlapped: *mut Overlapped,
    ) -> Bool;
    pub(super) fn ResumeThread(thread: Handle) -> u32;
    pub(super) fn SetConsoleCtrlHandler(handler: Option<ControlHandler>, add: Bool) -> Bool;
    pub(super) fn SetFileInformationByHandle(
        handle: Handle,
        class: u32,
        buffer: *const c_void,
        length: u32,
    ) -> Bool;
    pub(super) fn SetHandleInformation(handle: Handle, mask: u32, flags: u32) -> Bool;
    pub(super) fn SetInformationJobObject(
        job: Handle,
        class: u32,
        information: *const c_void,
        length: u32,
    ) -> Bool;
    pub(super) fn SetConsoleCP(page: u32) -> Bool;
    pub(super) fn SetConsoleOutputCP(page: u32) -> Bool;
    pub(super) fn SetStdHandle(which: u32, handle: Handle) -> Bool;
    pub(super) fn TerminateJobObject(job: Handle, code: u32) -> Bool;
    pub(super) fn Thread32First(snapshot: Handle, entry: *mut ThreadEntry) -> Bool;
    pub(super) fn Thread32Next(snapshot: Handle, entry: *mut ThreadEntry) -> Bool;
    pub(super) fn WaitForSingleObject(handle: Handle, timeout_ms: u32) -> u32;
    pub(super) fn WaitNamedPipeW(name: *const u16, timeout_ms: u32) -> Bool;
    pub(super) fn WriteFile(
        handle: Handle,
        buffer: *const u8,
        length: u32,
        count: *mut u32,
        overlapped: *mut Overlapped,
    ) -> Bool;
}
