//! Forcing, cancelling and building again, with permission, audit and named fields.

use tokio::sync::watch;

use super::*;
use crate::clock::Clock;
use crate::db::builds::NewBuild;
use crate::db::heads::Head;
use crate::db::tests::{TestDb, engines};
use crate::db::{agents, builds, sync};
use crate::ids::UserId;
use crate::model::Role;
use crate::vcs::Mirrors;
use crate::vcs::git::fixture::Repository;

struct Bench {
    app: App,
    first: String,
    second: String,
    _sender: watch::Sender<Arc<Config>>,
    _home: tempfile::TempDir,
    _repository: Repository,
}

fn user(role: Role) -> Identity {
    Identity::User {
        id: UserId(1),
        name: "ann".to_owned(),
        role,
    }
}

async fn bench(test: &TestDb) -> Bench {
    let repository = Repository::new();
    let first = repository.commit("one", &[("a", "1")]);
    let second = repository.commit("two", &[("a", "2")]);
    let mut config = crate::config::sample::config();
    if let Some(configured) = config.repositories.get_mut("editor") {
        configured.url = repository.url();
    }
    let home = tempfile::tempdir().unwrap();
    let mirrors = Mirrors::new(home.path().to_owned());
    let stop = CancellationToken::new();
    let mirror = mirrors.of("editor", &repository.url());
    mirror.fetch(&["main".to_owned()], &stop).await.unwrap();
    let (synced, revision) = (config.clone(), second.clone());
    let work = move |conn: &mut Conn| {
        sync::apply(conn, Time(1), &synced)?;
        let id = repositories::id_by_name(conn, "editor")?;
        let head = Head {
            branch: "main".to_owned(),
            revision: revision.clone(),
            position: 2,
            gone: false,
        };
        heads::put(conn, Time(1), id, &head)
    };
    test.db.tx("test", work).await.unwrap();
    let (sender, config) = watch::channel(Arc::new(config));
    let app = App {
        config,
        mirrors,
        clock: Clock::manual(Time(10)),
        ..crate::app::tests::app(test.db.clone())
    };
    Bench {
        app,
        first,
        second,
        _sender: sender,
        _home: home,
        _repository: repository,
    }
}

fn form(branch: &str, revision: Option<&str>) -> Force {
    Force {
        schedule: "by-hand".to_owned(),
        branch: branch.to_owned(),
        revision: revision.map(str::to_owned),
        reason: "because".to_owned(),
        ..Force::default()
    }
}

#[tokio::test]
async fn a_forced_request_has_its_source_values_and_audit_row() {
    for test in engines() {
        let bench = bench(&test).await;
        let (app, engineer) = (&bench.app, user(Role::Engineer));
        let mut old = form("main", Some(&bench.first[..10]));
        old.values.insert("jobs".to_owned(), "3".to_owned());
        let id = force(app, &engineer, old).await.unwrap();
        let head = force(app, &engineer, form("main", None)).await.unwrap();
        let read = move |conn: &mut Conn| {
            let (old, new) = (requests::stamps(conn, id)?, requests::stamps(conn, head)?);
            Ok((
                old,
                new,
                requests::by_id(conn, id)?,
                audit::newest(conn, None)?,
            ))
        };
        let (old, new, row, trail) = test.db.read("test", read).await.unwrap();
        assert_eq!((&old[0].revision, old[0].position), (&bench.first, 1));
        assert_eq!((&new[0].revision, new[0].position), (&bench.second, 2));
        assert_eq!(row.properties, r#"{"form.flavour":"debug","form.jobs":3}"#);
        assert_eq!(row.requested_by, "ann");
        assert_eq!(
            (trail.len(), trail[0].action.as_str()),
            (2, "request.force")
        );
        cancel(app, &engineer, id).await.unwrap();
        let again = cancel(app, &engineer, id).await;
        assert!(matches!(again, Err(Error::Conflict(_))));
    }
}

#[tokio::test]
async fn a_wrong_form_names_its_field_and_a_wrong_role_is_audited() {
    for test in engines() {
        let bench = bench(&test).await;
        let (app, engineer) = (&bench.app, user(Role::Engineer));
        let field = async |form: Force| match force(app, &engineer, form).await {
            Err(Error::BadInput { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(field(form("nowhere", None)).await, "branch");
        assert_eq!(field(form("main", Some("--all"))).await, "revision");
        assert_eq!(field(form("main", Some("0000000"))).await, "revision");
        let mut wrong = form("main", None);
        wrong.schedule = "push".to_owned();
        assert_eq!(field(wrong).await, "schedule");
        let mut wrong = form("main", None);
        wrong.builder = Some("other".to_owned());
        assert_eq!(field(wrong).await, "builder");
        let mut wrong = form("main", None);
        wrong.values.insert("jobs".to_owned(), "many".to_owned());
        assert_eq!(field(wrong).await, "jobs");
        let refused = force(app, &user(Role::Qa), form("main", None)).await;
        assert!(matches!(refused, Err(Error::Forbidden("force"))));
        let read = |conn: &mut Conn| audit::newest(conn, None);
        let trail = test.db.read("test", read).await.unwrap();
        assert_eq!((trail.len(), trail[0].outcome), (1, AuditOutcome::Refused));
    }
}

#[tokio::test]
async fn a_build_is_cancelled_once_and_built_again_from_the_same_source() {
    for test in engines() {
        let bench = bench(&test).await;
        let (app, engineer) = (&bench.app, user(Role::Engineer));
        let id = force(app, &engineer, form("main", Some(&bench.first)))
            .await
            .unwrap();
        let claim = move |conn: &mut Conn| {
            let new = NewBuild {
                request: id,
                builder: builders::id_by_name(conn, "package")?,
                builder_name: "package".to_owned(),
                agent: agents::by_name(conn, "linux-1")?.id,
                slots: 1,
                steps: vec![],
            };
            builds::claim(conn, Time(11), &new)
        };
        let build = test.db.tx("test", claim).await.unwrap().id;
        let builds = crate::ops::builds::cancel;
        assert!(builds(app, &user(Role::Viewer), build).await.is_err());
        builds(app, &engineer, build).await.unwrap();
        assert!(matches!(
            builds(app, &engineer, build).await,
            Err(Error::Conflict(_))
        ));
        let again = crate::ops::builds::rebuild(app, &engineer, build)
            .await
            .unwrap();
        let read = move |conn: &mut Conn| requests::stamps(conn, again);
        let stamps = test.db.read("test", read).await.unwrap();
        assert_eq!((&stamps[0].revision, stamps[0].position), (&bench.first, 1));
    }
}
