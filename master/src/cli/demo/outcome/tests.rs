//! The line of JSON that scripts read.

use super::*;

#[test]
fn the_line_has_the_promised_keys() {
    let mut outcome = Outcome {
        result: BuildResult::Success,
        build: BuildId(1),
        seconds: 1.25,
        revision: "c0ffee".to_owned(),
        product: Some(Recorded {
            id: ProductId(2),
            version: "1.0.0".to_owned(),
            name: "hello-1.0.0.tar.gz".to_owned(),
            size: 722,
            sha256: "ab".repeat(32),
            update_url: "http://127.0.0.1:1/update/v1/a/b/c".to_owned(),
            page: "http://127.0.0.1:1/products/2".to_owned(),
        }),
        page: "http://127.0.0.1:1/builds/1".to_owned(),
        mail: Some("/tmp/mail/1.eml".into()),
    };
    let line = outcome.json();
    assert!(
        line.starts_with("{\"result\":\"success\",\"build\":1,\"seconds\":"),
        "{line}"
    );
    assert!(!line.contains('\n'));
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(json["result"], "success");
    assert_eq!(json["build"], 1);
    assert_eq!(json["product"]["id"], 2);
    assert_eq!(json["product"]["size"], 722);
    assert_eq!(json["mail"], "/tmp/mail/1.eml");
    assert!(json["update_url"].as_str().unwrap().contains("/update/v1/"));
    outcome.product = None;
    outcome.result = BuildResult::Failure;
    let json: serde_json::Value = serde_json::from_str(&outcome.json()).unwrap();
    assert!(json["product"].is_null() && json["update_url"].is_null());
    assert!(!outcome.is_good());
}
