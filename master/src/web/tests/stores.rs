//! The page of the stores, and the form that moves files between them.

use std::path::PathBuf;
use std::sync::Arc;

use super::{answer, cookie_of, fixture, request, served};
use crate::config::resolved::{Bucket, SecretRef};

fn bucket() -> Bucket {
    let secret = SecretRef::File(PathBuf::from("/nonexistent"));
    Bucket {
        name: "files".to_owned(),
        prefix: String::new(),
        endpoint: None,
        region: "us-east-1".to_owned(),
        key: secret.clone(),
        secret,
        takes_new: true,
    }
}

#[actix_web::test]
async fn files_are_moved_by_an_admin_and_seen_by_an_engineer() {
    let mut fixture = fixture::filled().await;
    let mut config = (*fixture.app.config()).clone();
    config.master.bucket = Some(bucket());
    fixture.app.config = tokio::sync::watch::channel(Arc::new(config)).1;
    let service = served!(fixture);
    let admin = cookie_of(&fixture, "ada").await;
    let qa = cookie_of(&fixture, "quinn").await;
    assert_eq!(answer!(service, request("GET", "/stores", None)).0, 401);
    assert_eq!(
        answer!(service, request("GET", "/stores", Some(&qa))).0,
        403
    );
    let (status, body) = answer!(service, request("GET", "/stores", Some(&admin)));
    assert_eq!(status, 200);
    assert!(
        body.contains("New ones go to <strong>s3</strong>"),
        "{body}"
    );
    assert!(body.contains("/api/v1/stores"), "{body}");

    let path = "/stores/move";
    let to = |to: &'static str| request("POST", path, Some(&admin)).set_form([("to", to)]);
    assert_eq!(answer!(service, to("moon")).0, 422);
    let refused = request("POST", path, Some(&qa)).set_form([("to", "s3")]);
    assert_eq!(answer!(service, refused).0, 403);
    assert_eq!(answer!(service, to("s3")).0, 303);
    let (_, body) = answer!(service, request("GET", "/stores", Some(&admin)));
    assert!(
        body.contains("is being moved to <strong>s3</strong>"),
        "{body}"
    );
    assert_eq!(answer!(service, to("")).0, 303);
    let (_, body) = answer!(service, request("GET", "/stores", Some(&admin)));
    assert!(body.contains("Move every file to"), "{body}");
}
