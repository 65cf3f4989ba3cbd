//! What was found out about addresses, for as long as it holds.

use crate::verify::Verified;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use wire::Outcome;

/// Most addresses remembered: about a megabyte.
pub const MOST_NAMES: usize = 4096;

/// Bounds on how long a name is remembered, in seconds. The lower one keeps a name server
/// that says 0 from being asked for every connection of a burst.
const NAME: (u32, u32) = (5, 3600);
/// The same where there is no name.
const NO_NAME: (u32, u32) = (5, 60);

struct Entry {
    verified: Verified,
    until: Instant,
}

/// Verified names by address.
pub struct Cache {
    entries: HashMap<IpAddr, Entry>,
    capacity: usize,
    /// Of the files that say how names are found.
    generation: u64,
}

impl Cache {
    /// Remembers so many addresses.
    pub fn new(capacity: usize) -> Self {
        Cache {
            entries: HashMap::new(),
            capacity,
            generation: 0,
        }
    }

    /// What is known about an address. What was found before files changed is forgotten.
    pub fn get(&mut self, address: IpAddr, generation: u64) -> Option<Verified> {
        self.get_at(address, generation, Instant::now())
    }

    /// Remembers what was found out, unless that is nothing or files have changed since.
    pub fn put(&mut self, address: IpAddr, verified: &Verified, generation: u64) {
        self.put_at(address, verified, generation, Instant::now());
    }

    fn get_at(&mut self, address: IpAddr, generation: u64, now: Instant) -> Option<Verified> {
        if generation != self.generation {
            self.generation = generation;
            self.entries.clear();
        }
        let entry = self.entries.get(&address)?;
        (now < entry.until).then(|| entry.verified.clone())
    }

    fn put_at(&mut self, address: IpAddr, verified: &Verified, generation: u64, now: Instant) {
        let (least, most) = match verified.outcome {
            Outcome::Known | Outcome::Paranoid => NAME,
            Outcome::None => NO_NAME,
            Outcome::Failed => return,
        };
        if self.capacity == 0 || generation != self.generation {
            return;
        }
        if self.entries.len() >= self.capacity && !self.entries.contains_key(&address) {
            self.make_room(now);
        }
        let life = Duration::from_secs(u64::from(verified.ttl.clamp(least, most)));
        let entry = Entry {
            verified: verified.clone(),
            until: now + life,
        };
        self.entries.insert(address, entry);
    }

    /// Forgets what no longer holds, or else what holds for the shortest time.
    fn make_room(&mut self, now: Instant) {
        self.entries.retain(|_, entry| now < entry.until);
        if self.entries.len() < self.capacity {
            return;
        }
        let soonest = self.entries.iter().min_by_key(|(_, entry)| entry.until);
        if let Some(address) = soonest.map(|(address, _)| *address) {
            self.entries.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verified(outcome: Outcome, ttl: u32) -> Verified {
        Verified {
            outcome,
            name: b"a.test".to_vec(),
            warning: Vec::new(),
            ttl,
        }
    }

    fn ip(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    /// For how many seconds it is remembered.
    fn life(outcome: Outcome, ttl: u32) -> u64 {
        let now = Instant::now();
        let mut cache = Cache::new(1);
        cache.put_at(ip(1), &verified(outcome, ttl), 0, now);
        let after = |seconds| now + Duration::from_secs(seconds);
        (0..5000)
            .find(|&seconds| cache.get_at(ip(1), 0, after(seconds)).is_none())
            .unwrap()
    }

    #[test]
    fn a_name_lives_for_its_time_within_bounds() {
        assert_eq!(life(Outcome::Known, 100), 100);
        assert_eq!(life(Outcome::Known, 0), 5);
        assert_eq!(life(Outcome::Paranoid, u32::MAX), 3600);
        assert_eq!(life(Outcome::None, 3000), 60);
        assert_eq!(life(Outcome::Failed, 3000), 0);
    }

    #[test]
    fn it_does_not_grow_and_drops_what_ends_soonest() {
        let mut cache = Cache::new(2);
        for (last, ttl) in [(1, 300), (2, 100), (3, 200)] {
            cache.put(ip(last), &verified(Outcome::Known, ttl), 0);
        }
        let kept = [1, 2, 3].map(|last| cache.get(ip(last), 0).is_some());
        assert_eq!(kept, [true, false, true]);
        cache.put(ip(3), &verified(Outcome::None, 20), 0);
        assert_eq!(cache.get(ip(3), 0).unwrap().outcome, Outcome::None);
        assert!(cache.get(ip(1), 0).is_some());
    }

    #[test]
    fn a_change_of_files_makes_it_forget() {
        let mut cache = Cache::new(2);
        cache.put(ip(1), &verified(Outcome::Known, 100), 0);
        assert!(cache.get(ip(2), 1).is_none());
        // Asked for before the change, found after it.
        cache.put(ip(2), &verified(Outcome::Known, 100), 0);
        assert!(cache.get(ip(1), 1).is_none());
        assert!(cache.get(ip(2), 1).is_none());
    }

    #[test]
    fn one_without_room_remembers_nothing() {
        let mut cache = Cache::new(0);
        cache.put(ip(1), &verified(Outcome::Known, 100), 0);
        assert!(cache.get(ip(1), 0).is_none());
    }
}
