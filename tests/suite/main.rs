//! Behaviour tests, a module per area, in one binary.

mod formats;
mod golden;
