//! Decisions of Debian's tcp_wrappers 7.6.q-32, recorded with tcpdmatch, made again.
//!
//! `recorded/cases.txt` has one record a line, fields separated by tabs, `\n`, `\t`, `\r`, `\\`
//! and `\xNN` escaped. `netgroup` and `files` lines are numbered and shared by the `case` lines.
//! Another file of that form can be named in the variable `RECORDED_CASES`.
#![cfg(test)]

use policy::hosts::evaluate::{Source, Tables, evaluate_knowing};
use policy::hosts::facts::{Facts, FileTrouble, HostnameFact, Pending};
use policy::hosts::known::Known;
use policy::hosts::option::Effect;
use policy::hosts::request::{Address, Endpoint, Hostname, Request};
use policy::hosts::verdict::{Compat, Step, TableKind, Verdict};
use std::borrow::Cow;
use std::collections::HashMap;

/// What the recorded machine knew.
struct Recorded<'a> {
    client: &'a [u8],
    server: &'a [u8],
    user: &'a [u8],
    netgroups: Option<&'a [u8]>,
    files: Option<&'a HashMap<Vec<u8>, Vec<u8>>>,
}

fn hostname(name: &[u8]) -> Result<HostnameFact, Pending> {
    let hostname = match name {
        b"" => Hostname::Unknown,
        name => Hostname::Known(name.to_vec()),
    };
    Ok(HostnameFact {
        hostname,
        failed: false,
        warning: None,
    })
}

impl Facts for Recorded<'_> {
    fn client_hostname(&mut self) -> Result<HostnameFact, Pending> {
        hostname(self.client)
    }

    fn server_hostname(&mut self) -> Result<HostnameFact, Pending> {
        hostname(self.server)
    }

    fn client_user(&mut self, _timeout: u32) -> Result<Option<Vec<u8>>, Pending> {
        Ok((!self.user.is_empty()).then(|| self.user.to_vec()))
    }

    fn file(&mut self, path: &[u8]) -> Result<Cow<'_, [u8]>, FileTrouble> {
        let files = self.files.ok_or(FileTrouble::Missing)?;
        let path = path
            .strip_prefix(b"/")
            .filter(|p| p.starts_with(b"/"))
            .unwrap_or(path);
        if let Some(content) = files.get(path) {
            return Ok(Cow::Borrowed(content));
        }
        let parents = path.iter().enumerate().filter(|(_, b)| **b == b'/');
        for (at, _) in parents {
            if files.contains_key(&path[..at]) {
                return Err(FileTrouble::Unreadable("Not a directory".into()));
            }
        }
        Err(FileTrouble::Missing)
    }

    fn netgroups(&mut self) -> Result<Cow<'_, [u8]>, FileTrouble> {
        self.netgroups
            .map(Cow::Borrowed)
            .ok_or(FileTrouble::Missing)
    }

    fn aclexec(&mut self, _command: &[u8], _before: &[Effect]) -> Result<bool, Pending> {
        Ok(true)
    }

    fn user_exists(&mut self, name: &[u8]) -> bool {
        matches!(
            name,
            b"root" | b"daemon" | b"sys" | b"man" | b"nobody" | b"probeuser"
        )
    }

    fn group_exists(&mut self, name: &[u8]) -> bool {
        const GROUPS: [&[u8]; 8] = [
            b"root",
            b"daemon",
            b"sys",
            b"tty",
            b"kmem",
            b"nogroup",
            b"probegrp",
            b"probeextra",
        ];
        GROUPS.contains(&name)
    }

    fn interface_exists(&mut self, name: &[u8]) -> bool {
        matches!(name, b"lo" | b"d0" | b"d1")
    }

    fn banner(&mut self, directory: &[u8], daemon: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let file = [directory, b"/", daemon].concat();
        if let Some(content) = self.files.and_then(|files| files.get(&file)) {
            return Ok(Some(content.clone()));
        }
        let mut below = self.files.into_iter().flat_map(HashMap::keys);
        match below.any(|path| path.starts_with(directory)) {
            true => Ok(None),
            false => Err("No such file or directory".into()),
        }
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut result = Vec::new();
    while let Some(byte) = bytes.next() {
        result.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'r') => b'\r',
                Some(b'x') => {
                    let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => other.unwrap(),
            },
            byte => byte,
        });
    }
    result
}

fn source<'a>(field: &str, name: &str, text: &'a [u8]) -> Source<'a> {
    match field.strip_prefix('!') {
        None => Source::Text(&text[1..]),
        Some("missing") => Source::Missing,
        Some("directory") => Source::Directory,
        Some(why) => Source::Unreadable(format!("{name}: {why}")),
    }
}

fn name_of(table: TableKind) -> &'static str {
    match table {
        TableKind::Allow => "hosts.allow",
        TableKind::Deny => "hosts.deny",
    }
}

fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The verdict in the words of the record: access, rule, options, warnings.
fn described(verdict: &Verdict) -> [String; 4] {
    let access = match (verdict.granted, verdict.twist()) {
        (true, _) => "granted",
        (false, Some(_)) => "delegated",
        (false, None) => "denied",
    };
    let mut matched = String::from("-");
    let mut options = Vec::new();
    for step in &verdict.steps {
        match step {
            Step::Matched { table, line } => matched = format!("{} line {line}", name_of(*table)),
            Step::Option { keyword, value } => {
                options.push(format!("{} {}", lossy(keyword), lossy(value)));
            }
            Step::AclexecRefused => (),
        }
    }
    let warnings = verdict.warnings.iter().map(|warning| {
        let kind = if warning.error { "error" } else { "warning" };
        let text = warning.text.replace('|', "/");
        match warning.whole_table {
            true => format!("{kind}: {text}"),
            false => format!(
                "{kind}: {}, line {}: {text}",
                name_of(warning.table),
                warning.line
            ),
        }
    });
    let warnings = warnings.collect::<Vec<_>>().join("|");
    [access.into(), matched, options.join("|"), warnings]
}

fn endpoint<'a>(address: &'a [u8], port: Option<u16>) -> Endpoint<'a> {
    let address = match address {
        b"" => Address::Unknown,
        text => Address::Text(text),
    };
    Endpoint { address, port }
}

#[test]
fn every_recorded_decision_is_made_again() {
    let path = std::env::var("RECORDED_CASES").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorded/cases.txt").into()
    });
    let text = std::fs::read_to_string(path).unwrap();
    let mut netgroups = HashMap::new();
    let mut files = HashMap::new();
    let (mut count, mut wrong) = (0, Vec::new());
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let bytes: Vec<Vec<u8>> = fields.iter().map(|f| unescape(f)).collect();
        match fields[0] {
            "netgroup" => {
                netgroups.insert(fields[1], bytes[2].clone());
            }
            "files" => {
                let pairs = bytes[2..].chunks(2).map(|p| (p[0].clone(), p[1].clone()));
                files.insert(fields[1], pairs.collect::<HashMap<_, _>>());
            }
            _ => {
                count += 1;
                wrong.extend(compare(&fields, &bytes, &netgroups, &files));
            }
        }
    }
    assert!(count > 300, "only {count} cases");
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn compare(
    fields: &[&str],
    bytes: &[Vec<u8>],
    netgroups: &HashMap<&str, Vec<u8>>,
    files: &HashMap<&str, HashMap<Vec<u8>, Vec<u8>>>,
) -> Option<String> {
    let mut facts = Recorded {
        server: &bytes[5],
        client: &bytes[7],
        user: &bytes[8],
        netgroups: netgroups.get(fields[11]).map(Vec::as_slice),
        files: files.get(fields[12]),
    };
    let request = Request {
        daemon: &bytes[2],
        pid: 1,
        client: endpoint(&bytes[6], Some(0)),
        server: endpoint(&bytes[4], (fields[3] == "yes").then_some(0)),
    };
    let tables = Tables {
        allow: source(fields[9], "hosts.allow", &bytes[9]),
        deny: source(fields[10], "hosts.deny", &bytes[10]),
    };
    let mut known = Known::new(&bytes[2]);
    // tcpdmatch has printed the names before it reads the tables.
    known.client = Some(hostname(&bytes[7]).unwrap());
    known.server = Some(hostname(&bytes[5]).unwrap());
    known.user = facts.client_user(0).unwrap();
    let mut judge =
        |compat| evaluate_knowing(&tables, &request, known.clone(), &mut facts, compat).unwrap();
    let strict = judge(Compat::Strict);
    let verdict = judge(Compat::TcpWrappers);
    // Strict uses a last line without line feed, which the original drops.
    let comparable = !fields[16].contains("missing newline");
    if comparable && strict.granted && fields[13] == "denied" {
        return Some(format!("{}: strict grants, {:?}", fields[1], strict.reason));
    }
    let ours = described(&verdict);
    let same = ours
        .iter()
        .zip(&bytes[13..17])
        .all(|(ours, recorded)| recorded == b"*" || *ours == lossy(recorded));
    (!same).then(|| format!("{}: {ours:?}\n      {:?}", fields[1], &fields[13..]))
}
