//! Compiles `proto/` without protoc: protox parses, tonic-prost-build writes.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let files = ["admin", "join", "node", "resources", "state", "local"]
        .map(|name| root.join(format!("harbr/v1/{name}.proto")));
    println!("cargo:rerun-if-changed={}", root.display());
    let descriptors = protox::compile(&files, [&root])?;
    tonic_prost_build::configure()
        .bytes(".harbr.v1.ResourceEntry")
        // They hold private keys, see `src/masked.rs`.
        .skip_debug([".harbr.v1.Certificate", ".harbr.v1.ResourceEntry"])
        .compile_fds(descriptors)?;
    Ok(())
}
