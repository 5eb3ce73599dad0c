//! `windlass qa verdict`, `keep`, `lift` and `label`: for one product or several at once. With several
//! each that can be done is done, and what could not be is told by product.

use serde_json::{Value, json};

use super::{flag_of, told};
use crate::cli::output::{Problem, plain, say};
use crate::cli::rest::{Master, Rest};
use crate::clock::Time;
use crate::ids::{HoldId, ProductId};
use crate::model::Verdict;
use crate::web::products::query;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Judge {
    /// good, bad, needs-work or untested
    verdict: Verdict,
    /// The products
    #[arg(required = true, value_name = "PRODUCT")]
    products: Vec<ProductId>,
    /// What you saw
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    comment: String,
    /// Address of the bug
    #[arg(long, value_name = "URL")]
    bug: Option<String>,
    /// What you checked of the project's checklist; may stand several times
    #[arg(long = "check", value_name = "TEXT")]
    checklist: Vec<String>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Keep {
    /// The products
    #[arg(required = true, value_name = "PRODUCT")]
    products: Vec<ProductId>,
    /// Why they must not be collected
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Last day (UTC) or moment on which they are kept [default: until somebody lifts it]
    #[arg(long, value_name = "DAY", value_parser = end)]
    until: Option<Time>,
    /// The other targets of the same branch and revision too
    #[arg(long)]
    cascade: bool,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Lift {
    /// The products whose holds end, all of them
    #[arg(value_name = "PRODUCT", required_unless_present = "hold")]
    products: Vec<ProductId>,
    /// One hold instead, as `windlass qa holds` lists it
    #[arg(long, value_name = "HOLD", conflicts_with = "products")]
    hold: Option<HoldId>,
    /// With --hold, those too that were made together with it
    #[arg(long, requires = "hold")]
    group: bool,
    /// Why they need not be kept any longer
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Label {
    /// Such as rc
    label: String,
    /// The products
    #[arg(required = true, value_name = "PRODUCT")]
    products: Vec<ProductId>,
    /// Why it points there now
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Take it off instead
    #[arg(long)]
    remove: bool,
    #[command(flatten)]
    how: How,
}

/// Where it is done, and how it is told.
#[derive(Debug, clap::Args)]
struct How {
    /// Print what came of it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    master: Master,
}

/// Gives a verdict.
pub(super) async fn judge(arguments: &Judge) -> Result<(), Problem> {
    let deed = json!({
        "verdict": arguments.verdict, "comment": arguments.comment, "bug": arguments.bug,
        "checklist": arguments.checklist,
    });
    let done = format!("is {}", arguments.verdict);
    let deed = ("judge", "verdicts", deed);
    several(&arguments.how, &arguments.products, deed, &done).await
}

/// Keeps.
pub(super) async fn keep(arguments: &Keep) -> Result<(), Problem> {
    let deed = json!({
        "reason": arguments.reason, "until": arguments.until, "cascade": arguments.cascade,
    });
    let done = match arguments.until {
        Some(until) => format!("is kept until {until}"),
        None => "is kept".to_owned(),
    };
    let deed = ("keep", "holds", deed);
    several(&arguments.how, &arguments.products, deed, &done).await
}

/// Lifts.
pub(super) async fn lift(arguments: &Lift) -> Result<(), Problem> {
    let mut deed = json!({ "reason": arguments.reason });
    let Some(hold) = arguments.hold else {
        let products = &arguments.products;
        return several(
            &arguments.how,
            products,
            ("lift", "", deed),
            "is not kept any longer",
        )
        .await;
    };
    deed["group"] = arguments.group.into();
    let rest = Rest::of(&arguments.how.master)?;
    let path = format!("/api/v1/holds/{hold}/lift");
    let lifted = rest.post(&path, &deed).await.map_err(told)?;
    match arguments.how.json {
        true => say!("{lifted:#}"),
        false => say!(
            "hold {hold} of product {} is lifted",
            plain(&lifted["product"])
        ),
    }
    Ok(())
}

/// Labels, or takes a label off.
pub(super) async fn label(arguments: &Label) -> Result<(), Problem> {
    let deed = json!({ "label": arguments.label, "reason": arguments.reason });
    if !arguments.remove {
        let done = format!("is {}", arguments.label);
        let deed = ("label", "labels", deed);
        return several(&arguments.how, &arguments.products, deed, &done).await;
    }
    let rest = Rest::of(&arguments.how.master)?;
    for product in &arguments.products {
        let path = format!("/api/v1/products/{product}/labels/remove");
        rest.post(&path, &deed).await.map_err(told)?;
        say!("{product} is {} no longer", arguments.label);
    }
    Ok(())
}

/// Does `deed`: its name among those for several, the place of a product for one (empty for none),
/// and what is sent.
async fn several(
    how: &How,
    products: &[ProductId],
    (name, place, body): (&str, &str, Value),
    done: &str,
) -> Result<(), Problem> {
    let rest = Rest::of(&how.master)?;
    if let ([product], false) = (products, place.is_empty()) {
        let path = format!("/api/v1/products/{product}/{place}");
        let made = rest.post(&path, &body).await.map_err(told)?;
        match how.json {
            true => say!("{made:#}"),
            false => say!("{product} {done}"),
        }
        return Ok(());
    }
    let wanted = json!({ "products": products, name: body });
    let outcomes = rest.post("/api/v1/products/bulk", &wanted).await;
    let outcomes = outcomes.map_err(told)?;
    if how.json {
        say!("{outcomes:#}");
    }
    let (mut failed, mut is_usage) = (Vec::new(), false);
    for outcome in outcomes.as_array().into_iter().flatten() {
        let product = plain(&outcome["product"]);
        match outcome["error"].as_str() {
            None if how.json => {}
            None => say!("{product} {done}"),
            Some(error) => {
                is_usage |= outcome["field"].is_string();
                failed.push(format!(
                    "{product}: {}",
                    with_flag(error, &outcome["field"])
                ));
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    let text = format!(
        "{} of {} not done\n{}",
        failed.len(),
        products.len(),
        failed.join("\n")
    );
    Err(match is_usage {
        true => Problem::Usage(text),
        false => Problem::Other(text),
    })
}

/// The error with the flag instead of the field that it begins with.
fn with_flag(error: &str, field: &Value) -> String {
    let field = field.as_str().unwrap_or_default();
    match error.strip_prefix(field) {
        Some(rest) if !field.is_empty() => format!("{}{rest}", flag_of(field)),
        _ => error.to_owned(),
    }
}

/// The end of a day, or the moment.
fn end(text: &str) -> Result<Time, String> {
    let moment = query::moment("until", text, true);
    let moment = moment.map_err(|error| error.to_string())?;
    moment.ok_or_else(|| "give a day such as 2027-03-31".to_owned())
}
