use super::{PREFACE, Verdict, decide, read};

#[test]
fn only_the_whole_preface_is_http2_and_only_its_beginnings_leave_it_open() {
    for cut in 0..PREFACE.len() {
        assert_eq!(decide(&PREFACE[..cut]), Verdict::Open, "{cut}");
    }
    assert_eq!(decide(PREFACE), Verdict::Http2);
    assert_eq!(decide(&[PREFACE, b"\0\0\0\x04"].concat()), Verdict::Http2);
    for first in
        ["GET / HTTP/1.1\r\n", "PRI / HTTP/1.1\r\n", "POST", "PRI * HTTP/2.0\r\n\r\nXX", "\x16\x03\x01"]
    {
        assert_eq!(decide(first.as_bytes()), Verdict::Http1, "{first}");
    }
}

#[tokio::test]
async fn what_was_read_is_given_back_and_an_end_is_left_to_http1() {
    let mut whole: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
    assert_eq!(read(&mut whole).await.unwrap(), (Verdict::Http1, b"GET / HTTP/1.1\r\n\r\n".to_vec()));
    let mut half = &PREFACE[..7];
    assert_eq!(read(&mut half).await.unwrap(), (Verdict::Http1, PREFACE[..7].to_vec()));
    let mut nothing: &[u8] = b"";
    assert_eq!(read(&mut nothing).await.unwrap(), (Verdict::Http1, Vec::new()));
}
