//! `[mail]`.

use super::master::secret;
use super::smtp;
use crate::config::load::Scope;
use crate::config::reader::{Section, Value};
use crate::config::resolved::{Mail, MailTransport};

/// Longest address, by RFC 5321.
const ADDRESS_BYTES_MAX: usize = 254;

/// Reads the section.
pub(in crate::config) fn read(scope: &Scope<'_>, section: &Section<'_>) -> Option<Mail> {
    let from = section
        .need("from", "\"builds@acme.example\"")
        .and_then(|value| mailbox(&value));
    let transport = transport(scope, section);
    Some(Mail {
        from: from?,
        transport: transport?,
    })
}

fn transport(scope: &Scope<'_>, section: &Section<'_>) -> Option<MailTransport> {
    match (section.key("smtp"), section.key("folder")) {
        (Some(url), None) => {
            let password = section.key("password");
            let stored = password.as_ref().map(|value| secret(scope, value));
            let ca_file = section
                .key("ca_file")
                .and_then(|value| value.line().map(|text| scope.path(text)));
            let server = smtp::parse(&url)?;
            smtp::check_password(&url, &server, password.as_ref());
            Some(MailTransport::Smtp {
                host: server.host,
                port: server.port,
                security: server.security,
                user: server.user,
                password: match stored {
                    Some(stored) => Some(stored?),
                    None => None,
                },
                ca_file,
            })
        }
        (None, Some(folder)) => Some(MailTransport::Folder(scope.path(folder.line()?))),
        (found, _) => {
            let (title, help) = if found.is_some() {
                ("[mail] has two ways", "keep `smtp` or `folder`")
            } else {
                (
                    "[mail] does not say how mail leaves",
                    "add a line such as: smtp = \"smtps://builds@mail.acme.example\"",
                )
            };
            section.check.wrong(section.place, title, "", help);
            None
        }
    }
}

/// A mail address, or a name with one in angle brackets.
pub(super) fn mailbox(value: &Value<'_>) -> Option<String> {
    let text = value.line()?;
    let Some((name, rest)) = text.split_once('<') else {
        return address(value);
    };
    let inner = rest.strip_suffix('>').unwrap_or_default();
    let plain = name.len() <= ADDRESS_BYTES_MAX && !name.contains(['"', ',', ';', '@', ':']);
    if plain && is_address(inner) {
        return Some(text.to_owned());
    }
    let help = "write \"builds@acme.example\" or \"Acme builds <builds@acme.example>\"";
    value.wrong(format!("`{text}` is no mail address"), "", help);
    None
}

/// A mail address.
pub(super) fn address(value: &Value<'_>) -> Option<String> {
    let text = value.line()?;
    if !is_address(text) {
        let help = "write an address such as \"builds@acme.example\"";
        value.wrong(format!("`{text}` is no mail address"), "", help);
        return None;
    }
    Some(text.to_owned())
}

fn is_address(text: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !matches!(c, '<' | '>' | ',' | ';' | '"');
    text.len() <= ADDRESS_BYTES_MAX
        && text.chars().all(plain)
        && text.split_once('@').is_some_and(|(local, host)| {
            !local.is_empty() && !host.is_empty() && !host.contains('@')
        })
}
