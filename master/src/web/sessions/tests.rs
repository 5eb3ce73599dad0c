//! Where a login may lead.

use super::local;

#[test]
fn a_login_never_leads_to_another_site() {
    let table = [
        ("/builds?x=1", "/builds?x=1"),
        ("", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: b", "/"),
    ];
    for (next, path) in table {
        assert_eq!(local(next), path, "{next}");
    }
}
