use std::net::TcpListener;

use super::{addresses, parse};

#[test]
fn a_listener_of_either_kind_is_seen_and_gone_when_it_is() {
    for any in ["127.0.0.1:0", "[::1]:0"] {
        // A machine may have no IPv6.
        let Ok(listener) = TcpListener::bind(any) else { continue };
        let addr = listener.local_addr().unwrap();
        assert!(addresses().unwrap().contains(&addr), "{addr}");
        drop(listener);
        assert!(!addresses().unwrap().contains(&addr), "{addr}");
    }
}

#[test]
fn what_is_no_listener_is_passed_over() {
    assert!(parse("").is_empty());
    assert!(parse("sl local_address rem_address st\n 0: 0100007F:1F90 00000000:0000 01 x").is_empty());
    assert!(parse("sl\n 0: 0100007F 00000000:0000 0A").is_empty());
    assert!(parse("sl\n 0: 01:1F90 00000000:0000 0A").is_empty());
}
