use super::*;
use proptest::prelude::*;

fn text(name: &str, value: &str) -> Directive {
    Directive {
        name: name.into(),
        value: Value::Text(value.into()),
    }
}

fn list(name: &str, values: &[&str]) -> Directive {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Directive {
        name: name.into(),
        value: Value::List(values),
    }
}

/// The baseline with directives that must be good.
fn with(directives: &[Directive]) -> Profile {
    let mut profile = Profile::baseline();
    assert_eq!(profile.apply(directives), [], "{directives:?}");
    profile
}

fn problem(directive: Directive) -> String {
    let problems = Profile::baseline().apply(&[text("Nice", "1"), directive]);
    let [Problem { directive: 1, what }] = problems.as_slice() else {
        panic!("{problems:?}")
    };
    what.clone()
}

fn denies(profile: &Profile, call: &str) -> bool {
    profile
        .system_calls
        .as_ref()
        .is_some_and(|calls| calls.calls.contains(call) != calls.allow)
}

#[test]
fn every_shipped_profile_is_free_of_problems() {
    for name in Profile::names() {
        let profile = Profile::by_name(name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!((profile.name.as_str(), profile.changed), (name, false));
    }
    assert_eq!(Profile::by_name("nonesuch"), None);
    assert_eq!(Profile::by_name("baseline"), Some(Profile::baseline()));
}

#[test]
fn baseline_takes_what_no_ordinary_server_misses() {
    let baseline = Profile::baseline();
    assert_eq!(
        baseline.capabilities(false),
        Capabilities::Only(BTreeSet::new())
    );
    let Capabilities::AllBut(taken) = baseline.capabilities(true) else {
        panic!()
    };
    for gone in [
        "CAP_SYS_MODULE",
        "CAP_SYS_ADMIN",
        "CAP_BPF",
        "CAP_SYS_TIME",
        "CAP_SYSLOG",
    ] {
        assert!(taken.contains(gone), "{gone}");
    }
    for kept in [
        "CAP_SETUID",
        "CAP_CHOWN",
        "CAP_SYS_CHROOT",
        "CAP_AUDIT_WRITE",
        "CAP_AUDIT_CONTROL",
        "CAP_KILL",
    ] {
        assert!(!taken.contains(kept), "{kept}");
    }
    assert!(baseline.no_new_privs(false) && !baseline.no_new_privs(true));
    assert!(baseline.filesystem.is_none() && baseline.families.is_none());
    assert_eq!(baseline.isolation, Isolation::default());
    for call in [
        "init_module",
        "kexec_load",
        "bpf",
        "ptrace",
        "mount",
        "fsopen",
        "io_uring_setup",
        "unshare",
    ] {
        assert!(denies(&baseline, call), "{call}");
    }
    for call in [
        "chroot", "setuid", "execve", "fork", "socket", "vhangup", "clone3",
    ] {
        assert!(!denies(&baseline, call), "{call}");
    }
    assert_eq!(baseline.system_calls.unwrap().answer, Answer::Errno(1));
}

#[test]
fn narrower_profiles_are_narrower_than_baseline() {
    let baseline = Profile::baseline();
    let all = group::GROUPS
        .iter()
        .flat_map(|(name, _)| group::calls(name).unwrap());
    let denied: Vec<&str> = all.filter(|call| denies(&baseline, call)).collect();
    for name in ["rsync-read", "strict"] {
        let profile = Profile::by_name(name).unwrap();
        for call in &denied {
            assert!(denies(&profile, call), "{name}: {call}");
        }
        assert!(profile.no_new_privs(true) && profile.no_new_privs(false));
        let files = profile.filesystem.as_ref().unwrap();
        assert!(
            !files
                .grants
                .iter()
                .any(|g| g.path == "/" || g.path == "/home")
        );
        assert!(profile.isolation.deny_tcp_connect && profile.isolation.scope_signals);
        assert!(
            !denies(&profile, "execve") && !denies(&profile, "read"),
            "{name}"
        );
    }
}

#[test]
fn paths_make_a_list_of_what_is_reachable() {
    assert_eq!(with(&[]).filesystem, None);
    let files = with(&[
        list("ReadOnlyPaths", &["/srv/a b"]),
        text("ReadWritePaths", "-/run/x /run/y"),
    ]);
    let grants = files.filesystem.unwrap().grants;
    let access = |path: &str| {
        grants
            .iter()
            .find(|g| g.path == path)
            .map(|g| (g.access, g.optional))
    };
    assert_eq!(access("/usr"), Some((Access::ReadExecute, false)));
    assert_eq!(access("/srv/a b"), Some((Access::Read, false)));
    assert_eq!(access("/run/x"), Some((Access::ReadWrite, true)));
    assert_eq!(access("/run/y"), Some((Access::ReadWrite, false)));
    assert_eq!(access("/home"), None);
    for bad in ["srv", "/srv/../etc", "/./x", "+/srv", "~/x"] {
        assert!(
            problem(text("ReadOnlyPaths", bad)).contains("not an absolute path"),
            "{bad}"
        );
    }
}

#[test]
fn a_hole_in_what_is_reachable_is_refused() {
    with(&[
        text("ReadOnlyPaths", "/srv/mirror"),
        text("InaccessiblePaths", "/srv /home"),
    ]);
    assert!(problem(text("InaccessiblePaths", "/etc/shadow")).contains("below `/etc`"));
    let mut profile = with(&[text("InaccessiblePaths", "/home")]);
    let problems = profile.apply(&[text("ReadOnlyPaths", "/home")]);
    assert_eq!(
        problems.len(),
        1,
        "a later directive does not undo it either"
    );
}

#[test]
fn capabilities_are_kept_or_taken() {
    let only = |names: &[&str]| Capabilities::Only(names.iter().map(|n| (*n).to_owned()).collect());
    let keep = text("CapabilityBoundingSet", "CAP_CHOWN cap_kill");
    assert_eq!(
        with(std::slice::from_ref(&keep)).bounding,
        only(&["CAP_CHOWN", "CAP_KILL"])
    );
    assert_eq!(
        with(&[keep, text("CapabilityBoundingSet", "~CAP_KILL")]).bounding,
        only(&["CAP_CHOWN"])
    );
    assert_eq!(
        with(&[text("CapabilityBoundingSet", "")]).bounding,
        only(&[])
    );
    let Capabilities::AllBut(taken) = with(&[text("CapabilityBoundingSet", "~CAP_KILL")]).bounding
    else {
        panic!()
    };
    assert!(taken.contains("CAP_KILL") && taken.contains("CAP_BPF"));
    let ambient = with(&[text("AmbientCapabilities", "CAP_NET_BIND_SERVICE")]);
    assert_eq!(ambient.capabilities(false), only(&["CAP_NET_BIND_SERVICE"]));
    assert!(
        problem(text("CapabilityBoundingSet", "CAP_CHWON")).contains("did you mean `CAP_CHOWN`?")
    );
    assert!(problem(text("AmbientCapabilities", "~CAP_CHOWN")).contains("cannot take"));
}

#[test]
fn system_calls_are_forbidden_or_listed() {
    let more = with(&[text("SystemCallFilter", "~@setuid openat2")]);
    assert!(denies(&more, "setuid") && denies(&more, "openat2") && denies(&more, "ptrace"));
    let listed = with(&[text("SystemCallFilter", "@basic-io ptrace")]);
    assert!(!denies(&listed, "read") && !denies(&listed, "execve") && !denies(&listed, "execveat"));
    assert!(
        denies(&listed, "socket") && denies(&listed, "ptrace"),
        "what the profile forbids stays so"
    );
    let added = with(&[list("SystemCallFilter", &["@basic-io", "socket", "~write"])]);
    assert!(!denies(&added, "socket") && denies(&added, "write"));
    assert!(problem(list("SystemCallFilter", &["~ptrace", "mount"])).contains("begin each part"));
    assert!(problem(text("SystemCallFilter", "~ptrce")).contains("did you mean `ptrace`?"));
    assert!(problem(text("SystemCallFilter", "@sytem-service")).contains("`@system-service`"));
    assert!(problem(text("SystemCallFilter", "~ptrace:EACCES")).contains("not supported"));
    let answer = |value: &str| {
        with(&[text("SystemCallErrorNumber", value)])
            .system_calls
            .unwrap()
            .answer
    };
    assert_eq!(
        (answer("EACCES"), answer("kill")),
        (Answer::Errno(13), Answer::Kill)
    );
    assert!(problem(text("SystemCallErrorNumber", "EFOO")).contains("EFOO"));
}

#[test]
fn address_families() {
    let families = |value: &str| {
        with(&[text("RestrictAddressFamilies", value)])
            .families
            .unwrap()
    };
    assert_eq!(
        families("AF_UNIX AF_INET6"),
        Families {
            allow: true,
            numbers: [1, 10].into()
        }
    );
    assert_eq!(
        families("~AF_PACKET"),
        Families {
            allow: false,
            numbers: [17].into()
        }
    );
    assert_eq!(
        families("none"),
        Families {
            allow: true,
            numbers: [].into()
        }
    );
    assert!(problem(text("RestrictAddressFamilies", "AF_INTE")).contains("`AF_INET`"));
    assert!(problem(list("RestrictAddressFamilies", &["AF_UNIX", "~AF_INET"])).contains("mixes"));
}

#[test]
fn limits_have_systemds_grammar() {
    let limit = |name: &str, value: Value| {
        let profile = with(&[Directive {
            name: name.into(),
            value,
        }]);
        profile
            .limits
            .into_iter()
            .next()
            .map(|(resource, l)| (resource, l.soft, l.hard))
            .unwrap()
    };
    let value = |text: &str| Value::Text(text.into());
    assert_eq!(
        limit("LimitNOFILE", Value::Number(64)),
        (Resource::OpenFiles, 64, 64)
    );
    assert_eq!(
        limit("LimitNPROC", value("10:20")),
        (Resource::Processes, 10, 20)
    );
    assert_eq!(
        limit("LimitAS", value("1G:infinity")),
        (Resource::AddressSpace, 1 << 30, u64::MAX)
    );
    assert_eq!(limit("LimitCORE", value("0")), (Resource::Core, 0, 0));
    for bad in [
        "",
        "-1",
        "x",
        "1X",
        "20:10",
        "1:2:3",
        "99999999999T",
        "+1",
        "KM",
        "\u{e9}K",
    ] {
        assert!(
            problem(text("LimitFSIZE", bad)).starts_with("`LimitFSIZE` has"),
            "{bad}"
        );
    }
    assert!(problem(text("LimitCPU", "1K")).contains("plain number"));
}

#[test]
fn single_values() {
    let profile = with(&[
        text("UMask", "027"),
        text("Nice", "-5"),
        Directive {
            name: "OOMScoreAdjust".into(),
            value: Value::Number(500),
        },
        text("KeyringMode", "inherit"),
        Directive {
            name: "NoNewPrivileges".into(),
            value: Value::Flag(true),
        },
        text("SocketBindDeny", "tcp"),
        text("ScopeSignals", "on"),
    ]);
    assert_eq!(
        (profile.umask, profile.nice, profile.oom_score_adjust),
        (Some(0o27), Some(-5), Some(500))
    );
    assert!(!profile.private_keyring && profile.no_new_privs(true));
    assert!(profile.isolation.deny_tcp_bind && profile.isolation.scope_signals);
    assert!(profile.changed);
    for (name, bad) in [
        ("UMask", "8"),
        ("UMask", "1000"),
        ("UMask", ""),
        ("Nice", "20"),
        ("OOMScoreAdjust", "-1001"),
        ("KeyringMode", "shared"),
        ("NoNewPrivileges", "maybe"),
        ("SocketBindDeny", "any"),
        ("ScopeSignals", ""),
    ] {
        assert!(problem(text(name, bad)).contains(name), "{name} {bad}");
    }
    let number = Directive {
        name: "UMask".into(),
        value: Value::Number(27),
    };
    assert!(
        problem(number).contains("octal"),
        "27 might be meant as octal"
    );
    assert!(
        problem(Directive {
            name: "Nice".into(),
            value: Value::List(vec![])
        })
        .contains("number")
    );
}

#[test]
fn unknown_directives_are_told_with_a_guess() {
    assert_eq!(
        problem(text("ReadOnlyPath", "/")),
        "unknown directive `ReadOnlyPath`; did you mean `ReadOnlyPaths`?"
    );
    assert_eq!(
        problem(text("PrivateTmp", "yes")),
        "unknown directive `PrivateTmp`"
    );
}

#[test]
fn a_question_mark_makes_a_protection_optional() {
    let profile = with(&[text("?ScopeSignals", "yes")]);
    assert!(profile.isolation.scope_signals && profile.optional.contains("ScopeSignals"));
    assert!(
        with(&[text("?ScopeSignals", "yes"), text("ScopeSignals", "yes")])
            .optional
            .is_empty()
    );
}

/// The groups name only calls that exist, so that nothing is forbidden in vain.
#[cfg(target_arch = "x86_64")]
#[test]
fn groups_name_real_calls_and_no_call_is_unknown() {
    use std::str::FromStr;
    for (name, _) in group::GROUPS {
        for call in group::calls(name).unwrap() {
            assert!(syscalls::Sysno::from_str(call).is_ok(), "{name}: {call}");
        }
    }
    for call in syscalls::Sysno::iter() {
        assert!(group::calls(call.name()).is_ok(), "{call}");
    }
}

proptest! {
    #[test]
    fn no_value_makes_it_panic(name in 0..30usize, value in ".{0,20}", number: i64, kind in 0..4) {
        let value = match kind {
            0 => Value::Text(value),
            1 => Value::Number(number),
            2 => Value::Flag(number > 0),
            _ => Value::List(vec![value.clone(), value]),
        };
        let names: Vec<&str> = directive::names().collect();
        let name = names.get(name).copied().unwrap_or("").to_owned();
        let mut profile = Profile::baseline();
        let known = !name.is_empty();
        let problems = profile.apply(&[Directive { name, value }]);
        prop_assert!(known || !problems.is_empty());
    }
}
