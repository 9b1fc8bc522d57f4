use super::*;

#[test]
fn a_segment_that_looks_like_a_secret_or_somebodys_is_not_shown() {
    let cases = [
        ("/", "/"),
        ("/shop/items/12345678901", "/shop/items/12345678901"),
        ("/cards/4111111111111111", "/cards/*"),
        ("/blog/2026-11-24-how-we-route-requests-2", "/blog/2026-11-24-how-we-route-requests-2"),
        ("/invitations/123e4567-e89b-12d3-a456-426614174000/accept", "/invitations/*/accept"),
        ("/users/ann@example.com", "/users/*"),
        ("/users/ann%40example.com", "/users/*"),
        ("/internationalisation/x", "/internationalisation/x"),
        ("/reset/9f86d081884c7d659a2feaa0c55ad015/now", "/reset/*/now"),
        ("/t/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.x", "/t/*"),
        ("/hook/sk_live_4eC39HqLyjWDarjtT1zdp7dc", "/hook/*"),
    ];
    for (path, shown) in cases {
        assert_eq!(shown_path(path), shown, "{path}");
    }
    // What would be cut is masked before.
    let long = format!("/{}/9f86d081884c7d659a2feaa0c55ad015", "a".repeat(MAX_PATH - 12));
    assert!(shown_path(&long).ends_with("a/*"));
}

#[test]
fn of_a_query_only_names_are_shown() {
    let cases = [
        ("", ""),
        ("page=2&token=s3cret", "page=*&token=*"),
        ("s3cret", "*"),
        ("9f86d081884c7d659a2feaa0c55ad015=1", "*=*"),
        ("a=b=c&&d=e", "a=*&d=*"),
    ];
    for (query, shown) in cases {
        assert_eq!(masked_query(query), shown, "{query}");
    }
    let long = "name=value&".repeat(1_000);
    assert!(masked_query(&long).len() <= MAX_QUERY);
}

#[test]
fn a_cut_is_between_characters() {
    assert_eq!((cut("aé", 2), cut("aé", 3), cut("", 3)), ("a", "aé", ""));
}
