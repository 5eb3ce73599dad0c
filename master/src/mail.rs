//! Mail: what one looks like and how it leaves. Who gets one and when it is tried again is
//! decided elsewhere (`notify`, `notifier`).

mod absence;
mod letter;
mod plain;
mod report;
mod send;
mod store;

pub use absence::{AbsenceReport, AbsentAgent};
pub use letter::Letter;
pub use plain::{plain_line, plain_lines};
pub use report::{Change, Excerpt, Product, Report, Stamp, Step};
pub use send::{MailError, Sender};
pub use store::StoreReport;
