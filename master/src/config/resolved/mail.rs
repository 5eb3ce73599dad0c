//! `[mail]`.

use std::path::PathBuf;

use super::SecretRef;

/// `[mail]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    /// Sender address.
    pub from: String,
    /// How mail leaves.
    pub transport: MailTransport,
}

/// How mail leaves.
#[derive(Debug, Clone, PartialEq)]
pub enum MailTransport {
    /// `smtp://`, `smtp+starttls://` or `smtps://` with an optional user and password.
    Smtp {
        /// Host name.
        host: String,
        /// Port.
        port: u16,
        /// TLS from the start, by STARTTLS (required), or none.
        security: MailSecurity,
        /// User name, when the server wants one.
        user: Option<String>,
        /// Password, by reference.
        password: Option<SecretRef>,
        /// A PEM file of an authority to trust besides the system's.
        ca_file: Option<PathBuf>,
    },
    /// One `.eml` file per mail in this folder (absolute).
    Folder(PathBuf),
}

/// Protection of the SMTP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSecurity {
    /// `smtp://`: none (allowed to loopback, or where a password is not sent).
    Plain,
    /// `smtp+starttls://`: STARTTLS, required.
    StartTls,
    /// `smtps://`: TLS from the first byte.
    Tls,
}
