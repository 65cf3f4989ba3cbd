//! What has been found out about a connection so far.

use super::facts::HostnameFact;
use super::request::{Endpoint, Request, UNKNOWN};

/// Longest daemon or user name that counts, in bytes.
const NAME_LENGTH: usize = 127;

/// Names already looked up. Log lines, `%h` and `%c` use a name only if it is here and never
/// cause a lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The daemon process name.
    pub daemon: Vec<u8>,
    /// The client's name, if it was asked for.
    pub client: Option<HostnameFact>,
    /// The server's name, if it was asked for.
    pub server: Option<HostnameFact>,
    /// The client's user, if it was asked for; `unknown` if there was no answer.
    pub user: Option<Vec<u8>>,
}

impl Known {
    /// What is known before any lookup: the daemon's name.
    #[must_use]
    pub fn new(daemon: &[u8]) -> Self {
        Known {
            daemon: truncated(daemon),
            client: None,
            server: None,
            user: None,
        }
    }

    /// The client as log lines name it: `user@host`, `host` or the address.
    ///
    /// `connect from <this> (<request.client.text()>)`. Source: hosts_access(5), `%c`.
    #[must_use]
    pub fn client_text(&self, request: &Request) -> Vec<u8> {
        let host = host_text(self.client.as_ref(), &request.client);
        match &self.user {
            Some(user) if !user.eq_ignore_ascii_case(UNKNOWN) => {
                [user.as_slice(), b"@", &host].concat()
            }
            _ => host,
        }
    }

    /// The server as `%s` names it: `daemon@host`, or the daemon if the host is not known.
    #[must_use]
    pub fn server_text(&self, request: &Request) -> Vec<u8> {
        let host = host_text(self.server.as_ref(), &request.server);
        if host.eq_ignore_ascii_case(UNKNOWN) {
            self.daemon.clone()
        } else {
            [self.daemon.as_slice(), b"@", &host].concat()
        }
    }

    /// The client's name if it was looked up and is good, else its address (`%h`).
    #[must_use]
    pub fn client_host(&self, request: &Request) -> Vec<u8> {
        host_text(self.client.as_ref(), &request.client)
    }

    /// The server's name if it was looked up and is good, else its address (`%H`).
    #[must_use]
    pub fn server_host(&self, request: &Request) -> Vec<u8> {
        host_text(self.server.as_ref(), &request.server)
    }
}

/// A name cut to what tcp_wrappers keeps of it.
pub(super) fn truncated(name: &[u8]) -> Vec<u8> {
    name.get(..NAME_LENGTH).unwrap_or(name).to_vec()
}

fn host_text(fact: Option<&HostnameFact>, endpoint: &Endpoint) -> Vec<u8> {
    match fact {
        Some(fact) if fact.hostname.is_known() => fact.hostname.text().to_vec(),
        _ => endpoint.text().into_owned(),
    }
}
