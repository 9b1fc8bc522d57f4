use super::{assert_none, files_below, read, read_in_root, shown};

/// The names in string literals of the crates' `metrics.rs`.
fn names_in(source: &str) -> Vec<&str> {
    source
        .lines()
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .filter(|text| text.starts_with("harbr_") || text.starts_with("proxy_"))
        .filter(|text| {
            text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        })
        .collect()
}

#[test]
fn every_metric_is_documented() {
    let docs = read_in_root("docs/metrics.md");
    let mut problems = Vec::new();
    let mut found = 0;
    for file in files_below("crates", ".rs").iter().filter(|file| file.ends_with("metrics.rs")) {
        for name in names_in(&read(file)) {
            found += 1;
            if !docs.contains(&format!("`{name}`")) {
                problems.push(format!("{}: {name}", shown(file)));
            }
        }
    }
    assert!(found > 10, "only {found} metrics found");
    assert_none(&problems, "docs/metrics.md says what these are");
}

#[test]
fn every_documented_metric_exists() {
    let sources: String = files_below("crates", ".rs").iter().map(|file| read(file)).collect();
    let docs = read_in_root("docs/metrics.md");
    let gone: Vec<String> = docs
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(['`', '{']).next())
        .filter(|name| ["harbr_", "proxy_", "process_"].iter().any(|start| name.starts_with(start)))
        .filter(|name| !sources.contains(name))
        .map(str::to_owned)
        .collect();
    assert_none(&gone, "no crate has these");
}

#[test]
fn names_are_found_in_literals_only() {
    assert_eq!(
        names_in(r#"const A: &str = "harbr_x_total"; // harbr_y "proxy_z" "other""#),
        ["harbr_x_total", "proxy_z"]
    );
}
