use clap::Parser;

use super::{LogArgs, LogFormat, quiet};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    logs: LogArgs,
}

#[test]
fn logs_are_text_at_info_unless_told_otherwise() {
    let cli = Cli::try_parse_from(["test"]).unwrap();
    assert_eq!((cli.logs.log_format, cli.logs.log_level.as_str()), (LogFormat::Text, "info"));
    let cli =
        Cli::try_parse_from(["test", "--log-format", "json", "--log-level", "warn,harbr=debug"]).unwrap();
    assert_eq!((cli.logs.log_format, cli.logs.log_level.as_str()), (LogFormat::Json, "warn,harbr=debug"));
}

#[test]
fn a_level_that_does_not_exist_is_refused() {
    for level in ["ifno", "", "info,", "harbr=loud"] {
        assert!(Cli::try_parse_from(["test", "--log-level", level]).is_err(), "{level}");
    }
}

#[test]
fn what_clients_can_make_h2_say_is_not_logged_unless_it_is_asked_for() {
    for (level, expected) in [
        ("info", "info,h2=error"),
        ("debug,harbr_dataplane=trace", "debug,harbr_dataplane=trace,h2=error"),
        ("info,h2=warn", "info,h2=warn"),
        ("warn,h2::proto=debug", "warn,h2::proto=debug"),
        ("off", "off"),
    ] {
        assert_eq!(quiet(level), expected);
    }
}
