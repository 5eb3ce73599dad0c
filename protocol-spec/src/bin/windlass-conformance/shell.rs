//! The few things that cases have commands do, for `sh` and for `cmd`.

/// The shell of the agent's machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shell {
    Sh,
    Cmd,
}

impl Shell {
    /// The shell for an `os` of a HELLO.
    pub(crate) fn of_os(os: &str) -> Self {
        match os {
            "windows" => Self::Cmd,
            _ => Self::Sh,
        }
    }

    /// Its name in `shell`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sh => "sh",
            Self::Cmd => "cmd",
        }
    }

    /// One of two texts.
    pub(crate) fn either(self, sh: impl Into<String>, cmd: impl Into<String>) -> String {
        match self {
            Self::Sh => sh.into(),
            Self::Cmd => cmd.into(),
        }
    }

    /// A script of these lines.
    pub(crate) fn script(self, lines: &[String]) -> String {
        match self {
            Self::Sh => lines.join("\n") + "\n",
            Self::Cmd => format!("@echo off\r\n{}\r\n", lines.join("\r\n")),
        }
    }

    /// Writes a word and a line end to output.
    pub(crate) fn say(self, word: &str) -> String {
        self.either(format!("echo {word}"), format!("echo {word}"))
    }

    /// Writes a word and a line end to error output.
    pub(crate) fn complain(self, word: &str) -> String {
        self.either(format!("echo {word} >&2"), format!("echo {word}>&2"))
    }

    /// Adds a line to a file.
    pub(crate) fn mark(self, file: &str) -> String {
        self.either(format!("echo x >> {file}"), format!("echo x>>{file}"))
    }

    /// Ends with a code.
    pub(crate) fn exit(self, code: u32) -> String {
        self.either(format!("exit {code}"), format!("exit /b {code}"))
    }

    /// Writes a file to output.
    pub(crate) fn show(self, file: &str) -> String {
        self.either(format!("cat {file}"), format!("type {file}"))
    }

    /// Does nothing for ten minutes.
    pub(crate) fn sleep(self) -> String {
        self.either("sleep 600", "ping -n 600 127.0.0.1 >nul")
    }

    /// Waits until a file exists.
    pub(crate) fn wait_for(self, file: &str) -> String {
        self.either(
            format!("while [ ! -e {file} ]; do sleep 0.05; done"),
            format!(
                ":wait_{file}\r\nif not exist {file} (ping -n 2 127.0.0.1 >nul & goto wait_{file})"
            ),
        )
    }

    /// Writes a variable's value and a line end.
    pub(crate) fn variable(self, name: &str) -> String {
        self.either(format!("echo \"${name}\""), format!("echo %{name}%"))
    }

    /// Copies input to output.
    pub(crate) fn copy_input(self) -> String {
        self.either("cat", "findstr \"^\"")
    }

    /// A line as this shell ends it.
    pub(crate) fn line(self, text: &str) -> Vec<u8> {
        self.either(format!("{text}\n"), format!("{text}\r\n"))
            .into_bytes()
    }
}
