//! stub
use crate::arrival::Arrival;
use crate::builtin::Session;
use crate::limit::Exceeded;
use launcher::plan::PlannedService;
use launcher::tables::Tables;
use policy::hosts::verdict::{Verdict, Warning};
use portreeve_log::syslog::{Facility, Severity, Syslog};
use std::io::Read;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;
use wire::{ConnectionId, Ending};

pub enum Why<'a> { NoTables, Rules(&'a Verdict), Limit(Exceeded), Rate(u32), NeedsProcess, Reflects }

pub struct Records { log: Syslog, random: std::fs::File }
impl Records {
    pub fn open() -> Self { Records { log: Syslog::open(b"portreeve", Facility::LOG_DAEMON, true), random: std::fs::File::open("/dev/urandom").unwrap() } }
    pub fn say(&mut self, s: Severity, t: &str) { self.log.send(s, t.as_bytes()); }
    pub fn random(&mut self) -> [u8; 10] { let mut b = [0; 10]; drop(self.random.read_exact(&mut b)); b }
    pub fn append_to(&mut self, _fd: OwnedFd) {}
    pub fn warn(&mut self, w: &[Warning], _t: &Tables) { for x in w { self.log.send(Severity::LOG_ERR, format!("warning: line {}: {}", x.line, x.text).as_bytes()); } }
    pub fn opened(&mut self, s: &PlannedService, a: &Arrival, _v: Option<&Verdict>, _t: bool) { self.say(Severity::LOG_INFO, &format!("connect {} from {:?} [{}]", s.id, a.peer, s.enforced)); }
    pub fn refused(&mut self, s: &PlannedService, a: &Arrival, _w: &Why<'_>) { self.say(Severity::LOG_WARNING, &format!("refused connect {} from {:?}", s.id, a.peer)); }
    pub fn failed(&mut self, _s: Option<&PlannedService>, _c: ConnectionId, _p: Option<SocketAddr>, _what: &str, _r: &str) {}
    pub fn closed(&mut self, s: Option<&PlannedService>, _c: ConnectionId, _p: Option<SocketAddr>, pid: u32, e: Ending, d: Duration) { self.say(Severity::LOG_INFO, &format!("closed {:?} pid {pid} {e:?} {d:?}", s.map(|s| &s.id))); }
    pub fn closed_builtin(&mut self, _s: Option<&PlannedService>, _x: &Session) {}
    pub fn closed_datagram(&mut self, _s: &PlannedService, _a: &Arrival) {}
}
