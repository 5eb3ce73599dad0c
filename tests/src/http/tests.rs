//! The client's reading of answers.

use super::*;

#[test]
fn chunks_are_put_together() {
    let bytes =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let answer = parse(bytes).unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "abcde"));
}

#[test]
fn a_plain_body_is_taken_as_it_is() {
    let answer = parse(b"HTTP/1.1 404 Not Found\r\nX-A: b\r\n\r\n{\"a\":1}").unwrap();
    assert_eq!(answer.header("x-a"), Some("b"));
    assert_eq!(answer.json()["a"], 1);
}
