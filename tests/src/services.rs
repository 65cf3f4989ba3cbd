//! The four servers of the compliance tests, written down for each super-server.

use crate::arena::HOME;
use crate::{arena, tree};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

/// The client's address that `hosts.deny` names.
pub const REFUSED: [u8; 4] = [127, 0, 0, 2];

/// The client's address that nothing names.
pub const ADMITTED: [u8; 4] = [127, 0, 0, 1];

/// The unprivileged user that rsync runs as, with a group of its own.
pub const COURIER: u32 = 2001;

/// The courier's supplementary group.
pub const PARCELS: u32 = 2002;

/// What tftpd serves as `greeting`.
pub const GREETING: &[u8] = b"Good morning from the port.\n";

/// One server behind a super-server.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// Its name in /etc/services.
    pub name: &'static str,
    /// Its port there.
    pub port: u16,
    /// `tcp` or `udp`.
    pub protocol: &'static str,
    /// The user to run as.
    pub user: &'static str,
    /// Program and arguments.
    pub argv: &'static [&'static str],
}

impl Service {
    /// The name in `hosts.allow` and in the log: the program's last path component.
    #[must_use]
    pub fn daemon(&self) -> &'static str {
        self.argv
            .first()
            .and_then(|path| path.rsplit('/').next())
            .unwrap_or_default()
    }

    fn stream(&self) -> bool {
        self.protocol == "tcp"
    }

    /// The line of an `inetd.conf`, with tcpd in the server column.
    ///
    /// Source: inetd.conf(5), tcpd(8).
    #[must_use]
    pub fn inetd_line(&self) -> String {
        let (kind, wait) = if self.stream() {
            ("stream", "nowait")
        } else {
            ("dgram", "wait")
        };
        let Service {
            name,
            protocol,
            user,
            argv,
            ..
        } = self;
        format!(
            "{name} {kind} {protocol} {wait} {user} /usr/sbin/tcpd {}\n",
            argv.join(" ")
        )
    }

    /// The entry of a `xinetd.conf`, with tcpd as the server and xinetd's own check off.
    ///
    /// Source: xinetd.conf(5).
    #[must_use]
    pub fn xinetd_entry(&self) -> String {
        let (kind, wait) = if self.stream() {
            ("stream", "no")
        } else {
            ("dgram", "yes")
        };
        let Service {
            name,
            protocol,
            user,
            argv,
            ..
        } = self;
        format!(
            "service {name}\n{{\n\tflags = NAMEINARGS NOLIBWRAP IPv4\n\tsocket_type = {kind}\n\
             \tprotocol = {protocol}\n\twait = {wait}\n\tuser = {user}\n\tgroups = yes\n\
             \tserver = /usr/sbin/tcpd\n\tserver_args = {}\n}}\n",
            argv.join(" ")
        )
    }

    /// The table of a `portreeve.toml`.
    #[must_use]
    pub fn native_table(&self) -> String {
        let wait = if self.stream() { "" } else { "wait = true\n" };
        let Service {
            name,
            port,
            protocol,
            user,
            argv,
        } = self;
        format!(
            "[service.{name}]\nlisten = [\"{protocol}:{port}\"]\nuser = \"{user}\"\n\
             exec = {argv:?}\n{wait}"
        )
    }
}

/// rsync as a daemon that serves the generated tree.
pub const RSYNC: Service = Service {
    name: "rsync",
    port: 873,
    protocol: "tcp",
    user: "courier",
    argv: &["/usr/bin/rsync", "--daemon", "--config=/etc/rsyncd.conf"],
};

/// inetutils-telnetd.
pub const TELNET: Service = Service {
    name: "telnet",
    port: 23,
    protocol: "tcp",
    user: "root",
    argv: &["/usr/sbin/telnetd"],
};

/// Debian's fingerd.
pub const FINGER: Service = Service {
    name: "finger",
    port: 79,
    protocol: "tcp",
    user: "nobody",
    argv: &["/usr/sbin/in.fingerd"],
};

/// tftpd-hpa, which changes its root itself.
pub const TFTP: Service = Service {
    name: "tftp",
    port: 69,
    protocol: "udp",
    user: "root",
    argv: &["/usr/sbin/in.tftpd", "-s", "/run/arena/tftp"],
};

/// All four.
pub const ALL: [Service; 4] = [RSYNC, TELNET, FINGER, TFTP];

/// Where the tree is seen inside.
#[must_use]
pub fn mirror() -> &'static Path {
    Path::new("/run/arena/mirror")
}

/// Writes the arena's configuration files and brings the tree in.
///
/// # Errors
/// A file cannot be written.
pub(crate) fn write_files() -> io::Result<()> {
    append(
        "/etc/passwd",
        &format!("courier:x:{COURIER}:{COURIER}::/nonexistent:/bin/false\n"),
    )?;
    append(
        "/etc/group",
        &format!("courier:x:{COURIER}:\nparcels:x:{PARCELS}:courier\n"),
    )?;
    fs::write("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")?;
    fs::write(
        "/etc/nsswitch.conf",
        "passwd: files\ngroup: files\nshadow: files\nhosts: files\n",
    )?;
    // A symbolic link on many machines, to a place that the arena does not have.
    fs::remove_file("/etc/resolv.conf").or_else(ignore_missing)?;
    fs::write("/etc/resolv.conf", "")?;
    fs::write("/etc/hosts.allow", "# Nobody in particular.\n")?;
    fs::write("/etc/hosts.deny", "ALL: 127.0.0.2\n")?;
    fs::write(
        "/etc/rsyncd.conf",
        format!(
            "use chroot = no\n[mirror]\npath = {}\nread only = yes\n",
            mirror().display()
        ),
    )?;
    fs::create_dir(format!("{HOME}/tftp"))?;
    fs::write(format!("{HOME}/tftp/greeting"), GREETING)?;
    fs::create_dir(mirror())?;
    arena::bind(&tree::source()?, mirror())?;
    fs::write(
        "/etc/inetd.conf",
        ALL.iter().map(Service::inetd_line).collect::<String>(),
    )?;
    let mut xinetd = String::from("defaults\n{\n\tlog_type = SYSLOG daemon info\n}\n");
    xinetd.extend(ALL.iter().map(Service::xinetd_entry));
    fs::write("/etc/xinetd.conf", xinetd)?;
    let mut native = String::from("[log]\njson = \"/var/log/portreeve/audit.jsonl\"\n\n");
    for service in &ALL {
        let _ = writeln!(native, "{}", service.native_table());
    }
    fs::write("/etc/portreeve.toml", native)
}

fn append(path: &str, text: &str) -> io::Result<()> {
    let old = fs::read_to_string(path)?;
    fs::write(path, old + text)
}

fn ignore_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound {
        Ok(())
    } else {
        Err(error)
    }
}
