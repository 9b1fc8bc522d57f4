//! How the processes start, and how they refuse to.

use harbr_tests::{
    ConfigFile, Controller, Ended, Fleet, Origin, Plan, Process, Program, Shape, eventually, get,
};
use tokio::net::TcpListener;

use crate::file::File;

const ANY: &str = "127.0.0.1:0";
const BAD: &str = "listen_addr: \"127.0.0.1:0\"\nglobal_timeout_ms: 1000\nmax_connection: 10\nroutes: {}\n";

async fn run(program: Program, args: &[&str], env: &[(&str, &str)]) -> Ended {
    Process::run_with(program, args, env, "").await
}

fn good_file(origin: &Origin) -> ConfigFile {
    ConfigFile::new(&File::all_to(origin).text())
}

fn path(file: &ConfigFile) -> String {
    file.path().to_str().unwrap().to_owned()
}

/// The lines that are not plain life of the process.
fn complaints(ended: &Ended) -> Vec<&str> {
    ended.stderr.lines().filter(|line| !line.contains("INFO") && !line.contains("WARN")).collect()
}

#[tokio::test]
async fn a_bad_file_at_first_start_ends_the_single_process_with_its_diagnostics() {
    let file = ConfigFile::new(BAD);
    let ended = run(
        Program::Router,
        &["-c", &path(&file), "--listen", ANY, "--grpc-addr", ANY, "--http-addr", ANY, "--admin-addr", ANY],
        &[],
    )
    .await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("config.yml:3:1"), "{}", ended.stderr);
    assert!(ended.stderr.contains("max_connections"), "no hint: {}", ended.stderr);
}

#[tokio::test]
async fn a_missing_file_ends_the_single_process_with_one_line() {
    let ended = run(Program::Router, &["-c", "/nowhere/config.yml", "--listen", ANY], &[]).await;
    assert_eq!(ended.code, Some(1));
    assert_eq!(complaints(&ended).len(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("/nowhere/config.yml"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_controller_with_a_bad_file_stays_up_and_shows_it_until_it_is_mended() {
    let origin = Origin::start("a").await;
    let file = ConfigFile::new(BAD);
    let args = ["-c", &path(&file), "--grpc-addr", ANY, "--http-addr", ANY, "--log-format", "json"];
    let args = args.map(str::to_owned).to_vec();
    let controller = Controller::start(Program::Controlplane, args, Vec::new()).await;
    assert_eq!(get(controller.http(), "/readyz").await.status, 503);
    assert_eq!(get(controller.http(), "/livez").await.status, 200);
    let url = controller.url();
    let status = eventually("the status shows why", async || {
        let ended = Process::run(Program::Harbrctl, &["--controller", &url, "status", "-o", "json"]).await;
        let status: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        (!status["config_error"].is_null()).then_some(status)
    })
    .await;
    assert_eq!((&status["revision"], &status["config_error"]["line"]), (&0.into(), &3.into()), "{status}");
    assert_eq!(get(controller.http(), "/readyz").await.status, 503);
    file.save_by_rename(File::all_to(&origin).text());
    eventually("it is ready", async || (get(controller.http(), "/readyz").await.status == 200).then_some(()))
        .await;
}

#[tokio::test]
async fn check_says_whether_a_file_is_valid_and_starts_nothing() {
    let origin = Origin::start("a").await;
    let (good, bad) = (good_file(&origin), ConfigFile::new(BAD));
    for program in [Program::Router, Program::Controlplane] {
        for flag in ["--check", "-t"] {
            let ended = run(program, &["-c", &path(&good), flag], &[]).await;
            assert_eq!(ended.code, Some(0), "{program:?}: {}", ended.stderr);
        }
        let ended = run(program, &["-c", &path(&bad), "--check"], &[]).await;
        assert_eq!(ended.code, Some(1), "{program:?}");
        assert!(ended.stderr.contains("config.yml:3:1"), "{program:?}: {}", ended.stderr);
        let ended = run(program, &["-c", "/nowhere/config.yml", "--check"], &[]).await;
        assert_eq!(ended.code, Some(1), "{program:?}");
    }
}

#[tokio::test]
async fn what_is_no_flag_is_a_usage_error() {
    for program in [Program::Router, Program::Controlplane, Program::Dataplane, Program::Harbrctl] {
        let ended = run(program, &["--no-such-flag"], &[]).await;
        assert_eq!(ended.code, Some(2), "{program:?}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn each_program_says_its_version() {
    for program in [Program::Router, Program::Controlplane, Program::Dataplane, Program::Harbrctl] {
        let ended = run(program, &["--version"], &[]).await;
        assert_eq!(ended.code, Some(0));
        assert!(ended.stdout.starts_with(&format!("{} 0.", program.name())), "{}", ended.stdout);
    }
}

#[tokio::test]
async fn an_address_in_use_ends_the_start_with_one_line() {
    let origin = Origin::start("a").await;
    let file = good_file(&origin);
    let file = path(&file);
    let holder = TcpListener::bind(ANY).await.unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    let controller = "http://127.0.0.1:9";
    let router = ["-c", &file, "--grpc-addr", ANY, "--http-addr", ANY];
    let cases: [(Program, Vec<&str>); 6] = [
        (Program::Router, [&router[..], &["--admin-addr", ANY, "--listen", &taken]].concat()),
        (Program::Router, [&router[..], &["--admin-addr", &taken, "--listen", ANY]].concat()),
        (Program::Dataplane, vec!["--controller", controller, "--admin-addr", ANY, "--listen", &taken]),
        (Program::Dataplane, vec!["--controller", controller, "--admin-addr", &taken, "--listen", ANY]),
        (Program::Controlplane, vec!["-c", &file, "--grpc-addr", &taken, "--http-addr", ANY]),
        (Program::Controlplane, vec!["-c", &file, "--grpc-addr", ANY, "--http-addr", &taken]),
    ];
    for (program, args) in cases {
        let ended = run(program, &args, &[]).await;
        assert_eq!(ended.code, Some(1), "{program:?} {args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(&taken), "{program:?} {args:?}: {}", ended.stderr);
        assert_eq!(complaints(&ended).len(), 1, "{program:?} {args:?}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn the_address_of_another_node_is_in_use_although_workers_share_ports() {
    let origin = Origin::start("a").await;
    let fleet =
        Plan::new(Shape::Split).env("RUST_MIN_THREADS", "2").start(&File::all_to(&origin).text()).await;
    let (url, taken) = (fleet.controller.url(), fleet.addr().to_string());
    let args = ["--controller", &url, "--node-id", "second", "--admin-addr", ANY, "--listen", &taken];
    let ended = run(Program::Dataplane, &args, &[("RUST_MIN_THREADS", "2")]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains(&taken), "{}", ended.stderr);
    assert_eq!(get(fleet.addr(), "/").await.status, 200);
}

#[tokio::test]
async fn threads_are_held_between_the_two_variables() {
    let origin = Origin::start("a").await;
    let text = File::all_to(&origin).text();
    for shape in [Shape::Split, Shape::AllInOne] {
        for (env, expected) in [
            (&[("RUST_MIN_THREADS", "5")][..], 5),
            (&[("RUST_MIN_THREADS", "5"), ("RUST_MAX_THREADS", "6")], 5),
            (&[("RUST_MAX_THREADS", "1")], 1),
        ] {
            let plan = env.iter().fold(Plan::new(shape), |plan, (name, value)| plan.env(name, value));
            let fleet = plan.start(&text).await;
            assert_eq!(fleet.node().info().await.workers, expected, "{env:?}");
            assert_eq!(get(fleet.addr(), "/").await.status, 200);
        }
    }
}

#[tokio::test]
async fn more_threads_at_least_than_at_most_is_a_usage_error() {
    let origin = Origin::start("a").await;
    let file = good_file(&origin);
    let env = [("RUST_MIN_THREADS", "3"), ("RUST_MAX_THREADS", "2")];
    let file = path(&file);
    for (program, args) in [
        (
            Program::Router,
            vec!["-c", &file, "--listen", ANY, "--grpc-addr", ANY, "--http-addr", ANY, "--admin-addr", ANY],
        ),
        (
            Program::Dataplane,
            vec!["--controller", "http://127.0.0.1:9", "--listen", ANY, "--admin-addr", ANY],
        ),
    ] {
        let ended = run(program, &args, &env).await;
        assert_eq!(ended.code, Some(2), "{program:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("RUST_MIN_THREADS"), "{program:?}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn a_state_folder_has_one_owner() {
    let origin = Origin::start("a").await;
    let file = good_file(&origin);
    let plan = Plan::new(Shape::Split).with_state();
    let (controller, node) = (plan.state_folder("controller"), plan.state_folder("node-1"));
    let (controller, node) = (controller.to_str().unwrap(), node.to_str().unwrap());
    let _fleet = plan.start(&File::all_to(&origin).text()).await;
    let file = path(&file);
    for (program, args) in [
        (
            Program::Controlplane,
            ["-c", &file, "--grpc-addr", ANY, "--http-addr", ANY, "--state-dir", controller],
        ),
        (
            Program::Dataplane,
            ["--controller", "http://127.0.0.1:9", "--admin-addr", ANY, "--listen", ANY, "--state-dir", node],
        ),
    ] {
        let ended = run(program, &args, &[]).await;
        assert_eq!(ended.code, Some(1), "{program:?}: {}", ended.stderr);
        assert_eq!(complaints(&ended).len(), 1, "{program:?}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn grpc_beyond_loopback_takes_the_word_insecure() {
    let origin = Origin::start("a").await;
    let file = good_file(&origin);
    let path = path(&file);
    let ended =
        run(Program::Controlplane, &["-c", &path, "--grpc-addr", "0.0.0.0:0", "--http-addr", ANY], &[]).await;
    assert!(matches!(ended.code, Some(1 | 2)), "{:?} {}", ended.code, ended.stderr);
    assert!(ended.stderr.contains("--insecure"), "{}", ended.stderr);
    assert_eq!(complaints(&ended).len(), 1, "{}", ended.stderr);
    let args =
        ["-c", &path, "--grpc-addr", "0.0.0.0:0", "--http-addr", ANY, "--insecure", "--log-format", "json"];
    Controller::start(Program::Controlplane, args.map(str::to_owned).to_vec(), Vec::new()).await;
}

#[tokio::test]
async fn flags_have_environment_variables_and_win_over_them() {
    let origin = Origin::start("a").await;
    let file = good_file(&origin);
    let path = path(&file);
    let check = |env: &'static str| {
        let path = path.clone();
        async move {
            let env = [("HARBR_CONFIG", if env.is_empty() { path.as_str() } else { env })];
            run(Program::Controlplane, &["--check"], &env).await.code
        }
    };
    assert_eq!(check("").await, Some(0));
    assert_eq!(check("/nowhere.yml").await, Some(1));
    let ended =
        run(Program::Controlplane, &["--check", "-c", &path], &[("HARBR_CONFIG", "/nowhere.yml")]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn without_a_state_folder_each_process_says_once_that_it_forgets() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    for process in [&fleet.controller.process, &fleet.node().process] {
        let lines = process.stderr_lines();
        let told = lines.iter().filter(|line| line.contains("\"WARN\"") && line.contains("state")).count();
        assert_eq!(told, 1, "{lines:#?}");
    }
}

#[tokio::test]
async fn info_says_what_a_process_is() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let info = fleet.node().info().await;
    assert_eq!((info.component.as_str(), info.node_id.as_str()), ("harbr-dataplane", "node-1"));
    assert_eq!(info.listeners[0].name, "default");
    assert!(!info.version.is_empty());
    let status = fleet.json(&["status"]).await;
    assert_eq!(status["hash"], info.serving_hash);
    let info: serde_json::Value =
        serde_json::from_slice(&get(fleet.controller.http(), "/info").await.body).unwrap();
    assert_eq!(info["component"], "harbr-controlplane");
    assert_eq!(info["http_addr"], fleet.controller.http().to_string());
    assert_eq!(format!("http://{}", info["grpc_addr"].as_str().unwrap()), fleet.controller.url());
}

#[tokio::test]
async fn by_default_nothing_but_traffic_listens_beyond_loopback() {
    for (program, defaults) in [
        (Program::Controlplane, &["127.0.0.1:7400", "127.0.0.1:7401"][..]),
        (Program::Dataplane, &["127.0.0.1:7402"]),
        (Program::Router, &["127.0.0.1:7400", "127.0.0.1:7401", "127.0.0.1:7402"]),
    ] {
        let help = run(program, &["--help"], &[]).await.stdout;
        assert!(!help.contains("[default: 0.0.0.0"), "{help}");
        for default in defaults {
            assert!(help.contains(&format!("[default: {default}]")), "no {default} in {help}");
        }
    }
}

#[tokio::test]
async fn an_address_can_be_given_to_a_listener_by_its_name() {
    let origin = Origin::start("a").await;
    let listeners = "listeners: [{name: front, addr: \"192.0.2.1:80\"}]";
    let text = File::all_to(&origin).text().replace("listen_addr: \"127.0.0.1:0\"", listeners);
    let plan = Plan::new(Shape::Split).listening_as_the_file_says().arg("--listen").arg("front=127.0.0.1:0");
    let fleet = plan.start(&text).await;
    assert_eq!(fleet.node().info().await.listeners[0].name, "front");
    assert_eq!(get(fleet.addr(), "/").await.status, 200);
}
