use super::{EndpointUrl, InvalidEndpointUrl};

fn parse(text: &str) -> Result<String, InvalidEndpointUrl> {
    text.parse::<EndpointUrl>().map(|url| url.to_string())
}

#[test]
fn a_url_is_brought_to_one_form() {
    for (text, expected) in [
        ("http://backend-api:8080", "http://backend-api:8080"),
        ("HTTP://Backend:80/", "http://backend"),
        ("https://a.test:443/v1/", "https://a.test/v1"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ("http://my_service", "http://my_service"),
    ] {
        assert_eq!(parse(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_not_the_url_of_an_endpoint_is_refused_by_name() {
    for (text, expected) in [
        ("backend:8080", InvalidEndpointUrl::Scheme),
        ("ftp://backend", InvalidEndpointUrl::Scheme),
        ("http://", InvalidEndpointUrl::NoHost),
        ("http://:80", InvalidEndpointUrl::NoHost),
        ("http://a b", InvalidEndpointUrl::Host),
        ("http://[::1", InvalidEndpointUrl::Host),
        ("http://[a.test]", InvalidEndpointUrl::Host),
        ("http://a:0", InvalidEndpointUrl::Port),
        ("http://a:65536", InvalidEndpointUrl::Port),
        ("http://a:+80", InvalidEndpointUrl::Port),
        ("http://a:", InvalidEndpointUrl::Port),
        ("http://user:pw@a", InvalidEndpointUrl::UserInfo),
        ("http://a/x?y", InvalidEndpointUrl::Query),
        ("http://a/x#y", InvalidEndpointUrl::Fragment),
        ("http://a/x y", InvalidEndpointUrl::Path),
    ] {
        assert_eq!(parse(text), Err(expected), "{text}");
    }
}

#[test]
fn the_host_header_leaves_out_the_schemes_own_port() {
    let authority = |text: &str| text.parse::<EndpointUrl>().unwrap().authority();
    assert_eq!(authority("http://a:80"), "a");
    assert_eq!(authority("https://a:80"), "a:80");
    assert_eq!(authority("http://[::1]"), "[::1]");
}
