//! Where nodes listen: edits that move it, names, the command line, and whose an address is.

use std::net::SocketAddr;
use std::time::Duration;

use harbr_tests::{Answer, Client, Fleet, Origin, Plan, Shape, eventually, get};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::file::{File, to};

/// The file with `listeners:` instead of one address; the inside of a YAML flow sequence.
fn with_listeners(file: &File, listeners: &str) -> String {
    file.text().replace("listen_addr: \"127.0.0.1:0\"", &format!("listeners: [{listeners}]"))
}

/// Waits until the first node refuses what it was told with words that name this address.
async fn until_refused(fleet: &Fleet, addr: &str) -> Value {
    eventually(&format!("the node says why it cannot have {addr}"), async || {
        let nodes = fleet.json(&["get", "nodes"]).await;
        let error = nodes[0]["last_error"].as_str().unwrap_or_default();
        error.contains(addr).then(|| nodes[0].clone())
    })
    .await
}

#[tokio::test]
async fn a_new_listen_address_takes_over_without_a_loss() {
    let a = Origin::start("a").await;
    let file = File::all_to(&a).listen_addr("127.0.0.1:0");
    let fleet = Plan::new(Shape::Split).listening_as_the_file_says().start(&file.text()).await;
    let old = fleet.addr();
    let mut kept = Client::connect(old).await.unwrap();
    kept.get("/").await;
    a.answers(Answer::EchoAfter(Duration::from_secs(2)));
    let mut slow = tokio::task::JoinSet::new();
    slow.spawn(async move { get(old, "/slow").await.status });
    eventually("the slow request is at its upstream", async || (a.requests() == 2).then_some(())).await;

    fleet.apply(&file.listen_addr("127.0.0.2:0").text()).await;
    let new = fleet.node().info().await.listeners[0].addr;
    assert_eq!(new.ip().to_string(), "127.0.0.2");
    assert_eq!(slow.join_next().await.unwrap().unwrap(), 200, "what runs is finished");
    a.answers(Answer::Echo);
    assert_eq!(get(new, "/").await.status, 200);
    eventually("the old address refuses", async || Client::connect(old).await.is_err().then_some(())).await;
}

#[tokio::test]
async fn a_listen_address_that_is_taken_is_the_nodes_trouble_and_the_old_one_serves_on() {
    let a = Origin::start("a").await;
    let file = File::all_to(&a);
    let fleet = Plan::new(Shape::Split).listening_as_the_file_says().start(&file.text()).await;
    let taken = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    fleet.file.save_by_rename(file.clone().listen_addr(&addr).text());
    let node = until_refused(&fleet, &addr).await;
    assert_eq!(node["state"], "rejected", "{node}");
    assert_eq!(get(fleet.addr(), "/").await.status, 200);
    fleet.apply(&file.route("/more", &to(&a)).text()).await;
    assert_eq!(get(fleet.addr(), "/more").await.status, 200);
}

#[tokio::test]
async fn listeners_come_and_go_by_name() {
    let a = Origin::start("a").await;
    let file = |listeners: &str| with_listeners(&File::all_to(&a), listeners);
    let (one, two) = ("{name: one, addr: \"127.0.0.1:0\"}", "{name: two, addr: \"127.0.0.2:0\"}");
    let fleet = Plan::new(Shape::Split).listening_as_the_file_says().start(&file(one)).await;
    fleet.apply(&file(&format!("{one}, {two}"))).await;
    let listeners = fleet.node().info().await.listeners;
    let names: Vec<_> = listeners.iter().map(|listener| listener.name.as_str()).collect();
    assert_eq!(names, ["one", "two"]);
    assert_eq!(listeners[0].addr, fleet.addr(), "the one that did not change was not opened anew");
    for listener in &listeners {
        assert_eq!(get(listener.addr, "/").await.status, 200);
    }
    fleet.apply(&file(one)).await;
    let gone = listeners[1].addr;
    eventually("the removed one refuses", async || Client::connect(gone).await.is_err().then_some(())).await;
    assert_eq!(get(fleet.addr(), "/").await.status, 200);
}

#[tokio::test]
async fn an_address_from_the_command_line_survives_a_refusal_of_another() {
    let a = Origin::start("a").await;
    let busy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let busy_addr = busy.local_addr().unwrap().to_string();
    let file = |listeners: &str| with_listeners(&File::all_to(&a), listeners);
    let plan = Plan::new(Shape::Split).listening_as_the_file_says().arg("--listen").arg("a=127.0.0.3:0");
    let fleet = plan.start(&file("{name: first, addr: \"127.0.0.1:0\"}")).await;
    let listeners = fleet.node().info().await.listeners;
    let before = fleet.newest_served().await;
    // The file's own address of `a` is no machine's here.
    let both = format!("{{name: a, addr: \"192.0.2.1:80\"}}, {{name: b, addr: \"{busy_addr}\"}}");
    fleet.file.save_by_rename(file(&both));
    until_refused(&fleet, &busy_addr).await;
    assert_eq!(fleet.newest_served().await, before);
    assert_eq!(get(listeners[0].addr, "/").await.status, 200);

    drop(busy);
    fleet.served_after(before).await;
    let taken = fleet.node().info().await.listeners;
    let taken: Vec<_> = taken.iter().map(|listener| (listener.name.as_str(), listener.addr)).collect();
    assert_eq!(taken.len(), 2, "{taken:?}");
    assert_eq!((taken[0].0, taken[0].1.ip().to_string().as_str()), ("a", "127.0.0.3"));
    assert_eq!(taken[1], ("b", busy_addr.parse().unwrap()));
    for (name, addr) in taken {
        assert_eq!(get(addr, "/").await.status, 200, "{name}");
    }
}

/// A node of its own fleet that listens on `addr`.
async fn node_on(addr: &str, origin: &Origin) -> Fleet {
    let text = File::all_to(origin).listen_addr(addr).text();
    Plan::new(Shape::Split).listening_as_the_file_says().start(&text).await
}

/// Clients of `addr` are answered by this origin, whichever socket the system gives them to.
async fn assert_served_by(addr: SocketAddr, origin: &Origin) {
    for number in 0..40 {
        assert_eq!(get(addr, "/").await.echo().origin, origin.name(), "request {number} to {addr}");
    }
}

#[tokio::test]
async fn the_address_of_another_node_is_refused_although_the_port_is_ours_too() {
    let (ours, theirs) = (Origin::start("ours").await, Origin::start("theirs").await);
    let fleet = node_on("127.0.0.1:0", &ours).await;
    let foreign = format!("127.0.0.2:{}", fleet.addr().port());
    let _stranger = node_on(&foreign, &theirs).await;
    fleet.file.save_by_rename(File::all_to(&ours).listen_addr(&foreign).text());
    until_refused(&fleet, &foreign).await;
    assert_served_by(foreign.parse().unwrap(), &theirs).await;
    assert_served_by(fleet.addr(), &ours).await;
}

#[tokio::test]
async fn the_address_of_another_node_is_refused_also_to_one_that_listens_on_all() {
    let (ours, theirs) = (Origin::start("ours").await, Origin::start("theirs").await);
    let fleet = node_on("127.0.0.1:0", &ours).await;
    let port = fleet.addr().port();
    let foreign = format!("127.0.0.2:{port}");
    let _stranger = node_on(&foreign, &theirs).await;
    // Whether the node may have all addresses beside the stranger's is its system's matter.
    let all = format!("0.0.0.0:{port}");
    let before = fleet.newest_served().await;
    fleet.file.save_by_rename(File::all_to(&ours).listen_addr(&all).text());
    eventually("the edit is taken or refused", async || {
        let nodes = fleet.json(&["get", "nodes"]).await;
        let refused = nodes[0]["last_error"].as_str().is_some_and(|error| error.contains(&all));
        (refused || fleet.newest_served().await > before).then_some(())
    })
    .await;
    assert_served_by(foreign.parse().unwrap(), &theirs).await;

    fleet.file.save_by_rename(File::all_to(&ours).listen_addr(&foreign).text());
    until_refused(&fleet, &foreign).await;
    assert_served_by(foreign.parse().unwrap(), &theirs).await;
}

#[tokio::test]
async fn a_node_moves_from_one_address_to_all_of_a_port_and_back() {
    let a = Origin::start("a").await;
    let fleet = node_on("127.0.0.1:0", &a).await;
    let one = fleet.addr();
    let elsewhere: SocketAddr = format!("127.0.0.2:{}", one.port()).parse().unwrap();
    for _ in 0..2 {
        fleet.apply(&File::all_to(&a).listen_addr(&format!("0.0.0.0:{}", one.port())).text()).await;
        for addr in [one, elsewhere] {
            assert_served_by(addr, &a).await;
        }
        fleet.apply(&File::all_to(&a).listen_addr(&one.to_string()).text()).await;
        assert_served_by(one, &a).await;
        eventually("the other address refuses", async || {
            Client::connect(elsewhere).await.is_err().then_some(())
        })
        .await;
    }
}
