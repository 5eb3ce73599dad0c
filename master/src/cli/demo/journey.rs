//! The way of one build: start the master and its agent, wait for commit, build, product and mail,
//! and tell of each on the screen.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::Mutex;

use super::agent::Agent;
use super::outcome::{Outcome, Recorded};
use super::plan::Plan;
use super::screen::{Screen, plain, span};
use super::{configuration, sample};
use crate::app::App;
use crate::auth::{Identity, password};
use crate::cli::serve::{self, Running};
use crate::db::outbox;
use crate::ids::BuildId;
use crate::model::{BuildDetail, BuildFilter, BuildState, OutboxState, Role, StepState};
use crate::ops;

/// Who the demo is in the audit trail.
const DEMO: Identity = Identity::Local { name: "demo" };
/// Between two looks at what has happened.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Polling a large repository for the first time copies it whole.
const FIRST_CHANGE_MAX: Duration = Duration::from_secs(3600);
/// An agent on the same machine connects at once or never.
const CONNECT_MAX: Duration = Duration::from_secs(30);
/// A mail into a folder is written at once or never.
const MAIL_MAX: Duration = Duration::from_secs(60);

/// A master and its agent under way.
pub(super) struct Journey {
    running: Running,
    agent: Mutex<Agent>,
    mails: PathBuf,
    password: String,
}

impl Journey {
    /// Makes the folder's content and starts master and agent.
    pub(super) async fn start(plan: &Plan, screen: &Screen) -> Result<Self, String> {
        let repository = match &plan.repository {
            Some(url) => url.clone(),
            None => {
                let dir = plan.dir.join("hello");
                sample::make(&dir)?;
                dir.display().to_string()
            }
        };
        screen.done(
            "repository",
            &format!("{repository}, branch {}", plain(&plan.branch)),
        );
        let file = plan.dir.join("windlass.toml");
        fs::write(&file, configuration::text(plan, &repository))
            .map_err(|error| format!("{}: {error}", file.display()))?;
        let running = serve::start(serve::Options::new(&file))
            .await
            .map_err(|error| error.to_string())?;
        screen.done("master", &format!("{}/", configuration::url(plan.web)));
        let password = password::generate();
        let user = ops::users::NewUser {
            name: "demo".to_owned(),
            email: None,
            role: Role::Admin,
            password: Some(password.clone()),
        };
        let app = running.app();
        ops::users::add(app, &DEMO, user)
            .await
            .map_err(|error| error.to_string())?;
        let key = ops::agents::add(app, &DEMO, "demo")
            .await
            .map_err(|error| error.to_string())?;
        let agent = Agent::start(&plan.dir, running.agent_addr(), &key)?;
        Ok(Self {
            agent: Mutex::new(agent),
            mails: plan.dir.join("mail"),
            password,
            running,
        })
    }

    /// Password of the user `demo`.
    pub(super) fn password(&self) -> &str {
        &self.password
    }

    /// Waits until the first build has ended, its product is recorded and its mail is written.
    pub(super) async fn arrive(&self, plan: &Plan, screen: &Screen) -> Result<Outcome, String> {
        let app = self.running.app();
        let agent = self.wait("the agent connects", CONNECT_MAX, async || {
            let agent = ops::agents::show(app, &DEMO, "demo").await.ok()?;
            agent.connected.then_some(agent)
        });
        let agent = agent.await?;
        let system = [agent.os, agent.arch]
            .map(Option::unwrap_or_default)
            .join(" ");
        screen.done("agent", &format!("demo, {system}"));
        let what = format!("a commit on {} is seen", plan.branch);
        let build = self.wait(&what, FIRST_CHANGE_MAX, async || {
            let all = BuildFilter::default();
            let page = ops::builds::list(app, &DEMO, all).await.ok()?;
            page.items.into_iter().last()
        });
        let build = build.await?;
        let revision = build.sources.first().map(|source| source.revision.clone());
        let short: String = revision
            .iter()
            .flat_map(|text| text.chars())
            .take(10)
            .collect();
        let label = format!("#{} of {short}", build.number);
        screen.begins("build", &format!("{} {label}", plan.name));
        let detail = self.follow(app, build.id, screen).await?;
        let result = detail
            .summary
            .result
            .ok_or("the build ended without a result")?;
        let took = detail.summary.duration(app.clock.now());
        let said = format!("in {}  {}", span(took), detail.summary.state_text);
        screen.build(result, &said);
        let url = configuration::url(plan.web);
        let product = self.product(app, &detail, &url, screen).await?;
        let mail = self.mail(app, build.id).await?;
        if let Some(mail) = &mail {
            screen.done("mail", &mail.display().to_string());
        }
        Ok(Outcome {
            result,
            build: build.id,
            seconds: took.as_secs_f64(),
            revision: revision.unwrap_or_default(),
            product,
            page: format!("{url}/builds/{}", build.id),
            mail,
        })
    }

    /// Prints each step as it ends, until the build has.
    async fn follow(
        &self,
        app: &App,
        build: BuildId,
        screen: &Screen,
    ) -> Result<BuildDetail, String> {
        let mut shown = 0;
        loop {
            let detail = ops::builds::show(app, &DEMO, build)
                .await
                .map_err(|error| error.to_string())?;
            let ended = detail
                .steps
                .iter()
                .take_while(|step| step.state == StepState::Finished);
            for step in ended.skip(shown) {
                screen.step(step);
                shown += 1;
            }
            if detail.summary.state == BuildState::Finished {
                return Ok(detail);
            }
            self.pause().await?;
        }
    }

    async fn product(
        &self,
        app: &App,
        detail: &BuildDetail,
        url: &str,
        screen: &Screen,
    ) -> Result<Option<Recorded>, String> {
        let Some(first) = detail.products.first() else {
            return Ok(None);
        };
        let shown = ops::products::show(app, &DEMO, first.id).await;
        let shown = shown.map_err(|error| error.to_string())?;
        let file = shown.files.first().ok_or("the product has no file")?;
        let recorded = Recorded {
            id: first.id,
            version: shown.product.version.clone(),
            name: file.name.clone(),
            size: file.size,
            sha256: file.sha256.clone(),
            update_url: format!("{url}{}", shown.feed_path),
            page: format!("{url}/products/{}", first.id),
        };
        let about = format!("{}, {} bytes", plain(&recorded.name), recorded.size);
        screen.done(
            "product",
            &format!("{} ({about})", plain(&recorded.version)),
        );
        Ok(Some(recorded))
    }

    /// The file of the mail about `build`, once it is written; none where none was queued.
    async fn mail(&self, app: &App, build: BuildId) -> Result<Option<PathBuf>, String> {
        let read = async || {
            let work = move |conn: &mut _| outbox::of_build(conn, build);
            app.db.read("demo mails", work).await.ok()
        };
        let sent = self.wait("the mail is written", MAIL_MAX, async || {
            let mails = read().await?;
            let over = |mail: &outbox::OutboxMail| {
                matches!(mail.state, OutboxState::Sent | OutboxState::Failed)
            };
            mails.iter().all(over).then_some(mails)
        });
        let Some(mail) = sent.await?.into_iter().next() else {
            return Ok(None);
        };
        match mail.last_error {
            Some(error) => Err(format!("the mail was not written: {error}")),
            None => Ok(newest_mail(&self.mails)),
        }
    }

    /// Looks until `look` finds something; an error after `limit`, or when the agent has ended.
    async fn wait<T>(
        &self,
        what: &str,
        limit: Duration,
        look: impl AsyncFn() -> Option<T>,
    ) -> Result<T, String> {
        let looking = async {
            loop {
                if let Some(found) = look().await {
                    return Ok(found);
                }
                self.pause().await?;
            }
        };
        let waited = tokio::time::timeout(limit, looking).await;
        waited.unwrap_or_else(|_| Err(format!("waited {} in vain until {what}", span(limit))))
    }

    async fn pause(&self) -> Result<(), String> {
        tokio::time::sleep(LOOK_EVERY).await;
        self.agent.lock().await.ended().map_or(Ok(()), Err)
    }

    /// Ends agent and master in order.
    pub(super) async fn end(self, screen: &Screen) {
        self.agent.into_inner().end().await;
        self.running.stop().await;
        screen.done("ended", "nothing of it runs any more");
    }
}

/// The newest mail file; the library names them by random ids.
fn newest_mail(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let mails = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"));
    mails.max_by_key(|path| path.metadata().and_then(|facts| facts.modified()).ok())
}
