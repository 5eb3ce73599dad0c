//! What the tests have an agent on Windows start: a program that tells what it was given, starts
//! others, and does not end. Made by `tests/run`, with rustc alone.

#![allow(unsafe_code, reason = "system calls that std does not offer")]

use std::io::{Read, Write};
use std::os::windows::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

unsafe extern "system" {
    fn SetConsoleCtrlHandler(
        handler: Option<unsafe extern "system" fn(u32) -> i32>,
        add: i32,
    ) -> i32;
}

static ASKED: AtomicBool = AtomicBool::new(false);

unsafe extern "system" fn on_control(_event: u32) -> i32 {
    ASKED.store(true, Ordering::SeqCst);
    1
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

fn linger() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(600));
    }
}

/// Starts itself with these words, as nobody's child to wait for.
fn start(words: &[&str], flags: u32) -> std::io::Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(words).creation_flags(flags).spawn().map(drop)
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        // Each argument as it came, in hexadecimal.
        ["words", ..] => {
            for word in std::env::args_os().skip(2) {
                let bytes = word.as_encoded_bytes().iter();
                say(&bytes.map(|byte| format!("{byte:02x}")).collect::<String>());
            }
        }
        // Every spelling of a variable, with its value.
        ["environment", name] => {
            for (its, value) in std::env::vars_os() {
                if its.eq_ignore_ascii_case(name) {
                    say(&value.to_string_lossy());
                }
            }
        }
        ["here"] => say(&std::env::current_dir().unwrap().to_string_lossy()),
        ["copy"] => {
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes).unwrap();
            std::io::stdout().lock().write_all(&bytes).unwrap();
        }
        ["exit", status] => std::process::exit(status.parse::<u32>().unwrap().cast_signed()),
        // A chain of processes that all stay; `token` finds them.
        ["tree", token, depth] => {
            let depth: u32 = depth.parse().unwrap();
            if depth > 0 {
                start(&["tree", token, &(depth - 1).to_string()], 0).unwrap();
            }
            say(&format!("depth {depth}"));
            linger();
        }
        // Waits for a file, then writes so many lines.
        ["lines-after", file, count] => {
            say("out");
            while !std::path::Path::new(file).exists() {
                std::thread::sleep(Duration::from_millis(5));
            }
            (0..count.parse().unwrap()).for_each(|line: u32| say(&format!("line {line}")));
            return ExitCode::from(7);
        }
        // Leaves a child that holds the output.
        ["leave", token] => start(&["tree", token, "0"], 0).unwrap(),
        // Leaves a child that holds nothing.
        ["leave-quiet", token] => {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["tree", token, "0"]);
            command.stdin(Stdio::null()).stdout(Stdio::null());
            command.stderr(Stdio::null()).spawn().map(drop).unwrap();
        }
        // A child that wants out of the job.
        ["break-away", token] => {
            const BREAKAWAY_FROM_JOB: u32 = 0x0100_0000;
            match start(&["tree", token, "0"], BREAKAWAY_FROM_JOB) {
                Ok(()) => say("started"),
                Err(error) => say(&format!("refused: {:?}", error.raw_os_error())),
            }
        }
        ["polite" | "patient", ..] => {
            // SAFETY: the handler is a function of this program and stays.
            unsafe { SetConsoleCtrlHandler(Some(on_control), 1) };
            say("ready");
            while !ASKED.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(5));
            }
            say("asked");
            if words[0] == "patient" {
                linger();
            }
            return ExitCode::from(7);
        }
        ["crash"] => {
            // SAFETY: none; that is the point.
            unsafe { std::ptr::without_provenance_mut::<u32>(8).write_volatile(1) };
        }
        _ => return ExitCode::from(99),
    }
    ExitCode::SUCCESS
}
