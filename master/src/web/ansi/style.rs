//! The style that colour escapes set: sixteen colours and five attributes, as class names. Finer
//! colours are shown as the nearest of the sixteen, since pages carry no style attributes.

use std::fmt;
use std::str::FromStr;

use anstyle_parse::Params;

/// Attributes by bit: bold, faint, italic, underline, reverse.
const ATTRIBUTES: [&str; 5] = ["ab", "ad", "ai", "au", "ar"];

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Style {
    /// 1 to 16 for a colour, 0 for none.
    front: u8,
    back: u8,
    /// Bits of [`ATTRIBUTES`].
    attributes: u8,
}

impl Style {
    pub(super) fn push_classes(self, html: &mut String) {
        let mut words: Vec<String> = Vec::new();
        if self.front > 0 {
            words.push(format!("f{}", self.front - 1));
        }
        if self.back > 0 {
            words.push(format!("b{}", self.back - 1));
        }
        for (bit, name) in ATTRIBUTES.iter().enumerate() {
            if self.attributes & (1 << bit) != 0 {
                words.push((*name).to_owned());
            }
        }
        html.push_str(&words.join(" "));
    }

    /// Applies the parameters of a `CSI … m`.
    pub(super) fn apply(&mut self, params: &Params) {
        let all: Vec<&[u16]> = params.iter().collect();
        let mut at = 0;
        while let Some(group) = all.get(at) {
            let code = group.first().copied().unwrap_or(0);
            if matches!(code, 38 | 48) {
                // `38;5;N` and `38;2;R;G;B` come as groups of one, `38:5:N` as one group.
                let own = group.len() > 1;
                let rest: Vec<u16> = if own {
                    group[1..].to_vec()
                } else {
                    all[at + 1..]
                        .iter()
                        .map(|g| g.first().copied().unwrap_or(0))
                        .collect()
                };
                let (color, used) = extended(&rest);
                let place = if code == 38 {
                    &mut self.front
                } else {
                    &mut self.back
                };
                *place = color.unwrap_or(*place);
                at += if own { 1 } else { 1 + used };
            } else {
                self.apply_one(code);
                at += 1;
            }
        }
    }

    fn apply_one(&mut self, code: u16) {
        let small = u8::try_from(code).unwrap_or(u8::MAX);
        match small {
            0 => *self = Self::default(),
            1 => self.attributes |= 1,
            2 => self.attributes |= 2,
            3 => self.attributes |= 4,
            4 => self.attributes |= 8,
            7 => self.attributes |= 16,
            22 => self.attributes &= !3,
            23 => self.attributes &= !4,
            24 => self.attributes &= !8,
            27 => self.attributes &= !16,
            30..=37 => self.front = small - 29,
            39 => self.front = 0,
            40..=47 => self.back = small - 39,
            49 => self.back = 0,
            90..=97 => self.front = small - 81,
            100..=107 => self.back = small - 91,
            _ => {}
        }
    }
}

/// The colour (1 to 16) of an extended sequence and how many parameters it used.
fn extended(rest: &[u16]) -> (Option<u8>, usize) {
    match rest {
        [5, n, ..] => (u8::try_from(*n).ok().map(of_256), 2),
        [2, r, g, b, ..] => (Some(nearest(*r, *g, *b)), 4),
        [kind, ..] => (None, usize::from(matches!(kind, 2 | 5))),
        [] => (None, 0),
    }
}

/// One of 256: sixteen names, a cube of 6 × 6 × 6, 24 greys.
fn of_256(n: u8) -> u8 {
    match n {
        0..16 => n + 1,
        16..232 => {
            let n = u16::from(n - 16);
            let level = |v: u16| if v == 0 { 0 } else { 55 + 40 * v };
            nearest(level(n / 36), level(n / 6 % 6), level(n % 6))
        }
        232.. => {
            let grey = 8 + 10 * u16::from(n - 232);
            nearest(grey, grey, grey)
        }
    }
}

/// The nearest of the sixteen by which channels are strong and how bright they are.
fn nearest(r: u16, g: u16, b: u16) -> u8 {
    let top = r.max(g).max(b);
    if top < 48 {
        return 1;
    }
    if top - r.min(g).min(b) < 32 {
        return match top {
            0..96 => 9,
            96..200 => 8,
            _ => 16,
        };
    }
    let strong = |v: u16| u8::from(v * 2 > top);
    let hue = strong(r) | strong(g) << 1 | strong(b) << 2;
    hue + 1 + if top > 200 { 8 } else { 0 }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.front, self.back, self.attributes)
    }
}

impl FromStr for Style {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text
            .split('.')
            .map(|part| part.parse::<u8>().map_err(|_| ()));
        let mut next = |max: u8| {
            parts
                .next()
                .unwrap_or(Err(()))
                .and_then(|n| if n <= max { Ok(n) } else { Err(()) })
        };
        let style = Self {
            front: next(16)?,
            back: next(16)?,
            attributes: next(31)?,
        };
        if parts.next().is_some() {
            Err(())
        } else {
            Ok(style)
        }
    }
}
