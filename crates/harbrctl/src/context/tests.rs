use std::path::Path;

use tempfile::TempDir;

use super::*;

const FILE: &str = "\
current: lab
contexts:
  lab: {controller: \"http://10.0.0.1:7400\"}
  prod: {controller: \"https://ctl:7400\", tls_ca: ca.pem, tls_cert: /etc/me.pem, tls_key: me.key}
";

fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("harbrctl.yaml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn args(path: &Path, context: Option<&str>, controller: Option<&str>) -> ConnectionArgs {
    ConnectionArgs {
        controller: controller.map(|url| url.parse().unwrap()),
        context: context.map(str::to_owned),
        contexts: Some(path.to_owned()),
        tls: TlsArgs::default(),
    }
}

fn url(path: &Path, context: Option<&str>, controller: Option<&str>) -> String {
    resolve(&args(path, context, controller)).unwrap().0.to_string()
}

#[test]
fn a_context_says_where_the_controller_is_and_what_it_is_shown() {
    let (folder, path) = file(FILE);
    assert_eq!(url(&path, None, None), "http://10.0.0.1:7400");
    let (controller, tls) = resolve(&args(&path, Some("prod"), None)).unwrap();
    assert_eq!(controller.to_string(), "https://ctl:7400");
    assert_eq!(tls.tls_ca, Some(folder.path().join("ca.pem")));
    assert_eq!(tls.tls_cert, Some(PathBuf::from("/etc/me.pem")));
    assert_eq!(tls.tls_key, Some(folder.path().join("me.key")));
}

#[test]
fn what_is_given_comes_before_what_the_context_says() {
    let (_folder, path) = file(FILE);
    assert_eq!(url(&path, None, Some("http://a:1")), "http://a:1");
    assert_eq!(url(&path, Some("prod"), Some("https://a:1")), "https://a:1");
    let mut given = args(&path, Some("prod"), None);
    given.tls.tls_ca = Some("other.pem".into());
    assert_eq!(resolve(&given).unwrap().1.tls_ca, Some("other.pem".into()));
}

#[test]
fn a_file_without_a_current_context_leaves_the_default() {
    let (_folder, path) = file("contexts: {a: {controller: \"http://a:1\"}}\n");
    assert_eq!(url(&path, None, None), DEFAULT_URL);
    let (_folder, empty) = file("");
    assert_eq!(url(&empty, None, None), DEFAULT_URL);
}

#[test]
fn what_is_wrong_with_it_is_said_with_its_path() {
    let (_folder, path) = file(FILE);
    let error = |path: &Path, name| resolve(&args(path, name, None)).unwrap_err().to_string();
    let unknown = error(&path, Some("prd"));
    assert!(unknown.ends_with("there is no context `prd`; there is lab, prod"), "{unknown}");
    let (_folder, mistyped) = file("contexts: {a: {contoller: x}}\n");
    assert!(error(&mistyped, Some("a")).contains("contoller"));
    let (_folder, no_url) = file("contexts: {a: {controller: nonsense}}\n");
    assert!(error(&no_url, Some("a")).contains("`nonsense`"));
    assert!(error(Path::new("/nowhere.yaml"), None).contains("/nowhere.yaml: cannot be read"));
}
