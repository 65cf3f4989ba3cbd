//! The tree is compared, call by call, with a plain reading of the policy and with
//! seccompiler's own program, on an interpreter of the few instructions both use.

use super::*;
use seccompiler::{SeccompAction, SeccompFilter};

struct Data {
    number: u32,
    arch: u32,
    arguments: [u64; 6],
}

impl Data {
    fn word(&self, offset: u32) -> u32 {
        match offset {
            0 => self.number,
            4 => self.arch,
            8 | 12 => 0,
            _ => {
                let (index, high) = ((offset - 16) / 8, (offset - 16) % 8 == 4);
                let argument = self.arguments[index as usize];
                if high {
                    (argument >> 32) as u32
                } else {
                    argument as u32
                }
            }
        }
    }
}

fn run(program: &[Instruction], data: &Data) -> u32 {
    let (mut at, mut accumulator) = (0_usize, 0_u32);
    loop {
        let i = program[at];
        at += 1;
        let mut branch = |taken: bool| at += usize::from(if taken { i.jt } else { i.jf });
        match i.code {
            0x20 => accumulator = data.word(i.k),
            0x54 => accumulator &= i.k,
            0x05 => at += i.k as usize,
            0x15 => branch(accumulator == i.k),
            0x25 => branch(accumulator > i.k),
            0x35 => branch(accumulator >= i.k),
            0x06 => return i.k,
            other => panic!("instruction {other:#x}"),
        }
    }
}

fn equals(argument: u8, value: u64) -> SeccompRule {
    super::equals(argument, value).unwrap()
}

#[test]
fn every_call_is_answered_as_the_policy_says() {
    let mut filter = Filter::new(Action::Allow);
    filter
        .set(["mount", "umount2", "bpf", "read"], Action::Errno(1))
        .unwrap();
    filter.set(["ptrace"], Action::KillProcess).unwrap();
    let rules = vec![equals(0, 3), equals(0, 5)];
    filter
        .set_if("recvmsg", rules, Action::Allow, Action::Errno(13))
        .unwrap();
    let program = filter.compile().unwrap();
    for number in 0..1200 {
        for argument in [0, 3, 4, 5, 3 | 1 << 32] {
            let data = Data {
                number,
                arch: ARCH,
                arguments: [argument; 6],
            };
            let expected = match Sysno::new(number as usize).map(|call| call.name()) {
                Some("mount" | "umount2" | "bpf" | "read") => Action::Errno(1),
                Some("ptrace") => Action::KillProcess,
                Some("recvmsg") if ![3, 5].contains(&(argument as u32)) => Action::Errno(13),
                _ if number > last_known_call() => Action::Errno(ENOSYS),
                _ => Action::Allow,
            };
            assert_eq!(
                run(&program, &data),
                expected.value(),
                "call {number}({argument})"
            );
        }
    }
}

#[test]
fn other_architectures_and_x32_end_the_process() {
    let program = Filter::new(Action::Allow).compile().unwrap();
    for (number, arch) in [
        (1, 0x4000_0003),
        (X32_BIT, ARCH),
        (X32_BIT + 59, ARCH),
        (u32::MAX, ARCH),
    ] {
        let data = Data {
            number,
            arch,
            arguments: [0; 6],
        };
        assert_eq!(run(&program, &data), Action::KillProcess.value());
    }
}

#[test]
fn the_tree_answers_as_seccompilers_program() {
    let names: Vec<&str> = Sysno::iter().step_by(3).map(|call| call.name()).collect();
    let mut tree = Filter::new(Action::Errno(1));
    tree.set(names.iter().copied(), Action::Allow).unwrap();
    tree.set_if(
        "fcntl",
        vec![equals(1, 3), equals(1, 4)],
        Action::Allow,
        Action::Errno(1),
    )
    .unwrap();
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = names
        .iter()
        .map(|name| (i64::from(call_number(name).unwrap()), vec![]))
        .collect();
    rules.insert(
        i64::from(call_number("fcntl").unwrap()),
        vec![equals(1, 3), equals(1, 4)],
    );
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let allow = SeccompAction::Allow;
    let filter = SeccompFilter::new(rules, SeccompAction::Errno(1), allow, arch).unwrap();
    let linear: BpfProgram = filter.try_into().unwrap();
    let linear: Vec<Instruction> = linear
        .iter()
        .map(|i| Instruction {
            code: i.code,
            jt: i.jt,
            jf: i.jf,
            k: i.k,
        })
        .collect();
    let tree = tree.compile().unwrap();
    for number in 0..600 {
        for argument in 0..6 {
            let data = Data {
                number,
                arch: ARCH,
                arguments: [argument; 6],
            };
            assert_eq!(
                run(&tree, &data),
                run(&linear, &data),
                "call {number}({argument})"
            );
        }
    }
}

#[test]
fn a_name_that_is_none_is_said() {
    let mut filter = Filter::new(Action::Allow);
    let error = filter.set(["read", "fly"], Action::Errno(1)).unwrap_err();
    assert_eq!(error.to_string(), "unknown system call `fly`");
}
