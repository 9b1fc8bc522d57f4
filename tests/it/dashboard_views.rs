//! Each view of the controller's page in a real browser, in front of a real fleet: what it shows, that it stays live,
//! what an operator may do there, and what it looks like. The pictures of the documentation are made here, too:
//! `cargo xtask pictures`.

use std::time::Duration;

use harbr_tests::{Browser, ClosedPort, Fleet, Load, Look, Node, Origin, Plan, Shape, eventually};
use serde_json::Value;

use crate::dashboard::api;
use crate::file::File;

const TOKEN: &str = "correct-horse-battery-staple";
const POLICY: &str = "rollout: {proving_time: 1s, waves: [{nodes: 1, bake: 10m}, {nodes: 50%, bake: 10m}]}";
/// For how long there is traffic before pictures are taken for the documentation: charts have points of 5 s.
const HISTORY: Duration = Duration::from_secs(150);

/// What every view must hold, in both colour schemes: names for those who do not see it, and letters that can be read.
const AUDIT: &str = r"
const problems = [];
const named = (element) => (element.labels?.length || element.ariaLabel || element.title || element.textContent.trim());
for (const element of document.querySelectorAll('input, select, textarea, button, a')) if (!named(element)) problems.push(`no name: ${element.outerHTML}`);
for (const table of document.querySelectorAll('table:not(.u-legend)')) if (!table.caption) problems.push(`no caption: ${table.className}`);
for (const image of document.querySelectorAll('img')) if (!image.hasAttribute('alt')) problems.push('an image without a text');
const levels = [...document.querySelectorAll('h1, h2, h3, h4')].map((heading) => Number(heading.tagName[1]));
levels.forEach((level, index) => { if (index > 0 && level > levels[index - 1] + 1) problems.push(`a heading of level ${level} after ${levels[index - 1]}`); });
if (document.querySelectorAll('h1').length !== 1 || !document.querySelector('main, [role=main]')) problems.push('no one h1, or no main');
const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
const rgba = (colour) => { context.clearRect(0, 0, 1, 1); context.fillStyle = colour; context.fillRect(0, 0, 1, 1); return [...context.getImageData(0, 0, 1, 1).data]; };
const luminance = ([r, g, b]) => [r, g, b].map((part) => { const share = part / 255; return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4; }).reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
const behind = (element) => { for (let at = element; at; at = at.parentElement) { const colour = rgba(getComputedStyle(at).backgroundColor); if (colour[3] === 255) return colour; } return [255, 255, 255, 255]; };
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  const style = getComputedStyle(element);
  if (!texts.currentNode.textContent.trim() || !element.checkVisibility() || element.closest('.unseen, .skip, [aria-hidden=true], :disabled, .coming')) continue;
  const [light, dark] = [luminance(rgba(style.color)), luminance(behind(element))].sort((a, b) => b - a);
  const contrast = (light + 0.05) / (dark + 0.05);
  if (contrast < 4.5) problems.push(`contrast ${contrast.toFixed(2)}: ${texts.currentNode.textContent.trim().slice(0, 40)} in ${element.className}`);
}
return problems;
";

/// The same page in both schemes.
struct Eyes {
    light: Browser,
    dark: Browser,
}

impl Eyes {
    async fn open() -> Option<Self> {
        Some(Self { light: Browser::start(Look::Light).await?, dark: Browser::start(Look::Dark).await? })
    }

    fn each(&self) -> [&Browser; 2] {
        [&self.light, &self.dark]
    }

    async fn look_at(&self, url: &str, text: &str) {
        for browser in self.each() {
            browser.open("about:blank").await;
            browser.open(url).await;
            browser.shows(text).await;
        }
    }

    async fn keep(&self, name: &str) {
        for browser in self.each() {
            assert_eq!(browser.run(AUDIT).await, Value::Array(Vec::new()), "{name}");
        }
        self.light.keep_picture(&format!("{name}-light")).await;
        self.dark.keep_picture(&format!("{name}-dark")).await;
    }
}

struct Scene {
    fleet: Fleet,
    page: String,
    file: File,
    _origins: Vec<Origin>,
    _gone: ClosedPort,
    _loads: Vec<Load>,
}

async fn scene() -> Scene {
    let origins = [Origin::start("a").await, Origin::start("b").await, Origin::start("c").await];
    let gone = ClosedPort::new();
    let urls: Vec<String> = origins.iter().map(Origin::url).collect();
    let check = "health_check: {path: /, interval: 500ms, timeout: 250ms}";
    let file = File::new()
        .set(POLICY)
        .upstream("web", &urls[..2], check)
        .upstream("payments", &[urls[2].clone(), gone.url()], check)
        .route("/", "upstream: web")
        .route("/api/pay", "upstream: payments, retry_count: 2")
        .route("shop.example.com/cart", "upstream: web, timeout_ms: 2000")
        .route("/legacy", &format!("upstream: \"{}\"", gone.url()));
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, TOKEN).unwrap();
    let plan = Plan::new(Shape::Split).nodes(4).env("HARBR_HTTP_TOKEN_FILE", &token.display().to_string());
    let fleet = plan.start(&file.text()).await;
    let addrs: Vec<_> = fleet.nodes.iter().map(Node::addr).collect();
    let loads = vec![
        Load::start(&addrs, 1, 120, "/"),
        Load::start(&addrs, 1, 40, "/api/pay"),
        // On all of them alike: a node that was always worse would be the change's fault for the gate.
        Load::start(&addrs, 1, 2, "/legacy"),
    ];
    let page = format!("http://{}/", fleet.controller.http());
    Scene { fleet, page, file, _origins: origins.into(), _gone: gone, _loads: loads }
}

impl Scene {
    fn view(&self, place: &str) -> String {
        format!("{}#{place}", self.page)
    }

    /// A change that goes to one node and stays there; its traffic is good.
    async fn change(&self) {
        let changed = self.file.clone().route("/new", "upstream: web").text();
        self.fleet.file.save_by_rename(changed);
        eventually("the change is on its way, and there is evidence", async || {
            let overview = api(&self.fleet, "overview").await;
            let compared = overview["rollout"]["comparisons"].as_array()?.len();
            (overview["rollout"]["state"] == "baking" && compared > 2).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn each_view_shows_the_fleet_in_both_schemes() {
    let Some(eyes) = Eyes::open().await else {
        println!("skipped: chromedriver not found (apt-get install chromium chromium-driver)");
        return;
    };
    let scene = scene().await;
    if std::env::var_os("HARBR_PICTURES").is_some() {
        tokio::time::sleep(HISTORY).await;
    }
    eyes.look_at(&scene.view("fleet"), "4/4 converged").await;
    for node in &scene.fleet.nodes {
        eyes.light.shows(&node.info().await.node_id).await;
    }
    let failed = "return performance.getEntriesByType('resource').filter((entry) => entry.responseStatus >= 400).length";
    assert_eq!(eyes.light.run(failed).await, 0);
    eyes.keep("fleet").await;

    eyes.look_at(&scene.view("routes?route=/api/pay"), "at most 2").await;
    eyes.light.shows("shop.example.com/cart").await;
    eyes.keep("routes").await;
    eyes.light.type_into("Search", "legacy").await;
    eyes.light.shows("1–1 of 1").await;

    eyes.look_at(&scene.view("upstreams"), "cannot connect").await;
    eyes.light.shows("payments").await;
    eyes.keep("upstreams").await;

    scene.change().await;
    eyes.look_at(&scene.view("rollout"), "is watched in its wave").await;
    eyes.light.shows("the minute before").await;
    eyes.keep("rollout").await;

    eyes.look_at(&scene.view("revisions"), "1 line added, 0 lines removed since revision 1").await;
    eyes.keep("revisions").await;

    eyes.look_at(&scene.view("explain?method=POST&url=http://example.com/api/pay/7"), "answers").await;
    eyes.light.shows("its path is shorter").await;
    eyes.keep("explain").await;

    eyes.look_at(&scene.view("events"), "route `/new` added").await;
    eyes.keep("events").await;

    let Some(narrow) = Browser::start(Look::Narrow).await else { return };
    for view in ["fleet", "rollout"] {
        narrow.open(&scene.view(view)).await;
        narrow.shows("revision").await;
        // Tables scroll by themselves; the page does not.
        let fits = "return document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(narrow.run(fits).await, true, "{view}");
    }
    narrow.keep_picture("narrow").await;
}

#[tokio::test]
async fn an_operator_who_signs_in_leads_a_rollout_and_is_on_record() {
    let Some(browser) = Browser::start(Look::Light).await else {
        println!("skipped: chromedriver not found (apt-get install chromium chromium-driver)");
        return;
    };
    let scene = scene().await;
    scene.change().await;
    browser.open(&scene.view("rollout")).await;
    browser.shows("is watched in its wave").await;
    let offered = "return [...document.querySelectorAll('main button')].map((button) => button.textContent)";
    assert_eq!(browser.run(offered).await, Value::Array(Vec::new()), "who only looks is offered nothing");

    browser.press("Sign in").await;
    browser.type_into("Your name", "alice").await;
    browser.type_into("Token", "a-wrong-token-0123").await;
    browser.press("Enter").await;
    browser.shows("a token is needed").await;
    browser.type_into("Token", TOKEN).await;
    browser.press("Enter").await;
    browser.shows("alice (by token)").await;

    browser.press("Pause…").await;
    browser.press("Pause").await;
    browser.shows("and paused").await;
    browser.press("Abort…").await;
    browser.type_into("Reason", "not today").await;
    browser.press("Abort").await;
    browser.shows("taken back").await;
    let history = scene.fleet.json(&["history"]).await;
    let is_hers = |record: &Value| record["actor"] == "alice (by token)" && record["reason"] == "not today";
    assert!(history.as_array().unwrap().iter().any(is_hers), "{history:#}");

    let id = &scene.fleet.nodes[0].info().await.node_id;
    browser.open("about:blank").await;
    browser.open(&scene.view("fleet")).await;
    browser.shows("4/4").await;
    // The page was left, and what was typed with it.
    browser.press("Sign in").await;
    browser.type_into("Your name", "alice").await;
    browser.type_into("Token", TOKEN).await;
    browser.press("Enter").await;
    browser.press(id).await;
    browser.press("Drain…").await;
    browser.press("Drain").await;
    browser.shows("by alice (by token)").await;
    let nodes = scene.fleet.json(&["get", "nodes", id]).await;
    assert_eq!(nodes[0]["drained"]["actor"], "alice (by token)");
    browser.press("Undrain…").await;
    browser.press("Undrain").await;
    browser.shows("4/4 converged").await;
}
