use super::parse;

#[test]
fn the_count_is_the_first_field() {
    assert_eq!(parse("51234,,raw_syscalls:sys_enter,2001,100.00,,\n"), Some(51_234));
    assert_eq!(parse("<not supported>,,raw_syscalls:sys_enter,0,100.00,,\n"), None);
}
