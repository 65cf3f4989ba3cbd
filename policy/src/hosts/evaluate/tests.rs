use super::super::option::{Effect, Level};
use super::super::request::{Address, Endpoint};
use super::super::testing::World;
use super::*;
use std::net::SocketAddr;

fn request(client: &str) -> Request<'static> {
    let client = match client.parse::<SocketAddr>() {
        Ok(socket) => Endpoint::from(socket),
        Err(_) => Endpoint::default(),
    };
    Request {
        daemon: b"in.ftpd",
        pid: 42,
        client,
        server: Endpoint::from("192.0.2.1:21".parse::<SocketAddr>().unwrap()),
    }
}

fn judge(allow: &str, deny: &str, world: &mut World, compat: Compat) -> Verdict {
    let tables = Tables {
        allow: Source::Text(allow.as_bytes()),
        deny: Source::Text(deny.as_bytes()),
    };
    evaluate(&tables, &request("10.1.1.1:1023"), world, compat).unwrap()
}

fn strict(allow: &str, deny: &str) -> Verdict {
    judge(allow, deny, &mut World::default(), Compat::Strict)
}

fn original(allow: &str, deny: &str) -> Verdict {
    judge(allow, deny, &mut World::default(), Compat::TcpWrappers)
}

#[test]
fn allow_before_deny_and_first_match_wins() {
    for judge in [strict, original] {
        assert!(judge("in.ftpd: 10.\n", "ALL: ALL\n").granted);
        assert!(!judge("in.telnetd: 10.\n", "ALL: ALL\n").granted);
        assert_eq!(judge("", "").reason, Reason::NoMatch);
        assert!(!judge("ALL: 10.: deny\nALL: ALL\n", "").granted);
        assert!(judge("", "ALL: 10.: allow\nALL: ALL\n").granted);
        assert!(judge("ALL EXCEPT sshd: ALL EXCEPT 10.2.\n", "ALL: ALL\n").granted);
        assert!(!judge("ALL EXCEPT in.: ALL\n", "ALL: ALL\n").granted);
        assert!(judge("ALL: ALL EXCEPT 10. EXCEPT 10.1.1.1\n", "ALL: ALL\n").granted);
        assert!(judge("21: ALL\n", "ALL: ALL\n").granted);
        assert!(judge("in.ftpd@192.0.2.1: ALL\n", "ALL: ALL\n").granted);
        assert!(!judge("in.ftpd@192.0.2.2: ALL\n", "ALL: ALL\n").granted);
    }
}

#[test]
fn a_verdict_names_its_rule() {
    let verdict = strict("# comment\nALL: 192.168., \\\n 10.1.\n", "");
    let reason = Reason::Rule {
        table: TableKind::Allow,
        line: 3,
        pattern: b"10.1.".to_vec(),
    };
    assert_eq!(verdict.reason, reason);
}

#[test]
fn names_are_asked_for_only_when_needed() {
    let mut world = World {
        client: Some("a.example.com"),
        ..World::default()
    };
    assert!(
        judge(
            "sshd: .example.com\nALL: 10.1.\n",
            "",
            &mut world,
            Compat::Strict
        )
        .granted
    );
    assert!(world.asked.is_empty());
    let verdict = judge(
        "ALL: .example.com\n",
        "ALL: ALL\n",
        &mut world,
        Compat::Strict,
    );
    assert!(verdict.granted);
    assert_eq!(world.asked, ["client"]);
    let request = request("10.1.1.1:1023");
    assert_eq!(verdict.known.client_text(&request), b"a.example.com");
    let verdict = judge("ALL: 10.\n", "", &mut world, Compat::Strict);
    assert_eq!(verdict.known.client_text(&request), b"10.1.1.1");
}

#[test]
fn the_user_is_asked_for_after_the_host_matched() {
    let mut world = World {
        user: Some("joe"),
        ..World::default()
    };
    let deny = "ALL: ALL\n";
    assert!(!judge("ALL: joe@192.168.\n", deny, &mut world, Compat::Strict).granted);
    assert!(world.asked.is_empty());
    let verdict = judge("ALL: joe@10.\n", deny, &mut world, Compat::Strict);
    assert!(verdict.granted);
    assert_eq!(
        verdict.known.client_text(&request("10.1.1.1:1")),
        b"joe@10.1.1.1"
    );
    assert_eq!(world.asked, ["user 10"]);
}

#[test]
fn a_missing_fact_is_waited_for() {
    let mut world = World {
        pending: true,
        ..World::default()
    };
    let tables = Tables {
        allow: Source::Text(b"ALL: LOCAL\n"),
        deny: Source::Missing,
    };
    let answer = evaluate(&tables, &request("10.1.1.1:1"), &mut world, Compat::Strict);
    assert_eq!(answer, Err(Pending));
}

#[test]
fn tables_that_cannot_be_read() {
    let with = |allow, deny, compat| {
        let tables = Tables { allow, deny };
        evaluate(
            &tables,
            &request("10.1.1.1:1"),
            &mut World::default(),
            compat,
        )
        .unwrap()
    };
    let unreadable = || Source::Unreadable("/etc/hosts.deny: Permission denied".into());
    for compat in [Compat::Strict, Compat::TcpWrappers] {
        assert!(with(Source::Missing, Source::Missing, compat).granted);
        let verdict = with(Source::Missing, unreadable(), compat);
        assert!(!verdict.granted);
        assert_eq!(
            verdict.warnings[0].text,
            "cannot open /etc/hosts.deny: Permission denied"
        );
        assert!(verdict.warnings[0].whole_table);
    }
    assert!(with(unreadable(), Source::Missing, Compat::TcpWrappers).granted);
    assert!(!with(unreadable(), Source::Missing, Compat::Strict).granted);
    assert!(with(Source::Missing, Source::Directory, Compat::TcpWrappers).granted);
    assert!(!with(Source::Missing, Source::Directory, Compat::Strict).granted);
}

#[test]
fn unintelligible_rules_resolve_in_the_safe_direction() {
    for rule in [
        "ALL ALL",
        "[in.ftpd: ALL",
        "ALL: ALL]",
        "ALL: 10.2.2.2/24",
        "ALL: 0.0.0.0/0",
        "ALL: 10.1/16",
        "ALL: 10.1",
        "ALL: 010.1.1.1",
        "ALL: [2001:db8::/32]",
        "ALL: [2001:db8::]/abc",
        "ALL: 2001:db8::1",
        "ALL: ALL EXCEPT 10.1.1.9/24",
        "ALL: /nosuch",
        "ALL: /secret",
        "ALL: ALL EXCEPT /nosuch",
        "ALL: @nosuch",
        "ALL:",
        ": ALL",
        "ALL: EXCEPT 10.1.1.1",
        " # ALL: ALL",
        "\u{feff}ALL: ALL",
        "in.ftpd: ALL\0\n",
        "\0\0\0",
        "# note \\\nALL: ALL",
    ] {
        let rule = format!("{rule}\n");
        let denied = strict("", &rule);
        assert!(!denied.granted, "{rule}");
        assert!(
            matches!(denied.reason, Reason::Unintelligible { .. }),
            "{rule}"
        );
        assert!(!denied.warnings.is_empty(), "{rule}");
        let passed = strict(&rule, "ALL: ALL\n");
        assert!(!passed.granted, "{rule}");
        assert!(
            matches!(
                passed.reason,
                Reason::Rule {
                    table: TableKind::Deny,
                    ..
                }
            ),
            "{rule}"
        );
    }
}

#[test]
fn what_a_rule_does_counts_not_its_table() {
    assert!(!strict("ALL: 10.2.2.2/24: deny\nALL: ALL\n", "").granted);
    assert!(!strict("ALL: ALL ] : deny\nALL: ALL\n", "").granted);
    assert!(strict("", "ALL: 10.2.2.2/24: allow\n").granted);
    assert!(!strict("ALL: 10.1.1.0/24x: umask 9999\nALL: ALL\n", "").granted);
    assert!(strict("ALL: 2001:db8::1\nALL: ALL\n", "").granted);
}

#[test]
fn rules_for_others_stay_without_effect() {
    assert!(strict("", "sshd: 10.1/16\n").granted);
    assert!(strict("", " # note: nothing\n").granted);
    assert!(strict("", " # a note\n").granted);
    assert!(strict("", &format!("# {}\n", "a".repeat(3000))).granted);
    assert!(strict("", "# sshd: 10., \\\n  192.168.\n").granted);
    assert!(strict("", "ALL: 192.168.1.0/24 [2001:db8::]/32 [::1]\n").granted);
}

#[test]
fn a_failed_lookup_denies() {
    let mut world = World {
        lookups_fail: true,
        ..World::default()
    };
    let mut judge =
        |allow: &str, deny: &str| judge(allow, deny, &mut world, Compat::Strict).granted;
    assert!(!judge("", "ALL: .example.com\n"));
    assert!(!judge("", "ALL: @group\n"));
    assert!(!judge("ALL: ALL EXCEPT .example.com\n", "ALL: ALL\n"));
    assert!(!judge("ALL: UNKNOWN\n", "ALL: ALL\n"));
    assert!(judge("ALL: .example.com 10.\n", "ALL: ALL\n"));
    assert!(judge("", "ALL: 192.168. 172.16.?.* [2001:db8::1]\n"));
}

#[test]
fn numeric_globs_grant_no_names() {
    let mut world = World {
        client: Some("192.168.evil.example"),
        ..World::default()
    };
    let (allow, deny) = ("ALL: 192.168.*\n", "ALL: ALL\n");
    assert!(judge(allow, deny, &mut world, Compat::TcpWrappers).granted);
    assert!(!judge(allow, deny, &mut world, Compat::Strict).granted);
}

#[test]
fn an_unknown_address_is_not_an_address_elsewhere() {
    let tables = Tables {
        allow: Source::Missing,
        deny: Source::Text(b"ALL: 192.168.0.0/16\n"),
    };
    let nobody = Request {
        client: Endpoint {
            address: Address::Unknown,
            port: None,
        },
        ..request("")
    };
    let judge = |compat| evaluate(&tables, &nobody, &mut World::default(), compat).unwrap();
    assert!(judge(Compat::TcpWrappers).granted);
    assert!(!judge(Compat::Strict).granted);
}

#[test]
fn a_last_line_without_line_feed() {
    assert!(original("ALL: ALL: deny", "").granted);
    assert!(!original("", "ALL: 192.168.").granted);
    let verdict = strict("ALL: ALL: deny", "");
    assert!(!verdict.granted);
    assert_eq!(verdict.warnings.len(), 1);
    assert!(strict("", "ALL: 192.168.").granted);
    assert!(!strict("", "ALL: 10.").granted);
}

#[test]
fn the_original_skips_what_it_cannot_read_and_says_so() {
    let verdict = original("", "ALL ALL\n");
    assert!(verdict.granted);
    assert_eq!(verdict.warnings[0].text, "missing \":\" separator");
    let verdict = original("ALL: ALL: deny", "");
    assert_eq!(verdict.warnings[0].text, "missing newline or line too long");
    assert_eq!(
        verdict.warnings[1].text,
        "all the subsequent rules will be ignored"
    );
}

#[test]
fn files_that_name_each_other_end() {
    let mut world = World::default();
    world.files.insert("/a", "/b /b\n");
    world.files.insert("/b", "/a /a 10.1.1.1\n");
    let verdict = judge("ALL: /a\n", "ALL: ALL\n", &mut world, Compat::TcpWrappers);
    assert!(!verdict.granted);
    assert!(matches!(verdict.reason, Reason::Unintelligible { .. }));
    assert!(!judge("", "ALL: /a\n", &mut world, Compat::Strict).granted);
}

#[test]
fn effects_come_in_order_and_errors_deny() {
    let options = "severity auth.notice: umask 027: nice: linger 5: keepalive: user nobody.nogroup";
    let verdict = original(&format!("ALL: ALL: {options}: bogus\n"), "");
    assert!(!verdict.granted);
    assert_eq!(verdict.effects.len(), 6);
    assert_eq!(verdict.effects[1], Effect::Umask(0o27));
    assert!(matches!(
        verdict.effects[0],
        Effect::Severity {
            level: Level::Notice,
            ..
        }
    ));
    assert_eq!(verdict.warnings[0].text, "bad option name: \"bogus\"");
    assert!(verdict.warnings[0].error);
    assert!(original(&format!("ALL: ALL: {options}\n"), "").granted);
    assert!(!original("ALL: ALL:\n", "").granted);
    assert!(!original("ALL: ALL: user ghost\n", "").granted);
}

#[test]
fn our_options_are_strict_only() {
    let rule = "ALL: ALL: profile rsync-read: limit per-source 4\n";
    assert_eq!(strict(rule, "").effects.len(), 2);
    assert!(!original(rule, "").granted);
    assert!(!strict("ALL: ALL: limit rate 0/10\n", "").granted);
}

#[test]
fn a_twist_is_no_grant() {
    let verdict = strict("ALL: ALL: twist echo %h %p\n", "");
    assert!(!verdict.granted);
    assert_eq!(verdict.twist(), Some(&b"echo 10.1.1.1 42"[..]));
    let unclear = strict("", "ALL: 10.1/16: twist echo\n");
    assert_eq!((unclear.granted, unclear.twist()), (false, None));
}

#[test]
fn an_unsuccessful_aclexec() {
    let mut world = World::default();
    for (allow, deny, by_original, by_strict) in [
        ("ALL: ALL: aclexec x\n", "", true, true),
        (
            "ALL: ALL: aclexec x\nALL: ALL\n",
            "ALL: ALL\n",
            false,
            false,
        ),
        (
            "ALL: ALL: aclexec x\n",
            "ALL: ALL: severity info\n",
            true,
            false,
        ),
        ("ALL: ALL: aclexec x: allow\n", "ALL: ALL\n", true, false),
        ("", "ALL: ALL: aclexec x\n", true, false),
    ] {
        let mut granted = |compat| judge(allow, deny, &mut world, compat).granted;
        assert_eq!(granted(Compat::TcpWrappers), by_original, "{allow}{deny}");
        assert_eq!(granted(Compat::Strict), by_strict, "{allow}{deny}");
    }
    for compat in [Compat::TcpWrappers, Compat::Strict] {
        let verdict = judge("ALL: ALL: aclexec x: twist y\n", "", &mut world, compat);
        assert!(!verdict.granted);
        assert_eq!(verdict.twist().is_none(), compat == Compat::Strict);
    }
    let rule = "ALL: ALL: setenv A b: aclexec test %d\n";
    world.asked.clear();
    let verdict = judge(rule, "", &mut world, Compat::Strict);
    assert_eq!(world.asked, ["aclexec test in.ftpd after 1"]);
    assert_eq!(verdict.steps.last(), Some(&Step::AclexecRefused));
}

#[test]
fn warnings_about_names_carry_the_place() {
    let mut world = World {
        client: Some("paranoid"),
        ..World::default()
    };
    let verdict = judge("\nALL: PARANOID: deny\n", "", &mut world, Compat::Strict);
    assert!(!verdict.granted);
    assert_eq!(verdict.warnings[0].line, 2);
    assert!(
        verdict.warnings[0]
            .text
            .starts_with("host name/name mismatch")
    );
}

#[test]
fn expansion_is_sanitised_and_bounded() {
    let mut world = World {
        client: Some("a(b$.example.com"),
        user: Some("j'o e"),
        ..World::default()
    };
    let rule = "ALL: ALL: spawn (%n %u %c %s %r %% %z) &: banners /b\n";
    world.files.insert("/b/in.ftpd", "Hi %d\nno end");
    let verdict = judge(rule, "", &mut world, Compat::Strict);
    let command = "(a_b_.example.com j_o_e j_o_e@a_b_.example.com in.ftpd@192.0.2.1 1023 % ) &";
    assert_eq!(verdict.effects[0], Effect::Spawn(command.into()));
    assert_eq!(
        verdict.effects[1],
        Effect::Banners(b"Hi in.ftpd\r\nno end".to_vec())
    );
    assert_eq!(verdict.warnings[0].text, "unrecognized %z");
    let long = format!("ALL: ALL: rfc931: spawn {}\n", "%c".repeat(900));
    let verdict = judge(&long, "", &mut world, Compat::TcpWrappers);
    assert!(!verdict.granted);
    assert!(
        verdict.warnings[0]
            .text
            .starts_with("percent_x: expansion too long: ")
    );
}
