use super::*;
use std::time::Duration;

fn connection() -> Connection<'static> {
    Connection {
        time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_042),
        id: [
            0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x2a, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 0xff,
        ],
        service: b"rsync",
        peer: Some("192.0.2.7:40000".parse().unwrap()),
        local: Some("[2001:db8::1]:873".parse().unwrap()),
        host: None,
        user: None,
    }
}

fn decision() -> Decision<'static> {
    Decision {
        table: Some("hosts.allow"),
        line: 3,
        reason: b"192.0.2.",
    }
}

#[test]
fn an_open_record() {
    let open = Open {
        connection: connection(),
        decision: decision(),
        enforced: "uid 33",
        pid: None,
    };
    assert_eq!(open.syslog_line().1, b"connect from 192.0.2.7 (192.0.2.7)");
    assert_eq!(
        String::from_utf8(open.to_json()).unwrap(),
        "{\"time\":\"2023-11-14T22:13:20.042Z\",\"event\":\"open\",\
         \"id\":\"018bcfe5-682a-7000-8000-0000000000ff\",\"service\":\"rsync\",\
         \"peer\":\"192.0.2.7\",\"peer_port\":40000,\"local\":\"2001:db8::1\",\"local_port\":873,\
         \"table\":\"hosts.allow\",\"line\":3,\"reason\":\"192.0.2.\",\"enforced\":\"uid 33\"}\n"
    );
}

#[test]
fn a_refuse_record_names_user_and_host() {
    let connection = Connection {
        user: Some(b"ann"),
        host: Some(b"a.example"),
        peer: None,
        ..connection()
    };
    let decision = Decision {
        table: None,
        line: 0,
        reason: b"limit",
    };
    let refuse = Refuse {
        connection,
        decision,
    };
    let (severity, line) = refuse.syslog_line();
    assert_eq!(severity as u8, Severity::LOG_WARNING as u8);
    assert_eq!(line, b"refused connect from ann@a.example (unknown)");
    let json = String::from_utf8(refuse.to_json()).unwrap();
    assert!(json.contains("\"host\":\"a.example\",\"user\":\"ann\",\"reason\":\"limit\"}"));
    assert!(!json.contains("table") && !json.contains("\"peer\""));
}

#[test]
fn a_close_record() {
    let mut close = Close {
        connection: connection(),
        pid: Some(77),
        ending: Ending::Exited(3),
        duration_ms: 61_005,
    };
    assert_eq!(
        close.syslog_line().1,
        b"closed 192.0.2.7 (192.0.2.7) pid=77 status=3 duration=61.005s"
    );
    close.ending = Ending::Signalled(9);
    close.pid = None;
    assert_eq!(
        close.syslog_line().1,
        b"closed 192.0.2.7 (192.0.2.7) signal=9 duration=61.005s"
    );
    let json = String::from_utf8(close.to_json()).unwrap();
    assert!(
        json.ends_with(",\"signal\":9,\"duration_ms\":61005}\n"),
        "{json}"
    );
}

#[test]
fn hostile_bytes_stay_inside_their_string_and_are_all_kept() {
    let connection = Connection {
        user: Some(b"a\"\\\n\x1b\0\x7f\xff\xc3"),
        ..connection()
    };
    let json = Refuse {
        connection,
        decision: decision(),
    }
    .to_json();
    let json = String::from_utf8(json).unwrap();
    assert_eq!(json.matches('\n').count(), 1);
    assert!(
        json.contains(
            "\"user\":\"a\\\"\\\\\\n\\u001b\\u0000\\u007f\\ufffd\\ufffd\",\
             \"user_hex\":\"61225c0a1b007fffc3\","
        ),
        "{json}"
    );
    let plain = Connection {
        user: Some("é".as_bytes()),
        ..connection
    };
    let json = Refuse {
        connection: plain,
        decision: decision(),
    }
    .to_json();
    assert!(
        String::from_utf8(json)
            .unwrap()
            .contains("\"user\":\"é\",\"table\"")
    );
}
