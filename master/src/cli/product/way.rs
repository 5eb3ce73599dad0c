//! The way to a master: over REST, or its data folder by the same operations. Both answer alike.

use bytes::Bytes;
use futures_util::stream;
use serde_json::Value;

use crate::app::App;
use crate::cli::handles;
use crate::cli::output::Problem;
use crate::cli::rest::{Master, Refusal, Rest};
use crate::cli::user::CLI;
use crate::error::Error;
use crate::ids::ProductId;
use crate::model::{Draft, ProductFilter, ProductRecord, Upload, UploadSpan};
use crate::ops;

/// The way.
pub(super) enum Way {
    /// Over REST.
    Rest(Rest),
    /// In the data folder of this machine.
    Beside(Box<App>),
}

/// Which products to list, as both ways take it.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    pub(super) project: Option<String>,
    pub(super) branch: Option<String>,
    pub(super) target: Option<String>,
    pub(super) version: Option<String>,
    pub(super) state: Option<crate::model::ProductState>,
    pub(super) held: Option<bool>,
    pub(super) builder: Option<String>,
    pub(super) property: Option<String>,
}

impl Way {
    /// The way that the arguments name.
    pub(super) async fn open(master: &Master) -> Result<Self, Problem> {
        match &master.url {
            Some(url) => Rest::new(url, master.token.as_deref()).map(Self::Rest),
            None => {
                let app = handles::beside(&master.file.config).await?;
                Ok(Self::Beside(Box::new(app)))
            }
        }
    }

    /// Announces a product; with the same key the same draft.
    pub(super) async fn announce(
        &self,
        record: &ProductRecord,
        key: &str,
    ) -> Result<Draft, Refusal> {
        match self {
            Self::Rest(rest) => rest.announce(record, key).await,
            Self::Beside(app) => {
                let made = ops::drafts::create(app, &CLI, record.clone(), Some(key.to_owned()));
                made.await.map_err(refusal)
            }
        }
    }

    /// How far a file is.
    pub(super) async fn upload(&self, upload: &Upload) -> Result<Upload, Refusal> {
        match self {
            Self::Rest(rest) => rest.upload(upload).await,
            Self::Beside(app) => {
                let shown = ops::uploads::show(app, &CLI, upload.id);
                shown.await.map_err(refusal)
            }
        }
    }

    /// Brings bytes of a file.
    pub(super) async fn put(
        &self,
        upload: &Upload,
        first: u64,
        bytes: Bytes,
    ) -> Result<Upload, Refusal> {
        match self {
            Self::Rest(rest) => rest.put(upload, first, bytes).await,
            Self::Beside(app) => {
                let span = UploadSpan {
                    first,
                    end: Some(first + bytes.len() as u64),
                    total: Some(upload.size),
                };
                let body = stream::iter([Ok::<_, std::convert::Infallible>(bytes)]);
                let taken = ops::uploads::receive(app, &CLI, upload.id, span, body);
                taken.await.map_err(refusal)
            }
        }
    }

    /// Records the product of a draft.
    pub(super) async fn commit(&self, draft: &Draft) -> Result<Value, Refusal> {
        match self {
            Self::Rest(rest) => rest.commit(draft).await,
            Self::Beside(app) => {
                let product = ops::drafts::commit(app, &CLI, draft.id).await;
                json(&product.map_err(refusal)?)
            }
        }
    }

    /// One product with its files.
    pub(super) async fn show(&self, id: ProductId) -> Result<Value, Refusal> {
        match self {
            Self::Rest(rest) => rest.get(&format!("/api/v1/products/{id}")).await,
            Self::Beside(app) => {
                let product = ops::products::show(app, &CLI, id).await;
                json(&product.map_err(refusal)?)
            }
        }
    }

    /// Products that the filter lets through, the newest first, at most `rows_max`.
    pub(super) async fn list(
        &self,
        filter: &Filter,
        rows_max: usize,
    ) -> Result<Vec<Value>, Refusal> {
        let mut rows = Vec::new();
        match self {
            Self::Rest(rest) => {
                let path = format!("/api/v1/products?{}", query(filter));
                rows = rest.rows(&path, rows_max, |_| false).await?;
            }
            Self::Beside(app) => {
                let mut filter = local(filter)?;
                loop {
                    let page = ops::products::list(app, &CLI, filter.clone()).await;
                    let page = page.map_err(refusal)?;
                    for product in &page.items {
                        rows.push(json(product)?);
                    }
                    match page.next {
                        Some(next) if rows.len() < rows_max => filter.before = Some(next),
                        _ => break,
                    }
                }
            }
        }
        rows.truncate(rows_max);
        Ok(rows)
    }
}

fn query(filter: &Filter) -> String {
    let texts = [
        ("project", filter.project.clone()),
        ("branch", filter.branch.clone()),
        ("target", filter.target.clone()),
        ("version", filter.version.clone()),
        ("state", filter.state.map(|state| state.to_string())),
        ("held", filter.held.map(|held| held.to_string())),
        ("builder", filter.builder.clone()),
        ("property", filter.property.clone()),
    ];
    let given = texts
        .into_iter()
        .filter_map(|(name, text)| Some(format!("{name}={}", crate::updates::encode(&text?))));
    given.collect::<Vec<_>>().join("&")
}

fn local(filter: &Filter) -> Result<ProductFilter, Refusal> {
    let pair = |text: &String| {
        let (name, value) = text.split_once(':')?;
        Some((name.to_owned(), value.to_owned()))
    };
    let property = match &filter.property {
        None => None,
        Some(text) => Some(pair(text).ok_or_else(|| {
            let text = "--property: expected NAME:VALUE, such as flavour:release";
            Refusal::Final(Problem::Usage(text.to_owned()))
        })?),
    };
    let filter = filter.clone();
    Ok(ProductFilter {
        project: filter.project,
        branch: filter.branch,
        target: filter.target,
        version: filter.version,
        state: filter.state,
        held: filter.held,
        builder: filter.builder,
        property,
        ..ProductFilter::default()
    })
}

fn json(value: &impl serde::Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(value).map_err(|error| Refusal::Final(Problem::Other(error.to_string())))
}

fn refusal(error: Error) -> Refusal {
    match error {
        Error::WrongOffset { received } => Refusal::Offset(received),
        Error::Busy(text) | Error::TooOften(text) => Refusal::Away(text),
        other => Refusal::Final(Problem::from(other)),
    }
}
