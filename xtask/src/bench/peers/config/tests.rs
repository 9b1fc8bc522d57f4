use super::render;

#[test]
fn a_line_for_each_route_but_the_one_that_takes_the_rest() {
    let template = "listen @HTTP@\n  @EACH_ROUTE@route @N@;\nend\n";
    let text = render(template, &[("@HTTP@", "127.0.0.1:1".to_owned())], 3);
    assert_eq!(text, "listen 127.0.0.1:1\n  route 0;\n  route 1;\nend\n");
}
