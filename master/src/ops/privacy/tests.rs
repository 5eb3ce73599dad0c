//! Who is let in to a private project, and with which addresses.

use super::*;
use crate::app::tests::app;
use crate::db::products::tests::{recorded, sample};
use crate::db::tests::sqlite;

const NOBODY: Identity = Identity::Anonymous { may_read: true };
const ADMIN: Identity = Identity::Local { name: "test" };

#[tokio::test]
async fn feeds_of_a_private_project_answer_to_its_two_last_keys_alone() {
    let test = sqlite();
    let app = app(test.db.clone());
    let new = sample(1, 1, "1.0");
    let project = new.project.clone();
    recorded(&test.db, vec![new]).await;
    let open = admit(&app, &NOBODY, &project, None).await.unwrap();
    assert!(!open.is_private);
    assert_eq!(open.file_path("aa", "a b", Time(0)), "/files/aa/a%20b");

    let private = vec![(project.clone(), true)];
    let set = move |conn: &mut Conn| projects::set_private(conn, &private);
    test.db.tx("test", set).await.unwrap();
    let mut made = Vec::new();
    for _ in 0..3 {
        let keys = rotate_feed_key(&app, &ADMIN, &project).await.unwrap();
        made.push(keys[0].clone());
    }
    let unknown = admit(&app, &NOBODY, "nothing", None).await.unwrap_err();
    for key in [None, Some(""), Some("x"), Some(made[0].as_str())] {
        let refused = admit(&app, &NOBODY, &project, key).await.unwrap_err();
        let hidden = refused.to_string().replace(&project, "nothing");
        assert_eq!(hidden, unknown.to_string());
    }
    for key in &made[1..] {
        let admitted = admit(&app, &NOBODY, &project, Some(key)).await.unwrap();
        assert!(admitted.is_private);
        let path = admitted.file_path("aa", "a", app.clock.now());
        assert!(path.starts_with("/files/aa/a?expires="), "{path}");
    }
    assert!(
        admit(&app, &ADMIN, &project, None)
            .await
            .unwrap()
            .is_private
    );
    assert!(rotate_feed_key(&app, &NOBODY, &project).await.is_err());
}

#[tokio::test]
async fn products_of_a_private_project_are_in_no_list_of_strangers() {
    let test = sqlite();
    let app = app(test.db.clone());
    let new = sample(1, 1, "1.0");
    let private = vec![(new.project.clone(), true)];
    let id = recorded(&test.db, vec![new]).await[0];
    let list = async |identity: &Identity| {
        let page = crate::ops::products::list(&app, identity, Default::default()).await;
        page.unwrap().items.len()
    };
    assert_eq!((list(&NOBODY).await, list(&ADMIN).await), (1, 1));
    test.db
        .tx("test", move |conn| projects::set_private(conn, &private))
        .await
        .unwrap();
    assert_eq!((list(&NOBODY).await, list(&ADMIN).await), (0, 1));
    let shown = crate::ops::products::show(&app, &NOBODY, id).await;
    assert!(matches!(shown, Err(Error::NotFound(_))));
    assert!(crate::ops::products::show(&app, &ADMIN, id).await.is_ok());
}
