use std::time::Duration;

use harbr_config::{Files, Position, Source, parse};
use harbr_model::{AccessLog, Balance, HealthCheck, HostHeader, HostPattern, PathRewrite, Probe, Upstream};

/// The example of the product's first page, as it was printed there.
const SEED: &str = r#"listen_addr: "0.0.0.0:8080"
global_timeout_ms: 5000
max_connections: 10000

routes:
  "/api":
    upstream: "http://backend-api:8080"
    health_check_path: "/health"
    timeout_ms: 3000
    retry_count: 2
  
  "/static":
    upstream: "http://static-server:80"
    timeout_ms: 1000
    retry_count: 1
  
  "/":
    upstream: "http://default-backend:8080"
    timeout_ms: 2000
    retry_count: 2
"#;

#[test]
fn the_seeds_file_means_what_its_page_says() {
    let config = parse(Source { name: "config.yml", bytes: SEED.as_bytes() }, &Files::none())
        .expect("the seed's file is good");
    let snapshot = &config.snapshot;

    let [listener] = snapshot.listeners() else { panic!("one listener") };
    assert_eq!((listener.name.as_str(), listener.addr.to_string().as_str()), ("default", "0.0.0.0:8080"));
    let settings = snapshot.settings();
    assert_eq!(settings.max_connections, 10_000);
    assert_eq!(settings.header_timeout, Duration::from_secs(30));
    assert_eq!(settings.keep_alive_timeout, Duration::from_secs(75));
    assert_eq!(settings.upstream_idle_timeout, Duration::from_secs(4));
    assert_eq!(settings.max_header_bytes, 64 * 1024);
    assert_eq!(settings.max_headers, 100);
    assert_eq!(settings.access_log, AccessLog::default());

    for (name, path, url, timeout_ms, retries) in [
        ("/api", "/api", "http://backend-api:8080", 3_000, 2),
        ("/static", "/static", "http://static-server", 1_000, 1),
        ("/", "/", "http://default-backend:8080", 2_000, 2),
    ] {
        let route = snapshot.routes().iter().find(|route| route.name == name).expect("the route is there");
        assert_eq!(route.upstream, name);
        assert_eq!(route.matches.host, HostPattern::Any);
        assert_eq!(route.matches.path.to_string(), path);
        assert!(route.matches.methods.is_empty() && route.matches.headers.is_empty());
        assert_eq!(route.timeouts.attempt, Duration::from_millis(timeout_ms));
        assert_eq!(route.timeouts.request, Duration::from_millis(5_000));
        assert_eq!(route.timeouts.idle, Duration::from_secs(60));
        assert_eq!(route.max_retries, retries);
        assert_eq!(route.rewrite, PathRewrite::Keep);
        assert_eq!(route.host_header, HostHeader::Preserve);
        assert_eq!(route.max_body, 1024 * 1024 * 1024);
        assert_eq!(
            (&route.request_headers, &route.response_headers),
            (&Default::default(), &Default::default())
        );

        let Upstream { endpoints, balance, health_check, .. } = &snapshot.upstreams()[name];
        let [endpoint] = endpoints.as_slice() else { panic!("one endpoint") };
        assert_eq!((endpoint.url.to_string().as_str(), endpoint.weight), (url, 1));
        assert_eq!(*balance, Balance::LeastRequest);
        let expected = HealthCheck {
            probe: Probe::Http { path: "/health".to_owned() },
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            rise: 1,
            fall: 1,
        };
        assert_eq!(*health_check, (name == "/api").then_some(expected));
    }
    assert_eq!(snapshot.routes().len(), 3);
    assert_eq!(snapshot.upstreams().len(), 3);
    assert_eq!(config.routes["/static"], Position { line: 12, column: 3 });
    assert_eq!(config.routes.len(), 3);
}

#[test]
fn a_route_without_a_timeout_has_the_global_one_and_no_retries() {
    let text = "listen_addr: 127.0.0.1:0\nglobal_timeout_ms: 5000\nmax_connections: 1\nroutes:\n  /: {upstream: http://a}\n";
    let config = parse(Source { name: "config.yml", bytes: text.as_bytes() }, &Files::none())
        .expect("the file is good");
    let [route] = config.snapshot.routes() else { panic!("one route") };
    assert_eq!(route.timeouts.attempt, Duration::from_millis(5_000));
    assert_eq!(route.max_retries, 0);
}
