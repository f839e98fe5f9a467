//! Behaviour tests, a module per area, in one binary.

mod check;
mod command_line;
mod evaluate;
mod features;
mod formats;
mod golden;
mod inspect;
mod program;
