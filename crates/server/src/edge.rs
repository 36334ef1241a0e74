//! The edge for whom it may concern: what takes TCP connections, lets them in, shakes hands and bounds every frame,
//! whatever is spoken behind it. The desk is one [`Host`]; `examples/echo.rs` is another.

pub use crate::accept::{Asked, Host, Upgraded, accept, bind};
pub use crate::activity::Place;
pub use crate::connection::socket::{End, Incoming, Socket};
pub use crate::gate::{Gate, Permit};
