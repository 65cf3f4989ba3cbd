//! How many servers there are, for a service and for a source, and how fast they start.

use launcher::plan::{PerSource, PlannedService};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use wire::ConnectionId;

/// A source as limits count it: an address, or the network an IPv6 address is in.
pub type Source = u128;

/// Why a connection is one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// As many servers as the service may have.
    Instances(u32),
    /// As many as one source may have.
    PerSource(u32),
}

impl std::fmt::Display for Exceeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Exceeded::Instances(limit) => write!(f, "instances {limit}"),
            Exceeded::PerSource(limit) => write!(f, "per_source {limit}"),
        }
    }
}

/// The servers and builtin sessions that are running.
#[derive(Default)]
pub struct Running {
    sessions: HashMap<ConnectionId, (u32, Source)>,
    by_service: HashMap<u32, u32>,
    by_source: HashMap<(u32, Source), u32>,
}

impl Running {
    /// Whether the service may have one more for a client at `address`.
    pub fn admits(
        &self,
        service: &PlannedService,
        address: Option<IpAddr>,
    ) -> Result<(), Exceeded> {
        let running = self.by_service.get(&service.number).copied().unwrap_or(0);
        if let Some(limit) = service.instances.filter(|&limit| running >= limit) {
            return Err(Exceeded::Instances(limit));
        }
        if let Some(per_source) = service.per_source {
            let key = (service.number, source(address, Some(per_source)));
            let running = self.by_source.get(&key).copied().unwrap_or(0);
            let limit = limit_for(address, per_source);
            if running >= limit {
                return Err(Exceeded::PerSource(limit));
            }
        }
        Ok(())
    }

    /// Counts a session.
    pub fn begin(
        &mut self,
        connection: ConnectionId,
        service: u32,
        per_source: Option<PerSource>,
        address: Option<IpAddr>,
    ) {
        let source = source(address, per_source);
        if self
            .sessions
            .insert(connection, (service, source))
            .is_none()
        {
            *self.by_service.entry(service).or_default() += 1;
            *self.by_source.entry((service, source)).or_default() += 1;
        }
    }

    /// Forgets a session that has ended.
    pub fn end(&mut self, connection: &ConnectionId) {
        if let Some((service, source)) = self.sessions.remove(connection) {
            decrease(&mut self.by_service, service);
            decrease(&mut self.by_source, (service, source));
        }
    }
}

fn decrease<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, u32>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

fn limit_for(address: Option<IpAddr>, limits: PerSource) -> u32 {
    match address.map(|ip| ip.to_canonical()) {
        Some(IpAddr::V6(_)) => limits.v6,
        Some(IpAddr::V4(_)) | None => limits.v4,
    }
}

/// Unknown addresses share one source.
fn source(address: Option<IpAddr>, limits: Option<PerSource>) -> Source {
    match address.map(|ip| ip.to_canonical()) {
        None => 0,
        Some(IpAddr::V4(v4)) => u128::from(v4.to_ipv6_mapped()),
        Some(IpAddr::V6(v6)) => {
            let prefix = u32::from(limits.map_or(64, |limits| limits.v6_prefix)).min(128);
            let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
            u128::from(v6) & mask
        }
    }
}

/// Starts of one service within the current minute.
#[derive(Debug)]
pub struct Rate {
    limit: u32,
    window: Instant,
    starts: u32,
}

const WINDOW: Duration = Duration::from_secs(60);

impl Rate {
    /// At most `limit` starts in any minute that begins with a start.
    pub fn new(limit: u32, now: Instant) -> Self {
        Rate {
            limit,
            window: now,
            starts: 0,
        }
    }

    /// Counts a start, or says how long the service must rest.
    pub fn start(&mut self, now: Instant) -> Result<(), Duration> {
        if now.duration_since(self.window) >= WINDOW {
            self.window = now;
            self.starts = 0;
        }
        if self.starts >= self.limit {
            return Err(WINDOW.saturating_sub(now.duration_since(self.window)));
        }
        self.starts += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(instances: Option<u32>, per_source: Option<PerSource>) -> PlannedService {
        PlannedService {
            number: 1,
            id: "x".into(),
            daemon: None,
            wait: false,
            builtin: None,
            instances,
            per_source,
            per_minute: None,
            through_tcpd: false,
            enforced: String::new(),
        }
    }

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn instances_are_counted_until_they_end() {
        let service = service(Some(2), None);
        let mut running = Running::default();
        running.begin([1; 16], 1, None, ip("192.0.2.1"));
        assert_eq!(running.admits(&service, None), Ok(()));
        running.begin([2; 16], 1, None, ip("192.0.2.2"));
        assert_eq!(running.admits(&service, None), Err(Exceeded::Instances(2)));
        running.end(&[1; 16]);
        running.end(&[1; 16]);
        assert_eq!(running.admits(&service, None), Ok(()));
        running.begin([3; 16], 1, None, None);
        assert_eq!(running.admits(&service, None), Err(Exceeded::Instances(2)));
    }

    #[test]
    fn an_ipv6_network_is_one_source_and_a_mapped_address_is_ipv4() {
        let limits = PerSource {
            v4: 1,
            v6: 1,
            v6_prefix: 64,
        };
        let service = service(None, Some(limits));
        let mut running = Running::default();
        running.begin([1; 16], 1, Some(limits), ip("2001:db8::1"));
        assert!(running.admits(&service, ip("2001:db8::2")).is_err());
        assert!(running.admits(&service, ip("2001:db8:0:1::2")).is_ok());
        running.begin([2; 16], 1, Some(limits), ip("::ffff:192.0.2.1"));
        assert!(running.admits(&service, ip("192.0.2.1")).is_err());
        assert!(running.admits(&service, ip("192.0.2.2")).is_ok());
    }

    #[test]
    fn a_service_rests_for_the_remainder_of_its_minute() {
        let start = Instant::now();
        let mut rate = Rate::new(2, start);
        assert_eq!(rate.start(start), Ok(()));
        assert_eq!(rate.start(start + Duration::from_secs(50)), Ok(()));
        assert_eq!(
            rate.start(start + Duration::from_secs(51)),
            Err(Duration::from_secs(9))
        );
        assert_eq!(rate.start(start + Duration::from_secs(60)), Ok(()));
    }
}
