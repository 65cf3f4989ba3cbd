//! Questions to the resolver, and the arrivals that wait for the answers.

use crate::arrival::Arrival;
use policy::hosts::facts::HostnameFact;
use policy::hosts::request::Hostname;
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};
use wire::{Answer, Channel, Outcome, Question, ReceiveError, Subject};

/// What an arrival needs to know before it can be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The name of the client's address.
    Client,
    /// The name of the server's address.
    Server,
    /// The client's user; the time to wait for it, in seconds.
    User(u32),
}

/// More arrivals than this do not wait: a name that is asked for beyond it is not found.
const MOST_WAITING: usize = 4096;
/// How long a name may take, and how much longer we wait for the resolver itself.
const NAME_DEADLINE: Duration = Duration::from_secs(30);
const GRACE: Duration = Duration::from_secs(2);

struct Waiting {
    arrival: Arrival,
    wanted: Wanted,
    until: Instant,
}

/// The conversation with the resolver.
#[derive(Default)]
pub struct Names {
    channel: Option<Channel<Answer, Question>>,
    waiting: HashMap<u64, Waiting>,
    next: u64,
}

impl Names {
    /// Talks to this resolver from now on; what was asked of an earlier one has failed.
    pub fn connect(&mut self, socket: OwnedFd) -> Vec<Arrival> {
        self.channel = Some(Channel::new(socket));
        self.fail_all()
    }

    /// Asks for what `arrival` needs. If it cannot be asked, the arrival comes back with the
    /// lookup failed.
    pub fn ask(&mut self, arrival: Arrival, wanted: Wanted) -> Option<Arrival> {
        let deadline = match wanted {
            Wanted::User(seconds) => Duration::from_secs(u64::from(seconds)),
            Wanted::Client | Wanted::Server => NAME_DEADLINE,
        };
        let id = self.next;
        self.next += 1;
        let question = subject(&arrival, wanted).map(|subject| Question {
            id,
            deadline_ms: u32::try_from(deadline.as_millis()).unwrap_or(u32::MAX),
            subject,
        });
        let sent = match (&self.channel, question) {
            (Some(channel), Some(question)) if self.waiting.len() < MOST_WAITING => {
                channel.send(&question, None).is_ok()
            }
            _ => false,
        };
        if !sent {
            return Some(failed(arrival, wanted));
        }
        let until = Instant::now() + deadline + GRACE;
        self.waiting.insert(
            id,
            Waiting {
                arrival,
                wanted,
                until,
            },
        );
        None
    }

    /// Takes the answers that are there. The arrivals returned can be decided now.
    pub fn receive(&mut self) -> Vec<Arrival> {
        let mut ready = Vec::new();
        while let Some(channel) = &self.channel {
            match channel.receive() {
                Ok((answer, _)) => {
                    if let Some(waiting) = self.waiting.remove(&answer.id) {
                        ready.push(answered(waiting.arrival, waiting.wanted, answer));
                    }
                }
                Err(ReceiveError::Empty) => break,
                Err(ReceiveError::Closed | ReceiveError::Malformed(_) | ReceiveError::Io(_)) => {
                    self.channel = None;
                    ready.extend(self.fail_all());
                }
            }
        }
        ready
    }

    /// The arrivals that have waited too long, with their lookups failed.
    pub fn overdue(&mut self, now: Instant) -> Vec<Arrival> {
        let late: Vec<u64> = self
            .waiting
            .iter()
            .filter(|(_, w)| w.until <= now)
            .map(|(id, _)| *id)
            .collect();
        late.into_iter()
            .filter_map(|id| self.waiting.remove(&id))
            .map(Waiting::fail)
            .collect()
    }

    /// Whether anything is being waited for.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn fail_all(&mut self) -> Vec<Arrival> {
        std::mem::take(&mut self.waiting)
            .into_values()
            .map(Waiting::fail)
            .collect()
    }
}

impl Waiting {
    fn fail(self) -> Arrival {
        failed(self.arrival, self.wanted)
    }
}

fn subject(arrival: &Arrival, wanted: Wanted) -> Option<Subject> {
    match wanted {
        Wanted::Client => arrival.peer.map(Subject::HostnameOf),
        Wanted::Server => arrival.local.map(Subject::HostnameOf),
        Wanted::User(_) => Some(Subject::UserOf {
            client: arrival.peer?,
            server: arrival.local?,
        }),
    }
}

fn failed(arrival: Arrival, wanted: Wanted) -> Arrival {
    let answer = Answer {
        id: 0,
        outcome: Outcome::Failed,
        name: Vec::new(),
        warning: Vec::new(),
    };
    answered(arrival, wanted, answer)
}

fn answered(mut arrival: Arrival, wanted: Wanted, answer: Answer) -> Arrival {
    match wanted {
        Wanted::Client => arrival.client = Some(hostname(answer)),
        Wanted::Server => arrival.server = Some(hostname(answer)),
        Wanted::User(_) => {
            arrival.user = Some((answer.outcome == Outcome::Known).then_some(answer.name));
        }
    }
    arrival
}

fn hostname(answer: Answer) -> HostnameFact {
    let warning = String::from_utf8_lossy(&answer.warning).into_owned();
    HostnameFact {
        failed: answer.outcome == Outcome::Failed,
        hostname: match answer.outcome {
            Outcome::Known => Hostname::Known(answer.name),
            Outcome::Paranoid => Hostname::Paranoid,
            // A name was found and could not be verified: tcp_wrappers says paranoid.
            Outcome::Failed if !warning.is_empty() => Hostname::Paranoid,
            Outcome::None | Outcome::Failed => Hostname::Unknown,
        },
        warning: (!warning.is_empty()).then_some(warning),
    }
}
