//! The case being judged: request, facts, and what came up on the way.

use super::facts::{Facts, HostnameFact, Pending};
use super::known::{Known, truncated};
use super::option::Effect;
use super::request::{Endpoint, Request, UNKNOWN};
use super::verdict::{Compat, Step, TableKind, Warning};
use std::borrow::Cow;
use std::cell::OnceCell;

/// Seconds a user lookup may take unless an `rfc931` option says otherwise.
const RFC931_TIMEOUT: u32 = 10;

/// Why evaluation cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// A fact is not there yet.
    Pending,
    /// The original would end the whole process here; we deny.
    Fatal(String),
}

impl From<Pending> for Stop {
    fn from(_: Pending) -> Self {
        Stop::Pending
    }
}

/// Which end of the connection a pattern is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Client,
    Server,
}

/// Everything one evaluation carries along.
pub(super) struct Case<'e, F> {
    pub(super) request: &'e Request<'e>,
    pub(super) facts: &'e mut F,
    pub(super) compat: Compat,
    pub(super) known: Known,
    pub(super) effects: Vec<Effect>,
    pub(super) warnings: Vec<Warning>,
    pub(super) steps: Vec<Step>,
    /// Seconds for a user lookup.
    pub(super) timeout: u32,
    /// The last `aclexec` did not succeed.
    pub(super) aclexec_failed: bool,
    /// The rule being tried.
    pub(super) table: TableKind,
    pub(super) line: u32,
    client_address: OnceCell<Cow<'e, [u8]>>,
    server_address: OnceCell<Cow<'e, [u8]>>,
}

impl<'e, F: Facts> Case<'e, F> {
    pub(super) fn new(
        request: &'e Request<'e>,
        known: Known,
        facts: &'e mut F,
        compat: Compat,
    ) -> Self {
        Case {
            request,
            facts,
            compat,
            known,
            effects: Vec::new(),
            warnings: Vec::new(),
            steps: Vec::new(),
            timeout: RFC931_TIMEOUT,
            aclexec_failed: false,
            table: TableKind::Allow,
            line: 0,
            client_address: OnceCell::new(),
            server_address: OnceCell::new(),
        }
    }

    pub(super) fn strict(&self) -> bool {
        self.compat == Compat::Strict
    }

    pub(super) fn warn(&mut self, text: String) {
        self.note(text, false);
    }

    pub(super) fn error(&mut self, text: String) {
        self.note(text, true);
    }

    fn note(&mut self, text: String, error: bool) {
        self.warnings.push(Warning {
            table: self.table,
            line: self.line,
            whole_table: false,
            text,
            error,
        });
    }

    pub(super) fn endpoint(&self, end: End) -> &'e Endpoint<'e> {
        match end {
            End::Client => &self.request.client,
            End::Server => &self.request.server,
        }
    }

    /// The address of an end, in text.
    pub(super) fn address(&self, end: End) -> &[u8] {
        let cell = match end {
            End::Client => &self.client_address,
            End::Server => &self.server_address,
        };
        cell.get_or_init(|| self.endpoint(end).text())
    }

    /// The address of an end beside the facts, for matches that need both.
    pub(super) fn address_and_facts(&mut self, end: End) -> (&[u8], &mut F) {
        let (cell, endpoint) = match end {
            End::Client => (&self.client_address, &self.request.client),
            End::Server => (&self.server_address, &self.request.server),
        };
        (cell.get_or_init(|| endpoint.text()), self.facts)
    }

    pub(super) fn address_known(&self, end: End) -> bool {
        !self.address(end).eq_ignore_ascii_case(UNKNOWN)
    }

    /// Makes sure that the name of an end has been looked up, and tells it.
    pub(super) fn name(&mut self, end: End) -> Result<&mut HostnameFact, Stop> {
        let slot = match end {
            End::Client => &self.known.client,
            End::Server => &self.known.server,
        };
        if slot.is_none() {
            let fact = match end {
                End::Client => self.facts.client_hostname()?,
                End::Server => self.facts.server_hostname()?,
            };
            if let Some(text) = &fact.warning {
                self.warn(text.clone());
            }
            match end {
                End::Client => self.known.client = Some(fact),
                End::Server => self.known.server = Some(fact),
            }
        }
        let slot = match end {
            End::Client => &mut self.known.client,
            End::Server => &mut self.known.server,
        };
        Ok(slot.get_or_insert_with(|| HostnameFact {
            hostname: super::request::Hostname::Unknown,
            failed: true,
            warning: None,
        }))
    }

    /// Makes sure that the client's user has been looked up, and tells it.
    pub(super) fn user(&mut self) -> Result<&mut Vec<u8>, Stop> {
        let user = match self.known.user.take() {
            Some(user) => user,
            None => match self.facts.client_user(self.timeout)? {
                Some(user) => truncated(&user),
                None => UNKNOWN.to_vec(),
            },
        };
        Ok(self.known.user.insert(user))
    }
}
