//! Half a file is an error with a place, or a whole valid one; never something between.

use std::time::Duration;

use harbr_config::{RenderStyle, Source};
use harbr_tests::{Client, Fleet, Origin, Shape, never};

use crate::file::{File, to};

/// About fifty lines with most of what a file can hold.
const FIFTY_LINES: &str = r#"# The front door.
listen_addr: "0.0.0.0:8080"
global_timeout_ms: 5000
max_connections: 10000
idle_timeout: 60s
max_body: 10MiB

upstreams:
  backend:
    balance: round_robin
    health_check:
      path: /health
      interval: 10s
      timeout: 5s
      rise: 2
      fall: 3
    endpoints:
      - url: "http://10.0.0.1:8080"
        weight: 3
      - "http://10.0.0.2:8080"
  static:
    endpoints:
      - http://static-server:80

routes:
  "/api":
    upstream: backend
    timeout_ms: 3000
    retry_count: 2
    strip_prefix: true
    methods: [GET, POST, PUT]
    headers:
      request:
        set: { X-From: "the front door" }
        remove: [Cookie]
      response:
        set: { X-Frame-Options: DENY }

  "api.example.com/v1":
    - upstream: backend
      headers: { match: { X-Canary: "1" } }
    - upstream: static
      host_header: upstream

  "*.example.com/":
    upstream: static
    rewrite: /sites

  "/":
    upstream: "http://default-backend:8080/base"
    health_check_path: "/health"
    timeout_ms: 2000
"#;

#[test]
fn at_every_byte_a_truncated_file_is_an_error_with_a_place_or_wholly_valid() {
    assert!(
        harbr_config::parse(
            Source { name: "config.yml", bytes: FIFTY_LINES.as_bytes() },
            &harbr_config::Files::none()
        )
        .is_ok()
    );
    let mut valid = 0;
    for end in 0..FIFTY_LINES.len() {
        let text = &FIFTY_LINES[..end];
        match harbr_config::parse(
            Source { name: "config.yml", bytes: text.as_bytes() },
            &harbr_config::Files::none(),
        ) {
            Ok(config) => {
                valid += 1;
                let named = config
                    .snapshot
                    .routes()
                    .iter()
                    .all(|route| config.snapshot.upstreams().contains_key(&route.upstream));
                assert!(named, "cut at {end}: a route without its upstream");
            }
            Err(diagnostics) => {
                let start = diagnostics.first_error().expect("something is wrong").span.start;
                assert!(start.line >= 1 && start.column >= 1, "cut at {end}: {start:?}");
                let rendered = diagnostics.render(RenderStyle::Plain);
                let place = format!("config.yml:{}:{}", start.line, start.column);
                assert!(rendered.contains(&place), "cut at {end}: no {place} in\n{rendered}");
            }
        }
    }
    assert!(valid > 0, "a cut after a whole route leaves a whole file");
}

#[tokio::test]
async fn a_live_fleet_serves_through_a_file_that_is_cut_at_many_places() {
    let a = Origin::start("a").await;
    // The catch-all comes first: any cut that leaves a valid file serves `/` as before.
    let text = File::all_to(&a).route("/other", &format!("{}, retry_count: 2", to(&a))).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let addr = fleet.addr();
    let mut client = Client::connect(addr).await.unwrap();
    let step = text.len() / 20;
    for end in (0..text.len()).step_by(step) {
        fleet.file.write_in_place(&text[..end]);
        // Longer than the controller waits for a file to come to rest.
        never("a request failed", Duration::from_millis(400), async || client.get("/").await.status != 200)
            .await;
    }
    fleet.file.write_in_place(&text);
    fleet.controller.process.must_run();
    harbr_tests::eventually("the whole file is served", async || {
        fleet.json(&["status"]).await["config_error"].is_null().then_some(())
    })
    .await;
    assert_eq!(client.get("/other").await.status, 200);
}
