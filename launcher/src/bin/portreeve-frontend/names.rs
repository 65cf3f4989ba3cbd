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

/// How long to wait for a resolver to be there at all.
const START: Duration = Duration::from_secs(5);
/// A question that was put to so many resolvers, none of which lived to answer it, has failed.
const MOST_ASKED: u8 = 2;

struct Waiting {
    arrival: Arrival,
    wanted: Wanted,
    question: Question,
    asked: u8,
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
    /// Talks to this resolver from now on, and puts to it what an earlier one has left
    /// unanswered. The arrivals returned can be decided now.
    pub fn connect(&mut self, socket: OwnedFd) -> Vec<Arrival> {
        self.channel = Some(Channel::new(socket));
        let hopeless: Vec<u64> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.asked >= MOST_ASKED)
            .map(|(id, _)| *id)
            .collect();
        let failed = self.fail(&hopeless);
        for waiting in self.waiting.values_mut() {
            waiting.ask(self.channel.as_ref());
        }
        failed
    }

    /// Asks for what `arrival` needs. If it cannot be asked, the arrival comes back with the
    /// lookup failed.
    pub fn ask(&mut self, arrival: Arrival, wanted: Wanted) -> Option<Arrival> {
        let id = self.next;
        self.next += 1;
        let Some(subject) = subject(&arrival, wanted) else {
            return Some(failed(arrival, wanted));
        };
        if self.waiting.len() >= MOST_WAITING {
            return Some(failed(arrival, wanted));
        }
        let question = Question {
            id,
            deadline_ms: u32::try_from(deadline(wanted).as_millis()).unwrap_or(u32::MAX),
            subject,
        };
        let mut waiting = Waiting {
            arrival,
            wanted,
            question,
            asked: 0,
            until: Instant::now() + START,
        };
        waiting.ask(self.channel.as_ref());
        self.waiting.insert(id, waiting);
        None
    }

    /// Takes the answers that are there. The arrivals returned can be decided now.
    ///
    /// A resolver that is gone is replaced by the monitor: what it was asked waits for the
    /// next one.
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
                }
            }
        }
        ready
    }

    /// The arrivals that have waited too long, with their lookups failed.
    pub fn overdue(&mut self, now: Instant) -> Vec<Arrival> {
        for waiting in self
            .waiting
            .values_mut()
            .filter(|waiting| waiting.asked == 0)
        {
            waiting.ask(self.channel.as_ref());
        }
        let late: Vec<u64> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.until <= now)
            .map(|(id, _)| *id)
            .collect();
        self.fail(&late)
    }

    /// Whether anything is being waited for.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn fail(&mut self, ids: &[u64]) -> Vec<Arrival> {
        let waiting = ids.iter().filter_map(|id| self.waiting.remove(id));
        waiting
            .map(|waiting| failed(waiting.arrival, waiting.wanted))
            .collect()
    }
}

impl Waiting {
    /// Puts the question to the resolver, if one is there and takes it.
    fn ask(&mut self, channel: Option<&Channel<Answer, Question>>) {
        if channel.is_some_and(|channel| channel.send(&self.question, None).is_ok()) {
            self.asked += 1;
            self.until = Instant::now() + deadline(self.wanted) + GRACE;
        }
    }
}

fn deadline(wanted: Wanted) -> Duration {
    match wanted {
        Wanted::User(seconds) => Duration::from_secs(u64::from(seconds)),
        Wanted::Client | Wanted::Server => NAME_DEADLINE,
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
