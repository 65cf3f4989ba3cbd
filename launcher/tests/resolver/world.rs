//! A world of its own for each test: network, /etc and name servers, and a resolver in it.

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use std::fs;
use std::io::{self, Read};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use wire::{Answer, Channel, Outcome, Question, Subject};

const INSIDE: &str = "PORTREEVE_RESOLVER_WORLD";
/// No test takes longer; nothing in a world does.
const LIMIT: Duration = Duration::from_secs(20);

/// Runs `test` in a world of its own: the test program runs itself again under unshare(1).
pub fn in_a_world<F: FnOnce(&mut World)>(test: F) {
    if std::env::var_os(INSIDE).is_some() {
        let mut world = World::enter();
        test(&mut world);
        return;
    }
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: not root, and a world of its own needs it");
        return;
    }
    if !is_there("dnsmasq") || !is_there("ip") {
        println!("skipped: dnsmasq or ip is missing (packages dnsmasq-base, iproute2)");
        return;
    }
    let output = Command::new("unshare")
        .args(["--mount", "--net", "--pid", "--fork", "--kill-child"])
        .args(["--mount-proc", "--propagation", "private", "--"])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            test_name::<F>(),
            "--nocapture",
            "--test-threads=1",
        ])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    // A misspelt name would run no test and succeed.
    assert!(
        output.status.success() && text.contains("1 passed"),
        "in its world: {}\n{text}\n{errors}",
        output.status
    );
}

/// The name libtest knows a test by: that of its closure without the crate.
fn test_name<F>() -> &'static str {
    let closure = std::any::type_name::<F>();
    let path = closure.split_once("::").map_or(closure, |(_, path)| path);
    path.strip_suffix("::{{closure}}").unwrap_or(path)
}

fn is_there(program: &str) -> bool {
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        .iter()
        .any(|directory| fs::exists(format!("{directory}/{program}")).unwrap_or(false))
}

fn run(program: &str, arguments: &str) {
    let status = Command::new(program)
        .args(arguments.split_whitespace())
        .status()
        .unwrap();
    assert!(status.success(), "{program} {arguments}: {status}");
}

/// What the test runs in.
pub struct World {
    servers: Vec<Child>,
}

/// What the real name server knows. It is the authority for all of it.
const ZONE: &str = "\
    --local=/test/ --local=/in-addr.arpa/ --local=/ip6.arpa/ \
    --host-record=good.test,192.0.2.10 \
    --host-record=six.test,2001:db8::6 \
    --host-record=loop.test,127.0.0.77 \
    --ptr-record=11.2.0.192.in-addr.arpa,lonely.test \
    --ptr-record=12.2.0.192.in-addr.arpa,liar.test --address=/liar.test/192.0.2.99 \
    --ptr-record=13.2.0.192.in-addr.arpa,alias.test --cname=alias.test,good.test \
    --ptr-record=14.2.0.192.in-addr.arpa,bad/name.test \
    --ptr-record=15.2.0.192.in-addr.arpa,1.2.3.4 \
    --ptr-record=16.2.0.192.in-addr.arpa,short --host-record=short.dom.test,192.0.2.16";

impl World {
    fn enter() -> Self {
        run("ip", "link set lo up");
        for address in ["192.0.2.1/32", "192.0.2.10/32", "2001:db8::1/128"] {
            run("ip", &format!("address add {address} dev lo"));
        }
        let users = fs::read("/etc/passwd").unwrap();
        run("mount", "-t tmpfs none /etc");
        fs::write("/etc/passwd", users).unwrap();
        fs::write("/etc/group", "root:x:0:\n").unwrap();
        let world = World {
            servers: Vec::new(),
        };
        world.file("hosts", "127.0.0.1 localhost\n");
        world.file("nsswitch.conf", "hosts: files dns\n");
        world.file(
            "resolv.conf",
            "nameserver 127.0.0.1\noptions timeout:5 attempts:2\n",
        );
        world
    }

    /// Writes a file in this world's /etc.
    pub fn file(&self, name: &str, text: &str) {
        fs::write(format!("/etc/{name}"), text).unwrap();
    }

    /// Starts the name server that knows [`ZONE`], on 127.0.0.1.
    pub fn name_server(&mut self) {
        let server = Command::new("dnsmasq")
            .args([
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--user=root",
            ])
            .args([
                "--pid-file=",
                "--no-hosts",
                "--no-resolv",
                "--local-ttl=300",
            ])
            .args(["--listen-address=127.0.0.1", "--bind-interfaces"])
            .args(ZONE.split_whitespace())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        self.servers.push(server);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let pause = Some(Duration::from_millis(50));
        socket.set_read_timeout(pause).unwrap();
        // A question for the root's name servers; any answer says that it is up.
        let question = b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\0\0\x02\0\x01";
        let start = Instant::now();
        loop {
            socket.send_to(question, "127.0.0.1:53").unwrap();
            if socket.recv(&mut [0; 512]).is_ok() {
                return;
            }
            assert!(start.elapsed() < LIMIT, "dnsmasq does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends the name server.
    pub fn end_name_server(&mut self) {
        for mut server in self.servers.drain(..) {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    /// A name server that never answers; it lasts as long as the socket.
    pub fn silent_server(&self, address: &str) -> UdpSocket {
        UdpSocket::bind(address).unwrap()
    }

    /// A name server that answers everything with this response code.
    pub fn failing_server(&self, address: &str, code: u8) {
        let socket = UdpSocket::bind(address).unwrap();
        std::thread::spawn(move || {
            let mut query = [0; 1500];
            while let Ok((length, client)) = socket.recv_from(&mut query) {
                query[2] |= 0x80;
                query[3] = 0x80 | code;
                socket.send_to(&query[..length], client).unwrap();
            }
        });
    }

    /// Starts a resolver.
    pub fn resolver(&self, arguments: &[&str]) -> Resolver {
        let kind = SockType::SeqPacket;
        let flags = SockFlag::SOCK_CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::Unix, kind, None, flags).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_portreeve-resolver"))
            .args(arguments)
            .stdin(Stdio::from(theirs))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Resolver {
            channel: Channel::new(ours),
            child,
            asked: 0,
        }
    }
}

/// A running resolver and our end of its socket.
pub struct Resolver {
    /// Where questions go.
    pub channel: Channel<Answer, Question>,
    /// The process.
    pub child: Child,
    asked: u64,
}

impl Resolver {
    /// Asks for the name of an address; the resolver may take 10 seconds.
    pub fn name_of(&mut self, address: &str) -> Answer {
        self.name_within(address, 10_000)
    }

    /// Asks for the name of an address within so many milliseconds.
    pub fn name_within(&mut self, address: &str, deadline_ms: u32) -> Answer {
        let socket = SocketAddr::new(address.parse().unwrap(), 40_000);
        self.ask(Subject::HostnameOf(socket), deadline_ms)
    }

    /// Asks and waits for the answer.
    pub fn ask(&mut self, subject: Subject, deadline_ms: u32) -> Answer {
        let id = self.send(subject, deadline_ms);
        let answer = self.receive();
        assert_eq!(answer.id, id);
        answer
    }

    /// Asks; the number of the question.
    pub fn send(&mut self, subject: Subject, deadline_ms: u32) -> u64 {
        self.asked += 1;
        let question = Question {
            id: self.asked,
            deadline_ms,
            subject,
        };
        self.channel.send(&question, None).unwrap();
        self.asked
    }

    /// The next answer.
    pub fn receive(&mut self) -> Answer {
        if !readable(self.channel.as_fd().try_clone_to_owned().unwrap(), LIMIT) {
            panic!("no answer");
        }
        match self.channel.receive() {
            Ok((answer, _)) => answer,
            Err(error) => panic!("{error:?}; it said: {}", self.end().1),
        }
    }

    /// Whether another answer comes within this time.
    pub fn says_more(&self, time: Duration) -> bool {
        readable(self.channel.as_fd().try_clone_to_owned().unwrap(), time)
    }

    /// Waits for its end: its status and what it said.
    pub fn end(&mut self) -> (ExitStatus, String) {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(start.elapsed() < LIMIT, "the resolver does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut said = String::new();
        let stderr = self.child.stderr.take();
        stderr.map(|mut pipe| pipe.read_to_string(&mut said));
        (status, said)
    }

    /// Closes the socket and waits for the end.
    pub fn leave(mut self) -> (ExitStatus, String) {
        let (ours, _) = io::pipe().unwrap();
        self.channel = Channel::new(OwnedFd::from(ours));
        self.end()
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn readable(socket: OwnedFd, time: Duration) -> bool {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let timeout = PollTimeout::try_from(time).unwrap();
    let mut wanted = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    poll(&mut wanted, timeout).unwrap() > 0
}

/// Bytes as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Outcome, name and warning.
pub fn parts(answer: Answer) -> (Outcome, String, String) {
    (answer.outcome, text(&answer.name), text(&answer.warning))
}

/// A name that is good.
pub fn known(name: &str) -> (Outcome, String, String) {
    (Outcome::Known, name.to_owned(), String::new())
}

/// A name that does not check out.
pub fn paranoid(warning: &str) -> (Outcome, String, String) {
    (Outcome::Paranoid, String::new(), warning.to_owned())
}

/// No name.
pub fn nothing(outcome: Outcome) -> (Outcome, String, String) {
    (outcome, String::new(), String::new())
}
