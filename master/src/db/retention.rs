//! Collection in the database: what refers to products, plans, the trash, the life of stored files,
//! figures, and the ends of what grows. Decisions are `retention`'s, files are `storage`'s.

pub mod apply;
pub mod figures;
pub mod files;
pub mod holds;
pub mod horizons;
pub mod plans;
mod roots;
pub mod scan;
pub mod trash;
pub mod why;

#[cfg(test)]
mod tests;
