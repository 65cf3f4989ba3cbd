//! Makes another process perform a system call, to see what its filter answers.
//!
//! The process is stopped with ptrace(2), its registers are set to a `syscall` instruction it
//! has just executed, one instruction is stepped, and everything is put back.

use crate::failure;
use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use std::io;
use std::os::raw::c_void;

/// What came of a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded with this value.
    Value(i64),
    /// It failed.
    Error(Errno),
    /// It ended the process.
    Killed,
}

impl Outcome {
    /// Whether the kernel said that the caller may not.
    #[must_use]
    pub fn denied(self) -> bool {
        matches!(self, Outcome::Error(Errno::EPERM | Errno::EACCES))
    }
}

/// An argument of a system call.
#[derive(Clone, Copy, Debug)]
pub enum Argument<'a> {
    /// A plain number.
    Number(u64),
    /// The address of these bytes, copied into the process.
    Bytes(&'a [u8]),
}

/// System call numbers of x86-64.
pub mod number {
    /// read(2)
    pub const READ: u64 = 0;
    /// socket(2)
    pub const SOCKET: u64 = 41;
    /// recvfrom(2)
    pub const RECVFROM: u64 = 45;
    /// recvmsg(2)
    pub const RECVMSG: u64 = 47;
    /// bind(2)
    pub const BIND: u64 = 49;
    /// execve(2)
    pub const EXECVE: u64 = 59;
    /// recvmmsg(2)
    pub const RECVMMSG: u64 = 299;
    /// readv(2)
    pub const READV: u64 = 19;
    /// openat(2)
    pub const OPENAT: u64 = 257;
}

/// A process held by ptrace; dropping it lets the process go on where it was.
#[derive(Debug)]
pub struct Held {
    pid: Pid,
    gone: bool,
}

/// Room for copied bytes, below the stack pointer and the red zone under it.
const ROOM: u64 = 1024;

impl Held {
    /// Stops a process's main thread.
    ///
    /// # Errors
    /// It has ended, or another tracer holds it.
    pub fn stop(pid: u32) -> io::Result<Held> {
        let pid = Pid::from_raw(i32::try_from(pid).map_err(io::Error::other)?);
        ptrace::attach(pid)?;
        match waitpid(pid, None)? {
            WaitStatus::Stopped(..) => Ok(Held { pid, gone: false }),
            other => Err(failure(format!("expected a stop, got {other:?}"))),
        }
    }

    /// Performs one system call in the process.
    ///
    /// # Errors
    /// The process cannot be controlled, or it is stopped where no system call was just made.
    pub fn call(&mut self, number: u64, arguments: &[Argument<'_>]) -> io::Result<Outcome> {
        let saved = ptrace::getregs(self.pid)?;
        let instruction = saved.rip.wrapping_sub(2);
        if ptrace::read(self.pid, instruction as *mut c_void)? & 0xffff != 0x050f {
            return Err(failure(format!(
                "{} is not stopped in a system call",
                self.pid
            )));
        }
        let mut place = (saved.rsp - ROOM) & !15;
        let mut memory = Vec::new();
        let mut values = [0; 6];
        for (value, argument) in values.iter_mut().zip(arguments) {
            *value = match argument {
                Argument::Number(number) => *number,
                Argument::Bytes(bytes) => {
                    let start = place;
                    self.write(&mut place, bytes, &mut memory)?;
                    start
                }
            };
        }
        let mut registers = saved;
        [
            registers.rdi,
            registers.rsi,
            registers.rdx,
            registers.r10,
            registers.r8,
            registers.r9,
        ] = values;
        registers.rip = instruction;
        registers.rax = number;
        // No interrupted call to restart, or the kernel would change what we set.
        registers.orig_rax = u64::MAX;
        ptrace::setregs(self.pid, registers)?;
        let Some(result) = self.step()? else {
            return Ok(Outcome::Killed);
        };
        // After an execve there is another program, and nothing to put back.
        if !(number == number::EXECVE && result == 0) {
            for (address, word) in memory {
                ptrace::write(self.pid, address as *mut c_void, word)?;
            }
            ptrace::setregs(self.pid, saved)?;
        }
        Ok(if (-4095..0).contains(&result) {
            Outcome::Error(Errno::from_raw(i32::try_from(-result).unwrap_or(0)))
        } else {
            Outcome::Value(result)
        })
    }

    /// The address where the next [`Argument::Bytes`] will be, for structures that point to
    /// their own bytes.
    ///
    /// # Errors
    /// The process cannot be controlled.
    pub fn room(&self) -> io::Result<u64> {
        Ok((ptrace::getregs(self.pid)?.rsp - ROOM) & !15)
    }

    fn write(&self, place: &mut u64, bytes: &[u8], memory: &mut Vec<(u64, i64)>) -> io::Result<()> {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            if let Some(head) = word.get_mut(..chunk.len()) {
                head.copy_from_slice(chunk);
            }
            let address = *place as *mut c_void;
            memory.push((*place, ptrace::read(self.pid, address)?));
            ptrace::write(self.pid, address, i64::from_le_bytes(word))?;
            *place += 8;
        }
        Ok(())
    }

    /// Steps one instruction; the result register, or `None` when the process died of it.
    fn step(&mut self) -> io::Result<Option<i64>> {
        ptrace::step(self.pid, None)?;
        match waitpid(self.pid, None)? {
            WaitStatus::Stopped(..) => Ok(Some(ptrace::getregs(self.pid)?.rax.cast_signed())),
            WaitStatus::Signaled(..) | WaitStatus::Exited(..) => {
                self.gone = true;
                Ok(None)
            }
            other => Err(failure(format!("expected a stop, got {other:?}"))),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.gone {
            // Fails only when the process has been killed meanwhile.
            let _ = ptrace::detach(self.pid, None);
        }
    }
}
