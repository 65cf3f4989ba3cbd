//! tcpd: stands before a network daemon and lets it run only for those who may use it.
//!
//! inetd(8) starts tcpd in the daemon's place, with the connection as standard input and the
//! daemon's name in argv\[0\]. Source: tcpd(8), hosts_access(5), hosts_options(5).
#![forbid(unsafe_code)]

mod daemon;
mod facts;
mod identity;
mod ip_options;
mod log;
mod lookup;
mod peer;
mod process;
mod settings;
mod shell;
mod tables;

use daemon::Daemon;
use facts::World;
use log::Log;
use peer::Peer;
use policy::hosts::evaluate::evaluate;
use policy::hosts::verdict::{Compat, Verdict};
use process::Process;
use std::time::Duration;

/// Who is calling, may they, log it, exec. Whatever does not end in the daemon ends with
/// status 0, because inetd takes every other one for a trouble of its own.
fn main() {
    let daemon = Daemon::from_arguments();
    let mut log = Log::open(&daemon.name);
    let compat = settings::read(&mut log);
    process::set_umask(compat);
    let peer = Peer::on_standard_input(&mut log);
    if !ip_options::acceptable(&peer, compat, &mut log) {
        return leave(&peer, compat);
    }
    let tables = tables::read(compat);
    let request = peer.request(&daemon.name);
    let mut process = Process::new(compat, peer.unread_datagram);
    let mut world = World::new(&peer, &mut process, &mut log);
    let verdict = evaluate(&tables.as_tables(), &request, &mut world, compat);
    let blind = world.lookups_broke();
    drop(world);
    let Ok(verdict) = verdict else {
        // Our facts are always there at once.
        log.error(b"a fact is missing: the connection is refused");
        return leave(&peer, compat);
    };
    log.told(&verdict);
    // Strict has resolved this safely; the original's rules know no such failure.
    let fit = !blind || compat == Compat::Strict;
    let obeyed = fit && process.obey(&verdict, &mut log);
    let client = verdict.known.client_text(&request);
    match verdict.twist() {
        Some(command) if obeyed => {
            log.twist(&client, command);
            process.twist(command, &mut log);
        }
        None if obeyed && verdict.granted => {
            log.connect(&client, &request.client.text());
            daemon.exec(&process, &mut log);
        }
        _ if ends_silently(&verdict, compat) => return linger(compat),
        _ => log.refused(&client, &request.client.text()),
    }
    leave(&peer, compat);
}

/// Whether tcp_wrappers would have ended while it expanded a text, which it logs by a warning
/// only.
fn ends_silently(verdict: &Verdict, compat: Compat) -> bool {
    compat == Compat::TcpWrappers
        && verdict
            .warnings
            .last()
            .is_some_and(|last| last.text.starts_with("percent_x: expansion"))
}

/// Gives up the connection: a datagram that nobody will read would have inetd start us again.
fn leave(peer: &Peer, compat: Compat) {
    if peer.unread_datagram {
        peer::drop_datagram();
    }
    linger(compat);
}

/// The original waits so that inetd does not start it in a tight loop.
fn linger(compat: Compat) {
    if compat == Compat::TcpWrappers {
        std::thread::sleep(Duration::from_secs(5));
    }
}
