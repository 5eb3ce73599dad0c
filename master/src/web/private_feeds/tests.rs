//! Feeds of a private project as strangers and its applications see them.

use actix_web::test::{TestRequest, call_service, init_service, read_body};

use super::*;
use crate::app::tests::app;
use crate::db::Conn;
use crate::db::products::tests::{recorded, sample};
use crate::db::tests::sqlite;
use crate::web::envelope::application;

#[actix_web::test]
async fn a_private_feed_answers_to_its_key_and_hands_out_addresses_that_work() {
    let folder = tempfile::tempdir().unwrap();
    let test = sqlite();
    let mut app = app(test.db.clone());
    app.blobs = crate::storage::Blobs::open(folder.path()).unwrap();
    let mut writer = app.blobs.writer().unwrap();
    writer.write(b"the new editor").unwrap();
    let mut new = sample(1, 1, "1.0");
    new.files[0].blob = writer.finish().await.unwrap();
    let (project, target) = (new.project.clone(), new.target.clone());
    let id = recorded(&test.db, vec![new]).await[0];
    let admin = Identity::Local { name: "test" };
    let detail = crate::ops::products::show(&app, &admin, id).await.unwrap();
    let feed = detail.product.feed;
    let private = vec![(project.clone(), true)];
    let set = move |conn: &mut Conn| crate::db::projects::set_private(conn, &private);
    test.db.tx("test", set).await.unwrap();
    let mut config = (*app.config()).clone();
    if let Some(known) = config.projects.get_mut(&project) {
        known.private = true;
    }
    app.config = tokio::sync::watch::channel(std::sync::Arc::new(config)).1;
    let keys = privacy::rotate_feed_key(&app, &admin, &project)
        .await
        .unwrap();

    let service = init_service(application(&app)).await;
    let ask = async |address: String| {
        let request = TestRequest::with_uri(&address).to_request();
        call_service(&service, request).await.map_into_boxed_body()
    };
    let place = format!("/update/v1/{project}/{feed}/{target}");
    for wrong in [
        place.clone(),
        format!("{place}?key="),
        format!("{place}?key=x"),
    ] {
        assert_eq!(
            ask(wrong.clone()).await.status(),
            StatusCode::NOT_FOUND,
            "{wrong}"
        );
    }
    let answer = ask(format!("{place}?key={}", keys[0])).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let caching = answer.headers().get(header::CACHE_CONTROL).unwrap();
    assert_eq!(caching, "private, no-store");
    assert!(!answer.headers().contains_key(header::ETAG));
    let told: serde_json::Value = serde_json::from_slice(&read_body(answer).await).unwrap();
    let url = told["url"].as_str().unwrap();
    let path = url.strip_prefix("http://127.0.0.1:8010").unwrap();
    let file = ask(path.to_owned()).await;
    assert_eq!(file.status(), StatusCode::OK, "{path}");
    assert_eq!(read_body(file).await, "the new editor");
    let bare = path.split('?').next().unwrap().to_owned();
    assert_eq!(ask(bare).await.status(), StatusCode::NOT_FOUND);
}
