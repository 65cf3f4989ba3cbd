use super::super::super::testing::World;
use super::*;

fn all(text: &str) -> Vec<Result<(String, Option<String>), String>> {
    let mut rest = text.as_bytes();
    let mut found = Vec::new();
    while let Some((written, after)) = next(rest, true) {
        let string = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        found.push(written.map(|w| (string(&w.typed), w.value.map(|v| string(&v)))));
        rest = after;
    }
    found
}

fn one(text: &str) -> Result<(String, Option<String>), String> {
    all(text).remove(0)
}

#[test]
fn values_follow_blanks_or_one_equals_sign() {
    let umask = |value: &str| Ok(("umask".to_string(), Some(value.to_string())));
    for text in [
        "umask 022\n",
        "umask=022\n",
        " umask = 022 \n",
        "umask\t022",
    ] {
        assert_eq!(one(text), umask("022"), "{text}");
    }
    assert_eq!(one("umask==022\n"), umask("=022"));
    assert_eq!(one("KeepAlive =\n"), Ok(("KeepAlive".into(), None)));
}

#[test]
fn colons_with_a_backslash_are_text() {
    let found = all("spawn a\\:b\\\\:c \\d: nice\n");
    assert_eq!(found[0], Ok(("spawn".into(), Some("a:b\\:c \\d".into()))));
    assert_eq!(found[1], Ok(("nice".into(), None)));
    assert_eq!(all("umask 1:\n").len(), 2);
}

#[test]
fn errors_are_worded_as_the_original_words_them() {
    for (text, wanted) in [
        (" \n", "missing option name"),
        ("=x\n", "missing option name"),
        ("Bogus 1\n", "bad option name: \"Bogus\""),
        ("group\n", "option \"group\" requires value"),
        ("allow x\n", "option \"allow\" requires no value"),
        ("allow:\n", "option \"allow\" must be at end"),
        ("twist x: nice\n", "option \"twist\" must be at end"),
    ] {
        assert_eq!(one(text), Err(wanted.into()), "{text}");
    }
    assert!(next(b"profile x\n", false).unwrap().0.is_err());
}

#[test]
fn severities() {
    let severity = |text: &str| severity(text.as_bytes());
    let both = Effect::Severity {
        facility: Some(Facility::Local7),
        level: Level::Err,
    };
    assert_eq!(severity("LOCAL7.err"), Ok(both));
    for bad in [
        "authpriv.info",
        "auth.warn",
        "mail",
        "auth. info",
        ".info",
        "auth.",
    ] {
        assert!(severity(bad).is_err(), "{bad}");
    }
    assert_eq!(
        severity("ftp.info"),
        Err("bad syslog facility or severity: \"ftp\"".into())
    );
}

#[test]
fn numbers() {
    assert_eq!(umask(b"0777"), Ok(Effect::Umask(0o777)));
    assert_eq!(umask(b"1000"), Err("bad umask value: \"1000\"".into()));
    assert_eq!(nice(None), Ok(Effect::Nice(10)));
    assert_eq!(nice(Some(b"-5")), Ok(Effect::Nice(-5)));
    assert_eq!(nice(Some(b"5 5")), Err("bad nice value: \"5 5\"".into()));
    assert_eq!(linger(b"4294967296"), Ok(Effect::Linger(0)));
    assert_eq!(linger(b"-1"), Err("bad linger value: \"-1\"".into()));
    assert_eq!(rfc931(Some(b"4294967297"), 10), Ok(Effect::Rfc931(1)));
    assert_eq!(
        rfc931(Some(b"0"), 10),
        Err("bad rfc931 timeout: \"0\"".into())
    );
    assert_eq!(
        limit(b"rate 5/60"),
        Ok(Effect::Limit(Limit::Rate {
            count: 5,
            seconds: 60
        }))
    );
    for bad in [
        "instances",
        "instances -1",
        "instances 0",
        "rate 5",
        "rate 5/",
        "foo 1",
    ] {
        assert!(limit(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(profile(b"rsync-read").is_ok());
    assert!(profile(b"../x").is_err() && profile(b"a/b").is_err());
}

#[test]
fn names() {
    let mut world = World::default();
    let mut user = |text: &str| user(text.as_bytes(), &mut world);
    assert!(user("nobody").is_ok() && user("nobody.nogroup").is_ok());
    assert_eq!(user("nobody."), Err("unknown group: \"\"".into()));
    assert_eq!(
        user("ghost.ghosts"),
        Err("unknown group: \"ghosts\"".into())
    );
    assert_eq!(user("ghost"), Err("unknown user: \"ghost\"".into()));
    assert_eq!(group(b"0", &mut world), Err("unknown group: \"0\"".into()));
}

#[test]
fn variables() {
    let set = |name: &str, value: &str| {
        Ok(Effect::Setenv {
            name: name.into(),
            value: value.into(),
        })
    };
    assert_eq!(setenv(b"A"), set("A", ""));
    assert_eq!(setenv(b"A \t b  c"), set("A", "b  c"));
    assert_eq!(setenv(b"A=b"), Err("memory allocation failure".into()));
}
