//! What is explained and planned is what the proxies then do.

use harbr_tests::{ConfigFile, Fleet, Origin, Shape, empty, eventually, request, send};
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use crate::file::{File, to};

/// Method, host, path, and a header.
type Asked = (Method, &'static str, &'static str, Option<(&'static str, &'static str)>);

fn asked() -> Vec<Asked> {
    let canary = Some(("x-canary", "1"));
    vec![
        (Method::GET, "a.test", "/", None),
        (Method::GET, "A.test:81", "/api/x?y=1", None),
        (Method::POST, "a.test", "/api", None),
        (Method::GET, "a.test", "/api", canary),
        (Method::GET, "b.test", "/api/%7Eann/../bob", None),
        (Method::GET, "x.wild.test", "/api", None),
        (Method::GET, "x.wild.test", "/elsewhere", None),
        (Method::PUT, "c.test", "/only", None),
        (Method::GET, "c.test", "/only", None),
        (Method::GET, "c.test", "/a/../../b", None),
        (Method::GET, "c.test", "/apix", None),
    ]
}

/// Who answers, or with what status the proxy does; and the path that arrives.
async fn answer(
    fleet: &Fleet,
    (method, host, path, header): &Asked,
) -> (String, String, Vec<(String, String)>) {
    let mut sent = request(method.clone(), path, empty());
    sent.headers_mut().insert("host", HeaderValue::from_static(host));
    if let Some((name, value)) = header {
        sent.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let reply = send(fleet.addr(), sent).await;
    match reply.status.as_u16() {
        200 => {
            let echo = reply.echo();
            (echo.origin, echo.target, comparable(echo.headers))
        }
        status => (status.to_string(), String::new(), Vec::new()),
    }
}

/// Without what differs each time, or is another field's.
fn comparable(mut headers: Vec<(String, String)>) -> Vec<(String, String)> {
    headers.retain(|(name, _)| !["host", "x-request-id"].contains(&name.as_str()));
    headers.sort();
    headers
}

/// The headers with which the request would arrive.
fn sent_headers(document: &Value) -> Vec<(String, String)> {
    let headers = document["forwarded"]["headers"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    comparable(headers.map(|header| (text(&header["name"]), text(&header["value"]))).collect())
}

async fn explained(fleet: &Fleet, (method, host, path, header): &Asked, args: &[&str]) -> Value {
    let url = format!("http://{host}{path}");
    let header = header.map(|(name, value)| format!("{name}: {value}"));
    let mut all = vec!["explain", method.as_str(), &url];
    all.extend(header.iter().flat_map(|header| ["-H", header.as_str()]));
    all.extend(args);
    fleet.json(&all).await
}

over_both_shapes! {
    async fn what_is_explained_is_what_the_proxy_does(shape: Shape) {
        let (api, post, canary, wild) = (
            Origin::start("api").await,
            Origin::start("post").await,
            Origin::start("canary").await,
            Origin::start("wild").await,
        );
        let only_put = format!("{}, methods: [PUT]", to(&wild));
        let text = File::new()
            .routes(
                "/api",
                &[
                    &format!("{}, headers: {{match: {{x-canary: \"1\"}}}}", to(&canary)),
                    &format!("{}, methods: [POST]", to(&post)),
                    &format!("{}, rewrite: /new", to(&api)),
                ],
            )
            .route("*.wild.test/api", &format!("{}, strip_prefix: true", to(&wild)))
            .route("a.test/", &to(&wild))
            .route("/only", &only_put)
            .text();
        let fleet = Fleet::start(shape, &text).await;
        let file = fleet.file.path();
        let origins = [&api, &post, &canary, &wild];
        for asked in asked() {
            let (who, target, headers) = answer(&fleet, &asked).await;
            let of_fleet = explained(&fleet, &asked, &[]).await;
            let of_file = explained(&fleet, &asked, &["--file", file.to_str().unwrap()]).await;
            for document in [&of_fleet, &of_file] {
                let (told, sent) = match document["status"].as_u64() {
                    Some(status) => (status.to_string(), String::new()),
                    None => {
                        let url = document["endpoints"][0]["url"].as_str().unwrap();
                        let origin = origins.iter().find(|origin| origin.url() == url).unwrap();
                        (origin.name().to_owned(), document["forwarded"]["path"].as_str().unwrap().to_owned())
                    }
                };
                assert_eq!((told, sent), (who.clone(), target.clone()), "{asked:?}: {document:#}");
                assert_eq!(sent_headers(document), headers, "{asked:?}");
            }
            assert_eq!(of_fleet["candidates"], of_file["candidates"]);
        }
    }
}

#[tokio::test]
async fn an_endpoint_that_is_out_says_since_when_and_why() {
    let (good, bad) = (Origin::start("good").await, Origin::start("bad").await);
    bad.health_status(503);
    let check = "health_check: {path: /health, interval: 100ms, timeout: 100ms, fall: 2}";
    let text =
        File::new().upstream("shop", &[good.url(), bad.url()], check).route("/", "upstream: shop").text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let endpoints = eventually("the bad one is out", async || {
        let endpoints = fleet.json(&["explain", "/"]).await["endpoints"].clone();
        (endpoints[1]["eligible"] == false && endpoints[0]["health"] == "healthy").then_some(endpoints)
    })
    .await;
    assert_eq!(endpoints[0]["eligible"], true);
    assert_eq!(endpoints[1]["failures_in_a_row"], 2);
    assert!(endpoints[1]["since"].is_string() && endpoints[1]["last_error"].is_string(), "{endpoints:#}");
    let text = fleet.harbrctl(&["explain", "/"]).await.stdout;
    assert!(text.contains("out: unhealthy since 20") && text.contains("2 in a row: "), "{text}");
}

#[tokio::test]
async fn a_revision_or_a_node_can_be_asked_about() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let revision = fleet.json(&["status"]).await["revision"].to_string();
    for args in [&["explain", "/", "--revision", &revision][..], &["explain", "/", "--node", "node-1"]] {
        let document = fleet.json(args).await;
        assert_eq!(document["configuration"], format!("revision {revision}"));
        assert_eq!(document["route"]["route"], "/");
    }
    for args in [&["explain", "/", "--revision", "999"][..], &["explain", "/", "--node", "nobody"]] {
        let ended = fleet.harbrctl(args).await;
        assert_eq!((ended.code, ended.stderr.lines().count()), (Some(1), 1), "{ended:?}");
    }
}

#[tokio::test]
async fn a_plan_ends_by_what_it_finds() {
    let origin = Origin::start("a").await;
    let served = File::all_to(&origin).route("/old", &to(&origin));
    let fleet = Fleet::start(Shape::Split, &served.text()).await;
    let same = ConfigFile::new(&(served.text() + "# a comment\n"));
    let other = ConfigFile::new(&File::all_to(&origin).route("/new", &to(&origin)).text());
    let broken = ConfigFile::new("listen_addr: x\n");
    let path = |file: &ConfigFile| file.path().to_str().unwrap().to_owned();
    let (same, other, broken) = (path(&same), path(&other), path(&broken));
    let code = async |args: &[&str]| fleet.harbrctl(args).await.code;
    let served = path(&fleet.file);

    assert_eq!(code(&["plan", &same]).await, Some(0));
    assert_eq!(code(&["plan", &other]).await, Some(1));
    assert_eq!(code(&["plan", &broken]).await, Some(2));
    assert_eq!(code(&["plan", "/nowhere.yml"]).await, Some(2));
    assert_eq!(code(&["plan", &other, "--fail-on", "routes.removed>0"]).await, Some(3));
    assert_eq!(code(&["plan", &other, "--fail-on", "routes.removed>1"]).await, Some(1));
    assert_eq!(code(&["plan", &same, "--fail-on", "routes.removed>0"]).await, Some(0));
    assert_eq!(code(&["plan", &same, "--fail-on", "nonsense"]).await, Some(2));
    assert_eq!(code(&["--controller", "http://127.0.0.1:1", "plan", &same]).await, Some(2));
    assert_eq!(code(&["diff", &served, &same]).await, Some(0));
    assert_eq!(code(&["diff", &served, &other]).await, Some(1));
    assert_eq!(code(&["diff", &served, &broken]).await, Some(2));

    let plan = fleet.harbrctl(&["plan", &other, "-o", "json"]).await;
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    let name = |items: &Value| json!([items[0]["name"], items[0]["other_side"]]);
    assert_eq!(name(&plan["routes"]["added"]), json!(["/new", "/"]));
    assert_eq!(name(&plan["routes"]["removed"]), json!(["/old", "/"]));
    let text = fleet.harbrctl(&["plan", &other]).await.stdout;
    assert!(text.contains("- route /old") && text.contains("1 route added, 1 removed"), "{text}");
    let github = fleet.harbrctl(&["diff", &served, &other, "-o", "yaml"]).await;
    assert!(github.stdout.starts_with("old: "), "{github:?}");
}
