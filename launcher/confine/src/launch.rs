//! Creating a confined process.

use crate::program::Program;
use crate::sandbox::Sandbox;
use crate::stage::{Privileged, Step, StepError};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use sys::clone::{Child, Stack};

/// Creates children, one at a time.
pub struct Launcher {
    stack: Stack,
}

/// Enough for the child's few frames many times over.
const STACK_SIZE: usize = 64 * 1024;

impl Launcher {
    /// Prepares the stack that children run on until they exec.
    ///
    /// # Errors
    /// The system's, when memory is short.
    pub fn new() -> io::Result<Self> {
        Ok(Launcher {
            stack: Stack::new(STACK_SIZE)?,
        })
    }

    /// Starts `program` inside `sandbox` with `stdio` as descriptors 0 to 2 and no others.
    ///
    /// Returns when the program runs. The caller blocks all signals beforehand, so that the
    /// child, which shares its memory, runs no handler, and ignores none, because a program
    /// would inherit that.
    ///
    /// # Errors
    /// The step that failed; the program has not been started then, and the child is gone.
    pub fn launch(
        &mut self,
        sandbox: &Sandbox,
        program: &Program,
        stdio: [BorrowedFd<'_>; 3],
    ) -> Result<Child, StepError> {
        let failure = AtomicU32::new(0);
        let child = sys::clone::vfork(&mut self.stack, || {
            let error = match become_server(sandbox, program, stdio) {
                Ok(never) => match never {},
                Err(error) => error,
            };
            failure.store(encode(error), Ordering::SeqCst);
            EXIT_FAILED
        })
        .map_err(|error| StepError {
            step: Step::Clone,
            errno: error.raw_os_error().unwrap_or(5),
        })?;
        match decode(failure.load(Ordering::SeqCst)) {
            None => Ok(child),
            Some(error) => {
                // The child has ended; reaping it cannot block, and its status says nothing
                // that `error` does not.
                drop(sys::clone::reap(child.pidfd.as_fd()));
                Err(error)
            }
        }
    }
}

/// What a shell says about a command that could not be executed.
const EXIT_FAILED: i32 = 126;

fn become_server(
    sandbox: &Sandbox,
    program: &Program,
    stdio: [BorrowedFd<'_>; 3],
) -> Result<std::convert::Infallible, StepError> {
    let confined = Privileged::new(sandbox)
        .place_descriptors(stdio)?
        .drop_privileges()?
        .confine()?;
    Err(confined.exec(program))
}

fn encode(error: StepError) -> u32 {
    u32::from(error.step as u8) << 24 | error.errno.unsigned_abs() & 0x00ff_ffff
}

fn decode(code: u32) -> Option<StepError> {
    let [number, high, middle, low] = code.to_be_bytes();
    let step = Step::from_number(number)?;
    Some(StepError {
        step,
        errno: i32::from_be_bytes([0, high, middle, low]),
    })
}
