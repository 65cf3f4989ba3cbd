//! tcpd under Debian's openbsd-inetd and under xinetd, before four real servers: Debian's
//! tcpd first, then ours, and both must leave the same lines in the log.

use portreeve_tests::checks::{Lines, serve_and_refuse};
use portreeve_tests::services::{FINGER, RSYNC, Service, TELNET, TFTP};
use portreeve_tests::{Arena, Subject, Superserver, failure, in_arena};
use std::io;

/// Port of a TCP service, to wait for the super-server.
const READY: u16 = FINGER.port;

fn compare(arena: &Arena, superserver: Superserver, service: Service) -> io::Result<()> {
    let original = observe(arena, superserver, service, Subject::Original)?;
    let daemon = service.daemon();
    assert_eq!(
        original.connect,
        format!("<30> {daemon}[]: connect from 127.0.0.1 (127.0.0.1)")
    );
    assert_eq!(
        original.refused,
        format!("<28> {daemon}[]: refused connect from 127.0.0.2 (127.0.0.2)")
    );
    arena.replace_tcpd()?;
    let ours = observe(arena, superserver, service, Subject::Ours)?;
    assert_eq!(ours, original, "ours, then Debian's");
    Ok(())
}

fn observe(
    arena: &Arena,
    superserver: Superserver,
    service: Service,
    subject: Subject,
) -> io::Result<Lines> {
    let running = superserver.start(arena, READY)?;
    let lines = serve_and_refuse(arena, service)
        .map_err(|error| failure(format!("{subject:?}: {error}")))?;
    println!("{subject:?}: {lines:?}");
    drop(running);
    arena.sweep()?;
    Ok(lines)
}

#[test]
fn rsync_under_inetd() {
    in_arena(|arena| compare(arena, Superserver::Inetd, RSYNC));
}

#[test]
fn telnetd_under_inetd() {
    in_arena(|arena| compare(arena, Superserver::Inetd, TELNET));
}

#[test]
fn fingerd_under_inetd() {
    in_arena(|arena| compare(arena, Superserver::Inetd, FINGER));
}

#[test]
fn tftpd_under_inetd() {
    in_arena(|arena| compare(arena, Superserver::Inetd, TFTP));
}

#[test]
fn rsync_under_xinetd() {
    in_arena(|arena| compare(arena, Superserver::Xinetd, RSYNC));
}

#[test]
fn telnetd_under_xinetd() {
    in_arena(|arena| compare(arena, Superserver::Xinetd, TELNET));
}

#[test]
fn fingerd_under_xinetd() {
    in_arena(|arena| compare(arena, Superserver::Xinetd, FINGER));
}

#[test]
fn tftpd_under_xinetd() {
    in_arena(|arena| compare(arena, Superserver::Xinetd, TFTP));
}
