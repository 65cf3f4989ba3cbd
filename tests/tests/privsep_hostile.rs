//! A frontend that was taken over and speaks the protocol badly gets nothing but its own end.

use portreeve_tests::services::{ADMITTED, FINGER};
use portreeve_tests::superserver::install_portreeve;
use portreeve_tests::{
    Arena, Running, Superserver, client, failure, in_arena, paths, process, wait_for,
};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

const FRONTEND: &str = "portreeve-frontend";
/// What the only service leaves behind when it is started.
const TRACE: &str = "/run/arena/started";
const TRACE_SERVER: &str = "/run/arena/bin/trace";

/// What may not be sent, and the reason the log gives for the end of who sent it.
const ATTACKS: [(&str, &str); 16] = [
    ("unknown-tag", "unknown message 99"),
    ("short-frame", "frame of a wrong size"),
    ("long-frame", "frame of a wrong size"),
    ("empty-frame", "closed its socket"),
    ("padding", "unknown message"),
    ("wrong-service", "a service that never existed"),
    (
        "wrong-listener",
        "a listener that the service does not have",
    ),
    ("no-descriptor", "wrong number of descriptors"),
    ("many-descriptors", "wrong number of descriptors"),
    ("very-many-descriptors", "frame of a wrong size"),
    ("descriptor-with-ready", "wrong number of descriptors"),
    ("no-socket", "no connection of the service's listener"),
    (
        "foreign-connection",
        "no connection of the service's listener",
    ),
    ("foreign-client", "no connection of the service's listener"),
    (
        "foreign-listener",
        "no connection of the service's listener",
    ),
    (
        "listener-of-nowait",
        "a way of launching that the service does not have",
    ),
];

/// Portreeve with one service, and the hostile program in the frontend's place.
fn start(arena: &Arena, attack: &str) -> io::Result<Running> {
    install_portreeve(arena)?;
    fs::write(TRACE_SERVER, format!("#!/bin/sh\necho >> {TRACE}\n"))?;
    fs::set_permissions(TRACE_SERVER, fs::Permissions::from_mode(0o755))?;
    fs::write(TRACE, "")?;
    fs::set_permissions(TRACE, fs::Permissions::from_mode(0o666))?;
    fs::write(
        "/etc/inetd.conf",
        format!("finger stream tcp4 nowait nobody {TRACE_SERVER} trace\n"),
    )?;
    let attacked = arena.path("bin/attacked");
    fs::create_dir_all(&attacked)?;
    fs::set_permissions(&attacked, fs::Permissions::from_mode(0o1777))?;
    fs::write(arena.path("bin/attack"), attack)?;
    let hostile = Path::new(env!("CARGO_BIN_EXE_hostile"));
    replace(hostile, &arena.path("bin").join(FRONTEND))?;
    Superserver::Portreeve(&["/etc/inetd.conf"]).start(arena, FINGER.port)
}

/// A running program's file cannot be written to, but another can take its name.
fn replace(source: &Path, place: &Path) -> io::Result<()> {
    let draft = place.with_extension("new");
    fs::copy(source, &draft)?;
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o755))?;
    fs::rename(draft, place)
}

/// The process that made the attack, once it has.
fn attacker(arena: &Arena) -> io::Result<u32> {
    wait_for("the attack", Duration::from_secs(5), || {
        let mut entries = fs::read_dir(arena.path("bin/attacked")).ok()?;
        entries.next()?.ok()?.file_name().to_str()?.parse().ok()
    })
}

fn is_ended(arena: &Arena, running: &Running, attack: &str, reason: &str) -> io::Result<()> {
    let culprit = attacker(arena)?;
    wait_for(
        &format!("the end after {attack}"),
        Duration::from_secs(5),
        || (!process::named(FRONTEND).contains(&culprit)).then_some(()),
    )?;
    arena
        .journal
        .expect(&format!("`{reason}` about {attack}"), |message| {
            message.priority == 26 && message.text.contains(reason)
        })?;
    if !fs::read_to_string(TRACE)?.is_empty() {
        return Err(failure(format!("{attack} started a server")));
    }
    process::status(running.pid()).map(drop)
}

#[test]
fn each_wrong_message_ends_its_sender_and_nothing_else() {
    in_arena(|arena| {
        for (attack, reason) in ATTACKS {
            arena.journal.clear();
            let running = start(arena, attack)?;
            is_ended(arena, &running, attack, reason)?;
            drop(running);
            arena.sweep()?;
            fs::remove_dir_all(arena.path("bin/attacked"))?;
        }
        Ok(())
    });
}

#[test]
fn after_an_attack_an_honest_frontend_serves() {
    in_arena(|arena| {
        let running = start(arena, "wrong-service")?;
        let culprit = attacker(arena)?;
        replace(
            &paths::launcher(FRONTEND),
            &arena.path("bin").join(FRONTEND),
        )?;
        wait_for("another frontend", Duration::from_secs(5), || {
            (!process::named(FRONTEND).is_empty() && process::named(FRONTEND) != [culprit])
                .then_some(())
        })?;
        wait_for("service", Duration::from_secs(5), || {
            let mut stream = client::connect(ADMITTED, FINGER.port).ok()?;
            client::read_to_end(&mut stream).ok()?;
            fs::read_to_string(TRACE)
                .ok()
                .filter(|trace| !trace.is_empty())
        })?;
        process::status(running.pid()).map(drop)
    });
}

#[test]
fn a_flood_of_requests_does_not_bring_the_monitor_down() {
    in_arena(|arena| {
        let running = start(arena, "flood")?;
        attacker(arena)?;
        process::status(running.pid())?;
        assert_eq!(fs::read_to_string(TRACE)?, "");
        let memory = process::pss_kib(running.pid())?;
        assert!(memory < 64 * 1024, "{memory} KiB");
        Ok(())
    });
}
