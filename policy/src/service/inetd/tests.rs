use super::*;
use crate::diagnostic::Severity;
use crate::service::{Account, Builtin, Limits, Mode, PerSource, Port, Server, Service, Transport};

fn parse(text: &str) -> Service {
    let reading = read(0, text.as_bytes());
    assert_eq!(reading.diagnostics, [], "{text}");
    assert_eq!(reading.services.len(), 1, "{text}");
    reading.services.into_iter().next().unwrap()
}

/// The text that the only diagnostic marks, and what it says.
fn refusal(text: &str) -> (String, String) {
    let reading = read(7, text.as_bytes());
    assert_eq!(reading.services, [], "{text}");
    let [diagnostic] = reading.diagnostics.as_slice() else {
        panic!("{:?}", reading.diagnostics)
    };
    assert_eq!((diagnostic.file, diagnostic.severity), (7, Severity::Error));
    assert_eq!(diagnostic.consequence, NOT_STARTED);
    (
        text[diagnostic.span.clone()].to_owned(),
        diagnostic.what.clone(),
    )
}

fn warning(text: &str) -> (String, String) {
    let reading = read(0, text.as_bytes());
    assert_eq!(
        reading.services.len(),
        1,
        "{text}: {:?}",
        reading.diagnostics
    );
    let [diagnostic] = reading.diagnostics.as_slice() else {
        panic!("{:?}", reading.diagnostics)
    };
    assert_eq!(diagnostic.severity, Severity::Warning);
    (
        text[diagnostic.span.clone()].to_owned(),
        diagnostic.what.clone(),
    )
}

/// Each socket as text: `tcp 0.0.0.0 ftp`, `+` for one that takes both families, `?` for an
/// implied one.
fn sockets(service: &Service) -> Vec<String> {
    let socket = |listen: &crate::service::Listen| {
        let port = match &listen.port {
            Port::Number(number) => number.to_string(),
            Port::Name(name) => name.clone(),
        };
        let marks = [(listen.dual, "+"), (listen.implied, "?")];
        let marks: String = marks
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, mark)| *mark)
            .collect();
        format!(
            "{} {} {port}{marks}",
            listen.transport.name(),
            listen.address
        )
    };
    service.listen.iter().map(socket).collect()
}

fn argv(service: &Service) -> (String, Vec<String>) {
    let Server::External(program) = &service.server else {
        panic!("builtin")
    };
    let text = |string: &std::ffi::CString| string.to_str().unwrap().to_owned();
    (text(&program.path), program.argv.iter().map(text).collect())
}

fn account(service: &Service) -> &Account {
    let Server::External(program) = &service.server else {
        panic!("builtin")
    };
    &program.account
}

#[test]
fn an_entry_is_read_column_by_column() {
    let text = "# a comment\n\nftp\tstream tcp  nowait\troot /usr/sbin/ftpd  ftpd -l -A\n";
    let service = parse(text);
    assert_eq!(service.id, "ftp");
    assert_eq!(sockets(&service), ["tcp 0.0.0.0 ftp", "tcp :: ftp?"]);
    assert_eq!(service.mode, Mode::Nowait);
    assert_eq!(
        argv(&service),
        (
            "/usr/sbin/ftpd".into(),
            vec!["ftpd".into(), "-l".into(), "-A".into()]
        )
    );
    assert_eq!(account(&service).user, "root");
    assert_eq!(service.hosts_access, None);
    assert_eq!(service.limits, Limits::default());
    assert_eq!(service.profile.name, "baseline");
    assert_eq!(service.origin.line, 3);
    assert_eq!(service.origin.span, 13..text.len() - 1);
}

#[test]
fn a_tcpd_in_the_server_column_is_folded() {
    for tcpd in ["/usr/sbin/tcpd", "/usr/local/libexec/tcpd"] {
        let service = parse(&format!(
            "www stream tcp nowait www {tcpd} /opt/bin/httpd /var/www\n"
        ));
        assert_eq!(
            argv(&service),
            (
                "/opt/bin/httpd".into(),
                vec!["httpd".into(), "/var/www".into()]
            )
        );
        assert_eq!(service.hosts_access.as_deref(), Some(&b"httpd"[..]));
    }
    let service = parse("pop-3 stream tcp nowait root /usr/sbin/tcpd ipop3d -x\n");
    assert_eq!(
        argv(&service),
        (
            "/usr/sbin/ipop3d".into(),
            vec!["ipop3d".into(), "-x".into()]
        )
    );
    assert_eq!(service.hosts_access.as_deref(), Some(&b"ipop3d"[..]));
    let service = parse("x stream tcp nowait root /usr/sbin/tcpd sub/d\n");
    assert_eq!(
        argv(&service),
        ("/usr/sbin/sub/d".into(), vec!["sub/d".into()])
    );
    assert_eq!(service.hosts_access.as_deref(), Some(&b"sub/d"[..]));
    let long = "d".repeat(200);
    let service = parse(&format!("x stream tcp nowait root /usr/sbin/tcpd {long}\n"));
    assert_eq!(service.hosts_access, Some(vec![b'd'; 127]));
    assert_eq!(argv(&service).1, [long]);
}

#[test]
fn a_tcpd_that_cannot_check_is_refused() {
    assert!(
        refusal("x stream tcp nowait root /usr/sbin/tcpd\n")
            .1
            .contains("not told which server")
    );
    assert!(
        refusal("x stream tcp nowait root /usr/sbin/tcpd /usr/sbin/\n")
            .1
            .contains("a directory")
    );
    let (place, what) = refusal("x stream tcp wait root /usr/sbin/tcpd in.x\n");
    assert!(
        place == "wait" && what.contains("accepts itself"),
        "{place} {what}"
    );
}

#[test]
fn protocols_and_addresses_give_sockets() {
    for (columns, expected) in [
        ("ftp stream tcp4", vec!["tcp 0.0.0.0 ftp"]),
        ("ftp stream tcp6", vec!["tcp :: ftp"]),
        ("ftp stream tcp6only", vec!["tcp :: ftp"]),
        ("ftp stream tcp46", vec!["tcp :: ftp+"]),
        ("ftp stream tcp64", vec!["tcp :: ftp+"]),
        ("3142 stream tcp4", vec!["tcp 0.0.0.0 3142"]),
        ("127.0.0.1:21 stream tcp", vec!["tcp 127.0.0.1 21"]),
        ("127.0.0.1:21 stream tcp46", vec!["tcp 127.0.0.1 21"]),
        ("[::1]:ftp stream tcp6", vec!["tcp ::1 ftp"]),
        ("[::1]:ftp stream tcp", vec!["tcp ::1 ftp"]),
        (
            "192.0.2.1,[2001:db8::1]:ftp stream tcp",
            vec!["tcp 192.0.2.1 ftp", "tcp 2001:db8::1 ftp"],
        ),
        ("*:ftp stream tcp", vec!["tcp 0.0.0.0 ftp", "tcp :: ftp?"]),
        (
            "localhost:ftp stream tcp",
            vec!["tcp 127.0.0.1 ftp", "tcp ::1 ftp?"],
        ),
        ("localhost:ftp stream tcp6", vec!["tcp ::1 ftp"]),
    ] {
        let service = parse(&format!("{columns} nowait root /x x\n"));
        assert_eq!(sockets(&service), expected, "{columns}");
    }
    let service = parse("ntalk dgram udp4 wait root /x x\n");
    assert_eq!(sockets(&service), ["udp 0.0.0.0 ntalk"]);
    assert_eq!(
        (service.mode, service.transport()),
        (Mode::Wait, Transport::Udp)
    );
}

#[test]
fn an_address_alone_is_the_default_of_what_follows() {
    let text = "127.0.0.1:\na stream tcp nowait u /x x\n*:b stream tcp4 nowait u /x x\n*:\nc stream tcp4 nowait u /x x\n";
    let reading = read(0, text.as_bytes());
    assert_eq!(reading.diagnostics, []);
    let found: Vec<String> = reading.services.iter().flat_map(sockets).collect();
    assert_eq!(found, ["tcp 127.0.0.1 a", "tcp 0.0.0.0 b", "tcp 0.0.0.0 c"]);
}

#[test]
fn an_unknown_default_address_opens_nothing() {
    let text = "no.such.host:\na stream tcp nowait u /x x\n*:b stream tcp nowait u /x x\n";
    let reading = read(0, text.as_bytes());
    assert_eq!(reading.services.len(), 1);
    assert_eq!(reading.services[0].id, "b");
    let places: Vec<&str> = reading
        .diagnostics
        .iter()
        .map(|d| &text[d.span.clone()])
        .collect();
    assert_eq!(places, ["no.such.host:", "a"]);
}

#[test]
fn limits_after_wait_and_nowait() {
    let limits = |wait: &str| parse(&format!("x stream tcp {wait} root /x x\n")).limits;
    assert_eq!(limits("nowait.100").per_minute, Some(100));
    assert_eq!(limits("nowait:100").per_minute, Some(100));
    assert_eq!(limits("wait:100").per_minute, Some(100));
    assert_eq!(limits("nowait/400").instances, Some(400));
    assert_eq!(limits("nowait/0"), Limits::default());
    let per_source = Some(PerSource {
        v4: 2,
        v6: 2,
        v6_prefix: 128,
    });
    assert_eq!(
        limits("nowait/0/0/2"),
        Limits {
            per_source,
            ..Limits::default()
        }
    );
}

#[test]
fn users_and_groups() {
    let read = |user: &str| account(&parse(&format!("x stream tcp nowait {user} /x x\n"))).clone();
    let plain = Account {
        user: "nobody".into(),
        group: None,
        supplementary: true,
        dotted: false,
    };
    assert_eq!(read("nobody"), plain);
    assert_eq!(read("nobody").whole_name(), None);
    let group = Account {
        group: Some("tty".into()),
        supplementary: false,
        ..plain
    };
    assert_eq!(read("nobody:tty"), group);
    assert_eq!(
        read("nobody.tty"),
        Account {
            dotted: true,
            ..group
        }
    );
    assert_eq!(
        read("nobody.tty").whole_name().as_deref(),
        Some("nobody.tty")
    );
    assert_eq!(read("1000").user, "1000");
}

#[test]
fn builtins_by_name() {
    let service = parse("echo stream tcp nowait root internal\n");
    assert_eq!(service.server, Server::Builtin(Builtin::Echo));
    let service = parse("time dgram udp wait root internal\n");
    assert_eq!(
        (service.server, service.mode),
        (Server::Builtin(Builtin::Time), Mode::Nowait)
    );
    let (place, what) = refusal("auth stream tcp nowait root internal auth -r\n");
    assert!(place == "internal" && what.contains("`auth`"));
}

#[test]
fn quotes_join_arguments_and_must_close() {
    let service = parse("x stream tcp nowait root /x x 'a b' \"it's\" --k=\"v w\" ''\n");
    assert_eq!(argv(&service).1, ["x", "a b", "it's", "--k=v w", ""]);
    let (place, _) = refusal("x stream tcp nowait root /x x don't do\n");
    assert_eq!(place, "'");
}

#[test]
fn an_entry_goes_on_over_lines() {
    for text in [
        "x stream tcp nowait root /x x -a\n\t-b 'c d'\n",
        "x stream tcp \\\nnowait root /x x -a \\\n-b 'c d'\n",
    ] {
        assert_eq!(argv(&parse(text)).1, ["x", "-a", "-b", "c d"], "{text}");
    }
    // Not after a comment or an empty line, where it begins an entry.
    let service = parse("# services\n  x stream tcp nowait root /x x\n");
    assert_eq!(service.id, "x");
    let (place, what) = warning("x stream tcp nowait root /x x\n y stream tcp nowait root /y y\n");
    assert!(place == "stream" && what.contains("continues the one before"));
}

#[test]
fn what_is_worth_knowing_is_said() {
    assert_eq!(warning("x stream tcp nowait root /x x -a # why\n").0, "#");
    assert_eq!(
        warning("x stream tcp,rcvbuf=1k nowait root /x x\n").0,
        "tcp,rcvbuf=1k"
    );
    assert_eq!(warning("x stream tcp nowait root /x\n").0, "/x");
    assert_eq!(warning("x stream tcp nowait root /x x\r\n").0, "\r");
    let reading = read(0, b"x stream tcp nowait root /x x\r\n");
    assert_eq!(argv(&reading.services[0]).1, ["x"]);
}

#[test]
fn each_bad_column_is_marked() {
    for (text, place) in [
        ("x", "x"),
        (".include \"/etc/inetd.d/*\"", ".include \"/etc/inetd.d/*\""),
        ("x stream tcp nowait root", "x stream tcp nowait root"),
        ("x raw tcp nowait root /x x", "raw"),
        ("x dgram tcp nowait root /x x", "dgram"),
        ("x stream udp nowait root /x x", "stream"),
        ("x stream sctp nowait root /x x", "sctp"),
        ("x stream tcp5 nowait root /x x", "tcp5"),
        ("x stream tcp,foo=1 nowait root /x x", "tcp,foo=1"),
        ("rstatd/1-3 dgram rpc/udp wait root /x x", "rstatd/1-3"),
        ("/run/x stream unix nowait root /x x", "/run/x"),
        ("tcpmux/+date stream tcp nowait root /x x", "tcpmux/+date"),
        ("0 stream tcp nowait root /x x", "0"),
        ("65536 stream tcp nowait root /x x", "65536"),
        ("a:b:ftp stream tcp nowait root /x x", "a:b:ftp"),
        ("::1:ftp stream tcp nowait root /x x", "::1:ftp"),
        (
            "mail.example.org:smtp stream tcp nowait root /x x",
            "mail.example.org:smtp",
        ),
        ("127.0.0.1:ftp stream tcp6 nowait root /x x", "tcp6"),
        ("[::1]:ftp stream tcp4 nowait root /x x", "tcp4"),
        ("x stream tcp waut root /x x", "waut"),
        ("x stream tcp nowait.0 root /x x", "nowait.0"),
        ("x stream tcp nowait. root /x x", "nowait."),
        ("x stream tcp nowait.x root /x x", "nowait.x"),
        ("x stream tcp nowait/3/10 root /x x", "nowait/3/10"),
        ("x stream tcp nowait/1/0/1/1 root /x x", "nowait/1/0/1/1"),
        ("x stream tcp wait/0/0/2 root /x x", "wait/0/0/2"),
        ("x dgram udp nowait root /x x", "nowait"),
        ("x stream tcp nowait root: /x x", "root:"),
        ("x stream tcp nowait root/daemon /x x", "root/daemon"),
        ("x stream tcp nowait root bin/x x", "bin/x"),
        ("x stream tcp nowait root D:/x x", "D:/x"),
        ("x stream tcp nowait root /usr/sbin/ x", "/usr/sbin/"),
        ("x stream tcp nowait root /x x a\0b", "a\0b"),
        ("<<<<<<< HEAD", "<<<<<<< HEAD"),
    ] {
        let (marked, what) = refusal(&format!("{text}\n"));
        assert_eq!(marked, place, "{text}: {what}");
        assert_eq!(refusal(text).0, place, "without a final newline");
    }
}

#[test]
fn a_bad_line_leaves_the_others() {
    let text = "a stream tcp nowait root /a a\nb stream\nc stream tcp nowait root /c c\n";
    let reading = read(0, text.as_bytes());
    let ids: Vec<&str> = reading.services.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["a", "c"]);
    assert_eq!(reading.diagnostics.len(), 1);
}

/// The shapes of lines that Debian's packages write with update-inetd.
#[test]
fn debian_packages_lines() {
    for line in [
        "3142\tstream\ttcp\tnowait\twww-data\t/usr/sbin/apt-cacher\tapt-cacher\t-i",
        "ident\t\tstream\ttcp\tnowait\tidentd /usr/sbin/ident2 ident2 -i -n",
        "dict stream tcp nowait dictd.dictd /usr/sbin/tcpd /usr/sbin/dictd --inetd",
        "ntalk dgram udp4 wait root /usr/sbin/tcpd /usr/sbin/talkd",
        "www stream tcp nowait nobody:www-data /usr/sbin/tcpd /usr/sbin/micro-httpd /var/www/html",
        "sane-port stream tcp nowait saned:saned /usr/sbin/saned saned",
        "https stream tcp nowait root /usr/sbin/tcpd /usr/sbin/sslh -i -s localhost:22",
        "#:INFO: Info services\nfinger stream tcp nowait nobody /usr/sbin/tcpd /usr/sbin/in.fingerd",
    ] {
        parse(line);
    }
    let reading = read(
        0,
        b"#<off># ftp stream tcp nowait root /usr/sbin/tcpd /usr/sbin/in.ftpd\n",
    );
    assert_eq!(reading, Reading::default());
}
