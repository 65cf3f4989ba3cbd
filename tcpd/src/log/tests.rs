use super::*;

#[test]
fn the_lines_are_the_originals() {
    let (mut log, reader) = testing::log();
    log.connect(b"ann@a.example", b"192.0.2.1");
    log.refused(b"192.0.2.1", b"192.0.2.1");
    log.twist(b"192.0.2.1", b"/bin/echo hi");
    log.warning("cannot fork: no");
    log.failure(
        "getpeername",
        &io::Error::from_raw_os_error(nix::libc::ENOTSOCK),
    );
    log.ip_options(b"192.0.2.1", &[7, 0x0b]);
    log.source_route(b"192.0.2.1");
    assert_eq!(
        reader.lines(),
        [
            "<30>connect from ann@a.example (192.0.2.1)",
            "<28>refused connect from 192.0.2.1 (192.0.2.1)",
            "<28>twist 192.0.2.1 to /bin/echo hi",
            "<27>warning: cannot fork: no",
            "<27>getpeername: Socket operation on non-socket",
            "<29>connect from 192.0.2.1 with IP options (ignored): 07 0b",
            "<28>refused connect from 192.0.2.1 with IP source routing options",
        ]
    );
}

#[test]
fn severity_is_for_the_outcome_only() {
    let (mut log, reader) = testing::log();
    log.set_severity(Some(option::Facility::Local7), Level::Debug);
    log.connect(b"c", b"a");
    log.refused(b"c", b"a");
    log.warning("w");
    log.set_severity(Some(option::Facility::Kern), Level::Crit);
    log.twist(b"c", b"x");
    assert_eq!(
        reader.lines(),
        [
            "<191>connect from c (a)",
            "<191>refused connect from c (a)",
            "<27>warning: w",
            "<26>twist c to x"
        ]
    );
}

#[test]
fn a_warning_has_its_place() {
    let mut warning = Warning {
        table: TableKind::Deny,
        line: 7,
        whole_table: false,
        text: "missing option name".into(),
        error: true,
    };
    assert_eq!(
        worded(&warning),
        "error: /etc/hosts.deny, line 7: missing option name"
    );
    warning.error = false;
    warning.whole_table = true;
    assert_eq!(worded(&warning), "warning: missing option name");
    let matched = |table, line| Step::Matched { table, line };
    let steps = [
        matched(TableKind::Allow, 2),
        matched(TableKind::Deny, 9),
        Step::AclexecRefused,
    ];
    assert_eq!(place(&steps), "/etc/hosts.deny, line 9: ");
    assert_eq!(place(&[]), "");
}
