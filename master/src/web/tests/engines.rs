//! Everything that pages read, on every engine at hand, over the same rows.

use super::fixture;
use crate::auth::Identity;
use crate::db::tests::{engines, sql};
use crate::ids::{BuildId, ChangeId, RequestId};
use crate::model::{
    BranchFilter, BuildFilter, BuildResult, BuildState, BuilderFilter, ChangeFilter, HoldFilter,
    ProductFilter, ReleaseFilter, RequestFilter, RequestState,
};
use crate::ops;

#[tokio::test]
async fn reading_gives_the_same_on_every_engine() {
    let who = Identity::Local { name: "test" };
    for test in engines() {
        let app = crate::app::tests::app(test.db.clone());
        let rows = fixture::rows(app.clock.now().0);
        app.db
            .tx("fixture", move |conn| sql(conn, &rows))
            .await
            .unwrap();
        let builders = ops::builders::list(&app, &who, BuilderFilter::default());
        let builders = builders.await.unwrap();
        let names: Vec<&str> = builders.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names.len(), 7);
        assert!(names.is_sorted());
        let linux = &builders[names
            .iter()
            .position(|n| *n == "editor-linux-x86_64")
            .unwrap()];
        assert_eq!(
            (linux.running.len(), linux.pending, linux.recent.len()),
            (1, 1, 12)
        );
        assert_eq!(linux.last.as_ref().unwrap().number, 49);
        let macos = ops::builders::show(&app, &who, "editor-macos")
            .await
            .unwrap();
        let last = macos.last.unwrap();
        assert_eq!(last.result, Some(BuildResult::Failure));
        assert_eq!(macos.since, last.finished_at, "only the last one is bad");
        let filter = BuildFilter {
            builder: Some("editor-macos".to_owned()),
            project: Some("editor".to_owned()),
            branch: Some(fixture::HOSTILE_BRANCH.to_owned()),
            state: Some(BuildState::Finished),
            result: Some(BuildResult::Failure),
            agent: None,
            before: None,
        };
        let page = ops::builds::list(&app, &who, filter).await.unwrap();
        let found: Vec<i64> = page.items.iter().map(|build| build.number).collect();
        assert_eq!((found, page.next), (vec![50], None));
        let all = ops::builds::list(&app, &who, BuildFilter::default())
            .await
            .unwrap();
        assert_eq!((all.items.len(), all.next), (50, Some(BuildId(251))));
        let detail = ops::builds::show(&app, &who, BuildId(150)).await.unwrap();
        assert_eq!((detail.steps.len(), detail.changes.len()), (4, 1));
        assert_eq!(detail.previous.unwrap().number, 49);
        assert_eq!(detail.usual.unwrap().as_secs(), 600);
        let changes = ops::changes::list(&app, &who, ChangeFilter::default())
            .await
            .unwrap();
        assert_eq!(changes.items[0].builds.len(), 6);
        let change = ops::changes::show(&app, &who, ChangeId(120)).await.unwrap();
        assert_eq!(change.files, ["src/caret.rs", "src/view/paste.rs"]);
        let filter = RequestFilter {
            state: Some(RequestState::Pending),
            ..RequestFilter::default()
        };
        let waiting = ops::requests::list(&app, &who, filter).await.unwrap();
        assert_eq!(waiting.items.len(), 2);
        let request = ops::requests::show(&app, &who, RequestId(150))
            .await
            .unwrap();
        assert_eq!(request.build, Some(BuildId(150)));
        let agents = ops::agents::list(&app, &who).await.unwrap();
        assert_eq!(agents.len(), 4);
        assert_eq!(
            agents
                .iter()
                .map(|agent| agent.running.len())
                .sum::<usize>(),
            2
        );
        assert!(ops::builds::show(&app, &who, BuildId(9_999)).await.is_err());
    }
}

#[tokio::test]
async fn a_private_project_is_not_there_for_who_may_not_see_it_on_every_engine() {
    let (known, nobody) = (
        Identity::Local { name: "test" },
        Identity::Anonymous { may_read: true },
    );
    for test in engines() {
        let app = crate::app::tests::app(test.db.clone());
        let rows = fixture::rows(app.clock.now().0);
        let rows = format!("{rows}; UPDATE projects SET private = TRUE WHERE name = 'editor'");
        app.db
            .tx("fixture", move |conn| sql(conn, &rows))
            .await
            .unwrap();
        let builders = ops::builders::list(&app, &nobody, BuilderFilter::default());
        let builders = builders.await.unwrap();
        assert_eq!(builders.len(), 2);
        assert!(builders.iter().all(|one| one.project == "engine"));
        let filter = BuildFilter {
            project: Some("editor".to_owned()),
            ..BuildFilter::default()
        };
        let builds = ops::builds::list(&app, &nobody, filter.clone());
        assert!(builds.await.unwrap().items.is_empty());
        let build = ops::builds::list(&app, &known, filter).await.unwrap().items[0].clone();
        assert!(ops::builds::show(&app, &nobody, build.id).await.is_err());
        assert!(
            ops::requests::show(&app, &nobody, build.request)
                .await
                .is_err()
        );
        let running = ops::builds::running(&app, &nobody).await.unwrap();
        let is_open = |name: &str| name.starts_with("engine-");
        assert!(running.iter().all(|one| is_open(&one.builder)));
        let requests = ops::requests::list(&app, &nobody, RequestFilter::default());
        let requests = requests.await.unwrap().items;
        assert!(requests.iter().all(|one| is_open(&one.builder)));
        let changes = ops::changes::list(&app, &nobody, ChangeFilter::default());
        let changes = changes.await.unwrap().items;
        assert!(changes.iter().all(|one| one.repository != "editor"));
        let branches = ops::branches::list(&app, &nobody, BranchFilter::default());
        let branches = branches.await.unwrap().items;
        assert!(branches.iter().all(|one| one.project == "engine"));
        let products = ops::products::list(&app, &nobody, ProductFilter::default());
        assert!(products.await.unwrap().items.is_empty());
        let found = ops::products::find(&app, &known, "2.4.60").await.unwrap();
        let product = found[0].product.id;
        let found = ops::products::find(&app, &nobody, "2.4.60").await.unwrap();
        assert!(found.is_empty());
        assert!(ops::products::show(&app, &nobody, product).await.is_err());
        let same = ops::products::compare(&app, &nobody, product, product).await;
        assert!(same.is_err());
        let holds = ops::holds::list(&app, &nobody, HoldFilter::default());
        assert!(holds.await.unwrap().items.is_empty());
        let releases = ops::releases::list(&app, &nobody, ReleaseFilter::default());
        assert!(releases.await.unwrap().items.is_empty());
        let shutoffs = ops::shutoffs::list(&app, &nobody, false, None);
        assert!(shutoffs.await.unwrap().items.is_empty());
        ops::events::after(&app, &nobody, 0).await.unwrap();
        let agents = ops::agents::list(&app, &nobody).await.unwrap();
        let mut of_agents = agents.iter().flat_map(|agent| &agent.running);
        assert!(of_agents.all(|one| is_open(&one.builder)));
    }
}
