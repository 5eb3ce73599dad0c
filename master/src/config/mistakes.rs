//! Mistakes in configuration files: where, what, and what would be right; and how they are shown.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

/// Mistakes kept: a file with more is not meant as a configuration.
const MISTAKES_MAX: usize = 200;
/// Longest line shown in an excerpt, bytes: some files hold everything in one line.
const LINE_BYTES_MAX: usize = 400;

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    /// As it is shown.
    pub(super) path: PathBuf,
    /// Its text.
    pub(super) text: String,
}

/// A range of bytes in one of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Index of the file.
    pub(super) file: usize,
    /// First byte.
    pub(super) start: usize,
    /// One after the last byte.
    pub(super) end: usize,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    place: Option<Place>,
    /// What is wrong.
    title: String,
    /// What stands below the caret.
    label: String,
    /// What would be right.
    help: String,
    /// The line holds a secret and is not shown.
    secret: bool,
    /// The file is broken here: what else seems wrong in the line follows from it.
    syntax: bool,
}

/// Collects the mistakes of one run over the files.
#[derive(Debug)]
pub(super) struct Check<'a> {
    files: &'a [File],
    mistakes: RefCell<Vec<Mistake>>,
}

impl<'a> Check<'a> {
    pub(super) fn new(files: &'a [File]) -> Self {
        Self {
            files,
            mistakes: RefCell::default(),
        }
    }

    /// Notes a mistake at `place`. The same one is noted once, however often it is found.
    pub(super) fn wrong(
        &self,
        place: Place,
        title: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.note(Mistake {
            place: Some(place),
            title: title.into(),
            label: label.into(),
            help: help.into(),
            secret: false,
            syntax: false,
        });
    }

    /// Like [`Check::wrong`] where the line must not be shown.
    pub(super) fn wrong_secret(&self, place: Place, title: &str, help: &str) {
        self.note(Mistake {
            place: Some(place),
            title: title.to_owned(),
            label: String::new(),
            help: help.to_owned(),
            secret: true,
            syntax: false,
        });
    }

    /// Notes that a file is no TOML at `place`.
    pub(super) fn wrong_syntax(&self, place: Place, title: String) {
        self.note(Mistake {
            place: Some(place),
            title,
            label: String::new(),
            help: String::new(),
            secret: false,
            syntax: true,
        });
    }

    /// Notes a mistake of no place in a file.
    pub(super) fn wrong_anywhere(&self, title: impl Into<String>, help: impl Into<String>) {
        self.note(Mistake {
            place: None,
            title: title.into(),
            label: String::new(),
            help: help.into(),
            secret: false,
            syntax: false,
        });
    }

    fn note(&self, mistake: Mistake) {
        let mut all = self.mistakes.borrow_mut();
        if all.len() < MISTAKES_MAX && !all.contains(&mistake) {
            all.push(mistake);
        }
    }

    /// The first occurrence of `part` within `place`, else `place` itself.
    pub(super) fn narrow(&self, place: Place, part: &str) -> Place {
        let text = &self.files[place.file].text;
        let found = text
            .get(place.start..place.end)
            .and_then(|text| text.find(part));
        found.map_or(place, |at| Place {
            file: place.file,
            start: place.start + at,
            end: place.start + at + part.len(),
        })
    }

    /// `file:line` of a place.
    pub(super) fn show(&self, place: Place) -> String {
        let file = &self.files[place.file];
        format!(
            "{}:{}",
            file.path.display(),
            line_of(&file.text, place.start).0
        )
    }

    /// Takes over what another check of the same first file noted.
    pub(super) fn adopt(&self, other: Check<'_>) {
        for mistake in other.mistakes.into_inner() {
            self.note(mistake);
        }
    }

    /// Whether nothing was wrong so far.
    pub(super) fn is_clean(&self) -> bool {
        self.mistakes.borrow().is_empty()
    }

    /// What was wrong, in the order of the files.
    pub(super) fn finish(self) -> ConfigErrors {
        let mut mistakes = self.mistakes.into_inner();
        let line = |place: Place| {
            (
                place.file,
                line_of(&self.files[place.file].text, place.start).0,
            )
        };
        let places = mistakes.iter().filter(|mistake| mistake.syntax);
        let broken: Vec<_> = places
            .filter_map(|mistake| mistake.place.map(line))
            .collect();
        mistakes.retain(|mistake| {
            let place = mistake.place.map(line);
            mistake.syntax || place.is_none_or(|place| !broken.contains(&place))
        });
        mistakes.sort_by_key(|mistake| mistake.place);
        ConfigErrors {
            files: self.files.to_vec(),
            mistakes,
        }
    }
}

/// Every mistake of a configuration; displays as excerpts with carets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    files: Vec<File>,
    mistakes: Vec<Mistake>,
}

impl ConfigErrors {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.mistakes.len()
    }

    /// The mistakes one after the other, with colours for a terminal or without.
    #[must_use]
    pub fn render(&self, colours: bool) -> String {
        let renderer = if colours {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let shown: Vec<String> = self
            .mistakes
            .iter()
            .map(|mistake| self.render_one(mistake, &renderer))
            .collect();
        shown.join("\n\n")
    }

    fn render_one(&self, mistake: &Mistake, renderer: &Renderer) -> String {
        let title = Level::ERROR.primary_title(mistake.title.as_str());
        let mut group = Group::with_title(title);
        if let Some(place) = mistake.place {
            let file = &self.files[place.file];
            let path = file.path.display().to_string();
            let (number, line_start, line) = line_of(&file.text, place.start);
            if mistake.secret || line.len() > LINE_BYTES_MAX {
                let column = file.text[line_start..place.start].chars().count() + 1;
                let origin = Origin::path(path).line(number).char_column(column);
                group = group.element(origin);
            } else {
                let start = place.start.saturating_sub(line_start).min(line.len());
                let end = place.end.saturating_sub(line_start).min(line.len());
                let label = Some(mistake.label.as_str()).filter(|label| !label.is_empty());
                let caret = AnnotationKind::Primary
                    .span(start..end.max(start))
                    .label(label);
                let snippet = Snippet::source(line).line_start(number).path(path);
                group = group.element(snippet.annotation(caret));
            }
        }
        if !mistake.help.is_empty() {
            group = group.element(Level::HELP.message(mistake.help.as_str()));
        }
        renderer.render(&[group])
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for ConfigErrors {}

/// A path as it is shown: relative to where the command runs, when it lies below.
pub(super) fn shown_path(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_path_buf));
    below.unwrap_or_else(|| path.to_path_buf())
}

/// Number (from 1), first byte and text of the line that holds byte `at`.
fn line_of(text: &str, at: usize) -> (usize, usize, &str) {
    let at = text.floor_char_boundary(at);
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..]
        .find('\n')
        .map_or(text.len(), |newline| at + newline);
    let number = text[..start].matches('\n').count() + 1;
    (number, start, text[start..end].trim_end_matches('\r'))
}
