//! The plan: all that the frontend needs to know about the services.
//!
//! The monitor makes it from the administrator's files and hands it over as a sealed file;
//! it holds no path that the frontend would have to open and no user it could become.

use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

/// Everything about the services that decides who may connect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// tcp_wrappers' own way of resolving what is unclear, in place of the strict one.
    pub tcp_wrappers: bool,
    /// Facility of the lines about connections, a keyword of syslog.conf(5); `None`: none.
    pub facility: Option<String>,
    /// The services, in no particular order.
    pub services: Vec<PlannedService>,
}

/// One service as the frontend sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedService {
    /// Its number in messages; never reused while the monitor lives.
    pub number: u32,
    /// Its name in records.
    pub id: String,
    /// The daemon name that access rules are matched with; `None`: no rules apply.
    pub daemon: Option<Vec<u8>>,
    /// The server takes over the listening socket.
    pub wait: bool,
    /// Served by the frontend itself.
    pub builtin: Option<Builtin>,
    /// At most so many servers or builtin sessions at a time.
    pub instances: Option<u32>,
    /// At most so many of them for one source, counted by network.
    pub per_source: Option<PerSource>,
    /// At most so many starts in a minute.
    pub per_minute: Option<u32>,
    /// The server can be run through tcpd, for options that need its process.
    pub through_tcpd: bool,
    /// What confines the server, for records.
    pub enforced: String,
}

/// A service of the frontend itself.
///
/// Source: RFC 862 to 868.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Builtin {
    /// Sends back what it receives.
    Echo,
    /// Receives and forgets.
    Discard,
    /// Sends the date and time in words.
    Daytime,
    /// Sends seconds since 1900 in four bytes.
    Time,
    /// Sends characters without end.
    Chargen,
}

/// Limit of concurrent servers for one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerSource {
    /// For one IPv4 address.
    pub v4: u32,
    /// For one IPv6 network.
    pub v6: u32,
    /// Length of that network's prefix, in bits.
    pub v6_prefix: u8,
}

/// Puts a value into a sealed file for another process.
///
/// # Errors
/// The system's, when memory or descriptors are short.
pub fn pack<T: Serialize>(name: &std::ffi::CStr, value: &T) -> io::Result<OwnedFd> {
    let bytes = postcard::to_stdvec(value).map_err(io::Error::other)?;
    sys::memfd::sealed(name, &bytes)
}

/// Reads a value that [`pack`] wrote.
///
/// # Errors
/// The system's, and `InvalidData` for bytes that are no such value.
pub fn unpack<T: for<'de> Deserialize<'de>>(fd: OwnedFd) -> io::Result<T> {
    let file = File::from(fd);
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    postcard::from_bytes(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_survives_the_journey() {
        let service = PlannedService {
            number: 3,
            id: "rsync".into(),
            daemon: Some(b"rsyncd".to_vec()),
            wait: false,
            builtin: None,
            instances: Some(40),
            per_source: Some(PerSource {
                v4: 4,
                v6: 4,
                v6_prefix: 64,
            }),
            per_minute: None,
            through_tcpd: true,
            enforced: "uid=33".into(),
        };
        let plan = Plan {
            tcp_wrappers: false,
            facility: None,
            services: vec![service],
        };
        assert_eq!(unpack::<Plan>(pack(c"plan", &plan).unwrap()).unwrap(), plan);
    }
}
