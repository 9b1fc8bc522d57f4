use std::time::Duration;

use clap::Parser;

use super::ControllerArgs;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    controller: ControllerArgs,
}

fn options(flags: &str) -> Result<super::Options, String> {
    let flags = std::iter::once("test").chain(flags.split_whitespace());
    let cli = Cli::try_parse_from(flags).map_err(|error| error.to_string())?;
    cli.controller.options(None, Duration::from_secs(1)).map_err(|error| error.to_string())
}

#[test]
fn only_loopback_is_listened_on_unless_told_otherwise() {
    let options = options("-c config.yml").unwrap();
    assert_eq!(options.grpc_addr, "127.0.0.1:7400".parse().unwrap());
    assert_eq!(options.http_addr, "127.0.0.1:7401".parse().unwrap());
}

#[test]
fn a_grpc_address_that_others_can_reach_takes_insecure() {
    for addr in ["0.0.0.0:7400", "[::]:7400", "192.0.2.1:0"] {
        let refused = options(&format!("-c config.yml --grpc-addr {addr}")).unwrap_err();
        assert!(refused.contains("--insecure") && !refused.contains('\n'), "{refused}");
        assert!(options(&format!("-c config.yml --grpc-addr {addr} --insecure")).is_ok());
    }
    assert!(options("-c config.yml --grpc-addr [::1]:0").is_ok());
    // It is read-only.
    assert!(options("-c config.yml --http-addr 0.0.0.0:7401").is_ok());
}

#[test]
fn there_has_to_be_a_file() {
    assert!(options("").unwrap_err().contains("--config"));
}
