use super::*;
use crate::testing::check_golden;

fn told() -> TappedDocument {
    TappedDocument::of(
        "proxy-1",
        v1::TappedRequest {
            ended: Some(std::time::UNIX_EPOCH.into()),
            method: "GET".into(),
            host: "shop.test".into(),
            path: "/cart".into(),
            query: "id=*".into(),
            status: 502,
            route: "/cart".into(),
            upstream: "carts".into(),
            endpoint: "http://10.0.0.1".into(),
            attempts: 2,
            duration: Duration::from_millis(13).try_into().ok(),
            bytes_received: 0,
            bytes_sent: 21,
            reason: "connect".into(),
            request_id: "0123".into(),
        },
    )
}

#[test]
fn a_request_is_a_line() {
    let failed =
        "00:00:00 proxy-1 502 GET shop.test/cart?id=* 13ms /cart → http://10.0.0.1 (2 attempts): connect\n";
    assert_eq!(line(&told(), Paint::Plain), failed);
    let unrouted =
        TappedDocument::of("a", v1::TappedRequest { status: 404, path: "/x".into(), ..Default::default() });
    assert_eq!(line(&unrouted, Paint::Plain), " a 404  /x 0ms\n");
    check_golden("tap.json", &(serde_json::to_string(&told()).unwrap() + "\n"));
}

#[test]
fn statuses_and_rates_are_written_as_people_do() {
    let statuses = |text: &str| text.parse::<Statuses>().map(|it| (it.least, it.most)).ok();
    assert_eq!(statuses("503"), Some((503, 503)));
    assert_eq!(statuses("5xx"), Some((500, 599)));
    assert_eq!(statuses("400-499"), Some((400, 499)));
    for text in ["", "xx", "5x", "50", "599-500", "abc", "5xx-6xx", "-"] {
        assert_eq!(statuses(text), None, "{text}");
    }
    assert_eq!(("10/s".parse(), "7".parse()), (Ok(Rate(10)), Ok(Rate(7))));
    for text in ["", "0", "1001/s", "x", "-1/s", "10/m"] {
        assert!(text.parse::<Rate>().is_err(), "{text}");
    }
}
