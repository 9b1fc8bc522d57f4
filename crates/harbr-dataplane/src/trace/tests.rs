use harbr_model::{SampleShare, Tracing};
use harbr_routing::headers::Trust;
use http::{HeaderMap, HeaderValue};

use super::{TRACEPARENT, TRACESTATE, Told};

const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn headers(lines: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(TRACEPARENT, HeaderValue::from_str(line).unwrap());
    }
    headers.insert(TRACESTATE, HeaderValue::from_static("vendor=1"));
    headers
}

fn tracing(share: &str) -> Tracing {
    Tracing {
        endpoint: "http://collector:4317".parse().unwrap(),
        sample: share.parse::<SampleShare>().unwrap(),
        service_name: Tracing::SERVICE_NAME.to_owned(),
    }
}

#[test]
fn a_traceparent_is_valid_as_the_specification_says() {
    let valid = [
        VALID,
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-what-comes-later",
    ];
    for text in valid {
        let id = Told::by(&headers(&[text])).trace_id().expect(text);
        assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    }
    for text in [
        "",
        "00",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
    ] {
        assert!(Told::by(&headers(&[text])).trace_id().is_none(), "{text}");
    }
    assert!(Told::by(&headers(&[VALID, VALID])).trace_id().is_none(), "two lines");
}

#[test]
fn a_trusted_proxy_decides_and_for_anybody_else_the_share_does() {
    let sampled = Told::by(&headers(&[VALID]));
    let unsampled = Told::by(&headers(&["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"]));
    let (all, none) = (tracing("100%"), tracing("0%"));
    assert!(sampled.sample(&none, Trust::Yes) && !unsampled.sample(&all, Trust::Yes));
    assert!(!sampled.sample(&none, Trust::No) && unsampled.sample(&all, Trust::No));
    let untold = Told::by(&HeaderMap::new());
    assert!(untold.sample(&all, Trust::Yes) && !untold.sample(&none, Trust::Yes));
}

#[test]
fn what_is_not_sampled_goes_on_in_its_trace_or_begins_one() {
    let mut known = headers(&[VALID]);
    let id = Told::by(&known).go_on_unsampled(&mut known);
    assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(
        (&known[TRACEPARENT], &known[TRACESTATE]),
        (&VALID.parse().unwrap(), &"vendor=1".parse().unwrap())
    );

    for lines in [&["damaged"][..], &[VALID, VALID], &[]] {
        let mut unknown = headers(lines);
        let id = Told::by(&unknown).go_on_unsampled(&mut unknown);
        assert_eq!(unknown.get_all(TRACEPARENT).iter().count(), 1, "{lines:?}");
        let told = unknown[TRACEPARENT].to_str().unwrap();
        assert!(told.starts_with(&format!("00-{id}-")) && told.ends_with("-00"), "{told}");
        assert!(!unknown.contains_key(TRACESTATE), "{lines:?}");
        assert_eq!(Told::by(&unknown).trace_id(), Some(id));
    }
}

#[test]
fn a_sampled_request_keeps_its_trace_and_state() {
    let mut known = headers(&[VALID]);
    let trace = Told::by(&known).begin(&mut known);
    assert_eq!(trace.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(trace.parent.unwrap().to_string(), "00f067aa0ba902b7");
    assert_eq!(trace.state.as_deref(), Some("vendor=1"));
    let mut unknown = headers(&["damaged"]);
    let trace = Told::by(&unknown).begin(&mut unknown);
    assert!(trace.parent.is_none() && trace.state.is_none());
}
