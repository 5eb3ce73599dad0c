//! `[master]`.

use std::net::{IpAddr, SocketAddr};

use super::bucket;
use crate::config::keys;
use crate::config::load::Scope;
use crate::config::reader::{Section, Value};
use crate::config::resolved::{AgentTls, Database, Master, SecretRef};

/// Where browsers connect unless told otherwise.
const WEB_LISTEN: SocketAddr = SocketAddr::new(LOOPBACK, 8010);
/// Where agents connect unless told otherwise.
const AGENT_LISTEN: SocketAddr = SocketAddr::new(LOOPBACK, 9989);
const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// Reads the section; without one everything has its default.
pub(in crate::config) fn read(scope: &Scope<'_>, section: Option<Section<'_>>) -> Option<Master> {
    let key = |name: &str| section.as_ref().and_then(|section| section.key(name));
    let web_listen = address(key("web_listen"), WEB_LISTEN);
    let text = |value: Value<'_>| value.line().map(str::to_owned);
    let data = key("data").and_then(text);
    let agent_listen = address(key("agent_listen"), AGENT_LISTEN);
    let agent_tls = key("agent_tls").and_then(|value| agent_tls(scope, &value));
    let plain = key("agent_plain").and_then(|value| value.flag());
    if let Some(value) = key("agent_listen")
        && is_public(agent_listen.ip())
        && plain.is_none()
        && !section
            .as_ref()
            .is_some_and(|section| section.has("agent_tls"))
    {
        let title = format!("agents would speak at {agent_listen} without TLS");
        let help = "name a certificate with agent_tls = { certificate = \"…\", key = \"…\" }, or say \
                    agent_plain = true: nothing can be changed on the way, but others can read it, \
                    and secrets are kept back";
        value.wrong(title, "strangers may reach this address", help);
    }
    Some(Master {
        title: key("title").and_then(text).unwrap_or("Windlass".to_owned()),
        url: key("url").map_or(Some(format!("http://{web_listen}")), |v| url(&v))?,
        data: scope.path(data.as_deref().unwrap_or("data")),
        agent_listen,
        agent_plain: plain.unwrap_or(agent_tls.is_none()),
        agent_tls,
        agent_address: key("agent_address").and_then(|value| dialled(&value)),
        web_listen,
        database: key("database").and_then(|value| database(scope, &value)),
        anonymous_read: key("anonymous_read")
            .and_then(|value| value.flag())
            .unwrap_or(true),
        bucket: section
            .as_ref()
            .and_then(|section| bucket::read(scope, section)),
        collecting: super::retention::collecting(section.as_ref()),
    })
}

fn agent_tls(scope: &Scope<'_>, value: &Value<'_>) -> Option<AgentTls> {
    let section = value.section("`agent_tls`", keys::AGENT_TLS)?;
    let certificate = section.need("certificate", "\"tls/agents.pem\"")?.line()?;
    let key = section.need("key", "\"tls/agents.key\"")?.line()?;
    Some(AgentTls {
        certificate: scope.path(certificate),
        key: scope.path(key),
    })
}

/// Whether strangers may reach an address: all but this machine and private networks.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => !(v4.is_loopback() || v4.is_private() || v4.is_link_local()),
        IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()),
    }
}

fn address(value: Option<Value<'_>>, default: SocketAddr) -> SocketAddr {
    let Some(value) = value else { return default };
    let Some(text) = value.text() else {
        return default;
    };
    text.parse().unwrap_or_else(|_| {
        let title = format!("`{text}` is no address to listen on");
        let help = format!("write an IP address and a port, such as \"{default}\"");
        value.wrong(title, "", help);
        default
    })
}

/// What an agent can dial: `host:port`, or an address with one of the agent's schemes. It goes into
/// a script for a shell, so only plain characters are possible.
fn dialled(value: &Value<'_>) -> Option<String> {
    let text = value.line()?;
    let schemes = ["tls://", "http://", "https://"];
    let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
    let plain = |c: char| c.is_ascii_alphanumeric() || ".:-_[]/".contains(c);
    let has_port = rest
        .unwrap_or(text)
        .rsplit_once(':')
        .is_some_and(|(host, port)| {
            let digits = port.split('/').next().unwrap_or_default();
            !host.is_empty() && digits.parse::<u16>().is_ok()
        });
    let is_web = text.starts_with("http");
    let rest = rest.unwrap_or(text);
    if rest.is_empty() || !rest.chars().all(plain) || !(has_port || is_web) {
        let help = "write what agents dial, such as \"builds.acme.example:9989\", \
                    \"tls://builds.acme.example:9989\" or \"https://builds.acme.example/agent\"";
        value.wrong(
            format!("`{text}` is nothing that an agent can dial"),
            "",
            help,
        );
        return None;
    }
    Some(text.to_owned())
}

fn url(value: &Value<'_>) -> Option<String> {
    let text = value.line()?;
    let rest = ["http://", "https://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    let fits = rest.is_some_and(|rest| {
        let host = rest.split('/').next().unwrap_or_default();
        let plain = |c: char| c.is_ascii_graphic() && !"?#@\"<>'`$\\;&|()".contains(c);
        !host.is_empty() && rest.chars().all(plain)
    });
    if !fits {
        let help = "write it as browsers reach it, such as \"https://builds.acme.example\"";
        value.wrong(format!("`{text}` is no address of pages"), "", help);
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
}

fn database(scope: &Scope<'_>, value: &Value<'_>) -> Option<Database> {
    if value.node.is_table() {
        return secret(scope, value).map(Database::Secret);
    }
    let text = value.line()?;
    let postgres = ["postgres://", "postgresql://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    let Some(rest) = postgres else {
        let help = "write \"postgres://user@host/name\", or leave the key out for SQLite";
        value.wrong("`database` must be a postgres:// address", "", help);
        return None;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    if user.contains(':') || rest.contains("password=") {
        let help = "put the whole address into a file or variable: database = { file = \"…\" }";
        let title = "`database` holds a password";
        value.check.wrong_secret(value.place, title, help);
        return None;
    }
    Some(Database::Url(text.to_owned()))
}

/// A secret by reference: `{ file = "…" }` or `{ env = "…" }`.
pub(super) fn secret(scope: &Scope<'_>, value: &Value<'_>) -> Option<SecretRef> {
    let help = "write { file = \"secrets/…\" } or { env = \"NAME\" }";
    if !value.node.is_table() {
        let title = format!(
            "`{}` must not stand in the configuration itself",
            value.name
        );
        value.check.wrong_secret(value.place, &title, help);
        return None;
    }
    let section = value.section(format!("`{}`", value.name), keys::SECRET)?;
    match (section.key("file"), section.key("env")) {
        (Some(file), None) => Some(SecretRef::File(scope.path(file.line()?))),
        (None, Some(env)) => Some(SecretRef::Env(env.line()?.to_owned())),
        (Some(_), Some(_)) => {
            let title = format!("`{}` has two places", value.name);
            value.wrong(title, "", "keep `file` or `env`");
            None
        }
        (None, None) => {
            value.wrong(format!("`{}` has no place", value.name), "", help);
            None
        }
    }
}
