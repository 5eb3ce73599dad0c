//! What is kept and why, what may be collected, when plans are made and how the store grows. Pure:
//! rows are read by `db::retention`, everything is done by `collector`.
//!
//! A product is kept for [`Reasons`]. Some are seen in the rows that refer to it
//! ([`Reasons::REFERENCES`]), which the database tells; the others follow from its place among the
//! products of its branch and target and from its [`Terms`], and are found by a [`Walk`] from the
//! newest to the oldest.

mod forecast;
mod policies;
mod reasons;
mod timetable;
mod walk;

pub use forecast::forecast;
pub use policies::{Policies, PolicyError, Terms};
pub use reasons::Reasons;
pub use timetable::next_run;
pub use walk::{Branch, Facts, Judged, Walk};

#[cfg(test)]
mod tests;
