//! Where the programs under test and the generated files are.

use std::path::{Path, PathBuf};

/// The root of the checkout.
#[must_use]
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Cargo's target directory: `CARGO_TARGET_DIR`, or `target` in the checkout.
#[must_use]
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository().join("target"), |set| repository().join(set))
}

/// A program of the launcher (`portreeve`, `portreeve-frontend`, `portreeve-resolver`), from
/// `PORTREEVE_BIN` or the release build.
#[must_use]
pub fn launcher(name: &str) -> PathBuf {
    std::env::var_os("PORTREEVE_BIN")
        .map_or_else(|| target().join("release"), PathBuf::from)
        .join(name)
}

/// Our tcpd, from `PORTREEVE_TCPD` or the release build for musl.
#[must_use]
pub fn tcpd() -> PathBuf {
    std::env::var_os("PORTREEVE_TCPD").map_or_else(|| musl("tcpd"), PathBuf::from)
}

/// The one-line server of the benchmark, from `PORTREEVE_LINE` or the release build for musl.
#[must_use]
pub fn line_server() -> PathBuf {
    std::env::var_os("PORTREEVE_LINE").map_or_else(|| musl("line"), PathBuf::from)
}

fn musl(name: &str) -> PathBuf {
    target()
        .join("x86_64-unknown-linux-musl/release")
        .join(name)
}

/// Debian's xinetd, unpacked by `tests/run` because its package conflicts with openbsd-inetd.
#[must_use]
pub fn xinetd() -> PathBuf {
    repository().join("target/peers/xinetd/usr/sbin/xinetd")
}
