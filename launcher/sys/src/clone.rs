//! Creating a child that borrows its parent's memory until it execs.
//!
//! Source: clone(2), CLONE_VFORK, CLONE_PIDFD; Linux 5.5 for CLONE_CLEAR_SIGHAND.

use crate::check;
use std::ffi::c_void;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

/// A stack for children, with an inaccessible page below it.
///
/// One child at a time uses it: the parent thread is suspended while it does.
pub struct Stack {
    base: *mut c_void,
    length: usize,
}

// SAFETY: the mapping belongs to this value alone, and is only written through `&mut self`.
unsafe impl Send for Stack {}

const PAGE: usize = 4096;

impl Stack {
    /// Maps a stack of `size` bytes, rounded up to pages, and a guard page below it.
    ///
    /// # Errors
    /// The kernel's, when memory is short.
    pub fn new(size: usize) -> io::Result<Self> {
        let length = size.next_multiple_of(PAGE) + PAGE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
        // SAFETY: a null hint and no descriptor: the kernel chooses fresh pages.
        let base = unsafe {
            libc::mmap(
                ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                flags,
                -1,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let stack = Stack { base, length };
        // SAFETY: the first page of the mapping made above, which nothing uses yet.
        check(libc::c_long::from(unsafe {
            libc::mprotect(base, PAGE, libc::PROT_NONE)
        }))?;
        Ok(stack)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: exactly the mapping made in `new`; no child runs on it, because `vfork`
        // holds `&mut self` until the child has left it.
        unsafe { libc::munmap(self.base, self.length) };
    }
}

/// A child that has been created: its process id and a descriptor that stands for it.
#[derive(Debug)]
pub struct Child {
    /// Process id in the caller's pid namespace.
    pub pid: i32,
    /// Becomes readable when the child has ended; reaped with `waitid(P_PIDFD)`.
    pub pidfd: OwnedFd,
}

/// Runs `child` in a new process that shares this one's memory, on `stack`, and returns
/// once that process has executed a program or ended.
///
/// The caller's thread stays suspended meanwhile, so borrows held by `child` stay valid, as
/// with a scoped thread; other threads of the process run on, hence `Send`. The child starts
/// with all signal handlers reset to their default and with the signal mask of the caller.
/// If `child` returns, the process ends with the status it gives. `child` must not unwind,
/// allocate or take locks: other threads may hold them.
///
/// # Errors
/// The kernel's, for instance `EAGAIN` at the process limit.
pub fn vfork<F>(stack: &mut Stack, mut child: F) -> io::Result<Child>
where
    F: FnMut() -> i32 + Send,
{
    let mut pidfd: RawFd = -1;
    // SAFETY: clone_args is plain integers, for which all-zero is the documented default.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags =
        (libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD) as u64 | CLEAR_SIGHAND;
    arguments.pidfd = (&raw mut pidfd) as u64;
    arguments.exit_signal = libc::SIGCHLD as u64;
    arguments.stack = stack.base as u64;
    arguments.stack_size = stack.length as u64;
    let data = (&raw mut child).cast::<c_void>();
    // SAFETY: `arguments` and what it points to (`pidfd`, the stack) live until the call
    // returns, which is after the child has left this memory; `data` points to `child`,
    // whose type is the one `entry::<F>` expects, and nobody else touches it meanwhile.
    let returned = unsafe { clone3(&arguments, data, entry::<F>) };
    if returned < 0 {
        return Err(io::Error::from_raw_os_error(
            i32::try_from(-returned).unwrap_or(libc::EIO),
        ));
    }
    // SAFETY: on success the kernel stored a new descriptor here, which nobody else owns.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Child {
        pid: i32::try_from(returned).unwrap_or(-1),
        pidfd,
    })
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It exited with this status, 0 to 255.
    Exited(u8),
    /// A signal with this number ended it.
    Signalled(u8),
}

/// Reaps the child that `pidfd` stands for, waiting for its end if need be. Linux 5.4.
///
/// # Errors
/// `ECHILD` if it is no child of this process, or has been reaped.
pub fn reap(pidfd: BorrowedFd<'_>) -> io::Result<Ended> {
    // SAFETY: siginfo_t is plain data, for which all-zero is valid.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let number = u32::try_from(pidfd.as_raw_fd()).unwrap_or(u32::MAX);
    // SAFETY: `info` is local and outlives the call.
    let returned = unsafe { libc::waitid(libc::P_PIDFD, number, &raw mut info, libc::WEXITED) };
    check(libc::c_long::from(returned))?;
    // SAFETY: a successful waitid(2) fills the SIGCHLD form of the structure.
    let status = unsafe { info.si_status() };
    let status = u8::try_from(status & 0xff).unwrap_or(0);
    Ok(if info.si_code == libc::CLD_EXITED {
        Ended::Exited(status)
    } else {
        Ended::Signalled(status)
    })
}

/// Sends `signal` to the process that `pidfd` stands for. Linux 5.1.
///
/// # Errors
/// `ESRCH` if it has ended, `EPERM` without the right to.
pub fn kill(pidfd: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    // SAFETY: integers, and a null pointer that stands for default signal information.
    check(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, 0, 0) })?;
    Ok(())
}

/// `CLONE_CLEAR_SIGHAND`, which the libc crate types as a signed int it does not fit.
const CLEAR_SIGHAND: u64 = 0x1_0000_0000;

extern "C" fn entry<F: FnMut() -> i32>(data: *mut c_void) -> ! {
    // SAFETY: `vfork` passed a pointer to its `F`, and waits for us without touching it.
    let child = unsafe { &mut *data.cast::<F>() };
    let status = child();
    // SAFETY: ends this process only; no destructor or exit handler of the parent runs.
    unsafe { libc::_exit(status) }
}

/// clone3(2), continuing in the child with `entry(data)` on the stack given in `arguments`.
/// Returns the child's pid, or a negated errno.
///
/// # Safety
/// `arguments` must describe a stack nobody else uses and ask for CLONE_VM and CLONE_VFORK;
/// `entry` must not return and must accept `data`.
#[cfg(target_arch = "x86_64")]
unsafe fn clone3(
    arguments: &libc::clone_args,
    data: *mut c_void,
    entry: extern "C" fn(*mut c_void) -> !,
) -> i64 {
    let returned: i64;
    // SAFETY: the kernel switches the child to the new stack before it runs any instruction,
    // so nothing of this frame is touched by it; the parent sees an ordinary system call.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") libc::SYS_clone3 => returned,
            in("rdi") arguments,
            in("rsi") size_of::<libc::clone_args>(),
            in("r12") data,
            in("r13") entry,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    returned
}

/// As above, for 64-bit Arm.
///
/// # Safety
/// As above.
#[cfg(target_arch = "aarch64")]
unsafe fn clone3(
    arguments: &libc::clone_args,
    data: *mut c_void,
    entry: extern "C" fn(*mut c_void) -> !,
) -> i64 {
    let returned: i64;
    // SAFETY: as above.
    unsafe {
        std::arch::asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x20",
            "blr x21",
            "brk 1",
            "2:",
            inlateout("x0") arguments => returned,
            in("x1") size_of::<libc::clone_args>(),
            in("x8") libc::SYS_clone3,
            in("x20") data,
            in("x21") entry,
        );
    }
    returned
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn the_child_shares_memory_and_ends_before_vfork_returns() {
        let mut stack = Stack::new(64 * 1024).unwrap();
        let seen = AtomicU32::new(0);
        let child = vfork(&mut stack, || {
            seen.store(std::process::id(), Ordering::SeqCst);
            7
        })
        .unwrap();
        assert!(child.pid > 0);
        assert_ne!(seen.load(Ordering::SeqCst), 0);
        assert_eq!(reap(child.pidfd.as_fd()).unwrap(), Ended::Exited(7));
    }

    #[test]
    fn one_stack_serves_many_children() {
        let mut stack = Stack::new(16 * 1024).unwrap();
        for round in 0..100 {
            let child = vfork(&mut stack, || round).unwrap();
            assert_eq!(
                reap(child.pidfd.as_fd()).unwrap(),
                Ended::Exited(round as u8)
            );
        }
    }
}
