//! The form by which somebody asks for a build, with the fields that the schedule names.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::app::App;
use crate::auth::Identity;
use crate::config::Config;
use crate::config::resolved::{Parameter, ParameterKind, StepKind, Trigger};
use crate::error::Error;
use crate::ops;
use crate::ops::requests::Force;
use crate::web::fault::{Fault, status_of};
use crate::web::filters;
use crate::web::frame::{Frame, html};
use crate::web::paging::given;
use crate::web::sessions::see;

/// Fields that every form has; a parameter of the same name would not be asked for twice.
const OWN_FIELDS: [&str; 5] = ["schedule", "builder", "branch", "revision", "reason"];

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
    #[serde(default)]
    builder: String,
}

/// `GET /requests/new`: the form of one force schedule.
pub async fn new(
    app: web::Data<App>,
    identity: Identity,
    asked: web::Query<FormQuery>,
) -> Result<HttpResponse, Fault> {
    let mut values = BTreeMap::new();
    if !asked.builder.is_empty() {
        values.insert("builder".to_owned(), asked.builder.clone());
    }
    html(&page(&app, &identity, &asked.schedule, &values, None)?)
}

/// `POST /requests`: asks for the build, or shows the form with what was wrong.
pub async fn force(
    app: web::Data<App>,
    identity: Identity,
    form: web::Form<BTreeMap<String, String>>,
) -> Result<HttpResponse, Fault> {
    let values = form.into_inner();
    let schedule = values.get("schedule").cloned().unwrap_or_default();
    match ops::requests::force(&app, &identity, asked_for(&values)).await {
        Ok(_) => Ok(see("/requests?state=all").finish()),
        Err(error @ Error::BadInput { .. }) => {
            let page = page(&app, &identity, &schedule, &values, Some(&error))?;
            let mut answer = html(&page)?;
            *answer.status_mut() = status_of(&error);
            Ok(answer)
        }
        Err(error) => Err(Fault(error)),
    }
}

/// The fields as the operation wants them: what was left empty was not given.
fn asked_for(values: &BTreeMap<String, String>) -> Force {
    let field = |name: &str| values.get(name).and_then(|text| given(text));
    let own = |name: &String| OWN_FIELDS.contains(&name.as_str());
    Force {
        schedule: field("schedule").unwrap_or_default(),
        builder: field("builder"),
        branch: field("branch").unwrap_or_default(),
        revision: field("revision"),
        reason: field("reason").unwrap_or_default(),
        values: values
            .iter()
            .filter(|(name, value)| !own(name) && !value.trim().is_empty())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    }
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
    let branch = usual_branch(&config, &schedule.builders);
    let mut fields = vec![
        Field::text("branch", "Branch", branch, true),
        Field {
            hint: Some("Left empty: the newest one of the branch.".to_owned()),
            ..Field::text("revision", "Revision", String::new(), false)
        },
        Field::text("reason", "Reason", String::new(), false),
    ];
    if let [first, _, ..] = schedule.builders.as_slice() {
        let builder = Field {
            kind: InputKind::Choice(schedule.builders.clone()),
            ..Field::text("builder", "Builder", first.clone(), true)
        };
        fields.insert(0, builder);
    }
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
