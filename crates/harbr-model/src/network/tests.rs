use super::{InvalidNetwork, Network};

#[test]
fn a_block_contains_what_shares_its_prefix() {
    for (network, addr, expected) in [
        ("10.0.0.0/8", "10.255.0.1", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("0.0.0.0/0", "8.8.8.8", true),
        ("0.0.0.0/0", "::1", false),
        ("fd00::/8", "fdff::1", true),
        ("fd00::/8", "fe00::1", false),
        ("::/0", "::1", true),
        ("::1", "::1", true),
    ] {
        let network: Network = network.parse().unwrap();
        assert_eq!(network.contains(addr.parse().unwrap()), expected, "{network} {addr}");
    }
}

#[test]
fn what_is_no_block_is_refused_by_name() {
    for (text, expected) in [
        ("", InvalidNetwork::Syntax),
        ("a.test", InvalidNetwork::Syntax),
        ("10.0.0.0/", InvalidNetwork::Syntax),
        ("10.0.0.0/+8", InvalidNetwork::Syntax),
        ("10.0.0.0/33", InvalidNetwork::PrefixLen),
        ("::/129", InvalidNetwork::PrefixLen),
        ("10.0.0.1/8", InvalidNetwork::HostBits),
        ("fd00::1/8", InvalidNetwork::HostBits),
    ] {
        assert_eq!(text.parse::<Network>(), Err(expected), "{text}");
    }
}
