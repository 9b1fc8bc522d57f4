use std::collections::BTreeSet;

use serde::Deserialize;
use serde_yaml::Value;

use super::{assert_none, files_below, flags, read, read_in_root, shown};

/// Each document of a file, with its merge keys (`<<`) applied.
pub(super) fn documents(text: &str) -> Vec<Value> {
    let parse = |document| -> Result<Value, serde_yaml::Error> {
        let mut value = Value::deserialize(document)?;
        value.apply_merge()?;
        Ok(value)
    };
    serde_yaml::Deserializer::from_str(text)
        .map(|document| parse(document).unwrap_or_else(|error| panic!("{error} in {text}")))
        .filter(|document| !document.is_null())
        .collect()
}

fn kubernetes() -> Vec<Value> {
    files_below("deploy/kubernetes", ".yaml").iter().flat_map(|file| documents(&read(file))).collect()
}

pub(super) fn of_kind<'a>(resources: &'a [Value], kind: &str) -> Vec<&'a Value> {
    let found: Vec<_> = resources.iter().filter(|resource| resource["kind"] == kind).collect();
    assert!(!found.is_empty(), "no {kind}");
    found
}

pub(super) fn texts(value: &Value) -> Vec<String> {
    value.as_sequence().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

#[test]
fn every_yaml_file_parses() {
    let mut files = files_below("deploy", ".yaml");
    files.extend(files_below("deploy", ".yml"));
    assert!(files.len() > 4);
    for file in files {
        assert!(!documents(&read(&file)).is_empty(), "{} is empty", shown(&file));
    }
}

#[test]
fn the_kustomization_names_every_file() {
    let listed: BTreeSet<String> = kubernetes()
        .iter()
        .filter(|document| document["kind"] == "Kustomization")
        .flat_map(|document| texts(&document["resources"]))
        .collect();
    let present: BTreeSet<String> = files_below("deploy/kubernetes", ".yaml")
        .iter()
        .filter_map(|file| Some(file.file_name()?.to_str()?.to_owned()))
        .filter(|name| name != "kustomization.yaml")
        .collect();
    assert_eq!(listed, present);
}

#[test]
fn the_programs_know_the_flags_of_the_compose_file() {
    let compose = documents(&read_in_root("deploy/compose.yml")).remove(0);
    let mut problems = Vec::new();
    for (name, service) in compose["services"].as_mapping().unwrap() {
        let Some(dockerfile) = service["build"]["dockerfile"].as_str() else { continue };
        let program = format!("harbr-{}", dockerfile.trim_start_matches("Dockerfile."));
        problems.extend(unknown_flags(
            &program,
            &serde_yaml::to_string(service).unwrap(),
            name.as_str().unwrap(),
        ));
    }
    assert_none(&problems, "flags of deploy/compose.yml");
}

#[test]
fn the_programs_know_the_flags_of_the_kubernetes_files() {
    let resources = kubernetes();
    let mut problems = Vec::new();
    for resource in of_kind(&resources, "Deployment").into_iter().chain(of_kind(&resources, "StatefulSet")) {
        for container in resource["spec"]["template"]["spec"]["containers"].as_sequence().unwrap() {
            let program = container["image"].as_str().unwrap().split(':').next().unwrap();
            problems.extend(unknown_flags(program, &serde_yaml::to_string(container).unwrap(), program));
        }
    }
    assert_none(&problems, "flags of deploy/kubernetes");
}

#[test]
fn the_programs_know_the_flags_of_the_units_and_images() {
    let mut problems = Vec::new();
    for program in ["harbr-controlplane", "harbr-dataplane", "harbr-router"] {
        let unit = read_in_root(&format!("deploy/systemd/{program}.service"));
        problems.extend(unknown_flags(program, &unit, "unit"));
        let dockerfile =
            if program == "harbr-controlplane" { "Dockerfile.controlplane" } else { "Dockerfile.dataplane" };
        let instructions = read_in_root(dockerfile);
        // `ENTRYPOINT ["program", …]`, and `HEALTHCHECK`, whose own flags stand before the bracket.
        let commands: Vec<&str> = instructions
            .lines()
            .filter_map(|line| line.split_once('['))
            .map(|(_, command)| command)
            .filter(|command| command.contains(&format!("/usr/local/bin/{program}\"")))
            .collect();
        assert_eq!(commands.len(), 2, "{dockerfile} starts and checks {program}");
        problems.extend(unknown_flags(program, &commands.concat(), dockerfile));
    }
    assert_none(&problems, "flags");
}

fn unknown_flags(program: &str, text: &str, place: &str) -> Vec<String> {
    let Some(known) = flags::known_to(program) else { return Vec::new() };
    flags::used_in(text)
        .difference(&known)
        .map(|flag| format!("{place}: {program} does not know {flag}"))
        .collect()
}

#[test]
fn the_example_files_are_valid() {
    let program = "harbr-controlplane";
    let Some(_) = flags::known_to(program) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yml");
    let resources = kubernetes();
    let mut examples = vec![read_in_root("deploy/config/config.yml")];
    for map in of_kind(&resources, "ConfigMap") {
        examples.push(map["data"]["config.yml"].as_str().unwrap().to_owned());
    }
    for example in examples {
        std::fs::write(&file, example).unwrap();
        let output = std::process::Command::new(flags::path(program))
            .args(["--check", "-c"])
            .arg(&file)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_sysctl_file_has_the_seed_pages_values() {
    let text = read_in_root("deploy/sysctl.d/99-harbr.conf");
    let values: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let expected = [
        "net.core.somaxconn = 65535",
        "net.ipv4.tcp_max_syn_backlog = 65535",
        "net.ipv4.ip_local_port_range = 1024 65535",
        "net.ipv4.tcp_tw_reuse = 1",
    ];
    assert_eq!(values, expected);
}

#[test]
fn proxies_stay_up_while_one_is_replaced() {
    let resources = kubernetes();
    let proxy = of_kind(&resources, "Deployment").remove(0);
    assert_eq!(proxy["spec"]["replicas"], 3);
    let pod = &proxy["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz");
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/livez");
    // `--drain-timeout 30s`, and the pause before it.
    assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() > 35);
    of_kind(&resources, "PodDisruptionBudget");
}

#[test]
fn pods_have_no_rights_that_they_do_not_need() {
    let resources = kubernetes();
    for resource in of_kind(&resources, "Deployment").into_iter().chain(of_kind(&resources, "StatefulSet")) {
        let pod = &resource["spec"]["template"]["spec"];
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        let container = &pod["containers"][0]["securityContext"];
        assert_eq!(container["readOnlyRootFilesystem"], true);
        assert_eq!(container["allowPrivilegeEscalation"], false);
        assert_eq!(texts(&container["capabilities"]["drop"]), ["ALL"]);
    }
}

#[test]
fn network_policies_let_names_be_resolved() {
    let resources = kubernetes();
    for policy in of_kind(&resources, "NetworkPolicy") {
        let open = policy["spec"]["egress"].as_sequence().unwrap().iter().any(|rule| {
            let ports: Vec<_> = rule["ports"].as_sequence().into_iter().flatten().collect();
            ["UDP", "TCP"]
                .iter()
                .all(|protocol| ports.iter().any(|port| port["port"] == 53 && port["protocol"] == *protocol))
        });
        assert!(open, "{:?} keeps DNS out", policy["metadata"]["name"]);
    }
}

#[test]
fn the_planes_prove_who_they_are_wherever_they_are_not_on_one_machine() {
    let compose = read_in_root("deploy/compose.yml");
    let kubernetes: Vec<String> =
        files_below("deploy/kubernetes", ".yaml").iter().map(|file| read(file)).collect();
    for text in [compose, kubernetes.concat()] {
        assert!(!text.contains("--insecure") && !text.contains("http://harbr-controlplane"), "{text}");
        assert!(text.contains("--tls-cert=") && text.contains("https://"), "{text}");
    }
}
