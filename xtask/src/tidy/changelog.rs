use super::read_in_root;

#[test]
fn the_changelog_has_a_place_for_the_next_change() {
    let changelog = read_in_root("CHANGELOG.md");
    let first = changelog.lines().find(|line| line.starts_with("## ")).unwrap_or_default();
    assert_eq!(first, "## Unreleased");
}
