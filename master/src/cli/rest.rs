//! A running master over REST, for commands of machines that are not the master's. The client is
//! `reqwest`, which the store's crate brings anyway; it trusts what the system trusts.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_RANGE, CONTENT_TYPE};
use reqwest::{Client, Method, RequestBuilder, StatusCode, redirect};
use serde_json::Value;

use super::ConfigFile;
use super::output::Problem;
use crate::config;
use crate::model::{Draft, ProductRecord, Upload};

/// Time to reach the master.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Time for one request: some MiB over a slow line.
const REQUEST_MAX: Duration = Duration::from_secs(300);
/// Largest answer that is read: a page of products has some 100 KiB.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Which master is meant.
#[derive(Debug, clap::Args)]
pub(super) struct Master {
    /// Address of a running master
    #[arg(long, value_name = "URL", env = "WINDLASS_URL")]
    pub(super) url: Option<String>,
    /// Bearer token, as `windlass token create` made it
    #[arg(
        long,
        value_name = "TOKEN",
        env = "WINDLASS_TOKEN",
        hide_env_values = true
    )]
    pub(super) token: Option<String>,
    #[command(flatten)]
    pub(super) file: ConfigFile,
}

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The master cannot be reached now, or is busy: trying again may help.
    Away(String),
    /// The file goes on at this byte.
    Offset(u64),
    /// What was said in `field` is wrong.
    Wrong {
        /// The field.
        field: String,
        /// What is wrong and what would be right.
        text: String,
    },
    /// Trying again does not help.
    Final(Problem),
}

impl Refusal {
    /// As a command tells it; `flag_of` says which flag a field came from.
    pub(super) fn told(self, flag_of: impl Fn(&str) -> String) -> Problem {
        match self {
            Self::Away(text) => Problem::Other(text),
            Self::Offset(received) => {
                Problem::Other(format!("the file goes on at byte {received}"))
            }
            Self::Wrong { field, text } => Problem::Usage(format!("{}: {text}", flag_of(&field))),
            Self::Final(problem) => problem,
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Wrong { field, text } => Self::Other(format!("{field}: {text}")),
            other => other.told(str::to_owned),
        }
    }
}

/// A master and who asks it.
pub(super) struct Rest {
    client: Client,
    url: String,
    token: Option<String>,
}

impl Rest {
    /// The master at `url`.
    pub(super) fn new(url: &str, token: Option<&str>) -> Result<Self, Problem> {
        let url = url.trim_end_matches('/').to_owned();
        let is_plain = url.starts_with("http://");
        if !is_plain && !url.starts_with("https://") {
            let text = format!("--url: `{url}` is no address such as https://builds.acme.example");
            return Err(Problem::Usage(text));
        }
        // Another part of the process may have chosen before; all choose this one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_MAX)
            .timeout(REQUEST_MAX)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("windlass/", env!("CARGO_PKG_VERSION")));
        if is_plain {
            // No certificate is ever looked at, so none of the system's are needed.
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        let client = builder
            .build()
            .map_err(|error| Problem::Other(format!("cannot speak HTTP: {error}")))?;
        let token = token.map(str::to_owned);
        Ok(Self { client, url, token })
    }

    /// The master that the arguments name, else the one that the configuration is of.
    pub(super) fn of(master: &Master) -> Result<Self, Problem> {
        let url = match &master.url {
            Some(url) => url.clone(),
            None if master.file.config.exists() => config::load(&master.file.config)?.master.url,
            None => {
                let text = "--url: say which master, such as https://builds.acme.example";
                return Err(Problem::Usage(text.to_owned()));
            }
        };
        Self::new(&url, master.token.as_deref())
    }

    /// Every row of a list from `path` on, until there are `rows_max` or `is_enough` says so of the
    /// last one.
    pub(super) async fn rows(
        &self,
        path: &str,
        rows_max: usize,
        is_enough: impl Fn(&Value) -> bool,
    ) -> Result<Vec<Value>, Refusal> {
        let (mut rows, mut next) = (Vec::new(), Some(path.to_owned()));
        while let Some(path) = next.take() {
            let mut page = self.get(&path).await?;
            if let Some(items) = page["items"].as_array_mut() {
                rows.append(items);
            }
            if rows.len() < rows_max && !rows.last().is_some_and(&is_enough) {
                next = page["next"].as_str().map(str::to_owned);
            }
        }
        rows.truncate(rows_max);
        Ok(rows)
    }

    /// Sends JSON.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        let request = self
            .request(Method::POST, path)
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
        answer(request).await
    }

    pub(super) async fn delete(&self, path: &str) -> Result<Value, Refusal> {
        answer(self.request(Method::DELETE, path)).await
    }

    pub(super) async fn announce(
        &self,
        record: &ProductRecord,
        key: &str,
    ) -> Result<Draft, Refusal> {
        let body = serde_json::to_vec(record).map_err(broken)?;
        let request = self
            .request(Method::POST, "/api/v1/products")
            .header(CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", key)
            .body(body);
        parsed(answer(request).await?)
    }

    /// Its address, without a slash at the end.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) async fn upload(&self, upload: &Upload) -> Result<Upload, Refusal> {
        parsed(self.get(&upload.url).await?)
    }

    pub(super) async fn put(
        &self,
        upload: &Upload,
        first: u64,
        bytes: Bytes,
    ) -> Result<Upload, Refusal> {
        let last = first + bytes.len() as u64 - 1;
        let range = format!("bytes {first}-{last}/{}", upload.size);
        let request = self
            .request(Method::PUT, &upload.url)
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_RANGE, range)
            .body(bytes);
        parsed(answer(request).await?)
    }

    pub(super) async fn commit(&self, draft: &Draft) -> Result<Value, Refusal> {
        let path = format!("/api/v1/drafts/{}/commit", draft.id);
        answer(self.request(Method::POST, &path)).await
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, Refusal> {
        answer(self.request(Method::GET, path)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }
}

async fn answer(request: RequestBuilder) -> Result<Value, Refusal> {
    let mut answer = request.send().await.map_err(away)?;
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(away)? {
        if body.len() + piece.len() > ANSWER_BYTES_MAX {
            return Err(broken("the answer is too long"));
        }
        body.extend_from_slice(&piece);
    }
    if status == StatusCode::NO_CONTENT {
        return Ok(Value::Null);
    }
    let value: Option<Value> = serde_json::from_slice(&body).ok();
    if status.is_success() {
        return value.ok_or_else(|| broken("the answer is no JSON: is this a Windlass master?"));
    }
    let told = value.as_ref().and_then(|value| value["detail"].as_str());
    let text = match told {
        Some(detail) => detail.to_owned(),
        None => format!("the master answered {status}"),
    };
    let received = value.as_ref().and_then(|value| value["received"].as_u64());
    if let Some(field) = value.as_ref().and_then(|value| value["field"].as_str()) {
        let said = text
            .strip_prefix(field)
            .and_then(|rest| rest.strip_prefix(": "));
        return Err(Refusal::Wrong {
            text: said.unwrap_or(&text).to_owned(),
            field: field.to_owned(),
        });
    }
    Err(match (status, received) {
        (StatusCode::CONFLICT, Some(received)) => Refusal::Offset(received),
        (
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::REQUEST_TIMEOUT
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::BAD_GATEWAY
            | StatusCode::GATEWAY_TIMEOUT,
            _,
        ) => Refusal::Away(text),
        (StatusCode::UNAUTHORIZED, _) => Refusal::Final(Problem::Other(format!(
            "{text}; --token: `windlass token create` makes one"
        ))),
        _ => Refusal::Final(Problem::Other(text)),
    })
}

fn parsed<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Refusal> {
    serde_json::from_value(value).map_err(broken)
}

fn broken(error: impl std::fmt::Display) -> Refusal {
    Refusal::Final(Problem::Other(error.to_string()))
}

/// A connection that fails may come back; its cause says more than its kind.
fn away(error: reqwest::Error) -> Refusal {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    Refusal::Away(text)
}
