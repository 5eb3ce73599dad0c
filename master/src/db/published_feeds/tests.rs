//! Rows of published files, on both engines.

use super::*;
use crate::db::products::tests::{recorded, sample};
use crate::db::tests::engines;

fn place(site: &str, token: &str) -> Place {
    Place {
        site: site.to_owned(),
        project: "editor".to_owned(),
        token: token.to_owned(),
    }
}

fn file(path: &str, sha256: &str, is_feed: bool) -> Published {
    Published {
        path: path.to_owned(),
        sha256: sha256.to_owned(),
        is_feed,
    }
}

#[tokio::test]
async fn files_are_found_again_by_branch_and_known_to_be_shared() {
    for test in engines() {
        let work = |conn: &mut Conn| {
            let (main, old) = (place("/srv", "main-1"), place("/srv", "old-2"));
            let both = [file("files/a", "aa", false), file("update/x", "bb", true)];
            note(conn, Time(10), &main, &both)?;
            note(conn, Time(20), &old, &both[..1])?;
            note(conn, Time(20), &place("/other", "main-1"), &both)?;
            assert_eq!(of(conn, &main)?, both);
            let unwanted = unwanted(conn, &main, Time(11))?;
            let expected = [("files/a".to_owned(), true), ("update/x".to_owned(), false)];
            assert_eq!(unwanted, expected);
            note(conn, Time(30), &main, &[file("update/x", "cc", true)])?;
            assert_eq!(of(conn, &main)?[1].sha256, "cc");
            let paths: Vec<String> = super::unwanted(conn, &main, Time(11))?
                .into_iter()
                .map(|(path, _)| path)
                .collect();
            assert_eq!(paths, ["files/a"]);
            forget(conn, &main, &paths)?;
            assert_eq!(of(conn, &main)?.len(), 1);
            assert_eq!(of(conn, &old)?.len(), 1);
            Ok(())
        };
        test.db.tx("test", work).await.unwrap();
    }
}

#[tokio::test]
async fn a_product_feeds_its_branch_and_those_that_follow_it() {
    for test in engines() {
        recorded(&test.db, vec![sample(1, 1, "1.0")]).await;
        let work = |conn: &mut Conn| {
            let product = products::table
                .select((products::id, products::branch_id))
                .first::<(i64, i64)>(conn)?;
            let project = projects::table.select(projects::id).first::<i64>(conn)?;
            let project = crate::ids::ProjectId(project);
            let mut before = BranchId(product.1);
            for name in ["followed/1", "followed/2"] {
                let branch = crate::db::branches::ensure(conn, Time(1), project, name)?;
                crate::db::branches::view::set_follows(conn, branch, Some(before))?;
                before = branch;
            }
            crate::db::branches::ensure(conn, Time(1), project, "apart")?;
            fed_by(conn, ProductId(product.0))
        };
        let fed = test.db.tx("test", work).await.unwrap();
        assert_eq!(fed.len(), 3, "{fed:?}");
        assert!(!fed.iter().any(|(_, token)| token.starts_with("apart")));
    }
}
