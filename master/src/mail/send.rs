//! How a mail leaves: SMTP in its three forms, or a folder of files. Every send has an end.

use std::path::Path;
use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{self, PoolConfig};
use lettre::{AsyncFileTransport, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use super::Letter;
use crate::config::resolved::{Mail, MailSecurity, MailTransport, SecretRef};

/// A server that is silent this long in one exchange is given up.
const EXCHANGE_MAX: Duration = Duration::from_secs(30);
/// End of a whole send: the library's async side has no end of its own for a trickling server.
const SEND_MAX: Duration = Duration::from_secs(60);

/// Why a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// Trying again may help.
    #[error("{0}")]
    Later(String),
    /// This mail will never be taken.
    #[error("{0}")]
    Never(String),
}

/// The way out, made anew for each round so that a changed secret or server counts at once.
pub struct Sender {
    from: String,
    way: Way,
}

enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(AsyncFileTransport<Tokio1Executor>),
}

impl Sender {
    /// Reads the secrets that `mail` refers to. Errors tell what to repair and hold no secret.
    pub fn new(mail: &Mail) -> Result<Self, MailError> {
        let way = match &mail.transport {
            MailTransport::Folder(folder) => {
                std::fs::create_dir_all(folder).map_err(|error| {
                    MailError::Later(format!("the mail folder {}: {error}", folder.display()))
                })?;
                Way::Folder(AsyncFileTransport::new(folder))
            }
            MailTransport::Smtp {
                host,
                port,
                security,
                user,
                password,
                ca_file,
            } => {
                let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
                    .port(*port)
                    .timeout(Some(EXCHANGE_MAX))
                    // A connection that idled may be dead without telling: none is kept.
                    .pool_config(PoolConfig::new().min_idle(0).idle_timeout(Duration::ZERO))
                    .tls(tls(*security, host, ca_file.as_deref())?);
                if let Some(user) = user {
                    let password = password.as_ref().map_or(Ok(String::new()), read_secret)?;
                    builder = builder.credentials(Credentials::new(user.clone(), password));
                }
                Way::Smtp(builder.build())
            }
        };
        Ok(Self {
            from: mail.from.clone(),
            way,
        })
    }

    /// The sender's address.
    #[must_use]
    pub fn from(&self) -> &str {
        &self.from
    }

    /// Hands `letter` over; it was taken when this returns `Ok`. Takes 60 s at most.
    pub async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        let message = letter.message()?;
        let sent = async {
            match &self.way {
                Way::Smtp(smtp) => smtp.send(message).await.map(drop).map_err(smtp_error),
                Way::Folder(folder) => folder
                    .send(message)
                    .await
                    .map(drop)
                    .map_err(|error| MailError::Later(chain(&error))),
            }
        };
        tokio::time::timeout(SEND_MAX, sent)
            .await
            .unwrap_or_else(|_| {
                let seconds = SEND_MAX.as_secs();
                Err(MailError::Later(format!(
                    "the mail server took longer than {seconds} s"
                )))
            })
    }
}

fn tls(security: MailSecurity, host: &str, ca_file: Option<&Path>) -> Result<Tls, MailError> {
    if security == MailSecurity::Plain {
        return Ok(Tls::None);
    }
    let mut parameters = TlsParameters::builder(host.to_owned());
    if let Some(path) = ca_file {
        let pem = std::fs::read(path)
            .map_err(|error| MailError::Later(format!("ca_file {}: {error}", path.display())))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| {
            MailError::Later(format!("ca_file {}: {}", path.display(), chain(&error)))
        })?;
        parameters = parameters.add_root_certificate(certificate);
    }
    let parameters = parameters
        .build()
        .map_err(|error| MailError::Later(chain(&error)))?;
    Ok(match security {
        MailSecurity::StartTls => Tls::Required(parameters),
        MailSecurity::Tls | MailSecurity::Plain => Tls::Wrapper(parameters),
    })
}

fn read_secret(secret: &SecretRef) -> Result<String, MailError> {
    match secret {
        SecretRef::File(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                MailError::Later(format!("the password file {}: {error}", path.display()))
            })?;
            Ok(text.lines().next().unwrap_or_default().to_owned())
        }
        SecretRef::Env(name) => std::env::var(name).map_err(|_| {
            MailError::Later(format!(
                "the environment variable {name} with the password is not set"
            ))
        }),
    }
}

/// Refusals that speak of the receiver are final: no such mailbox (550, 551, 553) or a domain that
/// takes no mail (556). Everything else a person may repair, and the mail waits for that: a wrong
/// password, a full mailbox, a server that is set up wrongly or has no service today.
fn smtp_error(error: smtp::Error) -> MailError {
    let text = chain(&error);
    match error.status().map(u16::from) {
        Some(550 | 551 | 553 | 556) => MailError::Never(text),
        _ => MailError::Later(text),
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests;
