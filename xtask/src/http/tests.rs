use std::io::Cursor;

use super::{header, parse_status, read_chunks, read_exactly, read_head};

#[test]
fn a_head_ends_at_the_empty_line() {
    let mut stream = Cursor::new("HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\nrest");
    let head = read_head(&mut stream).unwrap();
    assert_eq!(parse_status(&head).unwrap(), 204);
    assert_eq!(header(&head, "x-a"), Some("1"));
    assert_eq!(header(&head, "x-b"), None);
    assert_eq!(read_exactly(&mut stream, 4).unwrap(), b"rest");
}

#[test]
fn chunks_are_joined() {
    let mut stream = Cursor::new("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n");
    assert_eq!(read_chunks(&mut stream).unwrap(), b"hello!");
}

#[test]
fn a_cut_body_is_an_error() {
    assert!(read_exactly(&mut Cursor::new("abc"), 4).is_err());
    assert!(read_chunks(&mut Cursor::new("5\r\nhel")).is_err());
    assert!(read_head(&mut Cursor::new("HTTP/1.1 200 OK\r\n")).is_err());
}
