//! Measures Portreeve beside its peers: the same one-line server, the same clients, one run,
//! rounds of all subjects interleaved in changing order.

mod cpu;
mod floor;
mod load;
mod report;
mod subject;

use load::Kind;
use portreeve_tests::{Arena, arena, failure};
use report::{Cell, Samples};
use std::io;
use std::process::ExitCode;
use subject::Subject;

const USAGE: &str = "\
usage: bench [--rounds N] [--connections N] [--skip SUBJECT]... [--check]

  --rounds N       rounds of all subjects (default 20)
  --connections N  connections of one subject in one round (default 200)
  --skip SUBJECT   leave a subject out: floor, inetd, debian-tcpd, our-tcpd, xinetd, portreeve
  --check          exit with status 1 when a bound is missed
";

/// Debian's tcpd holds each refused client for five seconds: these rounds are few, with many
/// clients at once, and only their CPU time means something.
const HELD_ROUNDS: u32 = 3;

struct Options {
    rounds: u32,
    connections: u32,
    skip: Vec<String>,
    check: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> io::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, port, server] = arguments.as_slice()
        && first == "floor"
    {
        return floor::serve(port, server);
    }
    let Some(options) = parse(&arguments)? else {
        print!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    if std::env::var_os(arena::INSIDE).is_none() {
        let status = arena::unshare(&std::env::current_exe()?)
            .args(&arguments)
            .status()?;
        return Ok(ExitCode::from(
            u8::try_from(status.code().unwrap_or(2)).unwrap_or(2),
        ));
    }
    measure(&Arena::enter()?, &options)
}

fn parse(arguments: &[String]) -> io::Result<Option<Options>> {
    let mut options = Options {
        rounds: 20,
        connections: 200,
        skip: Vec::new(),
        check: false,
    };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .ok_or_else(|| failure(format!("{word} needs a value")))
        };
        match word.as_str() {
            "--rounds" => options.rounds = value()?.parse().map_err(io::Error::other)?,
            "--connections" => options.connections = value()?.parse().map_err(io::Error::other)?,
            "--skip" => options.skip.push(value()?.clone()),
            "--check" => options.check = true,
            "--help" => return Ok(None),
            other => return Err(failure(format!("unknown option {other}\n{USAGE}"))),
        }
    }
    Ok(Some(options))
}

fn measure(arena: &Arena, options: &Options) -> io::Result<ExitCode> {
    let hierarchy = cpu::Hierarchy::mount(arena)?;
    let wanted = Subject::ALL
        .into_iter()
        .filter(|one| !options.skip.iter().any(|s| s == one.name()));
    let running = wanted
        .map(|one| subject::start(one, arena, &hierarchy))
        .collect::<io::Result<Vec<_>>>()?;
    let mut samples = Samples::default();
    let mut order = Shuffle(0x2545_f491_4f6c_dd1d);
    // Round 0 warms caches and is not counted.
    for round in 0..=options.rounds {
        let mut cells: Vec<_> = running
            .iter()
            .flat_map(|one| one.subject.kinds().iter().map(move |kind| (one, *kind)))
            .filter(|(_, kind)| *kind != Kind::RefusedHeld || round <= HELD_ROUNDS)
            .collect();
        order.shuffle(&mut cells);
        for (one, kind) in cells {
            arena.journal.clear();
            let before = one.group.usage()?;
            let (taken, count) = load::drive(one.subject.port(), kind, options.connections)?;
            one.group.settle()?;
            let used = one.group.usage()? - before;
            if round > 0 {
                samples.add(
                    Cell {
                        subject: one.subject,
                        kind,
                    },
                    count,
                    taken,
                    used,
                );
            }
        }
    }
    running
        .iter()
        .try_for_each(|one| one.subject.check_records())?;
    arena.sweep()?;
    hierarchy.remove()?;
    let met = samples.print(options.rounds, options.connections);
    Ok(if met || !options.check {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Fisher and Yates over xorshift64: any order is as good as another, only not always the same.
struct Shuffle(u64);

impl Shuffle {
    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            let other = usize::try_from(self.0 % (last as u64 + 1)).unwrap_or(0);
            items.swap(last, other);
        }
    }
}
