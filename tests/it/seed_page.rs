//! The product's original page: its example, its defaults, its rules.

use harbr_tests::{Fleet, Origin, Process, Program, Shape, get};
use serde_json::json;

use crate::file::{File, to};

/// As it is printed on the page.
const EXAMPLE: &str = r#"listen_addr: "0.0.0.0:8080"
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

#[tokio::test]
async fn the_example_is_valid_as_it_is_printed() {
    let ended = Process::run_with(Program::Harbrctl, &["validate", "-"], &[], EXAMPLE).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, "<stdin>: valid: 3 routes, 3 upstreams\n");
}

over_both_shapes! {
    async fn each_route_of_the_example_reaches_its_upstream(shape: Shape) {
        let (api, files, rest) =
            (Origin::start("api").await, Origin::start("static").await, Origin::start("default").await);
        let text = EXAMPLE
            .replace("http://backend-api:8080", &api.url())
            .replace("http://static-server:80", &files.url())
            .replace("http://default-backend:8080", &rest.url());
        let fleet = Fleet::start(shape, &text).await;
        for (path, expected) in [
            ("/api", "api"),
            ("/api/", "api"),
            ("/api/users?id=7", "api"),
            ("/static/app.css", "static"),
            ("/", "default"),
            ("/apix", "default"),
            ("/staticfiles", "default"),
            ("/other/api", "default"),
        ] {
            let echo = get(fleet.addr(), path).await.echo();
            assert_eq!((echo.origin.as_str(), echo.target.as_str()), (expected, path));
        }
        let routes = fleet.json(&["get", "routes"]).await;
        let mut settings: Vec<_> = routes
            .as_array()
            .unwrap()
            .iter()
            .map(|route| (route["route"].clone(), route["timeout_ms"].clone(), route["retry_count"].clone()))
            .collect();
        settings.sort_by_key(|(route, ..)| route.to_string());
        assert_eq!(
            settings,
            [
                (json!("/"), json!(2000), json!(2)),
                (json!("/api"), json!(3000), json!(2)),
                (json!("/static"), json!(1000), json!(1)),
            ]
        );
    }

    async fn a_path_without_a_route_is_404_and_the_connection_lives_on(shape: Shape) {
        let api = Origin::start("api").await;
        let fleet = Fleet::start(shape, &File::new().route("/api", &to(&api)).text()).await;
        let mut client = harbr_tests::Client::connect(fleet.addr()).await.unwrap();
        assert_eq!(client.get("/nothing").await.status, 404);
        assert_eq!(client.get("/api").await.echo().origin, "api");
        assert_eq!(api.requests(), 1);
    }
}

#[tokio::test]
async fn a_route_that_says_only_its_upstream_has_the_global_timeout_and_no_retries() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).global_timeout_ms(4_321).text()).await;
    let routes = fleet.json(&["get", "routes", "/"]).await;
    assert_eq!((&routes[0]["timeout_ms"], &routes[0]["retry_count"]), (&json!(4_321), &json!(0)));
}

#[tokio::test]
async fn metrics_are_not_on_the_traffic_port() {
    let origin = Origin::start("default").await;
    let fleet = Fleet::start(Shape::AllInOne, &File::all_to(&origin).text()).await;
    for path in ["/metrics", "/livez", "/readyz", "/info"] {
        assert_eq!(get(fleet.addr(), path).await.echo().target, path);
    }
}
