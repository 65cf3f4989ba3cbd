use super::*;
use crate::log::testing;
use std::thread::{self, JoinHandle};
use wire::Outcome;

const TIME: Duration = Duration::from_secs(5);

fn subject() -> Subject {
    Subject::HostnameOf("192.0.2.1:40000".parse().unwrap())
}

fn answer(id: u64) -> Answer {
    Answer {
        id,
        outcome: Outcome::Known,
        name: b"a.example".into(),
        warning: Vec::new(),
    }
}

/// A resolver that is a thread of ours, with a process that ends at once in its place.
fn served(
    serve: impl FnOnce(Channel<Question, Answer>) + Send + 'static,
) -> (Resolver, JoinHandle<()>) {
    let kind = SockType::SeqPacket;
    let (ours, theirs) =
        socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC).unwrap();
    let thread = thread::spawn(move || serve(Channel::new(theirs)));
    let child = Command::new("true").spawn().unwrap();
    let helper = Helper {
        channel: Some(Channel::new(ours)),
        child,
    };
    (
        Resolver {
            helper: Some(helper),
            ..Resolver::default()
        },
        thread,
    )
}

#[test]
fn only_the_answer_to_the_question_counts() {
    let (mut log, reader) = testing::log();
    let (mut resolver, thread) = served(|channel| {
        let question = channel.receive().unwrap().0;
        assert_eq!(question.subject, subject());
        assert!(question.deadline_ms <= 30_000 && question.deadline_ms > 20_000);
        channel
            .send(
                &Answer {
                    name: b"forged".into(),
                    ..answer(99)
                },
                None,
            )
            .unwrap();
        channel.send(&answer(question.id), None).unwrap();
    });
    let found = resolver.ask_name(subject(), &mut log).unwrap();
    assert_eq!(found.name, b"a.example");
    assert!(!resolver.is_broken() && reader.lines().is_empty());
    thread.join().unwrap();
}

#[test]
fn a_resolver_that_ends_is_not_asked_again() {
    let (mut log, reader) = testing::log();
    let (mut resolver, thread) = served(|channel| drop(channel.receive().unwrap()));
    assert_eq!(resolver.ask_user(subject(), 5, &mut log), None);
    assert_eq!(resolver.ask_name(subject(), &mut log), None);
    assert!(resolver.is_broken());
    assert_eq!(
        reader.lines(),
        ["<27>warning: the resolver ended; names cannot be looked up"]
    );
    thread.join().unwrap();
}

#[test]
fn nonsense_is_no_answer() {
    let (mut log, reader) = testing::log();
    let (mut resolver, thread) = served(|channel| {
        drop(channel.receive().unwrap());
        sys::message::send(channel.as_fd(), b"nonsense", None).unwrap();
    });
    assert_eq!(resolver.ask(subject(), TIME, &mut log), None);
    assert!(reader.lines()[0].contains("the resolver: frame of a wrong size"));
    thread.join().unwrap();
}

#[test]
fn silence_has_an_end() {
    let (mut log, reader) = testing::log();
    let (mut resolver, thread) = served(|channel| {
        drop(channel.receive().unwrap());
        drop(channel.receive());
    });
    let start = Instant::now();
    assert_eq!(
        resolver.ask(subject(), Duration::from_millis(10), &mut log),
        None
    );
    assert!(start.elapsed() >= GRACE && start.elapsed() < GRACE * 3);
    assert!(reader.lines()[0].contains("the resolver did not answer in time"));
    drop(resolver);
    thread.join().unwrap();
}

#[test]
fn a_missing_resolver_says_where_it_was_looked_for() {
    let paths = [
        PathBuf::from("/nonexistent/one"),
        PathBuf::from("/nonexistent/two"),
    ];
    let Err(why) = Helper::start(&paths) else {
        panic!("started")
    };
    assert_eq!(
        why,
        "cannot start the resolver: /nonexistent/one: No such file or directory, \
         /nonexistent/two: No such file or directory"
    );
}
