//! The subjects, all before the same server, each in its own control group on its own port.

use crate::cpu::{Group, Hierarchy};
use crate::load::Kind;
use portreeve_tests::superserver::{install_portreeve, listens};
use portreeve_tests::{Arena, failure, paths, wait_for};
use std::fs;
use std::io;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Accept, vfork, exec, and nothing else.
    Floor,
    /// openbsd-inetd alone; it checks nobody.
    Inetd,
    /// openbsd-inetd and Debian's tcpd.
    DebianTcpd,
    /// openbsd-inetd and our tcpd.
    OurTcpd,
    /// xinetd with `only_from` and a file log.
    Xinetd,
    /// Portreeve: access checked, baseline confinement, records.
    Portreeve,
}

impl Subject {
    pub const ALL: [Subject; 6] = [
        Subject::Floor,
        Subject::Inetd,
        Subject::DebianTcpd,
        Subject::OurTcpd,
        Subject::Xinetd,
        Subject::Portreeve,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Subject::Floor => "floor",
            Subject::Inetd => "inetd",
            Subject::DebianTcpd => "debian-tcpd",
            Subject::OurTcpd => "our-tcpd",
            Subject::Xinetd => "xinetd",
            Subject::Portreeve => "portreeve",
        }
    }

    pub fn port(self) -> u16 {
        4101 + self as u16
    }

    /// What can be asked of it.
    pub fn kinds(self) -> &'static [Kind] {
        match self {
            Subject::Floor | Subject::Inetd => &[Kind::Accepted1, Kind::Accepted8],
            Subject::DebianTcpd => &[Kind::Accepted1, Kind::Accepted8, Kind::RefusedHeld],
            Subject::OurTcpd | Subject::Xinetd | Subject::Portreeve => &[
                Kind::Accepted1,
                Kind::Accepted8,
                Kind::Refused1,
                Kind::Refused8,
            ],
        }
    }

    /// Those that keep a file of records have kept one: who does not log has less to do.
    pub fn check_records(self) -> io::Result<()> {
        let (file, admitted, refused) = match self {
            Subject::Xinetd => (XINETD_LOG, "START: ", "FAIL: "),
            Subject::Portreeve => (PORTREEVE_LOG, "\"open\"", "\"refuse\""),
            _ => return Ok(()),
        };
        let text = fs::read_to_string(file)?;
        if text.contains(admitted) && text.contains(refused) {
            return Ok(());
        }
        Err(failure(format!("{file} lacks {admitted} or {refused}")))
    }

    /// Program and arguments, with the files they read written.
    fn command(self, arena: &Arena, line: &str) -> io::Result<Vec<String>> {
        let port = self.port();
        let file = arena
            .path(self.name())
            .with_extension("conf")
            .display()
            .to_string();
        let inetd = |server: &str, argument: &str| {
            let text = format!("127.0.0.1:{port} stream tcp4 nowait nobody {server} {argument}\n");
            fs::write(&file, text)?;
            // -R: its guard against loops would end a measurement after 256 connections.
            Ok(["/usr/sbin/inetd", "-i", "-R", "1000000", &file]
                .map(str::to_owned)
                .to_vec())
        };
        match self {
            Subject::Floor => {
                let bench = arena.install(&std::env::current_exe()?)?;
                let words = [
                    bench.display().to_string(),
                    "floor".into(),
                    port.to_string(),
                    line.into(),
                ];
                Ok(words.to_vec())
            }
            Subject::Inetd => inetd(line, "line"),
            Subject::DebianTcpd => inetd("/usr/sbin/tcpd", line),
            Subject::OurTcpd => inetd(&arena.install(&paths::tcpd())?.display().to_string(), line),
            Subject::Xinetd => {
                fs::write(&file, xinetd_conf(port, line))?;
                let xinetd = paths::xinetd().display().to_string();
                Ok([&xinetd, "-dontfork", "-f", &file].map(Into::into).to_vec())
            }
            Subject::Portreeve => {
                let file = arena.path("bench.toml").display().to_string();
                fs::write(&file, portreeve_toml(port, line))?;
                let portreeve = install_portreeve(arena)?.display().to_string();
                Ok([&portreeve, "run", &file].map(Into::into).to_vec())
            }
        }
    }
}

const XINETD_LOG: &str = "/var/log/xinetd.log";
const PORTREEVE_LOG: &str = "/var/log/portreeve/bench.jsonl";

fn xinetd_conf(port: u16, line: &str) -> String {
    format!(
        "defaults\n{{\n\tlog_type = FILE {XINETD_LOG}\n\
         \tlog_on_success = PID HOST EXIT DURATION\n\tlog_on_failure = HOST\n\
         \tinstances = UNLIMITED\n\tper_source = UNLIMITED\n\tcps = 0 1\n}}\n\
         service line\n{{\n\ttype = UNLISTED\n\tflags = IPv4 NOLIBWRAP\n\tbind = 127.0.0.1\n\
         \tport = {port}\n\tsocket_type = stream\n\tprotocol = tcp\n\twait = no\n\
         \tuser = nobody\n\tserver = {line}\n\tonly_from = 127.0.0.1\n}}\n"
    )
}

fn portreeve_toml(port: u16, line: &str) -> String {
    format!(
        "[log]\njson = \"{PORTREEVE_LOG}\"\n\n[service.line]\n\
         listen = [\"tcp:127.0.0.1:{port}\"]\nuser = \"nobody\"\nexec = [{line:?}]\n\
         hosts_access = \"line\"\n"
    )
}

/// A subject that runs.
pub struct RunningSubject {
    pub subject: Subject,
    pub group: Group,
    _child: Child,
}

/// Starts a subject in its group and waits until it listens.
pub fn start(subject: Subject, arena: &Arena, hierarchy: &Hierarchy) -> io::Result<RunningSubject> {
    let group = hierarchy.group(subject.name())?;
    let line = arena.install(&paths::line_server())?.display().to_string();
    let output = arena.path(subject.name()).with_extension("out");
    let file = fs::File::create(&output)?;
    let mut child = Command::new("/bin/sh")
        .args(["-c", "echo $$ >\"$0\" && exec \"$@\""])
        .arg(group.door())
        .args(subject.command(arena, &line)?)
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()?;
    let what = format!("{} to listen", subject.name());
    let ready = wait_for(&what, Duration::from_secs(10), || {
        let ended = child.try_wait().ok().flatten().is_some();
        (ended || listens(subject.port())).then_some(!ended)
    });
    if !matches!(ready, Ok(true)) {
        let said = fs::read_to_string(&output)?;
        let log: Vec<_> = arena
            .journal
            .messages()
            .iter()
            .map(|message| message.line())
            .collect();
        return Err(failure(format!(
            "{} does not listen: {said}{log:#?}",
            subject.name()
        )));
    }
    // One connection starts what is started late; then the processes are counted.
    crate::load::drive(subject.port(), Kind::Accepted1, 1)?;
    std::thread::sleep(Duration::from_millis(300));
    group.remember_idle()?;
    Ok(RunningSubject {
        subject,
        group,
        _child: child,
    })
}
