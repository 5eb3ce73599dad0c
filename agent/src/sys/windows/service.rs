//! Life under the service manager: telling it that we run, hearing that we are to stop. Not here:
//! registering the service; what the agent does meanwhile.

use std::ffi::{OsStr, c_void};
use std::fs::File;
use std::io;
use std::os::windows::io::IntoRawHandle;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::log::log;

use super::abi::{self, ServiceEntry, ServiceStatus};
use super::names::wide_text;
use super::{ask_to_stop, check};

/// States of a service.
const STOPPED: u32 = 1;
const STOP_PENDING: u32 = 3;
const RUNNING: u32 = 4;
/// Orders of the manager.
const STOP: u32 = 1;
const INTERROGATE: u32 = 4;
const SHUTDOWN: u32 = 5;
/// How long ending may take: longer than a session takes to say goodbye.
const STOP_HINT_MS: u32 = 15_000;
/// A log is begun anew when it is longer; the one before stays beside it.
const LOG_BYTES_MAX: u64 = 4 << 20;

type Work = Box<dyn FnOnce() -> ExitCode + Send>;

/// What the service does; taken when the manager starts it.
static WORK: Mutex<Option<Work>> = Mutex::new(None);
/// What the manager knows us by, once it has started us.
static MANAGER: AtomicUsize = AtomicUsize::new(0);

/// Runs `work` as the service that the manager has just started; returns when it has stopped. An
/// error if this program was started by somebody else. What the agent logs goes to `log`.
pub(crate) fn run_as_service(
    log: &Path,
    work: impl FnOnce() -> ExitCode + Send + 'static,
) -> io::Result<()> {
    write_errors_to(log)?;
    *WORK.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(work));
    // A service that is alone in its program is known without a name.
    let mut name = wide_text(OsStr::new(""))?;
    let nothing = ServiceEntry {
        name: std::ptr::null_mut(),
        main: None,
    };
    let table = [
        ServiceEntry {
            name: name.as_mut_ptr(),
            main: Some(main),
        },
        nothing,
    ];
    // SAFETY: the table ends with an empty entry and lives, as the name, through the call, which
    // returns when the service has stopped.
    check(unsafe { abi::StartServiceCtrlDispatcherW(table.as_ptr()) })
}

/// A service has no console: standard error becomes a file.
fn write_errors_to(log: &Path) -> io::Result<()> {
    const STANDARD_ERROR: u32 = (-12_i32).cast_unsigned();
    if std::fs::metadata(log).is_ok_and(|found| found.len() > LOG_BYTES_MAX) {
        std::fs::rename(log, log.with_added_extension("old"))?;
    }
    let file = File::options().create(true).append(true).open(log)?;
    // SAFETY: the handle is open and stays so as long as this program lives.
    check(unsafe { abi::SetStdHandle(STANDARD_ERROR, file.into_raw_handle()) })
}

/// Called by the manager on a thread of its own.
unsafe extern "system" fn main(count: u32, words: *mut *mut u16) {
    let nothing = std::ptr::null_mut();
    if count == 0 {
        return;
    }
    // SAFETY: the manager hands over `count` texts that end with zero, the service's name first;
    // the handler is a function of this program and stays.
    let manager = unsafe { abi::RegisterServiceCtrlHandlerExW(words.read(), on_order, nothing) };
    MANAGER.store(manager.expose_provenance(), Ordering::SeqCst);
    tell(RUNNING, true);
    let work = WORK.lock().unwrap_or_else(PoisonError::into_inner).take();
    let good = work.is_some_and(|work| work() == ExitCode::SUCCESS);
    tell(STOPPED, good);
}

unsafe extern "system" fn on_order(
    order: u32,
    _kind: u32,
    _facts: *mut c_void,
    _context: *mut c_void,
) -> u32 {
    const DONE: u32 = 0;
    const NOT_IMPLEMENTED: u32 = 120;
    match order {
        STOP | SHUTDOWN => {
            tell(STOP_PENDING, true);
            ask_to_stop();
            DONE
        }
        INTERROGATE => DONE,
        _ => NOT_IMPLEMENTED,
    }
}

/// Tells the manager how it stands; `good` says whether a stopped service did its work.
fn tell(state: u32, good: bool) {
    const OWN_PROCESS: u32 = 0x10;
    const ACCEPT_STOP_AND_SHUTDOWN: u32 = 0x5;
    const SPECIFIC_ERROR: u32 = 1066;
    let status = ServiceStatus {
        kind: OWN_PROCESS,
        state,
        accepts: match state {
            RUNNING => ACCEPT_STOP_AND_SHUTDOWN,
            _ => 0,
        },
        exit: if good { 0 } else { SPECIFIC_ERROR },
        specific: u32::from(!good),
        checkpoint: 0,
        wait_hint_ms: match state {
            STOP_PENDING => STOP_HINT_MS,
            _ => 0,
        },
    };
    let manager = std::ptr::with_exposed_provenance_mut(MANAGER.load(Ordering::SeqCst));
    // SAFETY: the structure lives through the call; the manager checks its handle.
    if let Err(error) = check(unsafe { abi::SetServiceStatus(manager, &raw const status) }) {
        log!("cannot tell the service manager: {error}");
    }
}
