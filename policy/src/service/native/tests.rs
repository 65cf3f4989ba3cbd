use super::*;
use crate::diagnostic::Severity;
use crate::profile::{Access, Profile};
use crate::service::{Builtin, Mode, PerSource, Server, Transport};
use proptest::prelude::*;

const RSYNC: &str = r#"
[service.rsync]
listen = ["tcp:873"]
user = "rsync"
exec = ["/usr/bin/rsync", "--daemon"]
"#;

fn good(text: &str) -> Configuration {
    let configuration = read(0, text.as_bytes());
    assert_eq!(configuration.diagnostics, [], "{text}");
    assert!(!configuration.unusable);
    configuration
}

fn service(text: &str) -> Service {
    let mut services = good(text).services;
    assert_eq!(services.len(), 1);
    services.remove(0)
}

/// What the only diagnostic marks, what it says, and what follows.
fn bad(text: &str) -> (String, String, String) {
    let configuration = read(3, text.as_bytes());
    let [diagnostic] = configuration.diagnostics.as_slice() else {
        panic!("{text}: {:?}", configuration.diagnostics)
    };
    assert_eq!((diagnostic.file, diagnostic.severity), (3, Severity::Error));
    let place = text[diagnostic.span.clone()].to_owned();
    (
        place,
        diagnostic.what.clone(),
        diagnostic.consequence.clone(),
    )
}

#[test]
fn a_service_with_everything() {
    let service = service(
        r#"
        [service.rsync]
        listen = ["tcp:192.0.2.1:873", "tcp:[2001:db8::1]:rsync", "tcp46:8730"]
        user = "rsync:mirror"
        exec = ["/usr/bin/rsync", "--daemon", "a b"]
        hosts_access = "rsyncd"
        profile = "rsync-read"
        instances = 40
        per_minute = 600
        per_source = { v4 = 4, v6 = 5, v6_prefix = 56 }
        env = { LANG = "C", EMPTY = "" }
        sandbox.ReadOnlyPaths = ["/srv/mirror"]
        sandbox.UMask = "027"
        "#,
    );
    assert_eq!(service.id, "rsync");
    let places: Vec<String> = service
        .listen
        .iter()
        .map(|l| format!("{} {:?} {}", l.address, l.port, l.dual))
        .collect();
    assert_eq!(
        places,
        [
            "192.0.2.1 Number(873) false",
            "2001:db8::1 Name(\"rsync\") false",
            ":: Number(8730) true"
        ]
    );
    let Server::External(program) = &service.server else {
        panic!()
    };
    assert_eq!(program.path.as_c_str(), c"/usr/bin/rsync");
    assert_eq!(
        program.argv,
        [
            c"/usr/bin/rsync".into(),
            c"--daemon".into(),
            std::ffi::CString::from(c"a b")
        ]
    );
    assert_eq!(program.account.group.as_deref(), Some("mirror"));
    assert!(!program.account.supplementary && !program.account.dotted);
    assert_eq!(service.hosts_access.as_deref(), Some(&b"rsyncd"[..]));
    assert_eq!(
        (service.limits.instances, service.limits.per_minute),
        (Some(40), Some(600))
    );
    assert_eq!(
        service.limits.per_source,
        Some(PerSource {
            v4: 4,
            v6: 5,
            v6_prefix: 56
        })
    );
    assert_eq!(
        service.environment,
        [c"EMPTY=".into(), std::ffi::CString::from(c"LANG=C")]
            .iter()
            .rev()
            .cloned()
            .collect::<Vec<_>>()
    );
    assert_eq!(
        (service.profile.name.as_str(), service.profile.changed),
        ("rsync-read", true)
    );
    let grants = service.profile.filesystem.unwrap().grants;
    assert!(
        grants
            .iter()
            .any(|g| g.path == "/srv/mirror" && g.access == Access::Read)
    );
    assert_eq!(service.profile.umask, Some(0o27));
    assert_eq!(service.origin.line, 2);
}

#[test]
fn what_is_not_written() {
    let service = service(RSYNC);
    assert_eq!(service.hosts_access.as_deref(), Some(&b"rsync"[..]));
    assert_eq!(service.profile, Profile::baseline());
    assert_eq!(service.limits, crate::service::Limits::default());
    assert_eq!((service.mode, service.environment.len()), (Mode::Nowait, 0));
    let implied: Vec<bool> = service.listen.iter().map(|l| l.implied).collect();
    assert_eq!(implied, [false, true]);
    let configuration = good("");
    assert_eq!(configuration, Configuration::default());
    assert_eq!(good(&format!("\u{feff}{RSYNC}")).services.len(), 1);
}

#[test]
fn a_builtin_and_a_datagram_server() {
    let daytime = service("[service.day]\nlisten = [\"udp:13\"]\nbuiltin = \"daytime\"\n");
    assert_eq!(daytime.server, Server::Builtin(Builtin::Daytime));
    assert_eq!(daytime.hosts_access.as_deref(), Some(&b"daytime"[..]));
    let tftp = service(
        "[service.tftp]\nlisten = [\"udp4:*:69\"]\nuser = \"root\"\nexec = [\"/t\"]\nwait = true\nhosts_access = false\n",
    );
    assert_eq!(
        (tftp.mode, tftp.transport(), tftp.hosts_access),
        (Mode::Wait, Transport::Udp, None)
    );
}

#[test]
fn settings_and_includes() {
    let text = r#"
        include_inetd = ["/etc/inetd.conf", "/etc/more"]
        hosts_allow = "/a"
        hosts_deny = "/d"
        pid_file = "/run/p"
        roles = { frontend_user = "f", resolver_user = "r" }
        log = { json = "/l", syslog = "local3" }
        [harden.in-telnetd]
        profile = "strict"
        sandbox.Nice = 5
    "#;
    let configuration = good(text);
    let (path, span) = &configuration.include_inetd[1];
    assert_eq!(
        (path.as_str(), &text[span.clone()]),
        ("/etc/more", "\"/etc/more\"")
    );
    let settings = configuration.settings;
    assert_eq!(settings.hosts_allow.as_deref(), Some("/a"));
    assert_eq!(settings.hosts_deny.as_deref(), Some("/d"));
    assert_eq!(settings.pid_file.as_deref(), Some("/run/p"));
    assert_eq!(settings.frontend_user.as_deref(), Some("f"));
    assert_eq!(settings.resolver_user.as_deref(), Some("r"));
    let syslog = Some(Syslog::Facility("local3".into()));
    assert_eq!(
        settings.log,
        Log {
            json: Some("/l".into()),
            syslog,
        }
    );
    let harden = &configuration.hardens[0];
    assert_eq!((harden.id.as_str(), harden.origin.line), ("in-telnetd", 8));
    assert_eq!(
        harden.profile.as_ref().map(|p| (p.name.as_str(), p.nice)),
        Some(("strict", Some(5)))
    );
    assert_eq!(
        good("log.syslog = false").settings.log.syslog,
        Some(Syslog::Off)
    );
}

#[test]
fn services_come_in_the_order_written() {
    let text = format!(
        "{RSYNC}{}{}",
        RSYNC.replace(".rsync", ".b"),
        RSYNC.replace(".rsync", ".a")
    );
    let ids: Vec<String> = good(&text).services.into_iter().map(|s| s.id).collect();
    assert_eq!(ids, ["rsync", "b", "a"]);
}

#[test]
fn one_bad_line_switches_its_service_off_and_no_other() {
    let other = "\n[service.other]\nlisten = [\"tcp:1\"]\nbuiltin = \"echo\"\n";
    for (line, place) in [
        ("intances = 4", "intances"),
        ("instances = 0", "0"),
        ("instances = \"4\"", "\"4\""),
        ("instances = -1", "-1"),
        ("per_minute = 99999999999", "99999999999"),
        ("per_source = { v4 = 4 }", "per_source"),
        ("per_source = { v4 = 4, v6 = 4, v6_prefix = 129 }", "129"),
        ("per_source = { v4 = 4, v6 = 4, v7 = 1 }", "v7"),
        ("per_source = 4", "4"),
        ("hosts_access = true", "true"),
        ("hosts_access = \"a b\"", "\"a b\""),
        ("hosts_access = \"\"", "\"\""),
        ("profile = \"rsync-raed\"", "\"rsync-raed\""),
        ("profile = 1", "1"),
        ("wait = \"yes\"", "\"yes\""),
        ("wait = true", "true"),
        ("env = { A = 1 }", "A"),
        ("env = { \"A=B\" = \"\" }", "\"A=B\""),
        ("env = { A = \"\\u0000\" }", "A"),
        ("sandbox.ReadOnlyPath = \"/\"", "ReadOnlyPath"),
        ("sandbox.ReadOnlyPaths = \"srv\"", "ReadOnlyPaths"),
        ("sandbox.Nice = 1.5", "1.5"),
        ("sandbox = true", "true"),
        ("builtin = \"echo\"", "exec"),
        ("umask = \"022\"", "umask"),
    ] {
        let text = format!("{RSYNC}{line}\n{other}");
        let configuration = read(0, text.as_bytes());
        let ids: Vec<&str> = configuration
            .services
            .iter()
            .map(|s| s.id.as_str())
            .collect();
        assert_eq!(ids, ["other"], "{line}");
        assert!(!configuration.unusable);
        let (marked, what, consequence) = bad(&text);
        assert_eq!(marked, place, "{line}: {what}");
        assert_eq!(
            consequence,
            "the service `rsync` is not started; the others are"
        );
    }
}

#[test]
fn bad_replacements_of_needed_lines() {
    for (old, new, place) in [
        ("listen = [\"tcp:873\"]", "listen = []", "[]"),
        (
            "listen = [\"tcp:873\"]",
            "listen = \"tcp:873\"",
            "\"tcp:873\"",
        ),
        ("listen = [\"tcp:873\"]", "", "rsync"),
        ("user = \"rsync\"", "", "[\"/usr/bin/rsync\", \"--daemon\"]"),
        ("user = \"rsync\"", "user = \":x\"", "\":x\""),
        ("\"/usr/bin/rsync\"", "\"rsync\"", "\"rsync\""),
        ("\"/usr/bin/rsync\"", "\"/usr/bin/\"", "\"/usr/bin/\""),
        ("\"--daemon\"", "1", "[\"/usr/bin/rsync\", 1]"),
        ("\"--daemon\"", "\"\\u0000\"", "\"\\u0000\""),
        ("[\"/usr/bin/rsync\", \"--daemon\"]", "[]", "[]"),
        ("exec = [\"/usr/bin/rsync\", \"--daemon\"]", "", "rsync"),
        (
            "\"tcp:873\"",
            "\"tcp:873\", \"udp:873\"",
            "[\"tcp:873\", \"udp:873\"]",
        ),
        ("tcp:873", "udp:873", "rsync"),
        ("service.rsync", "service.\"a b\"", "\"a b\""),
    ] {
        let text = RSYNC.replace(old, new);
        let (marked, what, _) = bad(&text);
        assert_eq!(marked, place, "{text}: {what}");
        assert_eq!(read(0, text.as_bytes()).services, []);
    }
    for listen in [
        "873",
        "tcp",
        "tcp:",
        "tcp:0",
        "tcp:65536",
        "tcp:a b",
        "sctp:1",
        "tcp5:1",
        "tcp:host:1",
        "tcp:::1:1",
        "tcp4:[::1]:1",
        "tcp6:127.0.0.1:1",
        "tcp46:127.0.0.1:1",
        "unix:/run/x",
    ] {
        let (marked, ..) = bad(&RSYNC.replace("tcp:873", listen));
        assert_eq!(marked, format!("\"{listen}\""));
    }
}

#[test]
fn what_concerns_the_daemon_makes_the_file_unusable() {
    for (line, place) in [
        ("serivce.x = 1", "serivce"),
        ("hosts_allow = \"etc\"", "\"etc\""),
        ("include_inetd = \"/etc/inetd.conf\"", "\"/etc/inetd.conf\""),
        ("include_inetd = [\"inetd.conf\"]", "\"inetd.conf\""),
        ("log.syslog = \"deamon\"", "\"deamon\""),
        ("log.jsn = \"/x\"", "jsn"),
        ("roles = 1", "1"),
        ("harden = 1", "1"),
        ("harden.x = 1", "1"),
        ("a = ", ""),
        ("hosts_allow = \"/a\"\nhosts_allow = \"/b\"", "hosts_allow"),
    ] {
        let text = format!("{line}\n{RSYNC}");
        let configuration = read(0, text.as_bytes());
        assert!(configuration.unusable, "{line}");
        let (marked, what, consequence) = bad(&text);
        assert_eq!(marked, place, "{line}: {what}");
        assert_eq!(consequence, UNUSABLE);
    }
    assert!(read(0, b"a = \"\xff\"").unusable);
}

#[test]
fn a_bad_harden_leaves_no_profile() {
    let text = "[harden.ftp]\nprofile = \"nonesuch\"\n";
    let configuration = read(0, text.as_bytes());
    assert_eq!(configuration.hardens[0].profile, None);
    assert!(!configuration.unusable);
    assert_eq!(
        bad(text).2,
        "the service `ftp` is not started; the others are"
    );
    assert_eq!(bad("[harden.ftp]\nuser = \"x\"\n").0, "user");
    assert_eq!(
        read(0, b"[harden.ftp]\nuser = \"x\"\n").hardens[0].profile,
        None
    );
}

#[test]
fn a_service_that_is_no_table_is_skipped() {
    let text = format!("service.x = 1\n{RSYNC}");
    let configuration = read(0, text.as_bytes());
    assert_eq!(configuration.services.len(), 1);
    assert!(!configuration.unusable);
    assert_eq!(bad(&text).0, "1");
}

/// The text in the module's documentation is what it says it is.
#[test]
fn the_documented_example_is_understood() {
    let source = include_str!("mod.rs");
    let example: String = source
        .lines()
        .skip_while(|line| *line != "//! ```toml")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .map(|line| format!("{}\n", line.trim_start_matches("//!").trim_start()))
        .collect();
    let configuration = good(&example);
    assert_eq!(
        (configuration.services.len(), configuration.hardens.len()),
        (2, 1)
    );
}

fn spans_are_inside(text: &[u8]) {
    for diagnostic in read(0, text).diagnostics {
        assert!(diagnostic.span.start <= diagnostic.span.end && diagnostic.span.end <= text.len());
        assert!(
            !diagnostic.what.is_empty() && !diagnostic.what.contains('\n'),
            "{}",
            diagnostic.what
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_can_be_read(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        spans_are_inside(&text);
    }

    #[test]
    fn any_damage_to_a_good_file_can_be_read(at in 0..RSYNC.len(), length in 0..20usize, new in "[ -~\n]{0,4}") {
        let end = (at + length).min(RSYNC.len());
        let text = format!("{}{new}{}", &RSYNC[..at], &RSYNC[end..]);
        spans_are_inside(text.as_bytes());
        for service in read(0, text.as_bytes()).services {
            prop_assert!(!service.listen.is_empty());
        }
    }

    #[test]
    fn any_value_anywhere_can_be_read(
        key in "(listen|user|exec|wait|env|per_source|sandbox|profile|log|harden|service)",
        value in "([0-9]{1,20}|\"[a-z:/]{0,8}\"|\\[\\]|\\[\"[a-z0-9:/]{0,9}\"(, 1)?\\]|\\{\\}|\\{a=1\\}|true|1.5|1979-05-27)",
    ) {
        spans_are_inside(format!("{key} = {value}").as_bytes());
        spans_are_inside(format!("[service.x]\n{key} = {value}").as_bytes());
        spans_are_inside(format!("[harden.x]\n{key} = {value}").as_bytes());
    }
}
