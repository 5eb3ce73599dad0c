//! What targets mean: the operating system, processor and C library behind a target's text, and
//! the words that each family of update clients has for them. The only place that knows both.
//!
//! A target's text is free (`x86_64-linux`, `win-arm64`, `aarch64-apple-darwin`, `any`). A feed is
//! asked in the words of its client; [`choose`] finds the target of the branch that is meant.

/// Longest text that is looked at: no client's word comes near.
const TEXT_BYTES_MAX: usize = 200;

/// An operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Os {
    /// Linux.
    Linux,
    /// Windows.
    Windows,
    /// macOS.
    Macos,
    /// FreeBSD.
    Freebsd,
    /// Android.
    Android,
}

/// A processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arch {
    /// x86, 64 bits.
    X64,
    /// x86, 32 bits.
    X86,
    /// ARM, 64 bits.
    Arm64,
    /// ARM, 32 bits.
    Arm,
    /// RISC-V, 64 bits.
    Riscv64,
    /// Every processor of the system in one file.
    Universal,
}

/// A C library, where there are several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Libc {
    /// glibc on Linux, MinGW on Windows.
    Gnu,
    /// musl.
    Musl,
    /// Microsoft's.
    Msvc,
}

/// What a target's text says; what it does not say is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Target {
    /// Operating system.
    pub os: Option<Os>,
    /// Processor.
    pub arch: Option<Arch>,
    /// C library.
    pub libc: Option<Libc>,
}

impl Target {
    /// Reads a target, a Rust triple, a .NET runtime identifier or a client's words. Never fails:
    /// words that are not known say nothing.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
        let text = text.to_ascii_lowercase();
        let text = text.replace("x86_64", "x64").replace("x86-64", "x64");
        let mut target = Self::default();
        for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
            target.os = target.os.or_else(|| os(word));
            target.arch = target.arch.or_else(|| arch(word));
            target.libc = target.libc.or_else(|| libc(word));
        }
        target
    }

    /// How well a product for `self` suits an asker for `wanted`: lower is better, `None` is not
    /// at all.
    fn fit(self, wanted: Self) -> Option<u8> {
        let os = match (self.os, wanted.os) {
            (Some(own), Some(wanted)) if own == wanted => 0,
            (Some(_), Some(_)) => return None,
            (_, None) => 0,
            // For any system: after one that is for this one.
            (None, Some(_)) => 8,
        };
        let arch = match (self.arch, wanted.arch) {
            (Some(own), Some(wanted)) if own == wanted => 0,
            (Some(Arch::Universal), _) => 1,
            (Some(_), Some(_)) => return None,
            // Nothing was said: what most machines are.
            (Some(Arch::X64), None) => 0,
            (Some(_), None) => 3,
            (None, _) => 2,
        };
        let libc = match (self.libc, wanted.libc) {
            (Some(own), Some(wanted)) if own != wanted => return None,
            (None, Some(_)) | (Some(Libc::Musl), None) => 1,
            _ => 0,
        };
        // The system counts most, then the processor, then the library.
        Some(os + arch * 2 + libc)
    }

    /// electron's word for the processor, as in `process.arch` of Node.
    #[must_use]
    pub fn electron_arch(self) -> &'static str {
        match self.arch {
            Some(Arch::X64) | None => "x64",
            Some(Arch::X86) => "ia32",
            Some(Arch::Arm64) => "arm64",
            Some(Arch::Arm) => "armv7l",
            Some(Arch::Riscv64) => "riscv64",
            Some(Arch::Universal) => "universal",
        }
    }

    /// The value of `sparkle:os`, where the clients know one.
    #[must_use]
    pub fn sparkle_os(self) -> Option<&'static str> {
        match (self.os?, self.arch) {
            (Os::Macos, _) => Some("macos"),
            (Os::Windows, Some(Arch::X64)) => Some("windows-x64"),
            (Os::Windows, Some(Arch::X86)) => Some("windows-x86"),
            (Os::Windows, Some(Arch::Arm64)) => Some("windows-arm64"),
            (Os::Windows, _) => Some("windows"),
            (Os::Linux, _) => Some("linux"),
            (Os::Freebsd | Os::Android, _) => None,
        }
    }
}

fn os(word: &str) -> Option<Os> {
    Some(match word {
        "linux" => Os::Linux,
        "windows" | "win" | "win32" | "win64" | "mingw" => Os::Windows,
        "macos" | "mac" | "osx" | "darwin" => Os::Macos,
        "freebsd" => Os::Freebsd,
        "android" => Os::Android,
        _ => return None,
    })
}

fn arch(word: &str) -> Option<Arch> {
    Some(match word {
        "x64" | "amd64" | "win64" => Arch::X64,
        "x86" | "i386" | "i486" | "i586" | "i686" | "ia32" => Arch::X86,
        "aarch64" | "arm64" => Arch::Arm64,
        "arm" | "armhf" | "armv6" | "armv7" | "armv7l" | "armv7a" => Arch::Arm,
        "riscv64" | "riscv64gc" => Arch::Riscv64,
        "universal" | "universal2" => Arch::Universal,
        _ => return None,
    })
}

fn libc(word: &str) -> Option<Libc> {
    Some(match word {
        "gnu" | "glibc" | "gnueabi" | "gnueabihf" => Libc::Gnu,
        "musl" | "musleabi" | "musleabihf" => Libc::Musl,
        "msvc" => Libc::Msvc,
        _ => return None,
    })
}

/// The target of a branch that an asker for `wanted` means: the one with the very text, else the
/// one that suits best, the first by name among equals.
#[must_use]
pub fn choose<'a>(known: &'a [String], wanted: &str) -> Option<&'a str> {
    if let Some(same) = known.iter().find(|target| *target == wanted) {
        return Some(same);
    }
    let wanted = Target::parse(wanted);
    if wanted == Target::default() {
        return None;
    }
    let fit = |target: &&'a String| {
        Target::parse(target)
            .fit(wanted)
            .map(|rank| (rank, *target))
    };
    known
        .iter()
        .filter_map(|target| fit(&target))
        .min()
        .map(|(_, target)| target.as_str())
}

/// Every target of a branch for the system that `wanted` names, the best first; with a processor
/// in `wanted` only those for it.
#[must_use]
pub fn all_for<'a>(known: &'a [String], wanted: &str) -> Vec<&'a str> {
    let wanted = Target::parse(wanted);
    if wanted == Target::default() {
        return Vec::new();
    }
    let ranked = |target: &'a String| {
        let rank = Target::parse(target).fit(wanted)?;
        Some((rank, target.as_str()))
    };
    let mut all: Vec<_> = known.iter().filter_map(ranked).collect();
    all.sort_unstable();
    all.into_iter().map(|(_, target)| target).collect()
}

/// What electron-updater asks for: `latest.yml` is Windows, `latest-mac.yml` macOS,
/// `latest-linux.yml` Linux on x64, `latest-linux-arm64.yml` Linux on that processor; any channel
/// may stand for `latest`. `None` for what is no such file.
#[must_use]
pub fn electron_file(name: &str) -> Option<&'static str> {
    let stem = name.strip_suffix(".yml")?;
    if stem.ends_with("-mac") {
        return Some("macos");
    }
    if stem.ends_with("-linux") {
        return Some("linux-x64");
    }
    let Some((front, arch)) = stem.rsplit_once('-') else {
        return (!stem.is_empty()).then_some("windows");
    };
    if !front.ends_with("-linux") {
        return Some("windows");
    }
    Some(match arch {
        "arm64" => "linux-arm64",
        "arm" | "armv7l" => "linux-arm",
        "ia32" => "linux-ia32",
        "riscv64" => "linux-riscv64",
        "x64" => "linux-x64",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
