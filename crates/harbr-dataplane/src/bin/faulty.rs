//! `harbr-dataplane` with faults on request, for tests.

#[path = "../main.rs"]
mod dataplane;

fn main() -> std::process::ExitCode {
    dataplane::main()
}
