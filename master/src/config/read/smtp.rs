//! The address of a mail server: `smtps://user@host:port`.

use crate::config::reader::Value;
use crate::config::resolved::MailSecurity;

/// Where mail is handed over, without the password.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: MailSecurity,
    pub(super) user: Option<String>,
}

/// Schemes with their protection and usual port.
const SCHEMES: [(&str, MailSecurity, u16); 3] = [
    ("smtp://", MailSecurity::Plain, 25),
    ("smtp+starttls://", MailSecurity::StartTls, 587),
    ("smtps://", MailSecurity::Tls, 465),
];

/// Parses the address; mistakes are told at `value`.
pub(super) fn parse(value: &Value<'_>) -> Option<Server> {
    let text = value.line()?;
    let found = SCHEMES
        .iter()
        .find_map(|(scheme, security, port)| Some((text.strip_prefix(scheme)?, security, port)));
    let wrong = |title: String| {
        let help = "write \"smtps://user@host\", \"smtp+starttls://user@host:587\" or, to this \
                    machine, \"smtp://localhost\"";
        value.wrong(title, "", help);
    };
    let Some((rest, security, usual_port)) = found else {
        wrong(format!("`{text}` is no address of a mail server"));
        return None;
    };
    let (user, place) = match rest.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, rest),
    };
    if user.is_some_and(|user| user.contains(':')) {
        let help = "take it out and write: password = { file = \"secrets/smtp\" }";
        let title = "`smtp` holds a password";
        value.check.wrong_secret(value.place, title, help);
        return None;
    }
    let (host, port) = match place.trim_end_matches('/').rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
        _ => (place.trim_end_matches('/'), Some(*usual_port)),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '[' | ']' | ':');
    match port {
        Some(port) if port > 0 && !host.is_empty() && host.chars().all(plain) => Some(Server {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            security: *security,
            user: user.map(|user| user.replace("%40", "@")),
        }),
        _ => {
            wrong(format!("`{place}` is no host with an optional port"));
            None
        }
    }
}

/// Refuses a password without a user, a user without a password, and a password in the open.
pub(super) fn check_password(url: &Value<'_>, server: &Server, password: Option<&Value<'_>>) {
    match (&server.user, password) {
        (None, Some(password)) => password.wrong(
            "there is a password but no user",
            "",
            "write the user into the address: \"smtps://user@host\"",
        ),
        (Some(user), None) => url.wrong(
            format!("there is no password for the user `{user}`"),
            "",
            "add a line such as: password = { file = \"secrets/smtp\" }",
        ),
        (Some(_), Some(_)) if server.security == MailSecurity::Plain && !server.is_local() => {
            url.wrong(
                format!("the password would go to `{}` in the open", server.host),
                "",
                "use \"smtps://…\" or \"smtp+starttls://…\"",
            );
        }
        _ => {}
    }
}

impl Server {
    fn is_local(&self) -> bool {
        let address: Option<std::net::IpAddr> = self.host.parse().ok();
        self.host == "localhost" || address.is_some_and(|address| address.is_loopback())
    }
}
