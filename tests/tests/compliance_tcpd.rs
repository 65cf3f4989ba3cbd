//! tcpd under Debian's openbsd-inetd and under xinetd, before four real servers: Debian's
//! tcpd first, then ours, and both must leave the same lines in the log.

use portreeve_tests::checks::{Lines, serve_and_refuse};
use portreeve_tests::services::{ADMITTED, FINGER, REFUSED, RSYNC, Service, TELNET, TFTP};
use portreeve_tests::{Arena, Subject, Superserver, client, failure, in_arena};
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

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

/// How long a refused client is held, and the mask a daemon gets from a parent with 077.
fn manners(arena: &Arena) -> io::Result<(Duration, String)> {
    // inetd has a mask of its own.
    let script = arena.path("strict");
    let text = "#!/bin/bash\numask 077\nexec -a /bin/sh /usr/sbin/tcpd -c umask\n";
    std::fs::write(&script, text)?;
    std::fs::set_permissions(&script, Permissions::from_mode(0o755))?;
    let line = format!(
        "finger stream tcp nowait root {} strict\n",
        script.display()
    );
    std::fs::write("/etc/inetd.conf", line)?;
    let running = Superserver::Inetd.start(arena, READY)?;
    let ask = |source| -> io::Result<String> {
        let mut stream = client::connect(source, FINGER.port)?;
        Ok(String::from_utf8_lossy(&client::read_to_end(&mut stream)?).into_owned())
    };
    let mask = ask(ADMITTED)?;
    let since = Instant::now();
    assert_eq!(ask(REFUSED)?, "");
    let held = since.elapsed();
    drop(running);
    arena.sweep()?;
    Ok((held, mask.trim().to_owned()))
}

/// Deliberate differences: Debian's tcpd holds a refused client for 5 seconds and loosens the
/// mask; ours does neither.
#[test]
fn a_refusal_takes_no_time_and_a_strict_umask_stays() {
    in_arena(|arena| {
        let (held, mask) = manners(arena)?;
        assert!(held >= Duration::from_secs(5), "Debian's: {held:?}");
        assert_eq!(mask, "0022", "Debian's");
        arena.replace_tcpd()?;
        let (held, mask) = manners(arena)?;
        assert!(held < Duration::from_secs(4), "ours: {held:?}");
        assert_eq!(mask, "0077", "ours");
        Ok(())
    });
}
