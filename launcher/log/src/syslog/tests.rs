use super::*;
use std::io::Read;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::time::{Duration, Instant};

/// A place for a logger's socket, gone when dropped.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir();
        let path = directory.join(format!("portreeve-log-{}-{name}", std::process::id()));
        drop(std::fs::remove_file(&path));
        Place(path)
    }

    fn logger(&self) -> UnixDatagram {
        drop(std::fs::remove_file(&self.0));
        let logger = UnixDatagram::bind(&self.0).unwrap();
        logger
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        logger
    }

    fn open(&self) -> Syslog {
        Syslog::open_at(&self.0, b"tcpd", Facility::LOG_DAEMON, false)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

fn next(logger: &UnixDatagram) -> String {
    let mut buffer = [0; 20_000];
    let length = logger.recv(&mut buffer).unwrap();
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

/// The line without `<PRI>` and time, and those two.
fn parts(line: &str) -> (&str, &str, &str) {
    let end = line.find('>').unwrap() + 1;
    (&line[..end], &line[end..end + 15], &line[end + 16..])
}

#[test]
fn a_line_has_the_form_that_glibc_gives_it() {
    let place = Place::new("form");
    let logger = place.logger();
    let mut log = Syslog::open_at(&place.0, b"in.ftpd", Facility::LOG_DAEMON, true);
    log.send(Severity::LOG_INFO, b"connect from 192.0.2.1 (192.0.2.1)");
    log.set_facility(Facility::LOG_LOCAL3);
    log.send(Severity::LOG_ERR, b"x");
    let line = next(&logger);
    let (priority, time, rest) = parts(&line);
    assert_eq!(priority, "<30>");
    assert_eq!(
        rest,
        format!(
            "in.ftpd[{}]: connect from 192.0.2.1 (192.0.2.1)",
            std::process::id()
        )
    );
    assert!(MONTHS.contains(&&time[..3]), "{time}");
    let shape: String = time[3..]
        .chars()
        .map(|c| if c.is_ascii_digit() { '9' } else { c })
        .collect();
    assert!(shape == " 99 99:99:99" || shape == "  9 99:99:99", "{time}");
    assert_eq!(parts(&next(&logger)).0, "<155>");
}

#[test]
fn the_time_is_local() {
    let place = Place::new("zone");
    let logger = place.logger();
    let mut log = place.open();
    let offset = jiff::tz::offset(9);
    let before = Timestamp::now();
    log.zone = TimeZone::fixed(offset);
    log.send(Severity::LOG_INFO, b"x");
    let line = next(&logger);
    let stamp = |time: Timestamp| {
        offset
            .to_datetime(time)
            .strftime("%b %e %H:%M:%S")
            .to_string()
    };
    let seen = parts(&line).1;
    assert!(
        seen == stamp(before) || seen == stamp(Timestamp::now()),
        "{seen}"
    );
}

#[test]
fn a_peer_cannot_forge_a_line() {
    let place = Place::new("forge");
    let logger = place.logger();
    let mut log = place.open();
    log.send(Severity::LOG_INFO, b"a\n<0>b\x1b[31m\0\x7f\t\xe9");
    let mut buffer = [0; 200];
    let length = logger.recv(&mut buffer).unwrap();
    assert!(buffer[..length].ends_with(b"a#012<0>b#033[31m#000#177#011\xe9"));
}

#[test]
fn a_long_line_is_cut() {
    let place = Place::new("long");
    let logger = place.logger();
    let mut log = place.open();
    log.send(Severity::LOG_INFO, &[b'a'; 100_000]);
    let line = next(&logger);
    let text = parts(&line).2.strip_prefix("tcpd: ").unwrap();
    assert_eq!(text.len(), TEXT_LIMIT);
    assert!(text.ends_with("aaa..."));
    log.send(Severity::LOG_INFO, &[b'a'; TEXT_LIMIT]);
    assert!(next(&logger).ends_with("aaaaaa"));
}

#[test]
fn a_restarted_logger_is_found_and_hears_of_the_gap() {
    let place = Place::new("restart");
    let mut log = place.open();
    log.send(Severity::LOG_INFO, b"nobody there");
    let logger = place.logger();
    log.send(Severity::LOG_INFO, b"one");
    assert!(next(&logger).ends_with("tcpd: one"));
    let gap = next(&logger);
    assert!(
        gap.starts_with("<28>") && gap.ends_with("tcpd: 1 messages lost"),
        "{gap}"
    );
    drop(logger);
    log.send(Severity::LOG_INFO, b"two");
    log.send(Severity::LOG_INFO, b"three");
    let logger = place.logger();
    log.send(Severity::LOG_INFO, b"four");
    log.send(Severity::LOG_INFO, b"five");
    assert!(next(&logger).ends_with("four"));
    assert!(next(&logger).ends_with("2 messages lost"));
    assert!(next(&logger).ends_with("five"));
    assert_eq!(log.lost(), 3);
}

#[test]
fn a_logger_that_does_not_read_costs_one_short_wait() {
    let place = Place::new("stuck");
    let logger = place.logger();
    let mut log = place.open();
    let start = Instant::now();
    while log.lost() == 0 {
        log.send(Severity::LOG_INFO, b"x");
        assert!(start.elapsed() < Duration::from_secs(20));
    }
    let waited = start.elapsed();
    assert!(waited >= Duration::from_millis(80), "{waited:?}");
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    let start = Instant::now();
    for _ in 0..1000 {
        log.send(Severity::LOG_INFO, b"x");
    }
    assert!(
        start.elapsed() < Duration::from_millis(90),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(log.lost(), 1001);
    logger.set_nonblocking(true).unwrap();
    while logger.recv(&mut [0; 100]).is_ok() {}
    log.send(Severity::LOG_INFO, b"back");
    assert!(next(&logger).ends_with("back"));
    assert!(next(&logger).ends_with("1001 messages lost"));
}

#[test]
fn a_stream_logger_is_served_too_and_found_again() {
    let place = Place::new("stream");
    let listener = UnixListener::bind(&place.0).unwrap();
    let mut log = place.open();
    log.send(Severity::LOG_INFO, b"one");
    log.send(Severity::LOG_INFO, b"two");
    let (mut stream, _) = listener.accept().unwrap();
    let mut buffer = [0; 1000];
    let length = stream.read(&mut buffer).unwrap();
    let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
    let lines: Vec<_> = text
        .split_terminator('\0')
        .map(|line| parts(line).2)
        .collect();
    assert_eq!(lines, ["tcpd: one", "tcpd: two"]);
    drop(stream);
    log.send(Severity::LOG_INFO, b"three");
    let (mut stream, _) = listener.accept().unwrap();
    let length = stream.read(&mut buffer).unwrap();
    assert!(String::from_utf8_lossy(&buffer[..length]).ends_with("three\0"));
    assert_eq!(log.lost(), 0);
}

#[test]
fn a_process_that_lost_the_path_still_reaches_its_logger() {
    let place = Place::new("lost-path");
    let logger = place.logger();
    let mut log = place.open();
    std::fs::remove_file(&place.0).unwrap();
    log.send(Severity::LOG_INFO, b"from inside");
    assert!(next(&logger).ends_with("from inside"));
    assert_eq!(log.lost(), 0);
    drop(logger);
    log.send(Severity::LOG_INFO, b"nobody there");
    assert_eq!(log.lost(), 1);
}

#[test]
fn who_never_waits_keeps_lines_in_their_order() {
    let place = Place::new("backlog");
    let logger = place.logger();
    let mut log = place.open();
    log.never_wait();
    let start = Instant::now();
    for number in 0..2000 {
        log.send(Severity::LOG_INFO, format!("line {number}").as_bytes());
    }
    assert!(log.has_backlog(), "the queue of a socket is shorter");
    assert!(start.elapsed() < Duration::from_secs(2));
    for number in 0..2000 {
        let line = next(&logger);
        assert!(line.ends_with(&format!("tcpd: line {number}")), "{line}");
        log.flush();
    }
    assert_eq!((log.has_backlog(), log.lost()), (false, 0));
}
