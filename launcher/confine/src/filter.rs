//! seccomp filters: which system calls are answered how.
//!
//! The program is a binary search over the call number. seccompiler's own programs compare
//! one number after the other, which makes installing one five times as expensive: the
//! kernel runs a filter once for every call number when it is installed. Conditions on
//! arguments are compiled by seccompiler.
//!
//! Source: seccomp(2); linux/seccomp.h, `struct seccomp_data`.

use seccompiler::{BpfProgram, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};
use std::collections::BTreeMap;
use std::str::FromStr;
use sys::harden::Instruction;
use syscalls::Sysno;

/// What happens to a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is made.
    Allow,
    /// It fails with this error number.
    Errno(u16),
    /// It ends the process.
    KillProcess,
}

impl Action {
    fn value(self) -> u32 {
        match self {
            Action::Allow => 0x7fff_0000,
            Action::Errno(errno) => 0x0005_0000 | u32::from(errno),
            Action::KillProcess => 0x8000_0000,
        }
    }
}

/// What happens to one call: the first rule that holds decides, otherwise `otherwise`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Call {
    rules: Vec<(SeccompRule, Action)>,
    otherwise: Action,
}

/// A seccomp policy in the making.
#[derive(Clone, Debug)]
pub struct Filter {
    default: Action,
    calls: BTreeMap<u32, Call>,
}

/// Why a filter cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterError {
    /// No system call of this architecture has this name.
    UnknownCall(String),
    /// The program is longer than the kernel takes (4096 instructions).
    TooLong,
}

impl std::fmt::Display for FilterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FilterError::UnknownCall(name) => write!(f, "unknown system call `{name}`"),
            FilterError::TooLong => write!(f, "the system call filter is too long"),
        }
    }
}

impl std::error::Error for FilterError {}

/// A rule that holds when the low 32 bits of argument `argument` are `value`: as much as the
/// kernel reads of an `int`.
///
/// # Errors
/// seccompiler's, for an argument number above 5.
pub fn equals(argument: u8, value: u64) -> Result<SeccompRule, seccompiler::BackendError> {
    let length = SeccompCmpArgLen::Dword;
    let condition = SeccompCondition::new(argument, length, SeccompCmpOp::Eq, value)?;
    SeccompRule::new(vec![condition])
}

/// A rule that holds when no bit of `bits` is set in the low 32 bits of argument `argument`.
///
/// # Errors
/// seccompiler's, for an argument number above 5.
pub fn lacks(argument: u8, bits: u64) -> Result<SeccompRule, seccompiler::BackendError> {
    let operator = SeccompCmpOp::MaskedEq(bits);
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, 0)?;
    SeccompRule::new(vec![condition])
}

/// The number of a system call on this architecture.
///
/// # Errors
/// [`FilterError::UnknownCall`].
pub fn call_number(name: &str) -> Result<u32, FilterError> {
    let call = Sysno::from_str(name).map_err(|()| FilterError::UnknownCall(name.to_owned()))?;
    u32::try_from(call.id()).map_err(|_| FilterError::UnknownCall(name.to_owned()))
}

impl Filter {
    /// A filter that answers every call it is not told about with `default`.
    #[must_use]
    pub fn new(default: Action) -> Self {
        Filter {
            default,
            calls: BTreeMap::new(),
        }
    }

    /// Sets what happens to the calls with these names.
    ///
    /// # Errors
    /// [`FilterError::UnknownCall`].
    pub fn set<'a>(
        &mut self,
        names: impl IntoIterator<Item = &'a str>,
        action: Action,
    ) -> Result<(), FilterError> {
        for name in names {
            let call = Call {
                rules: Vec::new(),
                otherwise: action,
            };
            self.calls.insert(call_number(name)?, call);
        }
        Ok(())
    }

    /// Sets what happens to one call: `action` if one of `rules` holds, else `otherwise`.
    ///
    /// # Errors
    /// [`FilterError::UnknownCall`].
    pub fn set_if(
        &mut self,
        name: &str,
        rules: Vec<SeccompRule>,
        action: Action,
        otherwise: Action,
    ) -> Result<(), FilterError> {
        let rules = rules.into_iter().map(|rule| (rule, action)).collect();
        self.calls
            .insert(call_number(name)?, Call { rules, otherwise });
        Ok(())
    }

    /// The program. A call of another architecture, or of x32, ends the process; a call newer
    /// than our table is answered `ENOSYS`, as by an older kernel, if the default allows.
    ///
    /// # Errors
    /// [`FilterError::TooLong`].
    pub fn compile(&self) -> Result<Vec<Instruction>, FilterError> {
        let mut program = vec![
            load(OFFSET_ARCH),
            jump(JUMP_EQUAL, ARCH, 1, 0),
            answer(Action::KillProcess),
            load(OFFSET_NUMBER),
        ];
        program.extend(search(&self.intervals()));
        if program.len() > 4096 {
            Err(FilterError::TooLong)
        } else {
            Ok(program)
        }
    }

    /// The number line cut into intervals, each with its first number and its code.
    fn intervals(&self) -> Vec<(u32, Vec<Instruction>)> {
        let mut intervals: Vec<(u32, Vec<Instruction>)> = Vec::new();
        let mut push = |start: u32, code: Vec<Instruction>| {
            if intervals.last().is_none_or(|(_, last)| *last != code) {
                intervals.push((start, code));
            }
        };
        let mut next = 0;
        for (&number, call) in &self.calls {
            if number > next {
                push(next, vec![answer(self.default)]);
            }
            push(number, leaf(call));
            next = number + 1;
        }
        push(next, vec![answer(self.default)]);
        if self.default == Action::Allow {
            push(last_known_call() + 1, vec![answer(Action::Errno(ENOSYS))]);
        }
        push(X32_BIT, vec![answer(Action::KillProcess)]);
        intervals
    }
}

const OFFSET_NUMBER: u32 = 0;
const OFFSET_ARCH: u32 = 4;
const X32_BIT: u32 = 0x4000_0000;
const ENOSYS: u16 = 38;
#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 0xc000_00b7;

const LOAD_WORD: u16 = 0x20;
const JUMP_ALWAYS: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_NOT_LESS: u16 = 0x35;
const RETURN: u16 = 0x06;

fn last_known_call() -> u32 {
    u32::try_from(Sysno::last().id()).unwrap_or(0)
}

fn load(offset: u32) -> Instruction {
    Instruction {
        code: LOAD_WORD,
        jt: 0,
        jf: 0,
        k: offset,
    }
}

fn jump(code: u16, k: u32, jt: u8, jf: u8) -> Instruction {
    Instruction { code, jt, jf, k }
}

fn answer(action: Action) -> Instruction {
    Instruction {
        code: RETURN,
        jt: 0,
        jf: 0,
        k: action.value(),
    }
}

/// A call's code. seccompiler's rule falls through to what follows it when it holds, and
/// jumps over exactly one instruction when it does not.
fn leaf(call: &Call) -> Vec<Instruction> {
    let mut code = Vec::new();
    for (rule, action) in &call.rules {
        let conditions = BpfProgram::from(rule.clone());
        code.extend(conditions.iter().map(|i| Instruction {
            code: i.code,
            jt: i.jt,
            jf: i.jf,
            k: i.k,
        }));
        code.push(answer(*action));
    }
    code.push(answer(call.otherwise));
    code
}

fn search(intervals: &[(u32, Vec<Instruction>)]) -> Vec<Instruction> {
    let (low, high) = intervals.split_at(intervals.len() / 2);
    let Some((pivot, _)) = high.first() else {
        return Vec::new();
    };
    if low.is_empty() {
        return high
            .first()
            .map(|(_, code)| code.clone())
            .unwrap_or_default();
    }
    let (low, high) = (search(low), search(high));
    let mut code = match u8::try_from(low.len()) {
        Ok(distance) => vec![jump(JUMP_NOT_LESS, *pivot, distance, 0)],
        Err(_) => vec![
            jump(JUMP_NOT_LESS, *pivot, 0, 1),
            jump(
                JUMP_ALWAYS,
                u32::try_from(low.len()).unwrap_or(u32::MAX),
                0,
                0,
            ),
        ],
    };
    code.extend(low);
    code.extend(high);
    code
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
