//! What a plan says of real requests is what the proxies then do to them; what nodes remember, and tell as it ends,
//! tells of nobody.

use std::collections::HashSet;

use harbr_tests::{
    ConfigFile, Ended, Exposition, Fleet, Origin, Plan, Shape, TestBody, empty, eventually, get, request,
    send,
};
use http::{HeaderValue, Method, Request};
use serde_json::Value;

use crate::file::{File, to};

const REQUESTS: usize = 400;
const EACH: &str = "traffic_sample: {one_in: 1, size: 100000}";
const AT_ONCE: &str = "rollout: {strategy: immediate, proving_time: 0s, max_shrink: 100%}";

/// Method, host, path, and what `x-canary` says.
type Asked = (Method, &'static str, String, Option<&'static str>);

/// Drawn from few words, so that many of them meet a route.
fn asked(seed: u64) -> Vec<Asked> {
    let mut random = fastrand::Rng::with_seed(seed);
    let one = |random: &mut fastrand::Rng| {
        let method = random.choice([Method::GET, Method::GET, Method::POST, Method::PUT]).unwrap();
        let host = random.choice(["a.test", "B.test:81", "x.wild.test", "other"]).unwrap();
        let segments = ["api", "old", "new", "only", "v2", "%6Fld", ".."];
        let path = (0..random.usize(..4)).map(|_| format!("/{}", random.choice(segments).unwrap()));
        let path = path.collect::<String>() + random.choice(["/", "/x"]).unwrap();
        (method, host, path, random.choice([None, Some("1"), Some("2")]).unwrap())
    };
    (0..REQUESTS).map(|_| one(&mut random)).collect()
}

fn head((method, host, path, canary): &Asked) -> Request<TestBody> {
    let mut sent = request(method.clone(), &format!("{path}?token=s3cret"), empty());
    sent.headers_mut().insert("host", HeaderValue::from_static(host));
    sent.headers_mut().insert("cookie", HeaderValue::from_static("session=s3cret"));
    sent.headers_mut().insert("authorization", HeaderValue::from_static("Bearer s3cret"));
    if let Some(canary) = canary {
        sent.headers_mut().insert("x-canary", HeaderValue::from_static(canary));
    }
    sent
}

/// Who answers each, or the status of the proxy's own answer.
async fn answers(fleet: &Fleet, asked: &[Asked]) -> Vec<String> {
    let mut answers = Vec::new();
    for asked in asked {
        let reply = send(fleet.addr(), head(asked)).await;
        answers.push(match reply.status.as_u16() {
            200 => reply.echo().origin,
            status => status.to_string(),
        });
    }
    answers
}

/// Waits until each request is remembered that comes.
async fn remembers_each(fleet: &Fleet) {
    eventually("each request is remembered", async || {
        let metrics = Exposition::scrape(fleet.node().admin()).await;
        (metrics.count("harbr_traffic_sample_one_in", &[]) == 1).then_some(())
    })
    .await;
}

async fn planned(fleet: &Fleet, args: &[&str]) -> (Ended, Value) {
    let ended = fleet.harbrctl(&[&["plan", "-o", "json"], args].concat()).await;
    let plan = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    (ended, plan)
}

fn requests(plan: &Value, kind: &str) -> usize {
    let requests =
        plan["traffic"][kind]["requests"].as_f64().unwrap_or_else(|| panic!("no {kind} in {plan:#}"));
    assert_eq!(requests.fract(), 0.0, "each request is remembered, and counts once");
    requests as usize
}

over_both_shapes! {
    async fn a_plans_counts_are_what_the_proxies_then_do(shape: Shape) {
        let (one, two, canary) = (Origin::start("one").await, Origin::start("two").await, Origin::start("canary").await);
        let canary_on = |value: &str| format!("{}, headers: {{match: {{x-canary: \"{value}\"}}}}", to(&canary));
        let old = File::new()
            .set(EACH)
            .set(AT_ONCE)
            .routes("/api", &[&canary_on("1"), &to(&one)])
            .route("/old", &to(&one))
            .route("a.test/only", &format!("{}, methods: [PUT]", to(&one)))
            .route("*.wild.test/", &to(&two))
            .text();
        let new = File::new()
            .set(EACH)
            .set(AT_ONCE)
            .routes("/api", &[&canary_on("2"), &to(&one)])
            .route("/api/v2", &to(&two))
            .route("/new", &to(&one))
            .route("a.test/only", &format!("{}, methods: [GET]", to(&one)))
            .route("a.test/old", &to(&one))
            .route("x.wild.test/api", &to(&one))
            .route("*.wild.test/", &to(&two))
            .text();
        let fleet = Fleet::start(shape, &old).await;
        remembers_each(&fleet).await;
        let asked = asked(20_261_124);
        let before = answers(&fleet, &asked).await;
        // A path that climbs above the root never gets as far as a route.
        let looked_up = before.iter().filter(|answer| *answer != "400").count();
        let file = ConfigFile::new(&new);
        let path = file.path();
        let plan = eventually("all of it is remembered", async || {
            let (ended, plan) = planned(&fleet, &[path.to_str().unwrap()]).await;
            assert_eq!(ended.code, Some(1), "{ended:?}");
            (requests(&plan, "all") == looked_up).then_some(plan)
        })
        .await;

        fleet.apply(&new).await;
        let after = answers(&fleet, &asked).await;
        let count = |is: &dyn Fn(&str, &str) -> bool| {
            before.iter().zip(&after).filter(|(before, after)| is(before, after)).count()
        };
        let is_routed = |answer: &str| !["404", "405"].contains(&answer);
        let truth = [
            count(&|before, after| before != "404" && after == "404"),
            count(&|before, after| before != "405" && after == "405"),
            count(&|before, after| !is_routed(before) && is_routed(after)),
            count(&|before, after| is_routed(before) && is_routed(after) && before != after),
        ];
        let kinds = ["becomes_404", "becomes_405", "becomes_routed", "changes_upstream"];
        assert_eq!(kinds.map(|kind| requests(&plan, kind)), truth, "{plan:#}");
        assert!(truth.iter().all(|count| *count > 0), "each kind was tried: {truth:?}");
        let seen: HashSet<&str> = before.iter().chain(&after).map(String::as_str).collect();
        assert!(["one", "two", "canary", "404", "405"].iter().all(|who| seen.contains(who)), "{seen:?}");
    }

    async fn what_is_remembered_tells_of_nobody(shape: Shape) {
        let origin = Origin::start("one").await;
        let text = File::new()
            .set(EACH)
            .routes("/", &[
                &format!("{}, headers: {{match: {{x-canary: \"1\"}}}}", to(&origin)),
                &format!("{}, headers: {{match: {{authorization: known}}}}", to(&origin)),
                &to(&origin),
            ])
            .text();
        let fleet = Fleet::start(shape, &text).await;
        remembers_each(&fleet).await;
        let reset = "/reset/9f86d081884c7d659a2feaa0c55ad015".to_owned();
        answers(&fleet, &[(Method::GET, "a.test", reset, Some("7"))]).await;
        let lines = eventually("it is remembered", async || {
            let ended = fleet.harbrctl(&["sample", "-o", "json"]).await;
            assert_eq!(ended.code, Some(0), "{ended:?}");
            ended.stdout.contains("/reset").then_some(ended.stdout)
        })
        .await;
        let line = lines.lines().find(|line| line.contains("/reset")).unwrap();
        let request: Value = serde_json::from_str(line).unwrap();
        let shown = [&request["method"], &request["host"], &request["path"], &request["headers"]];
        let header = serde_json::json!([{"name": "x-canary", "value": "7"}]);
        assert_eq!(shown, [&"GET".into(), &"a.test".into(), &"/reset/*".into(), &header]);
        assert!(!lines.contains("s3cret") && !lines.contains("cookie") && !lines.contains("9f86"), "{lines}");

        // The same file is a sample for a plan that asks no node, and for two files.
        let saved = ConfigFile::new(&lines);
        let (file, saved) = (fleet.file.path(), saved.path());
        let (file, saved) = (file.to_str().unwrap(), saved.to_str().unwrap());
        let ended =
            fleet.harbrctl(&["diff", file, file, "--sample", saved, "--fail-on", "sampled<1"]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let ended = fleet.harbrctl(&["plan", file, "--sample", saved, "--fail-on", "404>0"]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }

    async fn a_tap_tells_what_ends_and_ends_with_who_looks(shape: Shape) {
        let origin = Origin::start("one").await;
        let fleet = Fleet::start(shape, &File::new().route("/api", &to(&origin)).text()).await;
        let taps = async || {
            Exposition::scrape(fleet.node().admin()).await.count("harbr_taps_open", &[])
        };
        assert_eq!(taps().await, 0);
        let args = ["tap", "--status", "4xx", "--path", "/no", "--count", "2", "--rate", "100/s", "-o", "json"];
        let tap = fleet.harbrctl(&args);
        tokio::pin!(tap);
        let ended = loop {
            let ask = async {
                send(fleet.addr(), head(&(Method::GET, "a.test", "/api".to_owned(), None))).await;
                send(fleet.addr(), head(&(Method::GET, "a.test", "/nowhere".to_owned(), None))).await;
                send(fleet.addr(), head(&(Method::GET, "a.test", "/elsewhere".to_owned(), None))).await;
            };
            tokio::select! {
                ended = &mut tap => break ended,
                () = ask => {}
            }
        };
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let lines: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "{ended:?}");
        for line in lines {
            let shown = [&line["path"], &line["query"], &line["status"], &line["reason"], &line["route"]];
            let wanted: [Value; 5] = ["/nowhere".into(), "token=*".into(), 404.into(), "no_route".into(), Value::Null];
            assert_eq!(shown, wanted.each_ref(), "{line:#}");
        }
        assert!(!ended.stdout.contains("s3cret"), "{ended:?}");
        eventually("the tap is closed", async || (taps().await == 0).then_some(())).await;
    }
}

#[tokio::test]
async fn a_revision_that_is_held_is_planned_by_its_number() {
    let origin = Origin::start("one").await;
    let all = (0..10).fold(File::new().set(EACH), |file, n| file.route(&format!("/r{n}"), &to(&origin)));
    let all = all.route("/api", &to(&origin));
    let fleet = Fleet::start(Shape::Split, &all.text()).await;
    remembers_each(&fleet).await;
    for _ in 0..5 {
        get(fleet.addr(), "/r3").await;
    }
    get(fleet.addr(), "/api").await;
    fleet.file.save_by_rename(File::new().set(EACH).route("/api", &to(&origin)).text());
    let held = eventually("it is held", async || {
        let status = fleet.json(&["status"]).await;
        (status["rollout"]["state"] == "pending").then(|| status["rollout"]["revision"].to_string())
    })
    .await;
    let (ended, plan) =
        planned(&fleet, &["--revision", &held, "--fail-on", "404>4", "--fail-on", "404>5"]).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(ended.stderr.trim(), "harbrctl: --fail-on 404>4 is met");
    assert_eq!(
        (requests(&plan, "becomes_404"), plan["routes"]["removed"].as_array().unwrap().len()),
        (5, 10)
    );
    assert_eq!(plan["traffic"]["moves"][0]["examples"][0], "GET proxy.test/r3");
    let ended = fleet.harbrctl(&["plan", "--revision", "99"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
}

#[tokio::test]
async fn where_it_is_off_nothing_is_remembered_and_a_condition_on_it_is_an_error() {
    let origin = Origin::start("one").await;
    let off = File::new().set("traffic_sample: {one_in: 0}").route("/api", &to(&origin));
    let fleet = Fleet::start(Shape::Split, &off.text()).await;
    let file = ConfigFile::new(&off.clone().route("/new", &to(&origin)).text());
    let path = file.path();
    let path = path.to_str().unwrap();
    eventually("it is off", async || {
        for _ in 0..20 {
            get(fleet.addr(), "/api").await;
        }
        let (ended, plan) = planned(&fleet, &[path]).await;
        (ended.code == Some(1) && plan["traffic"].is_null()).then_some(())
    })
    .await;
    let metrics = Exposition::scrape(fleet.node().admin()).await;
    assert_eq!(metrics.count("harbr_traffic_sample_requests", &[]), 0);
    let ended = fleet.harbrctl(&["plan", path, "--fail-on", "404>0"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("needs a traffic sample, and there is none"), "{ended:?}");
    let ended = fleet.harbrctl(&["sample"]).await;
    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(1), 1), "{ended:?}");
}

#[tokio::test]
async fn a_viewer_may_plan_and_not_tap() {
    let origin = Origin::start("one").await;
    let plan = Plan::new(Shape::Split).with_tls().await;
    let fleet = plan.start(&File::all_to(&origin).set(EACH).text()).await;
    remembers_each(&fleet).await;
    get(fleet.addr(), "/").await;
    let viewer = fleet.pki().issue("viewer", "ci").await;
    let file = fleet.file.path();
    let ended = fleet.harbrctl_as(&viewer, &["plan", file.to_str().unwrap(), "--fail-on", "sampled<1"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = fleet.harbrctl_as(&viewer, &["tap", "--count", "1"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("Tap takes an operator, and this is viewer ci"), "{ended:?}");
    let ended = fleet.harbrctl(&["tap", "--node", "nobody"]).await;
    assert!(ended.code == Some(1) && ended.stderr.contains("there is no node `nobody`"), "{ended:?}");
}
