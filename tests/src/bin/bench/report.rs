//! What came out.

use crate::load::Kind;
use crate::subject::Subject;
use std::collections::BTreeMap;
use std::time::Duration;

/// One subject with one kind of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    pub subject: Subject,
    pub kind: Kind,
}

/// Every round's results.
#[derive(Debug, Default)]
pub struct Samples {
    /// Connections per second, and CPU time per connection in microseconds.
    cells: BTreeMap<Cell, Vec<(f64, f64)>>,
}

/// Each kind's rows, and what they are compared by.
const KINDS: [Kind; 5] = [
    Kind::Accepted1,
    Kind::Accepted8,
    Kind::Refused1,
    Kind::Refused8,
    Kind::RefusedHeld,
];

impl Samples {
    /// Notes one round of one cell.
    pub fn add(&mut self, cell: Cell, connections: u32, taken: Duration, used: Duration) {
        let count = f64::from(connections);
        let sample = (
            count / taken.as_secs_f64(),
            used.as_secs_f64() * 1e6 / count,
        );
        self.cells.entry(cell).or_default().push(sample);
    }

    fn rate(&self, subject: Subject, kind: Kind) -> Option<f64> {
        median(
            self.cells
                .get(&Cell { subject, kind })?
                .iter()
                .map(|sample| sample.0),
        )
    }

    fn cpu(&self, subject: Subject, kind: Kind) -> Option<f64> {
        median(
            self.cells
                .get(&Cell { subject, kind })?
                .iter()
                .map(|sample| sample.1),
        )
    }

    /// Prints all tables and the bounds; whether every bound that could be checked is met.
    pub fn print(&self, rounds: u32, connections: u32) -> bool {
        println!("{rounds} rounds, {connections} connections each, all subjects interleaved");
        for kind in KINDS {
            self.print_kind(kind);
        }
        self.print_bounds()
    }

    fn print_kind(&self, kind: Kind) {
        println!("\n{}", kind.name());
        println!(
            "  {:<12} {:>9} {:>9} {:>10} {:>10} {:>12} {:>10}",
            "", "conn/s", "best", "CPU us", "least", "portreeve is", "its CPU"
        );
        for subject in Subject::ALL {
            let Some(samples) = self.cells.get(&Cell { subject, kind }) else {
                continue;
            };
            let rate = median(samples.iter().map(|sample| sample.0)).unwrap_or(0.0);
            let best = samples.iter().map(|sample| sample.0).fold(0.0, f64::max);
            let cpu = median(samples.iter().map(|sample| sample.1)).unwrap_or(0.0);
            let least = samples
                .iter()
                .map(|sample| sample.1)
                .fold(f64::INFINITY, f64::min);
            let times = self.rate(Subject::Portreeve, kind).map(|ours| ours / rate);
            let share = self.cpu(Subject::Portreeve, kind).map(|ours| ours / cpu);
            let name = subject.name();
            println!(
                "  {name:<12} {rate:>9.0} {best:>9.0} {cpu:>10.1} {least:>10.1} {:>12} {:>10}",
                times.map_or(String::new(), |times| format!("x {times:.2}")),
                share.map_or(String::new(), |share| format!("x {share:.2}")),
            );
        }
    }

    /// Each bound, what was measured, and whether it holds.
    fn print_bounds(&self) -> bool {
        use Subject::{DebianTcpd, Portreeve, Xinetd};
        println!("\nbounds");
        let mut all = true;
        let mut bound = |what: &str, measured: Option<f64>, holds: fn(f64) -> bool| {
            let Some(measured) = measured else { return };
            let verdict = if holds(measured) { "met" } else { "MISSED" };
            println!("  {what}: x {measured:.2}: {verdict}");
            all &= holds(measured);
        };
        for kind in [Kind::Accepted1, Kind::Accepted8] {
            let against = |peer| Some(self.rate(Portreeve, kind)? / self.rate(peer, kind)?);
            let name = kind.name();
            let what = format!("{name}: conn/s against inetd with Debian's tcpd, at least 3.5");
            bound(&what, against(DebianTcpd), |times| times >= 3.5);
            let what = format!("{name}: conn/s against xinetd, at least 1.0");
            bound(&what, against(Xinetd), |times| times >= 1.0);
        }
        for kind in [Kind::Refused1, Kind::Refused8] {
            let share = || Some(self.cpu(Portreeve, kind)? / self.cpu(Xinetd, kind)?);
            let what = format!("{}: CPU against xinetd, at most 0.10", kind.name());
            bound(&what, share(), |share| share <= 0.10);
        }
        all
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}
