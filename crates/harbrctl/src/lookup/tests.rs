use super::{Named, named};

#[derive(Debug, Clone, PartialEq)]
struct Ship(&'static str);

impl Named for Ship {
    const KIND: &'static str = "ship";

    fn name(&self) -> &str {
        self.0
    }
}

fn fleet() -> Vec<Ship> {
    vec![Ship("edge-1"), Ship("edge-2"), Ship("/api")]
}

#[test]
fn without_names_all_are_meant() {
    assert_eq!(named(fleet(), &[]).unwrap(), fleet());
}

#[test]
fn names_choose_in_their_own_order() {
    let chosen = named(fleet(), &["/api".to_owned(), "edge-1".to_owned()]).unwrap();
    assert_eq!(chosen, [Ship("/api"), Ship("edge-1")]);
}

#[test]
fn all_that_have_a_name_are_meant_by_it() {
    let twins = [fleet(), fleet()].concat();
    assert_eq!(named(twins, &["edge-1".to_owned()]).unwrap(), [Ship("edge-1"), Ship("edge-1")]);
}

fn refusal(name: &str) -> String {
    named(fleet(), &["edge-1".to_owned(), name.to_owned()]).unwrap_err().to_string()
}

#[test]
fn an_unknown_name_gets_the_nearest_one_as_a_hint() {
    assert_eq!(refusal("egde-1"), "there is no ship `egde-1`: did you mean `edge-1`?");
}

#[test]
fn a_name_like_no_other_gets_no_hint() {
    assert_eq!(refusal("submarine"), "there is no ship `submarine`");
}
