use clap::Parser;

use super::{LogArgs, LogFormat};

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
