//! The seed page's own manifests, as they were printed there, against the image that we build.

use std::path::Path;
use std::process::Command;

use serde_yaml::Value;

use super::deploy::{documents, of_kind, texts};
use super::{flags, read_in_root};

const COMPOSE: &str = r#"version: '3'
services:
  proxy:
    image: harbr-router:latest
    ports:
      - "8080:8080"
    volumes:
      - ./config.yml:/etc/harbr-router/config.yml
    command: ["-c", "/etc/harbr-router/config.yml"]
"#;

const KUBERNETES: &str = r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: harbr-router-config
data:
  config.yml: |
    listen_addr: "0.0.0.0:8080"
    global_timeout_ms: 5000
    max_connections: 10000
    routes:
      "/api":
        upstream: "http://backend-api:8080"
        health_check_path: "/health"
        timeout_ms: 3000
        retry_count: 2

---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: harbr-router
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: harbr-router
        image: harbr-router:latest
        ports:
        - containerPort: 8080
        volumeMounts:
        - name: config
          mountPath: /etc/harbr-router
      volumes:
      - name: config
        configMap:
          name: harbr-router-config
"#;

const PROGRAM: &str = "harbr-router";
const IMAGE: &str = "harbr-router:latest";

/// The instructions of the image `harbr-router`, up to the next stage.
fn image() -> Vec<String> {
    let dockerfile = read_in_root("Dockerfile.dataplane");
    let stage = dockerfile.lines().skip_while(|line| *line != "FROM runtime AS harbr-router");
    let stage: Vec<String> =
        stage.skip(1).take_while(|line| !line.starts_with("FROM ")).map(str::to_owned).collect();
    assert!(!stage.is_empty(), "Dockerfile.dataplane has no stage harbr-router");
    stage
}

fn environment(image: &[String], name: &str) -> String {
    let value =
        image.iter().find_map(|line| line.strip_prefix("ENV ")?.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("the image does not set {name}: {image:?}")).to_owned()
}

/// The ConfigMap's one file: its name and what is in it.
fn config_file(resources: &[Value]) -> (String, String) {
    let data = of_kind(resources, "ConfigMap")[0]["data"].as_mapping().unwrap();
    let (name, text) = data.iter().next().unwrap();
    (name.as_str().unwrap().to_owned(), text.as_str().unwrap().to_owned())
}

#[test]
fn the_kubernetes_manifest_gives_no_arguments_and_the_image_reads_the_file_that_it_mounts() {
    let resources = documents(KUBERNETES);
    let container = &of_kind(&resources, "Deployment")[0]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], IMAGE);
    assert_eq!((&container["command"], &container["args"]), (&Value::Null, &Value::Null));
    let folder = Path::new(container["volumeMounts"][0]["mountPath"].as_str().unwrap());
    let (name, text) = config_file(&resources);
    assert_eq!(environment(&image(), "HARBR_CONFIG"), folder.join(name).to_str().unwrap());
    check_starts(&text, |program, file| program.env("HARBR_CONFIG", file));
}

#[test]
fn the_compose_manifest_names_the_file_that_it_mounts_and_the_program_takes_it() {
    let compose = documents(COMPOSE).remove(0);
    let service = &compose["services"]["proxy"];
    assert_eq!(service["image"], IMAGE);
    let command = texts(&service["command"]);
    let mount = texts(&service["volumes"]).remove(0);
    let (_, mounted) = mount.split_once(':').unwrap();
    assert!(command.iter().any(|argument| argument == mounted), "{command:?}");
    let (_, text) = config_file(&documents(KUBERNETES));
    check_starts(&text, |program, file| {
        let arguments = command.iter().map(|argument| if argument == mounted { file } else { argument });
        program.env("HARBR_CONFIG", "/what/the/image/says").args(arguments)
    });
}

/// That the program takes what it is given, and finds `text` in the file.
fn check_starts(text: &str, give: impl for<'c> Fn(&'c mut Command, &str) -> &'c mut Command) {
    let Some(_) = flags::known_to(PROGRAM) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yml");
    std::fs::write(&file, text).unwrap();
    let mut program = Command::new(flags::path(PROGRAM));
    let output = give(&mut program, file.to_str().unwrap()).arg("--check").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
