use super::{Request, end_of_head};

#[test]
fn a_request_is_its_target_and_its_length() {
    let head = b"POST /up/64k HTTP/1.1\r\nHost: a\r\ncontent-length: 12\r\nConnection: close\r\n\r\n";
    assert_eq!(end_of_head(head), Some(head.len()));
    assert_eq!(Request::of(head), Some(Request { target: "/up/64k", body_bytes: 12, close: true }));
    assert_eq!(end_of_head(&head[..head.len() - 1]), None);
}
