//! Inner products of a few queries with very many rows, and the rows that can be among the greatest of them.
//!
//! This is the exhaustive search behind a comparison with a whole gallery: every row is read once from memory for all
//! queries together, and products of a tile of rows and queries stay in registers. [`Queries::products`] writes the
//! products; [`Best`] keeps, without writing them, the rows that are needed to find the greatest exactly.
//!
//! It is not an index, and nothing is approximate: no row is left out. Products are single-precision sums, though, and
//! what finally decides is up to the caller, who takes the few rows that [`Best`] returns and computes their products
//! again in double precision.

mod best;
mod kernel;
mod queries;

pub use best::Best;
pub use queries::{LANE, Queries};
