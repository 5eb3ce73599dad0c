//! The form by which somebody asks for a build, with the fields that the schedule names.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::app::App;
use crate::auth::Identity;
use crate::config::Config;
use crate::config::resolved::{Parameter, ParameterKind, StepKind, Trigger};
use crate::error::Error;
use crate::web::fault::Fault;
use crate::web::filters;
use crate::web::frame::{Frame, html};

/// Fields that every form has; a parameter of the same name would not be asked for twice.
const OWN_FIELDS: [&str; 3] = ["branch", "revision", "reason"];

/// How a field is filled in.
enum InputKind {
    Text,
    Int,
    Bool,
    Choice(Vec<String>),
}

struct Field {
    name: String,
    label: String,
    hint: Option<String>,
    kind: InputKind,
    value: String,
    required: bool,
    wrong: Option<String>,
}

impl Field {
    fn text(name: &str, label: &str, value: String, required: bool) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            hint: None,
            kind: InputKind::Text,
            value,
            required,
            wrong: None,
        }
    }

    fn of(parameter: &Parameter) -> Self {
        let kind = match &parameter.kind {
            ParameterKind::Text => InputKind::Text,
            ParameterKind::Int => InputKind::Int,
            ParameterKind::Bool => InputKind::Bool,
            ParameterKind::Choice(options) => InputKind::Choice(options.clone()),
        };
        Self {
            kind,
            ..Self::text(
                &parameter.name,
                &parameter.label,
                parameter.default.clone().unwrap_or_default(),
                parameter.required,
            )
        }
    }
}

#[derive(Template)]
#[template(path = "requests/new.html")]
struct FormPage {
    frame: Frame,
    schedule: String,
    builders: Vec<String>,
    fields: Vec<Field>,
    error: Option<String>,
}

/// Which schedule is asked.
#[derive(serde::Deserialize)]
pub struct FormQuery {
    schedule: String,
}

/// `GET /requests/new`: the form of one force schedule.
pub async fn new(
    app: web::Data<App>,
    identity: Identity,
    asked: web::Query<FormQuery>,
) -> Result<HttpResponse, Fault> {
    html(&page(
        &app,
        &identity,
        &asked.schedule,
        &BTreeMap::new(),
        None,
    )?)
}

/// The form, filled with `values` and marked where `error` says something is wrong.
fn page(
    app: &App,
    identity: &Identity,
    name: &str,
    values: &BTreeMap<String, String>,
    error: Option<&Error>,
) -> Result<FormPage, Error> {
    let config = app.config();
    let missing = || Error::NotFound(format!("there is no force schedule `{name}`"));
    let schedule = config.schedules.get(name).ok_or_else(missing)?;
    let Trigger::Force { parameters } = &schedule.trigger else {
        return Err(missing());
    };
    let mut fields = vec![
        Field::text(
            "branch",
            "Branch",
            usual_branch(&config, &schedule.builders),
            true,
        ),
        Field {
            hint: Some("Left empty: the newest one of the branch.".to_owned()),
            ..Field::text("revision", "Revision", String::new(), false)
        },
        Field::text("reason", "Reason", String::new(), false),
    ];
    let own = |parameter: &&Parameter| !OWN_FIELDS.contains(&parameter.name.as_str());
    fields.extend(parameters.iter().filter(own).map(Field::of));
    for field in &mut fields {
        if let Some(value) = values.get(&field.name) {
            field.value.clone_from(value);
        }
        if let Some(Error::BadInput { field: at, text }) = error
            && *at == field.name
        {
            field.wrong = Some(text.clone());
        }
    }
    let path = format!(
        "/requests/new?schedule={}",
        crate::web::paging::encoded(name)
    );
    Ok(FormPage {
        frame: Frame::new(app, identity, &path, format!("Build now: {name}")),
        schedule: name.to_owned(),
        builders: schedule.builders.clone(),
        fields,
        error: error.map(ToString::to_string),
    })
}

/// The first branch, named without a glob, of the repository that the first builder takes its
/// source from.
fn usual_branch(config: &Config, builders: &[String]) -> String {
    let builder = builders.first().and_then(|name| config.builders.get(name));
    let steps = builder
        .map(|builder| builder.steps.as_slice())
        .unwrap_or_default();
    let repository = steps.iter().find_map(|step| match &step.kind {
        StepKind::Source { repository, .. } => config.repositories.get(repository),
        _ => None,
    });
    let branches = repository
        .map(|one| one.branches.as_slice())
        .unwrap_or_default();
    let plain = branches
        .iter()
        .find(|name| !name.contains(['*', '?', '[', '{']));
    plain.cloned().unwrap_or_default()
}
