//! The benchmark's server: writes one line to its client and ends. Built for musl, static, so
//! that a super-server's own cost is what a connection shows.

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(b"All is well in the port.\n")
}
