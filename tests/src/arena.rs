//! A private world: own mounts, processes and network, own `/etc`, `/dev`, `/run`, own syslog.
//!
//! A test re-executes itself under unshare(1) and there runs as process 1 of its own pid
//! namespace. When it ends, everything it started ends with it, and the machine outside has
//! noticed nothing.

use crate::journal::Journal;
use crate::{failure, paths};
use nix::mount::{MsFlags, mount};
use std::any::type_name_of_val;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Environment variable set for the process that runs inside.
pub const INSIDE: &str = "PORTREEVE_ARENA";

/// Longest time that a test may take.
const LIMIT: Duration = Duration::from_secs(240);

/// Where the arena keeps its own files: a tmpfs that exists only inside.
pub const HOME: &str = "/run/arena";

/// The world, once inside.
#[derive(Debug)]
pub struct Arena {
    /// What was sent to `/dev/log`.
    pub journal: Journal,
}

/// Runs the body of a test in an arena. The closure must be written in the test function
/// itself: its name tells which test to run again inside.
///
/// Without root the test says that it is skipped; under `CI=true` that is a failure.
#[allow(clippy::panic, clippy::missing_panics_doc)] // a test ends with a panic
pub fn in_arena<F: FnOnce(&Arena) -> io::Result<()>>(body: F) {
    let name = test_name(type_name_of_val(&body));
    let outcome = if std::env::var_os(INSIDE).is_some() {
        Arena::enter().and_then(|arena| body(&arena).map_err(|error| arena.explain(&error)))
    } else if nix::unistd::geteuid().is_root() {
        rerun(&name)
    } else if std::env::var("CI").is_ok_and(|ci| ci == "true") {
        Err(failure(
            "needs root, and under CI=true nothing may be skipped",
        ))
    } else {
        println!("skipped: needs root: {name} makes its own mount, pid and network namespaces");
        Ok(())
    };
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// `file::test::{{closure}}` is the closure's name, `test` the name libtest knows.
fn test_name(closure: &str) -> String {
    let path = closure.split_once("::").map_or(closure, |(_, path)| path);
    path.split("::{{closure}}")
        .next()
        .unwrap_or(path)
        .to_owned()
}

/// The command that runs `program` inside; the caller adds the arguments.
#[must_use]
pub fn unshare(program: &Path) -> Command {
    let mut command = Command::new("unshare");
    command
        .args([
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ])
        .args(["--propagation", "private", "--"])
        .arg(program)
        .env(INSIDE, "1");
    command
}

fn rerun(name: &str) -> io::Result<()> {
    let (mut reader, writer) = io::pipe()?;
    let mut command = unshare(&std::env::current_exe()?);
    command
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let mut child = command.spawn()?;
    // The command holds copies of the pipe's writing end.
    drop(command);
    let output = std::thread::spawn(move || {
        let mut text = Vec::new();
        let read = reader.read_to_end(&mut text);
        (String::from_utf8_lossy(&text).into_owned(), read)
    });
    let status = crate::wait_for(&format!("the end of {name}"), LIMIT, || {
        child.try_wait().ok()?
    });
    if status.is_err() {
        child.kill()?;
        child.wait()?;
    }
    let (text, _) = output
        .join()
        .map_err(|_| failure("the reader of the output died"))?;
    // Indented, so that nobody takes the inner summary for one of the outer run.
    text.lines().for_each(|line| println!("    {line}"));
    match status {
        // A misspelt name would run no test and succeed.
        Ok(status) if status.success() && text.contains("1 passed") => Ok(()),
        Ok(status) => Err(failure(format!(
            "inside the arena: {status}; see its output above"
        ))),
        Err(late) => Err(late),
    }
}

impl Arena {
    /// Builds the world around the calling process, which [`unshare`] started.
    ///
    /// # Errors
    /// A mount failed, or the process is not alone in a pid namespace.
    pub fn enter() -> io::Result<Arena> {
        if std::process::id() != 1 {
            return Err(failure(format!(
                "{INSIDE} is set, but this is no pid namespace of its own"
            )));
        }
        tmpfs(Path::new("/run"))?;
        fs::create_dir(HOME)?;
        private_etc()?;
        private_dev()?;
        tmpfs(Path::new("/var/log"))?;
        run("ip", &["link", "set", "lo", "up"])?;
        let arena = Arena {
            journal: Journal::listen(Path::new("/dev/log"))?,
        };
        crate::services::write_files()?;
        Ok(arena)
    }

    /// A path in the arena's own directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        Path::new(HOME).join(name)
    }

    /// Copies a program into the arena, where every user can reach it.
    ///
    /// # Errors
    /// It does not exist: it was not built.
    pub fn install(&self, program: &Path) -> io::Result<PathBuf> {
        let bin = self.path("bin");
        fs::create_dir_all(&bin)?;
        let place = bin.join(program.file_name().unwrap_or_default());
        fs::copy(program, &place)
            .map_err(|error| failure(format!("{}: {error}; is it built?", program.display())))?;
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755))?;
        Ok(place)
    }

    /// Makes `/usr/sbin/tcpd` ours.
    ///
    /// # Errors
    /// Ours is not built, or Debian's not installed.
    pub fn replace_tcpd(&self) -> io::Result<()> {
        bind(&self.install(&paths::tcpd())?, Path::new("/usr/sbin/tcpd"))
    }

    /// Ends every process of this arena but the test itself.
    ///
    /// # Errors
    /// This is not the first process of a pid namespace.
    pub fn sweep(&self) -> io::Result<()> {
        use nix::sys::signal::{Signal, kill};
        use nix::sys::wait::waitpid;
        use nix::unistd::Pid;
        if std::process::id() != 1 {
            return Err(failure("sweep is for the first process of a pid namespace"));
        }
        match kill(Pid::from_raw(-1), Signal::SIGKILL) {
            Ok(()) | Err(nix::Error::ESRCH) => {}
            Err(error) => return Err(error.into()),
        }
        while waitpid(None, None).is_ok() {}
        Ok(())
    }

    fn explain(&self, error: &io::Error) -> io::Error {
        let log: Vec<_> = self
            .journal
            .messages()
            .iter()
            .map(|message| message.line())
            .collect();
        failure(format!("{error}\nsyslog:\n  {}", log.join("\n  ")))
    }
}

/// Runs a command to its end.
///
/// # Errors
/// It cannot be started or does not succeed.
pub fn run(program: &str, arguments: &[&str]) -> io::Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(failure(format!(
        "{program} {arguments:?}: {}: {errors}",
        output.status
    )))
}

/// Mounts a new tmpfs on `place`.
///
/// # Errors
/// As mount(2).
pub fn tmpfs(place: &Path) -> io::Result<()> {
    let nothing: Option<&str> = None;
    mount(
        Some("tmpfs"),
        place,
        Some("tmpfs"),
        MsFlags::MS_NOSUID,
        Some("mode=755"),
    )
    .or_else(|_| {
        mount(
            Some("tmpfs"),
            place,
            Some("tmpfs"),
            MsFlags::empty(),
            nothing,
        )
    })
    .map_err(|error| failure(format!("tmpfs on {}: {error}", place.display())))
}

/// Makes `source` appear at `place`, which must exist and be of the same kind.
///
/// # Errors
/// As mount(2).
pub fn bind(source: &Path, place: &Path) -> io::Result<()> {
    let nothing: Option<&str> = None;
    mount(Some(source), place, nothing, MsFlags::MS_BIND, nothing).map_err(|error| {
        failure(format!(
            "bind {} on {}: {error}",
            source.display(),
            place.display()
        ))
    })
}

/// The machine's `/etc`, with a layer for our changes above it.
fn private_etc() -> io::Result<()> {
    let (upper, work) = (format!("{HOME}/etc"), format!("{HOME}/etc.work"));
    fs::create_dir(&upper)?;
    fs::create_dir(&work)?;
    let options = format!("lowerdir=/etc,upperdir={upper},workdir={work}");
    mount(
        Some("overlay"),
        "/etc",
        Some("overlay"),
        MsFlags::empty(),
        Some(options.as_str()),
    )
    .map_err(|error| failure(format!("overlay on /etc: {error}")))
}

/// A `/dev` with what servers need, terminals of its own and room for `/dev/log`.
fn private_dev() -> io::Result<()> {
    let nothing: Option<&str> = None;
    let draft = Path::new(HOME).join("dev");
    fs::create_dir(&draft)?;
    mount(
        Some("tmpfs"),
        &draft,
        Some("tmpfs"),
        MsFlags::empty(),
        Some("mode=755"),
    )?;
    for name in ["null", "zero", "full", "random", "urandom", "tty"] {
        fs::File::create(draft.join(name))?;
        bind(&Path::new("/dev").join(name), &draft.join(name))?;
    }
    fs::create_dir(draft.join("pts"))?;
    let terminals = "newinstance,ptmxmode=0666,mode=0620,gid=5";
    mount(
        Some("devpts"),
        &draft.join("pts"),
        Some("devpts"),
        MsFlags::empty(),
        Some(terminals),
    )?;
    symlink("pts/ptmx", draft.join("ptmx"))?;
    symlink("/proc/self/fd", draft.join("fd"))?;
    fs::create_dir(draft.join("shm"))?;
    fs::set_permissions(draft.join("shm"), fs::Permissions::from_mode(0o1777))?;
    mount(Some(&draft), "/dev", nothing, MsFlags::MS_MOVE, nothing)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_test_comes_from_its_closure() {
        assert_eq!(test_name("privsep::three_uids::{{closure}}"), "three_uids");
        assert_eq!(test_name("a::b::c::{{closure}}::{{closure}}"), "b::c");
    }
}
