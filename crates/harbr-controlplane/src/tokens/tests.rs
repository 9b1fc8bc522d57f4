use super::{MAX_TOKENS, RefusedToken, Token, Tokens};

fn token(uses_left: u32) -> Token {
    Token { digest: "d".to_owned(), node_id: None, uses_left, expires: 100, actor: "alice".to_owned() }
}

fn with(token: Token) -> Tokens {
    let mut tokens = Tokens::default();
    tokens.add("a", token, 0).unwrap();
    tokens
}

#[test]
fn a_token_is_good_as_often_as_was_said_and_no_more() {
    let mut tokens = with(token(2));
    assert_eq!(tokens.redeem("a", "d", "node-1", 1), Ok(()));
    assert_eq!(tokens.redeem("a", "d", "node-2", 2), Ok(()));
    assert_eq!(tokens.redeem("a", "d", "node-3", 3), Err(RefusedToken::Unknown));
    assert_eq!(tokens.live(3).count(), 0);
}

#[test]
fn what_is_wrong_uses_nothing_up() {
    let mut tokens = with(Token { node_id: Some("node-1".to_owned()), ..token(1) });
    assert_eq!(tokens.redeem("a", "other", "node-1", 1), Err(RefusedToken::Unknown));
    assert_eq!(tokens.redeem("b", "d", "node-1", 1), Err(RefusedToken::Unknown));
    assert_eq!(tokens.redeem("a", "d", "node-2", 1), Err(RefusedToken::OtherNode));
    assert_eq!(tokens.redeem("a", "d", "node-1", 1), Ok(()));
}

#[test]
fn an_expired_or_revoked_token_is_good_for_nothing() {
    let mut tokens = with(token(5));
    assert_eq!((tokens.live(99).count(), tokens.live(100).count()), (1, 0));
    assert_eq!(tokens.redeem("a", "d", "node-1", 100), Err(RefusedToken::Unknown));
    let mut tokens = with(token(5));
    assert_eq!(tokens.revoke("a"), Ok(()));
    assert_eq!(tokens.revoke("a"), Err(RefusedToken::NoToken));
    assert_eq!(tokens.redeem("a", "d", "node-1", 1), Err(RefusedToken::Unknown));
}

#[test]
fn there_are_never_more_than_so_many_and_expired_ones_make_room() {
    let mut tokens = Tokens::default();
    for number in 0..MAX_TOKENS {
        tokens.add(&number.to_string(), token(1), 0).unwrap();
    }
    assert_eq!(tokens.add("one more", token(1), 0), Err(RefusedToken::TooMany));
    assert_eq!(tokens.add("one more", Token { expires: 200, ..token(1) }, 100), Ok(()));
    assert_eq!(tokens.live(100).count(), 1);
}
